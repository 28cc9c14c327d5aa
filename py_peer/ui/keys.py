"""Keys that lead from one conversation to another, and those that Textual does not tell from others."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.binding import Binding

NUMBERED: Final = 9
"""Conversations that have a key of their own."""

TURNING: Final = (
    Binding("f5,ctrl+pageup", "app.conversation(-1)", show=False),
    Binding("f6,ctrl+pagedown", "app.conversation(1)", show=False),
    *(Binding(f"alt+{number}", f"app.conversation_number({number})", show=False) for number in range(1, NUMBERED + 1)),
)
"""The input has them too: what was typed before such a key, and not read yet, must not get into what is shown next."""


class _Key(NamedTuple):
    value: str


def know_alt_keys() -> None:
    """Let Textual read Alt-Enter, and Alt with a digit.

    Of what terminals send for Alt-Enter, ESC CR, Textual 8.2.8 makes a plain Enter: a message would go out where a line
    was to be broken. Of ESC and a digit it makes the sign that a Mac has on that key.
    """
    known = cast("dict[str, Any]", ANSI_SEQUENCES_KEYS)
    known["\x1b\r"] = (_Key("alt+enter"),)
    known.update({f"\x1b{digit}": (_Key(f"alt+{digit}"),) for digit in range(1, NUMBERED + 1)})
