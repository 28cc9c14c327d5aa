"""A key that Textual does not tell from another."""

from __future__ import annotations

from enum import Enum
from typing import Any, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS


class _Keys(Enum):
    ALT_ENTER = "alt+enter"


def know_alt_enter() -> None:
    """Let Textual read Alt-Enter.

    Of what terminals send for it, ESC CR, Textual 8.2.8 makes a plain Enter: a message would go out where a line was to
    be broken.
    """
    cast("dict[str, Any]", ANSI_SEQUENCES_KEYS)["\x1b\r"] = (_Keys.ALT_ENTER,)
