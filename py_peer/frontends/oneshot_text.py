"""What --oneshot says: its argument, or standard input where that is "-"."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from py_peer.core.limits import MAX_TEXT_BYTES
from py_peer.core.sizes import oversize
from py_peer.frontends.arguments import refuse_option

if TYPE_CHECKING:
    from py_peer.frontends.arguments import Arguments

FROM_INPUT: Final = "-"


def with_text(arguments: Arguments) -> Arguments:
    """Return `arguments` with the text to be sent, whole, and without a hello before it.

    Raises SystemExit for a text that cannot be sent.
    """
    text = arguments.oneshot or ""
    if text == FROM_INPUT:
        text = _read_input()
    # Bytes of the command line that are no UTF-8 come as surrogates.
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if reason := oversize(len(text.encode())) or ("" if text.strip() else "there is no text to send"):
        refuse_option(arguments.held, "oneshot", reason)
    return replace(arguments, oneshot=text, settings=replace(arguments.settings, intro=False))


def _read_input() -> str:
    """Return standard input without the line breaks at its end; of what is too large, as much as shows that it is."""
    if sys.stdin is None or sys.stdin.closed:
        return ""
    data = sys.stdin.buffer.read(MAX_TEXT_BYTES + len("\r\n") + 1)
    return data.decode("utf-8", "replace").rstrip("\r\n")
