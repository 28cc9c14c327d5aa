"""A room that talks for a long time: what its programs hold, again and again, and whether that grows."""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.network.ledger import Ledger
from tests.network.peers import party, whole
from tests.network.scenes import AGAIN, around

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.network.ledger import Account
    from tests.network.peers import Peer, Usage

RATE: Final = 5.0
"""Texts a second, of all peers together."""

SAMPLE_SECONDS: Final = 2.0
WARM_UP: Final = 90.0
"""Seconds that are not counted: code runs for the first time, and caches fill."""

SMALL_CACHES: Final = {"SEEN_MESSAGES": 256, "LOG_ENTRIES": 256}
"""What is made to be filled in hours is filled in the warm-up: what grows after it grows for ever."""

HOUR: Final = 3_600.0
MEGABYTE: Final = 1e6


@dataclass(frozen=True)
class Slope:
    """How something grows, an hour, with its standard error (which takes the samples for independent)."""

    growth: float
    error: float

    def exceeds(self, allowed: float) -> bool:
        """Say whether it grows by more than `allowed` an hour, and not by accident."""
        return self.growth > allowed and self.growth > 3 * self.error


@dataclass(frozen=True)
class Grown:
    """What became of one program, and where it ended."""

    name: str
    memory: Slope
    """Bytes."""

    descriptors: Slope
    tasks: Slope
    last: Usage


def slope(times: list[float], values: list[float]) -> Slope:
    """Return the slope of the line, with an intercept, that fits `values` at `times` (seconds) best. It takes three."""
    line = statistics.linear_regression(times, values)
    left = sum((value - line.intercept - line.slope * when) ** 2 for when, value in zip(times, values, strict=True))
    spread = sum((when - statistics.fmean(times)) ** 2 for when in times)
    return Slope(line.slope * HOUR, math.sqrt(left / (len(times) - 2) / spread) * HOUR)


def endure(folder: Path, seconds: float, say: Callable[[str], None]) -> tuple[Account, list[Grown]]:
    """Have three peers talk for `seconds` after the warm-up; `say` is told now and then how it goes."""
    peers = around(folder, "hub ann bob", SMALL_CACHES)
    samples: dict[str, list[tuple[float, Usage]]] = {peer.name: [] for peer in peers}
    with party(*peers):
        whole(*peers)
        ledger = Ledger(*peers)
        _talk(ledger, WARM_UP, lambda _: None)

        def sample(passed: float) -> None:
            for peer in peers:
                samples[peer.name].append((passed, peer.usage()))
            if len(samples["hub"]) % 30 == 0:
                say(f"{passed / 60:.0f} of {seconds / 60:.0f} min, {samples['hub'][-1][1].memory / MEGABYTE:.1f} MB")

        _talk(ledger, seconds, sample)
        return ledger.settle(AGAIN), [_grown(peer, samples[peer.name]) for peer in peers]


def _talk(ledger: Ledger, seconds: float, sample: Callable[[float], None]) -> None:
    """Have the peers speak in turns."""
    start = time.monotonic()
    sampled = 0
    for number in range(int(seconds * RATE)):
        time.sleep(max(0.0, start + number / RATE - time.monotonic()))
        ledger.say(ledger.peers[number % len(ledger.peers)])
        if (passed := time.monotonic() - start) >= sampled * SAMPLE_SECONDS:
            sampled += 1
            sample(passed)


def _grown(peer: Peer, samples: list[tuple[float, Usage]]) -> Grown:
    times = [when for when, _ in samples]
    used = [usage for _, usage in samples]
    return Grown(
        peer.name,
        slope(times, [float(usage.memory) for usage in used]),
        slope(times, [float(usage.descriptors) for usage in used]),
        slope(times, [float(usage.tasks) for usage in used]),
        used[-1],
    )
