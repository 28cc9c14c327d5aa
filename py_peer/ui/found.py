"""What a search has found in a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from py_peer.core.transcript import MESSAGES
from py_peer.core.wrapping import limit_lines
from py_peer.ui.wrapped import CLOCK_COLUMNS, entry_head

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from py_peer.core.entries import Entry
    from py_peer.core.wrapping import Span


@final
class Found:
    """Every place in some entries where the author or the text holds what is searched, in capitals or not.

    Only how many places an entry has is kept: a search for "e" finds millions.
    """

    def __init__(self, query: str) -> None:
        self._wanted = query.casefold()
        self._counts: dict[int, int] = {}
        self.count = 0
        """How many places there are in all."""

        self.current: tuple[int, int] | None = None
        """The place one is at: the number of its entry, and the how manieth it is there."""

    @property
    def index(self) -> int:
        """Which place one is at, counted from 1; 0 for none."""
        if self.current is None:
            return 0
        number, nth = self.current
        return 1 + nth + sum(count for entry, count in self._counts.items() if entry < number)

    def put(self, entries: Iterable[Entry]) -> None:
        """Search entries that are new, or in the place of others."""
        for entry in entries:
            count = self._count(entry)
            self.count += count - self._counts.pop(entry.number, 0)
            if count:
                self._counts[entry.number] = count
            if self.current is not None and self.current[0] == entry.number and self.current[1] >= count:
                self.current = None

    def forget(self, numbers: Iterable[int]) -> None:
        """Leave out entries that are no longer there."""
        for number in numbers:
            self.count -= self._counts.pop(number, 0)
            if self.current is not None and self.current[0] == number:
                self.current = None

    def last(self) -> None:
        """Go to the newest place."""
        number = max(self._counts, default=None)
        self.current = None if number is None else (number, self._counts[number] - 1)

    def step(self, forward: int) -> None:
        """Go to the next place (1) or to the one before (-1); after the last comes the first."""
        if self.current is None:
            self.last()
            return
        number, nth = self.current
        if 0 <= nth + forward < self._counts[number]:
            self.current = number, nth + forward
            return
        beyond = [entry for entry in self._counts if (entry > number) == (forward > 0) and entry != number]
        beyond = beyond or list(self._counts)
        number = min(beyond) if forward > 0 else max(beyond)
        self.current = number, 0 if forward > 0 else self._counts[number] - 1

    def _count(self, entry: Entry) -> int:
        if not self._wanted:
            return 0
        count = limit_lines(entry.text).casefold().count(self._wanted)
        return count + entry.author.casefold().count(self._wanted) if entry.kind in MESSAGES else count

    def places(self, entry: Entry) -> Iterator[Span]:
        """Yield where in the shown text of an entry the places are. Takes linear time."""
        if entry.kind in MESSAGES:
            yield from _find(entry.author, self._wanted, CLOCK_COLUMNS)
        yield from _find(limit_lines(entry.text), self._wanted, len(entry_head(entry)))


def _find(text: str, wanted: str, begin: int) -> Iterator[Span]:
    if not wanted:
        return
    folded = text.casefold()
    at = folded.find(wanted)
    if at < 0:
        return
    # Folding makes some characters longer ("ß" becomes "ss"), and none shorter.
    origin: list[int] | None = None
    if len(folded) != len(text):
        origin = [index for index, ch in enumerate(text) for _ in ch.casefold()]
    while at >= 0:
        last = at + len(wanted) - 1
        yield (begin + at, begin + last + 1) if origin is None else (begin + origin[at], begin + origin[last] + 1)
        at = folded.find(wanted, last + 1)
