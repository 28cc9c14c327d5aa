"""Lines that fit a terminal: broken between words, continued under an indent.

A terminal breaks a long line by itself, at column 0, where what comes next looks like a line of the program. So what
others say is broken here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from wcwidth import iter_graphemes, wcswidth

if TYPE_CHECKING:
    from collections.abc import Iterator

NARROWEST: Final = 20
"""Columns; on a narrower terminal lines are broken as for this one."""

_TOKEN: Final = re.compile(r"\s+|\S+")


def wrap_lines(text: str, width: int, indent: str) -> list[str]:
    """Break cleaned `text` into lines of at most `width` columns, all but the first of them after `indent`.

    Line breaks of the text are kept; spaces at a break are not. Takes linear time, one word of 60,000 characters
    included.
    """
    width = max(width, NARROWEST)
    lines: list[str] = []
    for paragraph in text.split("\n"):
        lines += _wrap_paragraph(paragraph, width, indent if lines else "", indent)
    return lines


def _wrap_paragraph(text: str, width: int, first_indent: str, indent: str) -> Iterator[str]:
    line, used = first_indent, len(first_indent)
    empty = True
    for token in _TOKEN.findall(text):
        for piece, columns in _pieces(token, width - len(indent)):
            if used + columns > width and not empty:
                yield line.rstrip()
                line, used, empty = indent, len(indent), True
                if piece.isspace():
                    break  # spaces at a break are not kept, however many
            line += piece
            used += columns
            empty = False
    yield line.rstrip()


def _pieces(token: str, width: int) -> Iterator[tuple[str, int]]:
    """Cut a token wider than a line into pieces that fit; return each with its columns."""
    columns = _columns(token)
    if columns <= width:
        yield token, columns
        return
    piece: list[str] = []
    used = 0
    for grapheme in iter_graphemes(token):
        columns = _columns(grapheme)
        if used + columns > width:
            yield "".join(piece), used
            piece, used = [], 0
        piece.append(grapheme)
        used += columns
    yield "".join(piece), used


def _columns(text: str) -> int:
    """Return how many columns `text` takes; one a character where that is not known."""
    if text.isascii():
        return len(text)
    columns = wcswidth(text)
    return columns if columns >= 0 else len(text)
