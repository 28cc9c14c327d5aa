"""Who of several sources is asked for which pieces of a file. Sources are named by any key; pieces count from 0."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

S = TypeVar("S", bound="Hashable")


@final
class Pieces(Generic[S]):
    """The pieces that are missing. Each is asked of one source; the last ones of a slow source of a second one, too."""

    def __init__(self, missing: Iterable[int]) -> None:
        """Begin with the pieces that are `missing`, in their order."""
        self._waiting: deque[range] = deque(_runs(missing))
        self._missing = sum(map(len, self._waiting))
        self._asked: dict[S, dict[int, None]] = {}
        self._twice: set[int] = set()

    @property
    def missing(self) -> int:
        """How many pieces are not there yet."""
        return self._missing

    def take(self, source: S, most: int) -> range:
        """Return the next pieces to ask `source` for, up to `most` that follow each other; none where it has no work.

        When every piece is asked for, they are some of those that the source with the most to do would bring last.
        """
        run = self._waiting.popleft() if self._waiting else self._last_of_others(source, most)
        if len(run) > most:
            self._waiting.appendleft(run[most:])
            run = run[:most]
        self._asked.setdefault(source, {}).update(dict.fromkeys(run))
        return run

    def came(self, piece: int) -> bool:
        """Note that a piece is there; return whether it was missing."""
        asked = [pieces for pieces in self._asked.values() if piece in pieces]
        for pieces in asked:
            del pieces[piece]
        self._missing -= bool(asked)
        return bool(asked)

    def give_back(self, source: S) -> None:
        """Note that `source` brings nothing more: what it was asked for waits for another one."""
        lost = self._asked.pop(source, {}).keys()
        others = set[int]().union(*self._asked.values())
        self._twice.difference_update(lost)
        self._waiting.extendleft(reversed(list(_runs(sorted(lost - others)))))

    def _last_of_others(self, source: S, most: int) -> range:
        others = (pieces for other, pieces in self._asked.items() if other != source)
        left = [[piece for piece in pieces if piece not in self._twice] for pieces in others]
        *_, run = range(0), *_runs(max(left, key=len, default=[])[-most:])
        self._twice.update(run)
        return run


def _runs(pieces: Iterable[int]) -> Iterator[range]:
    """Return pieces, which ascend, as ranges of those that follow each other."""
    start = end = -1
    for piece in pieces:
        if piece != end:
            if end > start:
                yield range(start, end)
            start = piece
        end = piece + 1
    if end > start:
        yield range(start, end)
