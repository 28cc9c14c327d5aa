"""How fast a transfer goes, over the last seconds. Time is an argument, in monotonic seconds."""

from __future__ import annotations

from collections import deque
from typing import Final, final

SPAN: Final = 5.0
"""Seconds over which the rate is taken."""

_STEP: Final = 0.2


@final
class Meter:
    """Measures the rate of what comes."""

    def __init__(self, now: float) -> None:
        """Begin to measure."""
        self.received = 0
        """Bytes since the beginning."""

        self._marks = deque([(now, 0)])  # what had been received when

    def add(self, count: int, now: float) -> None:
        """Note that `count` bytes have come."""
        self._mark(now)
        self.received += count

    def rate(self, now: float) -> float:
        """Return the bytes a second."""
        self._mark(now)
        when, before = self._marks[0]
        return (self.received - before) / (now - when) if now > when else 0.0

    def seconds_left(self, missing: int, now: float) -> float | None:
        """Return how long `missing` bytes will take at this rate; None where nothing comes."""
        rate = self.rate(now)
        return missing / rate if rate else None

    def _mark(self, now: float) -> None:
        if now - self._marks[-1][0] >= _STEP:
            self._marks.append((now, self.received))
        while len(self._marks) > 1 and now - self._marks[1][0] >= SPAN:
            self._marks.popleft()
