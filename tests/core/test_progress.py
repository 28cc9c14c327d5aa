"""The rate of a transfer is that of its last seconds."""

from __future__ import annotations

import pytest

from py_peer.core.progress import SPAN, Meter


def test_the_rate_follows_what_has_come_lately() -> None:
    meter = Meter(100.0)
    assert meter.rate(100.0) == 0.0
    now = 100.0
    for rate in (1_000, 50_000):
        for _ in range(200):
            now += 0.05
            meter.add(rate // 20, now)
        assert meter.rate(now) == pytest.approx(rate, rel=0.05)
    assert meter.seconds_left(100_000, now) == pytest.approx(2.0, rel=0.05)
    assert 0 < meter.rate(now + 1) < 50_000
    assert meter.rate(now + 2 * SPAN) == 0.0
    assert meter.seconds_left(1, now + 2 * SPAN) is None
    assert meter.received == 510_000
