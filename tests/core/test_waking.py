"""Time that has passed without us is noticed, whichever clock has seen it."""

from __future__ import annotations

import pytest

from py_peer.core.waking import Clocks, Waking, read_clocks


@pytest.mark.parametrize(
    ("passed", "missed"),
    [
        (Clocks(1.0, 1.0, 1.0), 0),
        (Clocks(1.2, 1.2, 1.2), 0.2),
        (Clocks(61.0, 61.0, 61.0), 60),  # the process was stopped
        (Clocks(1.0, 3_601.0, 3_601.0), 3_600),  # the machine has slept
        (Clocks(1.0, 1.0, 3_601.0), 3_600),  # it has, and no clock of its own tells; or somebody set the wall clock
        (Clocks(1.0, 1.0, -3_599.0), -3_600),  # the wall clock was set back
        (Clocks(61.0, 61.0, -9.0), 60),
    ],
)
def test_what_the_clocks_say(passed: Clocks, missed: float) -> None:
    times = iter((Clocks(100.0, 200.0, 1e9), Clocks(100.0 + passed[0], 200.0 + passed[1], 1e9 + passed[2])))
    assert Waking(1.0, lambda: next(times)).missed() == pytest.approx(missed, abs=1e-6)


def test_a_gap_is_told_once() -> None:
    times = iter(Clocks(now, now, now) for now in (0.0, 1.0, 62.0, 63.0))
    waking = Waking(1.0, lambda: next(times))
    assert [round(waking.missed()) for _ in range(3)] == [0, 60, 0]


def test_the_clocks_of_this_machine_go_forward() -> None:
    before, now = read_clocks(), read_clocks()
    assert now.running >= before.running
    assert now.sleeping >= before.sleeping
