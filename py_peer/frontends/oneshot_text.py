"""What --oneshot says: its argument, or standard input where that is "-"."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from py_peer.core.limits import MAX_TEXT_BYTES
from py_peer.core.sizes import oversize, unseen
from py_peer.frontends.arguments import refuse_option

if TYPE_CHECKING:
    from py_peer.frontends.arguments import Arguments

FROM_INPUT: Final = "-"


def with_text(arguments: Arguments) -> Arguments:
    """Return `arguments` with the text to be sent, whole, and without a hello before it.

    Raises SystemExit for a text that cannot be sent.
    """
    given = arguments.oneshot or ""
    # Bytes of the command line that are no UTF-8 come as surrogates.
    raw = _read_input().rstrip(b"\r\n") if given == FROM_INPUT else os.fsencode(given)
    if reason := oversize(len(raw)):
        if given == FROM_INPUT:  # it was not read to its end
            reason = f"standard input has more than the {MAX_TEXT_BYTES:,} bytes that a message may have"
        refuse_option(arguments.held, "oneshot", reason)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        refuse_option(arguments.held, "oneshot", f"the text is not UTF-8: byte {error.start + 1} of it")
    if reason := unseen(text):
        refuse_option(arguments.held, "oneshot", reason)
    return replace(arguments, oneshot=text, settings=replace(arguments.settings, intro=False))


def _read_input() -> bytes:
    """Return standard input; of what is too large, as much as shows that it is."""
    if sys.stdin is None or sys.stdin.closed:
        return b""
    return sys.stdin.buffer.read(MAX_TEXT_BYTES + len("\r\n") + 1)
