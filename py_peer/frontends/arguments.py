"""The command line: what may be asked for, and what a bad wish is answered with.

Nothing heavy is imported here, so that `--help` and `--version` answer at once, and nothing is written.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, final

from py_peer import __version__
from py_peer.core.settings import Settings, Transports
from py_peer.frontends.options import GROUPS, ONESHOT_TIMEOUT, OPTIONS, SHARED
from py_peer.frontends.sub_commands import SUB_COMMANDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from py_peer.frontends.configuration import Held
    from py_peer.frontends.option import Option

MAX_MESSAGE_CHARS: Final = 1_000
MAX_PRINTED_BYTES: Final = 1024 * 1024
"""Of what holds: more than a configuration file can have."""

DESCRIPTION: Final = "The Python peer of Universal Connectivity, libp2p's chat: all in the room read what you type."
EPILOG: Final = """\
Without a command it is the chat. "py-peer COMMAND --help" shows a command's options.

Most options can be kept: as a variable of the environment (PY_PEER_NICK for --nick, PY_PEER_LOG_FILE for --log-file)
or in the configuration file (nick = "bob"). Flags come first, then the environment, then the file; --print-config
shows what holds. What is kept is undone by the opposite flag: --no-headless, --intro.

REMOTE_PEER means the same as PY_PEER_CONNECT, BOOTSTRAP_PEERS as PY_PEER_BOOTSTRAP (commas between addresses).

exit codes: 0 an orderly leave, 1 a fault of py-peer, 2 bad arguments or configuration, 3 cannot listen,
4 nobody was reached (piped input, --oneshot), 5 something that was typed was not sent, 6 a file was not fetched (piped
input)
"""


@final
@dataclass(frozen=True, slots=True)
class Arguments:
    """What the command line, the environment and the configuration ask for, checked."""

    settings: Settings
    ui: bool = False
    """The full screen; wins over `headless`."""

    demo: bool = False
    """Company for somebody alone, on loopback only; in the full screen."""

    headless: bool = False
    json: bool = False
    oneshot: str | None = None
    """The text that is all there is to say."""

    timeout: float = ONESHOT_TIMEOUT
    """Seconds that `oneshot` waits for a peer."""

    theme: str | None = None
    bell: bool = True
    notify: bool = True
    verbose: bool = False
    log_file: str | None = None
    command: str = ""
    """The sub-command; "" is the chat."""

    own: Mapping[str, Any] = field(default_factory=dict)
    """What the sub-command's own options were given."""

    held: Mapping[str, Held] = field(default_factory=dict)
    """Every option, with where it comes from."""

    fault: str = ""
    """Why what is kept cannot be used, for the doctor alone: the rest is then what the flags and the defaults say."""


def parse_arguments(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> Arguments:
    """Return what `argv` (sys.argv without its first part if None), `environ` and the configuration file ask for.

    Raises SystemExit: with 0 after --help and the like, with 2 and a message on stderr for what cannot be used.
    """
    parser = make_parser()
    given = vars(parser.parse_args(argv))
    command = given.pop("command", None) or ""
    own = (
        {option.name: given.pop(option.name, option.default) for option in SUB_COMMANDS[command].own} if command else {}
    )
    if command and "oneshot" in given:
        parser.error(f"argument --oneshot: py-peer {command} sends nothing; leave one of the two out")
    if shell := given.get("print_completion"):
        _print_completion(make_parser(opposites=True), shell)

    from py_peer.frontends.configuration import ConfigurationError, printed, resolve, unknown_variables  # noqa: PLC0415

    for sentence in unknown_variables(environ):
        _warn(sentence)
    fault = ""
    try:
        held = _resolved(given, environ, command)
    except ConfigurationError as error:
        if command != "doctor":
            parser.error(str(error))
        fault = str(error)
        held = resolve({**given, "config": os.devnull}, {})
    if held["print_config"].value:
        from py_peer.core.cleaning import clean_text  # noqa: PLC0415 - needed only now

        print(clean_text(printed(held), MAX_PRINTED_BYTES), end="")
        raise SystemExit(0)
    return _arguments(held, command, own, fault)


def refuse(message: str) -> NoReturn:
    """End the program as a bad argument does: usage and `message` on stderr, exit code 2."""
    make_parser().error(message)


def refuse_option(held: Mapping[str, Held], name: str, reason: str) -> NoReturn:
    """End the program because of the value of an option, said with where it comes from."""
    refuse(f"{_place(held, name)}: {reason}")


def make_parser(*, opposites: bool = False) -> argparse.ArgumentParser:
    """Return the parser, which gives only what was asked for; completions and the man page are made from it, too.

    `opposites`: the flags that undo what is kept are shown like the others.
    """
    parser = _Parser(
        prog="py-peer",
        usage="%(prog)s [OPTION ...] [COMMAND]",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
        argument_default=argparse.SUPPRESS,
    )
    for title, options in GROUPS.items():
        group = parser.add_argument_group(title)
        for option in options:
            _add(group, option, opposites=opposites)
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", prog="py-peer")
    for entry in SUB_COMMANDS.values():
        sub = commands.add_parser(
            entry.name,
            usage=" ".join(
                ["py-peer", entry.name, "[OPTION ...]", *(one.metavar for one in entry.own if not one.flags)]
            ),
            help=entry.help,
            description=f"{entry.help[0].upper()}{entry.help[1:]}.",
            allow_abbrev=False,
            add_help=False,
            argument_default=argparse.SUPPRESS,
        )
        group = sub.add_argument_group("options")  # a bare parser would measure the terminal for each of them
        for option in (*entry.own, *(SHARED[name] for name in entry.options), OPTIONS["help"]):
            _add(group, option, opposites=opposites)
    return parser


@final
class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # Arguments are repeated in messages, and may come from a script that took them from elsewhere.
        from py_peer.core.cleaning import clean_line  # noqa: PLC0415 - needed only now

        super().error(clean_line(message, MAX_MESSAGE_CHARS))


def _warn(sentence: str) -> None:
    from py_peer.core.cleaning import clean_line  # noqa: PLC0415 - needed only now

    print(f"py-peer: warning: {clean_line(sentence, MAX_MESSAGE_CHARS)}", file=sys.stderr)


def _add(parser: argparse._ActionsContainer, option: Option, *, opposites: bool) -> None:
    more: dict[str, Any] = {"help": option.full_help}
    if option.action == "version":
        more["version"] = f"py-peer {__version__}"
    if option.action:
        parser.add_argument(*option.flags, action=option.action, **more)
        return
    if option.flags:
        more["dest"] = option.name
    if option.can_be_undone:
        undo = f"undo a kept {option.flags[-1]}" if opposites else argparse.SUPPRESS
        parser.add_argument(option.opposite, action="store_const", const=option.default, dest=option.name, help=undo)
    if option.is_switch or (option.bare and opposites):  # what completes the line would ask for its value always
        parser.add_argument(*option.flags, action="store_const", const=not option.default, **more)
        return
    if option.bare:
        more |= {"nargs": "?", "const": True}
    if option.many:
        more |= {"action": "append"} if option.flags else {"nargs": "+"}
    if option.choices:
        more["choices"] = option.choices
    action = parser.add_argument(*(option.flags or (option.name,)), metavar=option.metavar, type=option.check, **more)
    if option.is_file or option.is_folder:  # for shtab, which makes the completions
        action.complete = "file" if option.is_file else "directory"  # type: ignore[attr-defined]


def _print_completion(parser: argparse.ArgumentParser, shell: str) -> NoReturn:
    import shtab  # noqa: PLC0415 - needed only now

    print(shtab.complete(parser, shell))
    raise SystemExit(0)


def _resolved(given: Mapping[str, Any], environ: Mapping[str, str], command: str) -> dict[str, Held]:
    """Return what holds, and can be had together. Raises ConfigurationError."""
    from py_peer.frontends.configuration import ConfigurationError, resolve  # noqa: PLC0415 - not for --help

    held = resolve(given, environ)
    if reason := _contradiction(held, command):
        raise ConfigurationError(reason)
    for pair in _EITHER:
        if all(held[name].value for name in pair):  # a key named now undoes a kept wish for none, and so on
            weaker, stronger = sorted(pair, key=lambda name: held[name].source)
            held[weaker] = replace(held[stronger], value=OPTIONS[weaker].default)
    return held


_EITHER: Final = (("identity", "ephemeral"), ("listen", "port"))
"""Of which one alone can be had."""


def _contradiction(held: Mapping[str, Held], command: str) -> str:
    """Return why what is asked for cannot be had together, or ""."""
    if held["demo"].value:
        for name in ("connect", "bootstrap", "kademlia", "mdns_interface", "relay", "relay_server", *_LISTENING):
            if held[name].value and held[name].source is held["demo"].source:
                return f"argument --demo: it meets nobody but its own company; leave {OPTIONS[name].flags[-1]} out"
    if held["mdns_interface"].value and not held["mdns"].value and _is_as_strong(held, "mdns_interface", "mdns"):
        return f"{_place(held, 'mdns_interface')}: mDNS is off, as {_place(held, 'mdns')} says; leave one out"
    if reason := _listening_contradiction(held):
        return reason
    full_screen = "demo" if held["demo"].value else "ui"
    for name in () if command else ("json", "oneshot"):
        if held[name].value is not None and held[name].value and _is_as_strong(held, full_screen, name):
            return f"argument --{name}: the full screen has no use for it; leave --{full_screen} out"
    if held["identity"].value and held["ephemeral"].value and held["identity"].source is held["ephemeral"].source:
        places = _place(held, "ephemeral"), _place(held, "identity")
        return f"{places[0]}: no key is kept, but {places[1]} names one; leave one out"
    return ""


_LISTENING: Final = ("listen", "announce", "ws", "wss_cert", "wss_key")


def _listening_contradiction(held: Mapping[str, Held]) -> str:
    """Return why what is asked for of where we listen cannot be had together, or ""."""
    listen = held["listen"].value
    if listen and held["port"].value and held["listen"].source is held["port"].source:
        places = _place(held, "listen"), _place(held, "port")
        return f"{places[0]}: it says on which ports to listen, and so does {places[1]}; leave one out"
    for name, other in (("wss_cert", "wss_key"), ("wss_key", "wss_cert")):
        if held[name].value and not held[other].value:
            return f"{_place(held, name)}: a certificate and its key go together; add {OPTIONS[other].flags[-1]}"
    if not held["wss_cert"].value and (wss := [one for one in listen if one.endswith("/tls/ws")]):
        return f"{_place(held, 'listen')}: {wss[0]} is answered with a certificate; add --wss-cert and --wss-key"
    return _transport_contradiction(held)


def _transport_contradiction(held: Mapping[str, Held]) -> str:
    """Return why a transport that is asked for cannot be had, or ""."""
    from py_peer.core.addresses import QUIC  # noqa: PLC0415 - not for --help

    listen, ws = held["listen"].value, held["ws"].value
    quic = [one for one in listen if one.endswith(f"/{QUIC}")]
    if quic and not held["quic"].value and held["quic"].source >= held["listen"].source:
        return (
            f"{_place(held, 'listen')}: {quic[0]} is QUIC, which is off, as {_place(held, 'quic')} says; leave one out"
        )
    websockets = "wss_cert" if held["wss_cert"].value else "ws" if ws is not False else ""
    if websockets and quic and len(quic) == len(listen) and isinstance(ws, bool):
        places = _place(held, websockets), _place(held, "listen")
        return f"{places[0]}: WebSockets are on TCP, of which {places[1]} names no port; name one, too"
    for name, lacking in _NOT_ON_STOCK.items() if held["stock_net"].value else ():
        if held[name].value is not False and held[name].value not in (None, "", ()):  # a port may be 0
            return f"{_place(held, name)}: py-libp2p's own classes {lacking}; leave --stock-net out"
    if held["stock_net"].value and (other := [one for one in listen if one.endswith(("/ws", f"/{QUIC}"))]):
        says = f"py-libp2p's own classes listen on TCP alone here, not at {other[0]}"
        return f"{_place(held, 'listen')}: {says}; leave --stock-net out"
    return ""


_NOT_ON_STOCK: Final = {
    "wss_cert": "answer no WebSockets here",
    "ws": "answer no WebSockets here",
    "relay": "use no relay here",
    "relay_server": "are no relay here",
}


def _arguments(held: Mapping[str, Held], command: str, own: Mapping[str, Any], fault: str) -> Arguments:
    from py_peer.core.sizes import read_size  # noqa: PLC0415 - not for --help

    values = {name: one.value for name, one in held.items()}
    demo = values["demo"]
    quiet = next((name for name in ("json", "oneshot", "headless") if values[name]), "")
    ui = demo or (values["ui"] and (not quiet or _is_as_strong(held, "ui", quiet)))
    return Arguments(
        settings=Settings(
            nickname=_nickname(values["nick"]),
            transports=_transports(values, demo=demo),
            connect=() if demo else values["connect"],
            bootstrap=() if demo else values["bootstrap"],
            kademlia=values["kademlia"] and not demo,
            mdns=values["mdns"] and not demo,
            mdns_interfaces=() if demo else values["mdns_interface"],
            announce=values["discovery"] and not demo,
            remember=values["remember"] and not (demo or values["ephemeral"]),
            identity=_identity(held),
            identity_named=bool(values["identity"]),
            data=None if demo else _data_folder(),
            downloads=_downloads(values["downloads"]),
            auto_get=0 if demo else read_size(values["auto_get"]) or 0,
            strangers=values["strangers"],
            metrics=values["metrics"],
            intro=values["intro"],
        ),
        ui=ui,
        headless=values["headless"] and not ui,
        command=command,
        own=own,
        held=held,
        fault=fault,
        **{name: values[name] for name in _AS_THEY_ARE},
    )


def _transports(values: Mapping[str, Any], *, demo: bool) -> Transports:
    quic = values["quic"] and not values["stock_net"]
    if demo:
        return Transports(port=values["port"], loopback=True, quic=quic, stock=values["stock_net"])
    ws, wss = values["ws"], (values["wss_cert"], values["wss_key"])
    return Transports(
        port=values["port"],
        quic=quic,
        ws=ws is not False,
        ws_port=None if isinstance(ws, bool) else ws,
        wss=(Path(wss[0]), Path(wss[1])) if all(wss) else None,
        listen=values["listen"],
        told=values["announce"],
        upnp=values["upnp"],
        relays=values["relay"],
        relay_server=values["relay_server"],
        stock=values["stock_net"],
    )


_AS_THEY_ARE: Final = ("demo", "json", "oneshot", "timeout", "theme", "bell", "notify", "verbose", "log_file")


def _identity(held: Mapping[str, Held]) -> Path | None:
    if held["demo"].value or held["ephemeral"].value:
        return None
    if named := held["identity"].value:
        return Path(named)
    from py_peer.frontends.places import identity_file  # noqa: PLC0415 - not for --help

    return identity_file()


def _downloads(named: str | None) -> Path:
    from py_peer.frontends.places import downloads_folder  # noqa: PLC0415 - not for --help

    return Path(named).absolute() if named else downloads_folder()


def _data_folder() -> Path:
    from py_peer.frontends.places import data_folder  # noqa: PLC0415 - not for --help

    return data_folder()


def _is_as_strong(held: Mapping[str, Held], name: str, other: str) -> bool:
    """Whether a switch is on, and nothing that is nearer to the user speaks for the other."""
    return bool(held[name].value) and held[name].source >= held[other].source


def _place(held: Mapping[str, Held], name: str) -> str:
    from py_peer.frontends.configuration import Source  # noqa: PLC0415 - not for --help

    one = held[name]
    if one.source is Source.FILE:
        return f"{one.origin}: key {name!r}"
    return f"{one.origin} (environment)" if one.source is Source.ENVIRONMENT else f"argument {one.origin}"


def _nickname(wish: str) -> str:
    if wish:
        from py_peer.core.cleaning import clean_nick  # noqa: PLC0415 - needed only now

        # Bytes of the command line that are no UTF-8 come as surrogates.
        if nick := clean_nick(os.fsencode(wish)):
            return nick
    return f"user-{os.urandom(2).hex()}"
