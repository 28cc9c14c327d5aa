"""Every option, in one table: the parser, the environment, the file, the documents and the completions come from it.

An option that is `kept` may be a flag, a variable of the environment and a key of the configuration file, and is
checked by the same function wherever it comes from.
"""

from __future__ import annotations

import math
import os
from argparse import ArgumentTypeError
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PORT: Final = 65_535
MAX_TIMEOUT: Final = 86_400.0
MAX_INTERFACE_CHARS: Final = 256
"""Windows has names of so many."""

ONESHOT_TIMEOUT: Final = 30.0
"""Seconds that --oneshot waits for a peer."""

SHELLS: Final = ("bash", "zsh", "fish")
THEMES: Final = (
    *("textual-dark", "textual-light", "nord", "gruvbox", "catppuccin-mocha", "dracula", "tokyo-night", "monokai"),
    *("flexoki", "catppuccin-latte", "catppuccin-frappe", "catppuccin-macchiato", "solarized-light"),
    *("solarized-dark", "rose-pine", "rose-pine-moon", "rose-pine-dawn", "atom-one-dark", "atom-one-light"),
    *("ansi-dark", "ansi-light"),
)
"""Textual's own; asking it would cost a quarter of a second."""

PREFIX: Final = "PY_PEER_"
"""Of our variables in the environment."""

YES: Final = ("1", "true", "yes", "on")
NO: Final = ("0", "false", "no", "off")


def _text(text: str) -> str:
    return text


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_PORT)) and int(text) <= MAX_PORT:
        return int(text)
    msg = f"{text[:40]!r} is not a port: it is a number from 1 to {MAX_PORT}, or 0 for a free one"
    raise ArgumentTypeError(msg)


def _address(text: str) -> str:
    from py_peer.core.addresses import AddressError, parse_named_address  # noqa: PLC0415 - needed only now

    try:
        return parse_named_address(text).text
    except AddressError as error:
        raise ArgumentTypeError(str(error)) from error


def _place(text: str) -> str:
    from py_peer.core.addresses import AddressError  # noqa: PLC0415 - needed only now
    from py_peer.core.listening import parse_listen_address  # noqa: PLC0415

    try:
        return parse_listen_address(text).text
    except AddressError as error:
        raise ArgumentTypeError(str(error)) from error


def _interface(text: str) -> str:
    if 0 < len(text) <= MAX_INTERFACE_CHARS and text.isprintable() and "/" not in text:
        return text
    msg = f"{text[:40]!r} is not the name of an interface, like eth0"
    raise ArgumentTypeError(msg)


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        msg = f"{text[:80]!r} is not HOST:PORT: an IPv6 address stands in brackets, like [::1]:9100"
        raise ArgumentTypeError(msg)
    host = host or "127.0.0.1"
    if any(char.isspace() or char in "/[]" for char in host):
        msg = f"{text[:80]!r} is not HOST:PORT, like 127.0.0.1:9100"
        raise ArgumentTypeError(msg)
    return host, _port(port)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if 0 < seconds <= MAX_TIMEOUT:
        return seconds
    msg = f"{text[:40]!r} is not a time: it is a number of seconds above 0, {MAX_TIMEOUT:.0f} at most"
    raise ArgumentTypeError(msg)


def _file(text: str) -> str:
    if text:
        return os.path.expanduser(text)  # noqa: PTH111 - nothing heavy is imported here
    msg = "it names no file"
    raise ArgumentTypeError(msg)


def _size(text: str) -> str:
    from py_peer.core.sizes import read_size  # noqa: PLC0415 - needed only now

    if read_size(text) is not None:
        return text.strip()
    msg = f"{text[:40]!r} is not a size, like 10 MB, or 0 for nothing"
    raise ArgumentTypeError(msg)


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text in choices:
            return text
        advice = did_you_mean(text, choices) or f"; there are {', '.join(choices)}"
        msg = f"{text[:40]!r} is not known{advice}"
        raise ArgumentTypeError(msg)

    return check


def did_you_mean(word: str, known: tuple[str, ...], prefix: str = "") -> str:
    """Return "; did you mean …?" with the nearest of `known`, or "" when none is near.

    With `prefix` it is shown as a variable is.
    """
    import difflib  # noqa: PLC0415 - needed only now

    near = difflib.get_close_matches(word[:40].lower(), known, 1)
    shown = [f"{prefix}{word.upper()}" if prefix else word for word in near]
    return f"; did you mean {shown[0]!r}?" if shown else ""


def _dialled(text: str) -> str:
    from py_peer.core.addresses import AddressError, parse_dial_address  # noqa: PLC0415 - needed only now

    try:
        return parse_dial_address(text).text
    except AddressError as error:
        raise ArgumentTypeError(str(error)) from error


def _relay(text: str) -> str:
    address = _dialled(text)
    if "/p2p-circuit" in address:
        msg = f"{address!r} leads through a relay itself, and such a peer relays for nobody; name the relay"
        raise ArgumentTypeError(msg)
    return address


@final
@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table. Without `flags` it is a positional argument, without `metavar` a switch."""

    name: str
    help: str
    flags: tuple[str, ...] = ()
    metavar: str = ""
    check: Callable[[str], Any] = _text
    """Turns what was written into a value. Raises ArgumentTypeError, with a sentence."""

    default: Any = None
    """A switch's flags set it to the opposite of this."""

    default_text: str = ""
    """How the documents call the default, where it is not plain."""

    bare: bool = False
    """Whether its flag may stand without a value; that, and a word for yes, is True, its opposite is the default."""

    many: bool = False
    """Whether it may be repeated; in the environment there are commas between the values."""

    adds_up: bool = False
    """For `many`: whether those of the flags and of the environment all hold; else those of the flags alone do."""

    kept: bool = True
    """Whether it may stand in the file and the environment; others are wishes for one run."""

    second_variable: str = ""
    """Another variable of the environment with the same meaning."""

    kind: type = str
    """What it is in the file: bool, int, float or str; a list of them for `many`."""

    is_file: bool = False
    is_folder: bool = False
    choices: tuple[str, ...] = ()
    action: str = ""
    """argparse's, where it does all that is to be done."""

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of the environment that set it."""
        own = (f"{PREFIX}{self.name.upper()}",) if self.kept or self.name == "config" else ()
        return (*own, self.second_variable) if self.second_variable else own

    @property
    def is_switch(self) -> bool:
        """Whether it is either on or off."""
        return bool(self.flags) and not self.metavar

    @property
    def can_be_undone(self) -> bool:
        """Whether it has an opposite."""
        return self.kept and (self.is_switch or self.bare)

    @property
    def opposite(self) -> str:
        """The flag that sets a switch to its default, against the environment and the file."""
        flag = self.flags[-1]
        return f"--{flag[5:]}" if flag.startswith("--no-") else f"--no-{flag[2:]}"

    @property
    def shown_metavar(self) -> str:
        """What stands behind its flag."""
        return f"[{self.metavar}]" if self.bare else self.metavar

    @property
    def usage(self) -> str:
        """The flags as the README shows them."""
        return (
            ", ".join(f"`{flag}`" for flag in self.flags[:-1])
            + ", " * (len(self.flags) > 1)
            + (f"`{self.flags[-1]} {self.shown_metavar}`" if self.metavar else f"`{self.flags[-1]}`")
        )

    @property
    def full_help(self) -> str:
        """What it does, and what holds without it."""
        more = "; may be repeated" if self.many else ""
        default = self.default_text or (f"{self.default:g}" if isinstance(self.default, float) else "")
        return self.help + more + (f" (default: {default})" if default else "")


GROUPS: Final = {
    "you and the network": (
        Option("nick", "your nickname", ("--nick",), "NAME", default="", default_text="one is generated"),
        Option(
            "connect",
            "multiaddr of a peer to connect to, with or without /p2p/... at its end",
            ("-c", "--connect"),
            "ADDR",
            _address,
            default=(),
            many=True,
            adds_up=True,
            second_variable="REMOTE_PEER",
        ),
        Option(
            "port",
            "TCP and UDP port to listen on",
            ("-p", "--port"),
            "PORT",
            _port,
            0,
            default_text="a free one",
            kind=int,
        ),
        Option("quic", "listen on TCP alone, without QUIC on the UDP port", ("--no-quic",), default=True, kind=bool),
        Option("intro", "do not say hello when the first peer comes", ("--no-intro",), default=True, kind=bool),
        Option(
            "identity",
            "the file with your key, made when it is missing",
            ("--identity",),
            "FILE",
            _file,
            default_text="identity.key in the data folder",
            is_file=True,
        ),
        Option("ephemeral", "a new peer ID for this run; none is kept", ("--ephemeral",), default=False, kind=bool),
    ),
    "being reached": (
        Option(
            "listen",
            "multiaddr to listen on, like /ip4/0.0.0.0/tcp/4001, in place of --port",
            ("--listen",),
            "ADDR",
            _place,
            default=(),
            default_text="all interfaces",
            many=True,
        ),
        Option(
            "announce",
            "multiaddr under which others reach you, for them to be told first, like /ip4/192.0.2.7/tcp/4001",
            ("--announce",),
            "ADDR",
            _dialled,
            default=(),
            many=True,
        ),
        Option(
            "ws",
            "tell others, and browsers, that WebSockets are answered on your TCP port; with PORT, on that one, too",
            ("--ws",),
            "PORT",
            _port,
            default=False,
            bare=True,
            kind=int,
        ),
        Option(
            "wss_cert",
            "certificate in PEM for WebSockets inside TLS; taken anew when the file changes",
            ("--wss-cert",),
            "FILE",
            _file,
            is_file=True,
        ),
        Option("wss_key", "the key that belongs to it, in PEM", ("--wss-key",), "FILE", _file, is_file=True),
        Option("upnp", "ask no router to pass your port on (UPnP)", ("--no-upnp",), default=True, kind=bool),
        Option(
            "relay",
            "multiaddr of a relay through which others reach you while nothing else leads to you",
            ("--relay",),
            "ADDR",
            _relay,
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
            _interface,
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
            "multiaddr of a Kademlia bootstrap peer; without any, and without --kademlia, there is no Kademlia",
            ("--bootstrap",),
            "ADDR",
            _address,
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
            _file,
            default_text="the system's folder for downloads",
            is_folder=True,
        ),
        Option(
            "auto_get",
            "fetch what is offered without being asked, up to this size, like 10 MB",
            ("--auto-get",),
            "SIZE",
            _size,
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
            _one_of(THEMES),
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
        Option("oneshot", "wait for a peer, send TEXT, and leave", ("--oneshot",), "TEXT", kept=False),
        Option(
            "timeout",
            "how long --oneshot waits for a peer",
            ("--timeout",),
            "SECONDS",
            _seconds,
            ONESHOT_TIMEOUT,
            kind=float,
        ),
        Option(
            "metrics",
            "serve statistics as Prometheus text; PORT alone is on 127.0.0.1",
            ("--metrics",),
            "HOST:PORT",
            _host_and_port,
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
        Option("log_file", "append the log to FILE", ("--log-file",), "FILE", _file, is_file=True),
    ),
    "configuration": (
        Option(
            "config",
            "the file with your own defaults",
            ("--config",),
            "FILE",
            _file,
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
            _one_of(SHELLS),
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

SHARED: Final = OPTIONS | {"json": replace(OPTIONS["json"], help="the answer as one JSON object")}
"""The options as sub-commands take them."""


def switch(text: str) -> bool:
    """Return what a switch in the environment is set to. Raises ArgumentTypeError."""
    word = text.strip().lower()
    if word not in (*YES, *NO):
        msg = f"{text[:40]!r} is neither on ({', '.join(YES)}) nor off ({', '.join(NO)})"
        raise ArgumentTypeError(msg)
    return word in YES


def markdown_table() -> str:
    """Return the README's table."""
    lines = ["| option | variable | key | meaning |", "|---|---|---|---|"]
    for option in OPTIONS.values():
        variables = ", ".join(f"`{name}`" for name in option.variables)
        key = f"`{option.name}`" if option.kept else ""
        lines.append(f"| {option.usage} | {variables} | {key} | {option.full_help} |")
    return "\n".join(lines) + "\n"
