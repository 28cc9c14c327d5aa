"""The command line: what may be asked for, and what a bad wish is answered with.

Nothing heavy is imported here, so that `--help` and `--version` answer at once, and nothing is written.
"""

from __future__ import annotations

import argparse
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, final

from py_peer import __version__
from py_peer.core.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_PORT: Final = 65_535
MAX_MESSAGE_CHARS: Final = 1_000

NOT_YET: Final = {
    "json": "JSON output is not part of this version; --headless prints one line for each event",
    "oneshot": "sending one text and leaving is not part of this version; pipe it in instead: "
    "echo TEXT | py-peer --connect ADDR",
    "identity": "a kept identity is not part of this version; leave --identity out, each start makes a new one",
}

EPILOG: Final = """\
environment:
  REMOTE_PEER           peers to connect to, as with --connect (comma-separated)
  BOOTSTRAP_PEERS       Kademlia bootstrap peers, as with --bootstrap (comma-separated)

exit codes: 0 an orderly leave, 1 a fault of py-peer, 2 bad arguments, 3 cannot listen,
4 nobody was reached (piped input), 5 something that was typed was not sent
"""


@final
@dataclass(frozen=True, slots=True)
class Arguments:
    """What the command line and the environment ask for, checked."""

    settings: Settings
    ui: bool
    """The full screen; wins over `headless`."""

    demo: bool
    """Company for somebody alone, on loopback only; in the full screen."""

    headless: bool
    verbose: bool
    log_file: str | None


def parse_arguments(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> Arguments:
    """Return what `argv` (sys.argv without its first part if None) and `environ` ask for.

    Raises SystemExit: with 0 after --help and --version, with 2 and a message on stderr for a bad argument.
    """
    parser = _parser()
    found = parser.parse_args(argv)
    for name, advice in NOT_YET.items():
        if getattr(found, name):
            parser.error(f"argument --{name}: {advice}")
    if found.demo and (found.connect or found.bootstrap):
        parser.error("argument --demo: it meets nobody but its own company; leave --connect and --bootstrap out")
    named = {} if found.demo else environ
    settings = Settings(
        nickname=_nickname(found.nick),
        port=found.port,
        connect=(*found.connect, *_from_environment(parser, named, "REMOTE_PEER")),
        bootstrap=(*found.bootstrap, *_from_environment(parser, named, "BOOTSTRAP_PEERS")),
        intro=not found.no_intro,
        loopback=found.demo,
    )
    ui = found.ui or found.demo
    return Arguments(settings, ui, found.demo, found.headless and not ui, found.verbose, found.log_file)


def refuse(message: str) -> NoReturn:
    """End the program as a bad argument does: usage and `message` on stderr, exit code 2."""
    _parser().error(message)


@final
class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # Arguments are repeated in messages, and may come from a script that took them from elsewhere.
        from py_peer.core.cleaning import clean_line  # noqa: PLC0415 - needed only now

        super().error(clean_line(message, MAX_MESSAGE_CHARS))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="py-peer",
        description="The Python peer of Universal Connectivity, libp2p's chat: all in the room read what you type.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--nick", metavar="NAME", default="", help="your nickname (default: one is generated)")
    add(
        "-c",
        "--connect",
        metavar="ADDR",
        type=_address,
        action="append",
        default=[],
        help="multiaddr of a peer to connect to; may be repeated",
    )
    add("-p", "--port", metavar="PORT", type=_port, default=0, help="TCP port to listen on (default: a free one)")
    add(
        "--bootstrap",
        metavar="ADDR",
        type=_address,
        action="append",
        default=[],
        help="multiaddr of a Kademlia bootstrap peer; may be repeated",
    )
    add("--ui", action="store_true", help="the full screen: panels, mouse, scrolling back (wins over --headless)")
    add("--demo", action="store_true", help="the full screen with some company of this machine's own; no network")
    add("--headless", action="store_true", help="no input, a line of output for each event")
    add("-v", "--verbose", action="store_true", help="debug logging, on stderr or in --log-file")
    add("--log-file", metavar="FILE", help="append the log to FILE")
    add("--no-intro", action="store_true", help="do not say hello when the first peer comes")
    add("--version", action="version", version=f"py-peer {__version__}")
    # Accepted so that scripts written for later versions run; there is nothing yet to switch off.
    for name in ("--ephemeral", "--no-mdns"):
        add(name, action="store_true", help=argparse.SUPPRESS)
    # Not built yet: said so above, instead of a bare "unrecognized".
    add("--json", action="store_true", help=argparse.SUPPRESS)
    for name in ("--oneshot", "--identity"):
        add(name, nargs="?", const=name, help=argparse.SUPPRESS)
    return parser


def _nickname(wish: str) -> str:
    if wish:
        from py_peer.core.cleaning import clean_nick  # noqa: PLC0415 - needed only now

        # Bytes of the command line that are no UTF-8 come as surrogates.
        if nick := clean_nick(os.fsencode(wish)):
            return nick
    return f"user-{secrets.token_hex(2)}"


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_PORT)) and int(text) <= MAX_PORT:
        return int(text)
    msg = f"{text[:40]!r} is not a port: it is a number from 1 to {MAX_PORT}, or 0 for a free one"
    raise argparse.ArgumentTypeError(msg)


def _address(text: str) -> str:
    from py_peer.core.addresses import AddressError, parse_dial_address  # noqa: PLC0415 - needed only now

    try:
        return parse_dial_address(text).text
    except AddressError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _from_environment(parser: argparse.ArgumentParser, environ: Mapping[str, str], name: str) -> list[str]:
    addresses = [part.strip() for part in environ.get(name, "").split(",")]
    try:
        return [_address(address) for address in addresses if address]
    except argparse.ArgumentTypeError as error:
        parser.error(f"{name} (environment): {error}")
