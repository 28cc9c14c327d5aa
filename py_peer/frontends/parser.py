"""The parser that comes from the tables of options and of sub-commands. It gives only what was asked for."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn, final

from py_peer import __version__
from py_peer.frontends.option import NSEC
from py_peer.frontends.options import GROUPS, OPTIONS, SHARED
from py_peer.frontends.sub_commands import GROUPS as COMMAND_GROUPS
from py_peer.frontends.sub_commands import SUB_COMMANDS

if TYPE_CHECKING:
    from typing import TypeAlias

    from py_peer.frontends.option import Option

    _SubParsers: TypeAlias = argparse._SubParsersAction[Any]  # noqa: SLF001 - it has no other name

MAX_MESSAGE_CHARS: Final = 1_000

DESCRIPTION: Final = "The Python peer of Universal Connectivity, libp2p's chat: all in the room read what you type."
EPILOG: Final = """\
Without a command it is the chat. "py-peer COMMAND --help" shows a command's options.

Most options can be kept: as a variable of the environment (PY_PEER_NICK for --nick, PY_PEER_LOG_FILE for --log-file)
or in the configuration file (nick = "bob"). Flags come first, then the environment, then the file; --print-config
shows what holds. What is kept is undone by the opposite flag: --no-headless, --intro.

REMOTE_PEER means the same as PY_PEER_CONNECT, BOOTSTRAP_PEERS as PY_PEER_BOOTSTRAP (commas between addresses).

exit codes: 0 an orderly leave, 1 a fault of py-peer, 2 bad arguments or configuration, 3 cannot listen,
4 nobody was reached (piped input, --oneshot, commands that ask), 5 something that was typed was not sent, 6 a file or a
key was not found (piped input, commands that ask), 7 a hash or a signature does not hold
"""


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
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", prog="py-peer", action=_Commands
    )
    groups: dict[str, _SubParsers] = {}
    for entry in SUB_COMMANDS.values():
        first, _, second = entry.name.partition(" ")
        if second and first not in groups:
            groups[first] = _group(commands, first)
        usage = f"py-peer {entry.name} [OPTION ...]{entry.arguments}"
        sub = _parser_in(groups.get(first, commands), second or first, entry.help, usage)
        own = sub.add_argument_group("options")  # a bare parser would measure the terminal for each of them
        for option in (*entry.own, *(SHARED[name] for name in entry.options), OPTIONS["help"]):
            _add(own, option, opposites=opposites)
        _refuse_secrets(sub)
    _refuse_secrets(parser)
    return parser


def _group(commands: _SubParsers, name: str) -> _SubParsers:
    """Return where the commands of a group are added."""
    words = "|".join(entry.name.split()[1] for entry in SUB_COMMANDS.values() if entry.name.startswith(f"{name} "))
    parser = _parser_in(commands, name, COMMAND_GROUPS[name], f"py-peer {name} {words}")
    _add(parser.add_argument_group("options"), OPTIONS["help"], opposites=False)
    _refuse_secrets(parser)
    return parser.add_subparsers(title="commands", dest="action", metavar=words, prog=f"py-peer {name}", required=True)


def _parser_in(commands: _SubParsers, name: str, text: str, usage: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        usage=usage,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        allow_abbrev=False,
        add_help=False,
        argument_default=argparse.SUPPRESS,
    )
    return parser


@final
class _Commands(argparse._SubParsersAction):  # type: ignore[type-arg]  # noqa: SLF001 - it has no other name
    """Keeps what was said repeatedly before a command's name, where argparse has only what stands behind it."""

    def __call__(
        self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        before = {name: value for name, value in vars(namespace).items() if isinstance(value, list)}
        super().__call__(parser, namespace, values, option_string)
        for name, value in before.items():
            if (behind := getattr(namespace, name)) is not value:
                setattr(namespace, name, value + behind)


@final
class _Parser(argparse.ArgumentParser):
    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Take all or nothing: else it is the whole program's usage that a sub-command's wrong option is shown."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def error(self, message: str) -> NoReturn:
        # Arguments are repeated in messages, and may come from a script that took them from elsewhere.
        from py_peer.core.cleaning import clean_line  # noqa: PLC0415 - needed only now

        super().error(re.sub("nsec1[0-9a-z]*", "nsec1…", clean_line(message, MAX_MESSAGE_CHARS), flags=re.IGNORECASE))


@final
class _Secret(argparse.Action):
    """Refuses what gnostr's users may try, without repeating it."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        parser.error(
            "argument --nsec: others on this machine can read a command line, and shells keep it; put the nsec into "
            f"the file that --nostr-key names, closed to others, or into {NSEC}; py-peer nostr key new makes a new one"
        )


def _refuse_secrets(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--nsec", action=_Secret, nargs="?", help=argparse.SUPPRESS)


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
    if option.is_switch or (
        option.bare and option.flags and opposites
    ):  # what completes the line would ask for its value always
        more |= {"action": "store_const", "const": not option.default}
        _add_flags(parser, option, more)
        return
    if option.bare:
        more |= {"nargs": "?", "const": True} if option.flags else {"nargs": "?"}
    if option.many:
        more |= {"action": "append"} if option.flags else {"nargs": "*" if option.bare else "+"}
    more |= {name: wish for name in ("choices", "required") if (wish := getattr(option, name))}
    action = _add_flags(parser, option, more | {"metavar": option.metavar, "type": option.check})
    if option.is_file or option.is_folder:  # for shtab, which makes the completions
        action.complete = "file" if option.is_file else "directory"  # type: ignore[attr-defined]


def _add_flags(parser: argparse._ActionsContainer, option: Option, more: dict[str, Any]) -> argparse.Action:
    if option.aliases:
        parser.add_argument(*option.aliases, **{**more, "help": argparse.SUPPRESS})
    return parser.add_argument(*(option.flags or (option.name,)), **more)
