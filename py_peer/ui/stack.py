"""Which entry of a log stands at which row, when each takes some rows of its own."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROOM_LEFT: Final = 1024
"""What is dropped from the top is taken off the lists once it is this much, and half of them."""


@final
class Stack:
    """Entries by their numbers, one below the other. The newest is at the bottom, the oldest goes first.

    A row is found in logarithmic time; putting an entry below the others takes no time to speak of, and so does
    dropping one from the top. Changing the height of one takes as long as there are entries below it.
    """

    def __init__(self) -> None:
        # The bottoms are rows below the top of the very first entry, so that dropping changes none of them.
        self._numbers: list[int] = []
        self._bottoms: list[int] = []
        self._first = 0
        self._top = 0
        self.newest = -1
        """The highest number that ever was in it."""

    def __len__(self) -> int:
        return len(self._numbers) - self._first

    def __contains__(self, number: int) -> bool:
        index = bisect_left(self._numbers, number, self._first)
        return index < len(self._numbers) and self._numbers[index] == number

    @property
    def rows(self) -> int:
        """How many rows all entries take."""
        return self._bottoms[-1] - self._top if self else 0

    @property
    def oldest(self) -> int:
        """The number of the topmost entry, or -1."""
        return self._numbers[self._first] if self else -1

    def numbers(self, first: int, last: int) -> list[int]:
        """Return the numbers of the entries from `first` to `last`, those two included."""
        begin = bisect_left(self._numbers, first, self._first)
        return self._numbers[begin : bisect_right(self._numbers, last, begin)]

    def beside(self, number: int, step: int) -> int | None:
        """Return the number of the entry just below (1) or above (-1) another, or None at an end."""
        index = bisect_left(self._numbers, number, self._first) + step
        return self._numbers[index] if self._first <= index < len(self._numbers) else None

    def fill(self, heights: Iterable[tuple[int, int]]) -> None:
        """Take numbers and heights in the place of what was there."""
        self._numbers, self._bottoms = [], []
        self._first = self._top = 0
        for number, height in heights:
            self.append(number, height)

    def append(self, number: int, height: int) -> None:
        """Put an entry below all others."""
        self._bottoms.append((self._bottoms[-1] if self._bottoms else self._top) + height)
        self._numbers.append(number)
        self.newest = number

    def resize(self, number: int, height: int) -> None:
        """Give an entry another height."""
        index = bisect_left(self._numbers, number, self._first)
        above = self._bottoms[index - 1] if index > self._first else self._top
        if change := height - (self._bottoms[index] - above):
            self._bottoms[index:] = [bottom + change for bottom in self._bottoms[index:]]

    def drop(self, number: int) -> None:
        """Drop the entries from the top up to the one of this number, included."""
        first = bisect_right(self._numbers, number, self._first)
        if first == self._first:
            return
        self._top, self._first = self._bottoms[first - 1], first
        if first > _ROOM_LEFT and 2 * first > len(self._numbers):
            del self._numbers[:first], self._bottoms[:first]
            self._first = 0

    def at(self, row: int) -> tuple[int, int] | None:
        """Return the number of the entry that has this row, and which of its rows it is."""
        index = bisect_right(self._bottoms, self._top + row, self._first)
        if row < 0 or index == len(self._numbers):
            return None
        above = self._bottoms[index - 1] if index > self._first else self._top
        return self._numbers[index], self._top + row - above

    def top(self, number: int) -> int:
        """Return the first row of an entry; of one that is not there, where it would be."""
        index = bisect_left(self._numbers, number, self._first)
        return (self._bottoms[index - 1] if index > self._first else self._top) - self._top
