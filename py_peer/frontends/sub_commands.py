"""What py-peer can do beside chatting: `py-peer doctor`, say. One table; each is imported when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from py_peer.frontends.options import KEPT

if TYPE_CHECKING:
    from py_peer.frontends.arguments import Arguments
    from py_peer.frontends.option import Option


@final
@dataclass(frozen=True, slots=True)
class SubCommand:
    """One row of the table."""

    name: str
    help: str
    module: str
    """The module with `run(arguments: Arguments) -> int`, which does it and returns the exit code."""

    options: tuple[str, ...] = ()
    """Options of the chat that may stand behind its name, too; before it all may stand."""

    own: tuple[Option, ...] = ()
    """Options and positional arguments of its own; `Arguments.own` has their values."""


SUB_COMMANDS: Final = {
    entry.name: entry
    for entry in (
        SubCommand(
            "id",
            "show your peer ID; the key is made if there is none yet",
            "py_peer.frontends.id_command",
            ("json", "identity", "ephemeral", "config"),
        ),
        SubCommand(
            "doctor",
            "look for what would keep the chat from working, and say what to do",
            "py_peer.frontends.doctor",
            ("json", *KEPT, "config"),
        ),
    )
}


def run_sub_command(arguments: Arguments) -> int:
    """Do what `arguments.command` names; return the exit code."""
    from importlib import import_module  # noqa: PLC0415 - not on the way to the chat

    code: int = import_module(SUB_COMMANDS[arguments.command].module).run(arguments)
    return code


def markdown_table() -> str:
    """Return the README's table."""
    lines = ["| command | what it does |", "|---|---|"]
    lines += [f"| `py-peer {entry.name}` | {entry.help} |" for entry in SUB_COMMANDS.values()]
    return "\n".join(lines) + "\n"
