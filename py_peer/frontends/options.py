"""Every option, in one table: the parser, the environment, the file, the documents and the completions come from it.

An option that is `kept` may be a flag, a variable of the environment and a key of the configuration file, and is
checked by the same function wherever it comes from.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from py_peer.frontends import checks
from py_peer.frontends.option import Option

NETWORKS: Final = ("none", "ipfs", "ipfs-lan", "kusama", "polkadot", "ursa")
"""Those of `networks.toml`, which is not read for a `--help`."""

ONESHOT_TIMEOUT: Final = 30.0
"""Seconds that --oneshot waits for a peer, and that a sub-command may take."""

WIRES: Final = ("raw", "gnostr")
SHELLS: Final = ("bash", "zsh", "fish")
THEMES: Final = (
    *("textual-dark", "textual-light", "nord", "gruvbox", "catppuccin-mocha", "dracula", "tokyo-night", "monokai"),
    *("flexoki", "catppuccin-latte", "catppuccin-frappe", "catppuccin-macchiato", "solarized-light"),
    *("solarized-dark", "rose-pine", "rose-pine-moon", "rose-pine-dawn", "atom-one-dark", "atom-one-light"),
    *("ansi-dark", "ansi-light"),
)
"""Textual's own; asking it would cost a quarter of a second."""


GROUPS: Final = {
    "you and the network": (
        Option(
            "nick",
            "your nickname",
            ("--nick",),
            "NAME",
            default="",
            default_text="one is generated",
            aliases=("--name",),
        ),
        Option(
            "connect",
            "multiaddr of a peer to connect to, with or without /p2p/... at its end",
            ("-c", "--connect"),
            "ADDR",
            checks.address,
            default=(),
            many=True,
            adds_up=True,
            second_variable="REMOTE_PEER",
            aliases=("--peer",),
        ),
        Option(
            "port",
            "TCP and UDP port to listen on",
            ("-p", "--port"),
            "PORT",
            checks.port,
            0,
            default_text="a free one",
            kind=int,
        ),
        Option("quic", "listen on TCP alone, without QUIC on the UDP port", ("--no-quic",), default=True, kind=bool),
        Option(
            "topic",
            "a topic to join beside the room, HEAD for the commit checked out here; what you say goes to the last one",
            ("--topic",),
            "NAME",
            checks.topic,
            default=(),
            many=True,
            never_blank=True,  # what is said would go to the room
        ),
        Option(
            "wire",
            "what is spoken on topics beside the room: raw text as in the room, or gnostr's own chat",
            ("--wire",),
            "WIRE",
            checks.one_of(WIRES),
            default="raw",
            default_text="raw",
            choices=WIRES,
        ),
        Option("intro", "do not say hello when the first peer comes", ("--no-intro",), default=True, kind=bool),
        Option(
            "identity",
            "the file with your key, made when it is missing",
            ("--identity",),
            "FILE",
            checks.file,
            default_text="identity.key in the data folder",
            is_file=True,
        ),
        Option("ephemeral", "a new peer ID for this run; none is kept", ("--ephemeral",), default=False, kind=bool),
        Option(
            "secret_key_seed",
            "run with the test key of this number, from 0 to 255; everybody can make it, and speak in its name",
            ("--secret-key-seed",),
            "NUMBER",
            checks.seed,
            kept=False,
            kind=int,
        ),
    ),
    "being reached": (
        Option(
            "listen",
            "multiaddr to listen on, like /ip4/0.0.0.0/tcp/4001, in place of --port",
            ("--listen",),
            "ADDR",
            checks.place,
            default=(),
            default_text="all interfaces",
            many=True,
            aliases=("--listen-address",),
        ),
        Option(
            "announce",
            "multiaddr under which others reach you, for them to be told first, like /ip4/192.0.2.7/tcp/4001",
            ("--announce",),
            "ADDR",
            checks.dialled,
            default=(),
            many=True,
        ),
        Option(
            "ws",
            "tell others, and browsers, that WebSockets are answered on your TCP port; with PORT, on that one, too",
            ("--ws",),
            "PORT",
            checks.port,
            default=False,
            bare=True,
            kind=int,
        ),
        Option(
            "wss_cert",
            "certificate in PEM for WebSockets inside TLS; taken anew when the file changes",
            ("--wss-cert",),
            "FILE",
            checks.file,
            is_file=True,
        ),
        Option("wss_key", "the key that belongs to it, in PEM", ("--wss-key",), "FILE", checks.file, is_file=True),
        Option("upnp", "ask no router to pass your port on (UPnP)", ("--no-upnp",), default=True, kind=bool),
        Option(
            "relay",
            "multiaddr of a relay through which others reach you while nothing else leads to you",
            ("--relay",),
            "ADDR",
            checks.relay,
            default=(),
            many=True,
            adds_up=True,
        ),
        Option(
            "relay_server",
            "be a relay, within limits, for those whom nothing else leads to",
            ("--relay-server",),
            default=False,
            kind=bool,
        ),
    ),
    "finding others": (
        Option(
            "mdns",
            "neither look for peers in the local network nor be found there",
            ("--no-mdns",),
            default=True,
            kind=bool,
        ),
        Option(
            "mdns_interface",
            "an interface for mDNS, also one that is loopback or a tunnel",
            ("--mdns-interface",),
            "NAME",
            checks.interface,
            default=(),
            default_text="every one that is up",
            many=True,
        ),
        Option(
            "discovery",
            "neither announce yourself in the discovery topic nor dial who does",
            ("--no-discovery",),
            default=True,
            kind=bool,
        ),
        Option(
            "bootstrap",
            "multiaddr of a Kademlia bootstrap peer; without any, and without --kademlia or --network, the chat has no "
            "Kademlia",
            ("--bootstrap",),
            "ADDR",
            checks.address,
            default=(),
            many=True,
            adds_up=True,
            second_variable="BOOTSTRAP_PEERS",
        ),
        Option(
            "kademlia",
            "take part in Kademlia without a bootstrap peer, so that others can name this one",
            ("--kademlia",),
            default=False,
            kind=bool,
            aliases=("--dht",),
        ),
        Option(
            "network",
            "take part in the Kademlia of a network that `py-peer network list` shows, by way of its bootstrap peers",
            ("--network",),
            "NAME",
            checks.one_of(NETWORKS),
            default="none",
            default_text="none",
            choices=NETWORKS,
        ),
        Option(
            "remember",
            "keep no addresses of peers for the next run, and try none of the last (as with --ephemeral)",
            ("--no-remember",),
            default=True,
            kind=bool,
        ),
    ),
    "what is exchanged": (
        Option(
            "downloads",
            "the folder that files are fetched into",
            ("--downloads",),
            "FOLDER",
            checks.file,
            default_text="the system's folder for downloads",
            is_folder=True,
        ),
        Option(
            "auto_get",
            "fetch what is offered without being asked, up to this size, like 10 MB",
            ("--auto-get",),
            "SIZE",
            checks.size,
            default="0",
            default_text="0, nothing is",
        ),
        Option(
            "strangers",
            "refuse direct messages of peers to whom you have not written",
            ("--no-strangers",),
            default=True,
            kind=bool,
        ),
    ),
    "Nostr": (
        Option(
            "nostr",
            "announce your key of Nostr with your nickname, signed by both keys, so that others see that it is yours",
            ("--nostr",),
            default=False,
            kind=bool,
        ),
        Option(
            "nostr_key",
            "the file with your key of Nostr, an nsec; PY_PEER_NSEC may hold the key itself",
            ("--nostr-key",),
            "FILE",
            checks.file,
            default_text="nostr.key in the data folder",
            is_file=True,
        ),
        Option(
            "nostr_relay",
            "URL of a relay of Nostr, like wss://relay.example; nothing is asked of it until you say so",
            ("--nostr-relay",),
            "URL",
            checks.nostr_relay,
            default=(),
            many=True,
        ),
    ),
    "what is shown": (
        Option(
            "ui",
            "the full screen: panels, mouse, scrolling back (wins over --headless)",
            ("--ui",),
            default=False,
            kind=bool,
        ),
        Option("headless", "no input, a line of output for each event", ("--headless",), default=False, kind=bool),
        Option(
            "demo",
            "the full screen with some company of this machine's own; no network",
            ("--demo",),
            default=False,
            kept=False,
            kind=bool,
        ),
        Option(
            "theme",
            "colours of the full screen, by the name that Ctrl-P shows",
            ("--theme",),
            "NAME",
            checks.one_of(THEMES),
            choices=THEMES,
        ),
        Option(
            "bell",
            "do not ring, on the full screen, when somebody names you or writes to you alone",
            ("--no-bell",),
            default=True,
            kind=bool,
        ),
        Option(
            "notify",
            "do not have the desktop tell you, from the full screen, when somebody names you or writes to you alone",
            ("--no-notify",),
            default=True,
            kind=bool,
        ),
    ),
    "for scripts": (
        Option(
            "json",
            "a JSON object for each event, and commands as objects on standard input",
            ("--json",),
            default=False,
            kept=False,
            kind=bool,
        ),
        Option("oneshot", "wait for a peer, send TEXT, and leave", ("-1", "--oneshot"), "TEXT", kept=False),
        Option(
            "timeout",
            "how long --oneshot waits for a peer, and what a command may take",
            ("--timeout",),
            "SECONDS",
            checks.seconds,
            ONESHOT_TIMEOUT,
            kind=float,
        ),
        Option(
            "metrics",
            "serve statistics as Prometheus text; PORT alone is on 127.0.0.1",
            ("--metrics",),
            "HOST:PORT",
            checks.host_and_port,
            default_text="not served",
        ),
        Option(
            "stock_net",
            "run on py-libp2p's own classes instead of py-peer's, for comparing: slower, and out of order at times",
            ("--stock-net",),
            default=False,
            kept=False,
            kind=bool,
        ),
        Option("verbose", "debug logging, on stderr or in --log-file", ("-v", "--verbose"), default=False, kind=bool),
        Option("log_file", "append the log to FILE", ("--log-file",), "FILE", checks.file, is_file=True),
    ),
    "configuration": (
        Option(
            "config",
            "the file with your own defaults",
            ("--config",),
            "FILE",
            checks.file,
            default_text="config.toml in the configuration folder",
            kept=False,
            is_file=True,
        ),
        Option(
            "print_config", "show what holds, and from where, and leave", ("--print-config",), default=False, kept=False
        ),
        Option(
            "print_completion",
            "show what makes a shell complete these options, and leave",
            ("--print-completion",),
            "SHELL",
            checks.one_of(SHELLS),
            kept=False,
            choices=SHELLS,
        ),
        Option("version", "show the version, and leave", ("--version",), kept=False, action="version"),
        Option("help", "show this, and leave", ("-h", "--help"), kept=False, action="help"),
    ),
}
"""The options under the headings of `--help`, in its order."""

OPTIONS: Final = {option.name: option for options in GROUPS.values() for option in options}
KEPT: Final = {name: option for name, option in OPTIONS.items() if option.kept}
"""The keys of the configuration file."""

SHARED: Final = OPTIONS | {
    "json": replace(OPTIONS["json"], help="answers and results as JSON objects, one a line"),
    "timeout": replace(OPTIONS["timeout"], help="how long it may take, or, of git publish, to begin"),
    "topic": replace(OPTIONS["topic"], help="a topic to join"),
}
"""The options as sub-commands take them."""

NODE: Final = (
    *("json", "timeout", "connect", "bootstrap", "kademlia", "network", "identity", "ephemeral", "secret_key_seed"),
    *("port", "quic", *(option.name for option in GROUPS["being reached"])),
    *("mdns", "mdns_interface", "remember", "metrics", "stock_net", "verbose", "log_file", "config"),
)
"""What a sub-command takes that runs a peer."""


def markdown_table() -> str:
    """Return the README's table."""
    lines = ["| option | variable | key | meaning |", "|---|---|---|---|"]
    for option in OPTIONS.values():
        variables = ", ".join(f"`{name}`" for name in option.variables)
        key = f"`{option.name}`" if option.kept else ""
        lines.append(f"| {option.usage} | {variables} | {key} | {option.full_help} |")
    return "\n".join(lines) + "\n"
