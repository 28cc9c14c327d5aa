"""Lines that fit a terminal: broken between words, continued under an indent.

A terminal breaks a long line by itself, at column 0, where what comes next looks like a line of the program. So what
others say is broken here.

A line is first turned into its *cells*, a string with one character for each column. That string is then cut with
str.rfind; the places are turned back into places in the text. A text of one column a character is its own cells.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from py_peer.core.limits import MAX_SHOWN_LINES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Span = tuple[int, int]

NARROWEST: Final = 20
"""Columns; on a narrower terminal lines are broken as for this one."""

_ONE_COLUMN: Final = re.compile(r"[ -~\xa1-\xac\xae-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027]*")
"""Letters and signs of one column each, which nothing before them changes. (Marks and joiners are not in it.)"""

_WIDEST: Final = 4
_LONGEST: Final = 16
"""Columns and characters of a cluster that anybody reads as one character. The rules of Unicode make one, too, of a
thousand skin tones, or of pictures that a joiner stands between; many a terminal then shows all of them."""

_SPACES: Final = re.compile(" *")
_HEAD: Final = re.compile(r" {2,}(?:- |[!-~]+(?: [!-~]+)?  )")
"""What a row of a list or a table begins with: "  - ", or two spaces, a number and perhaps its unit, two spaces."""

_CLOSING_CATEGORIES: Final = ("Pe", "Pf", "Po")
_PICTURE, _CLOSING, _REST = "\x01", "\x03", "\x00"
"""A wide character, one that no row may begin with, and the further columns of either."""


def wrap_lines(text: str, width: int, indent: str) -> list[str]:
    """Break cleaned `text` into lines of at most `width` columns, all but the first of them after `indent`.

    Line breaks of the text are kept; spaces at a break are not. Takes linear time, one word of 60,000 characters
    included.
    """
    width = max(width, NARROWEST)
    (_, end), *others = wrap_spans(text, width, len(indent))
    rows = [text[:end]]
    for begin, end in others:
        hang = " " * hang_at(text, begin, width - len(indent))
        rows.append((indent + hang + text[begin:end]).rstrip())
    return rows


def limit_lines(text: str, max_lines: int = MAX_SHOWN_LINES) -> str:
    """Return the first lines of `text` and, where there are more than `max_lines`, how many more."""
    if (hidden := text.count("\n") + 1 - max_lines) <= 0:
        return text
    return "\n".join([*text.split("\n", max_lines)[:max_lines], f"[… {hidden:,} more lines not shown]"])


@lru_cache(maxsize=16_384)
def cells(cluster: str) -> str:
    """Return what stands for a grapheme cluster (what is read as one character): a character for each column.

    A word may break at a space, and on both sides of a picture or an ideograph.
    """
    from wcwidth import wcswidth  # noqa: PLC0415 - 29 modules that a start does without

    columns = wcswidth(cluster)
    return make_cells(cluster, columns if columns >= 0 else len(cluster))


def make_cells(cluster: str, columns: int) -> str:
    """Return the cells of a cluster that takes `columns` columns."""
    if cluster.isspace() and cluster != "\xa0":
        return " " * columns
    if columns < 2:
        return "x" * columns
    if unicodedata.category(cluster[0]) in _CLOSING_CATEGORIES:
        return _CLOSING + _REST * (columns - 1)
    return (_PICTURE if _stands_alone(cluster[0]) else "x") + _REST * (columns - 1)


def _stands_alone(ch: str) -> bool:
    """Whether a wide character is a picture or an ideograph; those of Korean and of Indic scripts make words."""
    if "\u1100" <= ch <= "\u11ff" or "\uac00" <= ch <= "\ud7ff":
        return False
    return unicodedata.east_asian_width(ch) in "WF" or unicodedata.category(ch) == "So"


def wrap_spans(text: str, width: int, indent: int, cells: Callable[[str], str] = cells) -> list[Span]:
    """Return where in `text` each row begins and ends: at most `width` columns, and all but the first `indent` less.

    `cells` is asked for the cells of each cluster. Where a list's or a table's line is broken, further rows are
    shorter by what `hang_at` says.
    """
    rest = max(width - indent, 1)
    spans: list[Span] = []
    begin = 0
    for line in text.split("\n"):
        rows = _line_spans(line, rest if spans else max(width, 1), rest - _hang(line, rest), cells)
        spans += rows if begin == 0 else [(begin + start, begin + end) for start, end in rows]
        begin += len(line) + 1
    return spans


def hang_at(text: str, begin: int, room: int) -> int:
    """Return how much further than other rows the row is indented that begins there, where rows have `room` columns.

    What follows the first row of a list's or a table's line stands under its words, not under its number.
    """
    start = text.rfind("\n", 0, begin) + 1
    return _hang(text[start : start + _LONGEST], room) if text.startswith("  ", start) and begin > start else 0


def _hang(line: str, room: int) -> int:
    head = _HEAD.match(line, 0, _LONGEST) if line.startswith("  ") else None
    return head.end() if head and head.end() <= room // 2 else 0


def _line_spans(line: str, room: int, rest: int, cells: Callable[[str], str]) -> list[Span]:
    if one_column(line):
        return list(_cut(line, room, rest, _break_plain))
    clusters, drawn = _clusters(line, cells)
    columns = "".join(drawn)
    if len(columns) <= room:
        return [(0, len(line.rstrip()))]
    # Where each cluster ends, in columns and in characters.
    ends = [0, *accumulate(map(len, drawn))]
    places = [0, *accumulate(map(len, clusters))]
    return [
        (places[bisect_right(ends, start) - 1] if start else 0, places[bisect_right(ends, end) - 1])
        for start, end in _cut(columns, room, rest, _break)
    ]


def one_column(text: str) -> bool:
    """Whether every character of `text` surely takes one column."""
    return text.isascii() or _ONE_COLUMN.fullmatch(text) is not None


def cut_in_the_middle(text: str, columns: int, head: int, tail: int) -> str:
    """Return `text`; of one of more than `columns` columns its ends, of at most `head` and `tail`, and "…" between."""
    if one_column(text):
        return text if len(text) <= columns else f"{text[:head]}…{text[-tail:]}"
    clusters, drawn = _clusters(text, cells)
    ends = list(accumulate(map(len, drawn)))
    if ends[-1] <= columns:
        return text
    first = sum(end <= head for end in ends)
    last = sum(ends[-1] - end > tail for end in ends) + 1
    return f"{''.join(clusters[:first])}…{''.join(clusters[last:])}"


def _clusters(line: str, cells: Callable[[str], str]) -> tuple[list[str], list[str]]:
    """Return the clusters of a line and the cells of each; what takes no column belongs to the one before it."""
    from wcwidth import iter_graphemes  # noqa: PLC0415 - see `cells`

    clusters = list(iter_graphemes(line))
    drawn = list(map(cells, clusters))
    if max(map(len, drawn)) > _WIDEST or max(map(len, clusters)) > _LONGEST:
        clusters = [
            part
            for cluster, cell in zip(clusters, drawn, strict=True)
            for part in (cluster if len(cell) > _WIDEST or len(cluster) > _LONGEST else (cluster,))
        ]
        drawn = list(map(cells, clusters))
    if "" not in drawn:
        return clusters, drawn
    joined: list[str] = []
    for cluster, cell in zip(clusters, drawn, strict=True):
        if cell or not joined:
            joined.append(cluster)
        else:
            joined[-1] += cluster
    return joined, list(map(cells, joined))


def _cut(line: str, room: int, rest: int, break_at: Callable[[str, int, int], int]) -> Iterator[Span]:
    """Cut cells into rows: the first of `room` columns, the others of `rest`."""
    begin, end = 0, len(line)
    while end - begin > room:
        cut = break_at(line, begin, begin + room)
        yield begin, begin + len(line[begin:cut].rstrip(" "))
        match = _SPACES.match(line, cut)
        begin, room = (match.end() if match else cut), rest
        if begin == end:
            return
    yield begin, begin + len(line[begin:end].rstrip(" "))


def _break_plain(line: str, begin: int, limit: int) -> int:
    """Do as _break where every cell is a character of its own."""
    cut = line.rfind(" ", begin, limit + 1)
    return limit if cut < begin else cut


def _break(line: str, begin: int, limit: int) -> int:
    """Return where the row that begins at `begin` ends, at `limit` at the latest: as many whole words as fit."""
    cut = max(
        line.rfind(" ", begin, limit + 1),
        line.rfind(_PICTURE, begin + 1, limit + 1),
        _after_picture(line, begin, limit),
    )
    if line.startswith(_CLOSING, cut):
        cut = max(line.rfind(_PICTURE, begin + 1, cut), begin)
    if cut > begin or line.startswith(" ", begin):
        return cut
    # One word longer than the row. A cluster is cut nowhere, one wider than the row not even by its end.
    cut = limit
    while cut > begin and line.startswith(_REST, cut):
        cut -= 1
    if cut == begin:
        cut = limit
        while line.startswith(_REST, cut):
            cut += 1
    return cut


def _after_picture(line: str, begin: int, limit: int) -> int:
    """Return where the last picture that ends at `limit` or before it ends, or -1."""
    last = max(line.rfind(_PICTURE, begin, limit), line.rfind(_CLOSING, begin, limit))
    if last < 0:
        return -1
    end = last + 1
    while line.startswith(_REST, end):
        end += 1
    return end if end <= limit else -1
