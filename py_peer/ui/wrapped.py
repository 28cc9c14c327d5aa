"""An entry of the log as rows of a panel: what each row shows, in characters of one text.

That text is what is copied, too: `[HH:MM:SS] Bob: hello`. The indent of further rows and the mark of a delivery are
drawn around it, and so are in no copy.

How wide a character is, terminals and libraries do not agree. Textual's measure (rich) decides where it crops a row,
wcwidth's is what terminals draw. A cluster counts as the wider of the two, so a row fits by either.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, final

from rich.cells import cell_len
from wcwidth import wcswidth

from py_peer.core.entries import Delivery, Kind
from py_peer.core.transcript import MESSAGES
from py_peer.core.wrapping import hang_at, limit_lines, make_cells, one_column, wrap_spans

if TYPE_CHECKING:
    from py_peer.core.entries import Entry
    from py_peer.core.wrapping import Span

YOU: Final = " (You)"
CLOCK_COLUMNS: Final = len("[HH:MM:SS] ")
NARROW: Final = 20
"""A panel with fewer columns has no room for the time and a wide indent."""

RULE_COLUMNS: Final = 4
"""A date stands between two strokes, each with a space."""

NOT_SENT: Final = "✗ not sent"
_AROUND: Final = {
    Kind.SAID: CLOCK_COLUMNS + len(": "),
    Kind.OWN: CLOCK_COLUMNS + len(f"{YOU}: ") + len(f" {NOT_SENT}"),
    Kind.PRESENCE: CLOCK_COLUMNS,
    Kind.DATE: 0,
    Kind.NOTE: CLOCK_COLUMNS,
    Kind.PATCH: CLOCK_COLUMNS,
    Kind.WARNING: CLOCK_COLUMNS,
}
"""The columns that an entry takes beside its text and the nickname, at most."""

_LINK: Final = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_AFTER_LINK: Final = ".,;:!?'*_)]}。，、）"  # noqa: RUF001 - what closes a sentence there


@final
@dataclass(frozen=True, slots=True)
class Wrapped:
    """The rows of an entry: each is a part of `text`, from its first character to before its last."""

    text: str
    rows: list[Span]
    width: int
    """Columns of the panel."""

    author: Span
    """Where the nickname stands."""

    links: list[Span]
    mark: str
    """What stands after the last row: how far a text of the user's own has come."""

    def indent(self, row: int) -> int:
        """Return the columns left free before a row."""
        return _indent_at(self.text, self.rows[row][0], self.width) if row else 0

    def row_at(self, place: int) -> int:
        """Return the row that shows the character at `place`."""
        return next((row for row, (following, _) in enumerate(self.rows[1:]) if following > place), len(self.rows) - 1)


def indent_of(width: int) -> int:
    """Return how far further rows are indented in a panel of `width` columns."""
    return 4 if width >= NARROW else 2 if width > RULE_COLUMNS else 0


def plain(entry: Entry) -> str:
    """Return what is shown of an entry, and copied."""
    return entry_head(entry) + limit_lines(entry.text)


def entry_head(entry: Entry) -> str:
    """Return what stands before the text: the time, and who has said it."""
    if entry.kind is Kind.DATE:
        return ""
    head = clock(int(entry.timestamp))
    if entry.kind not in MESSAGES:
        return head
    return f"{head}{entry.author}{YOU if entry.kind is Kind.OWN else ''}: "


@lru_cache(maxsize=1024)
def clock(timestamp: int) -> str:
    """Return the local time as it stands before each entry."""
    return time.strftime("[%H:%M:%S] ", time.localtime(timestamp))


def mark_of(entry: Entry) -> str:
    """Return how far a text of the user's own has come, as it stands after it."""
    if entry.delivery is Delivery.SENT:
        return f"✓{entry.peers or ''}"
    return NOT_SENT if entry.delivery is Delivery.REFUSED else ""


def height(entry: Entry, width: int) -> int:
    """Return how many rows an entry takes, as fast as may be where it is a short text."""
    text = entry.text
    # No character takes more than two columns.
    columns = len(text) if text.isascii() else 2 * len(text)
    author = len(entry.author) if entry.author.isascii() else 2 * len(entry.author)
    if columns + author + _AROUND[entry.kind] <= width and "\n" not in text:
        return 1
    return len(_rows(entry, plain(entry), width))


def wrap(entry: Entry, width: int) -> Wrapped:
    """Break an entry into rows of at most `width` columns."""
    text = plain(entry)
    author = (CLOCK_COLUMNS, CLOCK_COLUMNS + len(entry.author)) if entry.kind in MESSAGES else (0, 0)
    mark = mark_of(entry)[: max(width - indent_of(width), 0)]
    links = links_of(text)
    if entry.command and (place := text.rfind(entry.command)) >= 0:
        links.append((place, place + len(entry.command)))
    elif (word := entry.command.rpartition(" ")[2]) and (place := text.find(word)) >= 0:
        links.append((place, place + len(word)))
    return Wrapped(text, _rows(entry, text, width), width, author, links, mark)


def _indent_at(text: str, begin: int, width: int) -> int:
    indent = indent_of(width)
    return indent + hang_at(text, begin, width - indent)


def _rows(entry: Entry, text: str, width: int) -> list[Span]:
    indent = indent_of(width)
    if width < NARROW and entry.kind is not Kind.DATE:
        rows = [
            (CLOCK_COLUMNS + start, CLOCK_COLUMNS + end)
            for start, end in wrap_spans(text[CLOCK_COLUMNS:], width, indent, _cells)
        ]
    else:
        rows = wrap_spans(text, width, indent, _cells)
    if mark := mark_of(entry):
        start, end = rows[-1]
        free = width - columns_of(text[start:end]) - (_indent_at(text, start, width) if len(rows) > 1 else 0)
        if free <= len(mark):
            rows.append((len(text), len(text)))
    return rows


def links_of(text: str) -> list[Span]:
    """Return where links stand, without what closes a sentence after them. Takes linear time."""
    return [
        (match.start(), match.start() + len(match.group().rstrip(_AFTER_LINK)))
        for match in (_LINK.finditer(text) if "://" in text else ())
    ]


def columns_of(text: str) -> int:
    """Return how many columns `text` takes at most."""
    return len(text) if one_column(text) else max(cell_len(text), wcswidth(text))


@lru_cache(maxsize=16_384)
def _cells(cluster: str) -> str:
    return make_cells(cluster, columns_of(cluster))
