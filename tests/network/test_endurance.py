"""The slope that the soak judges by is the one in the samples, with the error that belongs to it."""

from __future__ import annotations

import random

import pytest

from benchmarks.endurance import HOUR, slope

TIMES = [2.0 * number for number in range(100)]


def test_a_line_has_its_slope_and_no_error() -> None:
    fitted = slope(TIMES, [5 + when / HOUR for when in TIMES])
    assert fitted.growth == pytest.approx(1)
    assert fitted.error == pytest.approx(0, abs=1e-6)
    assert fitted.exceeds(0.9)
    assert not fitted.exceeds(1.1)


def test_the_error_is_as_large_as_slopes_differ() -> None:
    noise = random.Random(1)
    slopes = [slope(TIMES, [noise.gauss(0, 1) for _ in TIMES]) for _ in range(100)]
    inside = sum(abs(fitted.growth) < 2 * fitted.error for fitted in slopes)
    assert 85 <= inside < 100
    assert sum(fitted.exceeds(0) for fitted in slopes) <= 2
