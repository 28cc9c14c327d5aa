"""Whether time has passed without us: the machine slept, the process was stopped, the wall clock was moved."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, final

if TYPE_CHECKING:
    from collections.abc import Callable


class Clocks(NamedTuple):
    """What the clocks of the machine show, in seconds."""

    running: float
    """Counts while the machine runs."""

    sleeping: float
    """Counts while it sleeps, too, where the system has such a clock."""

    wall: float


def read_clocks() -> Clocks:
    """Read the clocks."""
    running = time.monotonic()
    # On Linux the monotonic clock stands still while the machine sleeps; elsewhere the wall clock has to tell.
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    return Clocks(running, running if boot_time is None else time.clock_gettime(boot_time), time.time())


@final
class Waking:
    """Compares the clocks each time it is asked, which should be once in `every` seconds."""

    def __init__(self, every: float, read: Callable[[], Clocks]) -> None:
        self._every = every
        self._read = read
        self._before = read()

    def missed(self) -> float:
        """Return the seconds that have passed without us; negative when the wall clock was set back."""
        before, self._before = self._before, self._read()
        return max((now - then - self._every for now, then in zip(self._before, before, strict=True)), key=abs)
