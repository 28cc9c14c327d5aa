"""Each kind is given the same messages before it is looked at, and who loses some is not the best of anything."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import bench, messages
from benchmarks.kinds import GO, OURS, TO_THE_BEST
from benchmarks.runs import Run
from py_peer.core import limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.table import Row

COUNT = 2_000


class Side:
    """One of a pair: it keeps what was said, and nothing else has memory."""

    def __init__(self, deaf_for: int, always_loses: bool) -> None:
        self.deaf_for = deaf_for
        self.always_loses = always_loses
        self.sent: list[int] = []
        self.child = self

    def memory(self) -> int:
        return sum(self.sent) * messages.MEGABYTE


def send(pair: tuple[Side, Side], count: int, rate: float) -> Run:
    sender, _ = pair
    sender.sent.append(count)
    loses = sender.always_loses or len(sender.sent) <= sender.deaf_for
    return Run(rate, count, count - loses, 0, in_order=True, p50=0.001, p99=0.002, seconds=1.0, cpu=(1.0, 1.0))


@contextlib.contextmanager
def opened(sides: dict[str, Side], name: str) -> Iterator[Any]:
    yield sides[name], sides[name]


def of_a_burst(sides: dict[str, Side], rounds: int, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], Row]:
    monkeypatch.setattr(messages, "send", send)
    openers: Any = {name: partial(opened, sides, name) for name in sides}
    rows = messages.burst(openers, messages.NODES, rounds, COUNT)
    return {(row.figure.partition(" ")[0], row.kind): row for row in rows}


@pytest.mark.parametrize("deaf_for", [0, 1, 3, 100])
def test_a_kind_that_needs_longer_to_come_together_is_warmed_up_with_as_many_messages(
    deaf_for: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "send", send)
    side: Any = Side(deaf_for, always_loses=False)
    messages.warm_up((side, side))
    *few, rest = side.sent
    assert len(few) == min(deaf_for + 1, messages.TRIES)
    assert set(few) == {messages.FIRST_FEW}
    assert sum(few) + rest == messages.WARM_UP


@pytest.mark.parametrize("rounds", [1, 3])
def test_memory_is_told_after_as_many_messages_as_were_sent(rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = {OURS.name: Side(0, always_loses=False), GO.name: Side(2, always_loses=False)}
    rows = of_a_burst(sides, rounds, monkeypatch)
    for name in sides:
        row = rows["memory", name]
        assert row.figure == "memory after 3,000 messages, nodes"
        assert row.measured == "3000 / 3000 MB"


def test_who_lost_messages_is_not_the_best_in_memory_either(monkeypatch: pytest.MonkeyPatch) -> None:
    sides = {OURS.name: Side(0, always_loses=False), GO.name: Side(0, always_loses=True)}
    rows = of_a_burst(sides, 2, monkeypatch)
    assert [rows[figure, TO_THE_BEST].measured for figure in (f"{COUNT:,}", "CPU", "memory")] == ["-", "-", "-"]


@pytest.mark.parametrize("extent", [bench.Extent(), bench.QUICK], ids=["whole", "quick"])
def test_who_idles_is_watched_for_as_many_pings_whenever_that_begins(extent: bench.Extent) -> None:
    pings, rest = divmod(extent.idle, limits.PING_INTERVAL)
    assert pings >= 2
    assert rest == 0
