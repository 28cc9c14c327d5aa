"""The command line: what may be asked for, and what a bad wish is answered with.

Nothing heavy is imported here, so that `--help` and `--version` answer at once, and nothing is written.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, final

from py_peer.core.settings import KademliaPart, Settings, Transports
from py_peer.frontends.options import ONESHOT_TIMEOUT, OPTIONS
from py_peer.frontends.parser import MAX_MESSAGE_CHARS, make_parser
from py_peer.frontends.sub_commands import SUB_COMMANDS, Runs, runs_a_peer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from py_peer.frontends.configuration import Held

MAX_PRINTED_BYTES: Final = 1024 * 1024
"""Of what holds: more than a configuration file can have."""


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
    command = " ".join(filter(None, (given.pop("command", None), given.pop("action", None))))
    own = (
        {option.name: given.pop(option.name, option.default) for option in SUB_COMMANDS[command].own} if command else {}
    )
    if command and "oneshot" in given:
        parser.error(f"argument --oneshot: py-peer {command} sends nothing; leave one of the two out")
    if command and "demo" in given and runs_a_peer(command):
        parser.error(f"argument --demo: py-peer {command} has no use for it; leave one of the two out")
    if shell := given.get("print_completion"):
        _print_completion(shell)

    from py_peer.frontends.configuration import ConfigurationError, printed, resolve, unknown_variables  # noqa: PLC0415
    from py_peer.frontends.contradictions import resolve_together  # noqa: PLC0415

    for sentence in unknown_variables(environ):
        _warn(sentence)
    fault = ""
    try:
        held = resolve_together(given, environ, command)
    except ConfigurationError as error:
        if command != "doctor":
            parser.error(str(error))
        fault = str(error)
        held = resolve({**given, "config": os.devnull}, {})
    if held["print_config"].value:
        from py_peer.core.cleaning import clean_text  # noqa: PLC0415 - needed only now

        print(clean_text(printed(held), MAX_PRINTED_BYTES), end="")
        raise SystemExit(0)
    arguments = _arguments(held, command, own, fault)
    return _with_nostr_key(arguments, environ) if held["nostr"].value and not (command or arguments.demo) else arguments


def refuse(message: str) -> NoReturn:
    """End the program as a bad argument does: usage and `message` on stderr, exit code 2."""
    make_parser().error(message)


def refuse_option(held: Mapping[str, Held], name: str, reason: str) -> NoReturn:
    """End the program because of the value of an option, said with where it comes from."""
    from py_peer.frontends.contradictions import place_of  # noqa: PLC0415 - not for --help

    refuse(f"{place_of(held, name)}: {reason}")


def _warn(sentence: str) -> None:
    from py_peer.core.cleaning import clean_line  # noqa: PLC0415 - needed only now

    print(f"py-peer: warning: {clean_line(sentence, MAX_MESSAGE_CHARS)}", file=sys.stderr)


def _print_completion(shell: str) -> NoReturn:
    import shtab  # noqa: PLC0415 - needed only now

    print(shtab.complete(make_parser(opposites=True), shell))
    raise SystemExit(0)


def _arguments(held: Mapping[str, Held], command: str, own: Mapping[str, Any], fault: str) -> Arguments:
    from py_peer.core.sizes import read_size  # noqa: PLC0415 - not for --help
    from py_peer.frontends.contradictions import is_as_strong  # noqa: PLC0415

    values = {name: one.value for name, one in held.items()}
    demo = values["demo"]
    runs = SUB_COMMANDS[command].runs if command else Runs.NO_PEER
    quiet = next((name for name in ("json", "oneshot", "headless") if values[name]), "")
    ui = demo or (values["ui"] and (not quiet or is_as_strong(held, "ui", quiet)))
    return Arguments(
        settings=Settings(
            nickname=_nickname(values["nick"]),
            transports=_transports(values, runs, demo=demo),
            connect=() if demo else values["connect"],
            room=runs is Runs.NO_PEER,
            **_kademlia(values, runs),
            mdns=values["mdns"] and not demo,
            mdns_interfaces=() if demo else values["mdns_interface"],
            announce=values["discovery"] and not demo and runs is Runs.NO_PEER,
            remember=values["remember"] and not (demo or values["ephemeral"] or values["secret_key_seed"] is not None),
            identity=_identity(held),
            test_key=values["secret_key_seed"],
            identity_named=bool(values["identity"]),
            data=None if demo else _data_folder(),
            downloads=_downloads(values["downloads"]),
            auto_get=0 if demo else read_size(values["auto_get"]) or 0,
            strangers=values["strangers"],
            metrics=values["metrics"],
            intro=values["intro"],
            nostr_relays=() if demo else _nostr_relays(held),
            wire=values["wire"] if runs is Runs.NO_PEER else OPTIONS["wire"].default,
            topics=_topics(held, command),
        ),
        ui=ui,
        headless=values["headless"] and not ui,
        command=command,
        own=own,
        held=held,
        fault=fault,
        **{name: values[name] for name in _AS_THEY_ARE},
    )


def _with_nostr_key(arguments: Arguments, environ: Mapping[str, str]) -> Arguments:
    """Return the arguments of a chat in which the key of Nostr is announced. Ends the program when there is none."""
    from py_peer.frontends.nostr_key import chosen_key  # noqa: PLC0415 - for those who ask for it
    from py_peer.net.nostr_key import NostrKeyError  # noqa: PLC0415

    try:
        key = chosen_key(arguments, environ)
    except NostrKeyError as error:
        refuse_option(arguments.held, "nostr", str(error))
    return replace(arguments, settings=replace(arguments.settings, nostr_key=key.secret))


def _topics(held: Mapping[str, Held], command: str) -> tuple[str, ...]:
    """Return the topics to join, each once. Ends the program when they are too many, or HEAD is no commit here."""
    if command and "topic" not in SUB_COMMANDS[command].options:
        return ()
    from py_peer.core.limits import MAX_TOPICS  # noqa: PLC0415 - not for --help
    from py_peer.core.topics import is_head, read_topic  # noqa: PLC0415

    joins = not command or runs_a_peer(command)  # the doctor looks at what is kept, and joins nothing
    wanted = held["topic"].value
    names = tuple(dict.fromkeys(_head(held) if joins and is_head(name) else read_topic(name) for name in wanted))
    if len(names) > MAX_TOPICS:
        refuse_option(held, "topic", f"{len(names)} topics; {MAX_TOPICS} can be joined beside the room")
    return names


def _head(held: Mapping[str, Held]) -> str:
    """Return the ID of the commit that is checked out in this folder. Ends the program when there is none."""
    from py_peer.frontends.paths import here  # noqa: PLC0415 - for those who meet on it
    from py_peer.service.repository import RepositoryError, read_head  # noqa: PLC0415

    try:
        return read_head(here())
    except RepositoryError as error:
        refuse_option(held, "topic", f"HEAD is no topic here: {error}")


def _nostr_relays(held: Mapping[str, Held]) -> tuple[str, ...]:
    """Return the relays of Nostr, each once. Ends the program when they are too many."""
    urls = tuple(dict.fromkeys(held["nostr_relay"].value))
    if not urls:
        return ()
    from py_peer.core.limits_nostr import MAX_RELAYS  # noqa: PLC0415 - for those who name one

    if len(urls) > MAX_RELAYS:
        refuse_option(held, "nostr_relay", f"{len(urls)} relays; {MAX_RELAYS} are the most")
    return urls


def _kademlia(values: Mapping[str, Any], runs: Runs) -> dict[str, Any]:
    """Return what the settings say of Kademlia. A sub-command that runs a peer does it for that."""
    if values["demo"]:
        return {}
    bootstrap, named = values["bootstrap"], values["network"] != OPTIONS["network"].default
    part = KademliaPart.CLIENT if runs is Runs.ERRAND else KademliaPart.SERVER
    if not named:
        return {
            "bootstrap": bootstrap,
            "kademlia": values["kademlia"] or runs is not Runs.NO_PEER,
            "kademlia_part": part,
        }
    from py_peer.frontends.networks import read_networks  # noqa: PLC0415 - for those who name one

    network = read_networks()[values["network"]]
    if network.public and part is KademliaPart.SERVER:
        part = KademliaPart.SERVER_WHEN_REACHED
    return {
        "bootstrap": (*bootstrap, *network.bootstrap),
        "kademlia": True,
        "kademlia_protocol": network.protocol,
        "kademlia_part": part,
    }


def _transports(values: Mapping[str, Any], runs: Runs, *, demo: bool) -> Transports:
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
        upnp=values["upnp"] and runs is not Runs.ERRAND,  # a router is not asked for a second
        relays=values["relay"],
        relay_server=values["relay_server"],
        stock=values["stock_net"],
    )


_AS_THEY_ARE: Final = ("demo", "json", "oneshot", "timeout", "theme", "bell", "notify", "verbose", "log_file")


def _identity(held: Mapping[str, Held]) -> Path | None:
    if held["demo"].value or held["ephemeral"].value or held["secret_key_seed"].value is not None:
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


def _nickname(wish: str) -> str:
    if wish:
        from py_peer.core.cleaning import clean_nick  # noqa: PLC0415 - needed only now

        # Bytes of the command line that are no UTF-8 come as surrogates.
        if nick := clean_nick(os.fsencode(wish)):
            return nick
    return f"user-{os.urandom(2).hex()}"
