"""What is to be done when: the earliest first, each thing once."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar, final

_Thing = TypeVar("_Thing")


@final
class Agenda(Generic[_Thing]):
    """Things, and when each is due, in seconds of any clock."""

    def __init__(self) -> None:
        self._due: dict[_Thing, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, _Thing]] = []  # also has those of which another time holds now
        self._count = 0

    def put(self, thing: _Thing, when: float) -> None:
        """Do a thing at `when`, and no more at whatever time was said before."""
        self._count += 1
        self._due[thing] = when, self._count
        heapq.heappush(self._heap, (when, self._count, thing))
        if len(self._heap) > 2 * len(self._due) + 64:
            self._heap = [(at, number, one) for one, (at, number) in self._due.items()]
            heapq.heapify(self._heap)

    def drop(self, thing: _Thing) -> None:
        """Do a thing no more."""
        self._due.pop(thing, None)

    def take(self, now: float) -> _Thing | None:
        """Return what has been due for longest, and take it out; None when nothing is due."""
        while self._heap and self._heap[0][0] <= now:
            _, number, thing = heapq.heappop(self._heap)
            if thing in self._due and self._due[thing][1] == number:
                del self._due[thing]
                return thing
        return None

    def __contains__(self, thing: _Thing) -> bool:
        """Say whether a thing is to be done."""
        return thing in self._due

    def __len__(self) -> int:
        """Return how many things are to be done."""
        return len(self._due)
