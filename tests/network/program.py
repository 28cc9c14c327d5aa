"""py-peer, started with other limits than it has, and with a wall clock that can be moved.

`python -m tests.network.program LIMITS ARGUMENTS…`: LIMITS is a JSON object, names of `core.limits` with their values,
so that caches are full and pings due in seconds; the rest is py-peer's.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from typing import Final

from py_peer.core import limits
from py_peer.main import main

MOVE_CLOCK: Final = signal.SIGUSR1
"""Moves the wall clock by an hour. Sent to a stopped process it is obeyed before anything else when that goes on."""

HOUR: Final = 3_600


def make_clock_movable() -> None:
    """Stand in for the wall clock, as every module that asks `time` sees it."""
    real, real_ns = time.time, time.time_ns
    ahead = 0

    def move(*_: object) -> None:
        nonlocal ahead
        ahead += HOUR

    time.time = lambda: real() + ahead
    time.time_ns = lambda: real_ns() + ahead * 1_000_000_000
    signal.signal(MOVE_CLOCK, move)


if __name__ == "__main__":
    for name, value in json.loads(sys.argv[1]).items():
        assert hasattr(limits, name)
        setattr(limits, name, value)
    make_clock_movable()
    sys.exit(main(sys.argv[2:]))
