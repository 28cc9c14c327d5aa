"""/stats: short, aligned, in plain words, and nothing that is zero."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from py_peer.core.bars import duration
from py_peer.core.events import Statistics
from py_peer.core.figures import FIGURES
from py_peer.core.requests import RequestStatistics
from py_peer.frontends.figure_lines import stats_lines
from tests.frontends.fakes import FakeService, Stage
from tests.frontends.test_front_end import when
from tests.frontends.test_piped import chat_over
from tests.loops import run

NOTHING = Statistics(1, **{figure.name: {} if figure.label else 0 for figure in FIGURES})  # type: ignore[arg-type]
BUSY = replace(
    NOTHING,
    uptime_seconds=8_000.5,
    messages_sent=12,
    messages_received=1_234_567,
    messages_dropped={"its author is muted": 600, "no proper author or sequence number": 3},
    gossip_received_bytes=45_100,
    ping_seconds={"least": 0.0012, "median": 0.25, "most": 1.5},
    memory_bytes=None,
    tasks=40,
)


def test_the_numbers_stand_under_each_other_and_what_is_zero_or_not_known_is_left_out() -> None:
    assert stats_lines(BUSY, None) == [
        "📊 After 2 h 13 min:",
        "          12  messages sent",
        "   1,234,567  messages received",
        "         600  dropped: its author is muted",
        "           3  dropped: no proper author or sequence number",
        "     45.1 kB  gossip received",
        "     1.20 ms  round trip: least",
        "   250.00 ms  round trip: median",
        "  1500.00 ms  round trip: most",
        "          40  tasks",
    ]


def test_one_peer_has_one_round_trip() -> None:
    one = replace(NOTHING, ping_seconds=dict.fromkeys(("least", "median", "most"), 0.002))
    assert stats_lines(one, None)[1:] == ["  2.00 ms  round trip"]


def test_on_48_columns_a_long_reason_goes_on_under_its_words() -> None:
    lines = stats_lines(BUSY, 48)
    assert all(len(line) <= 48 for line in lines)
    place = next(number for number, line in enumerate(lines) if "proper" in line)
    assert lines[place + 1].strip() == "sequence number"
    assert lines[place + 1].index("sequence") == lines[place].index("dropped")


def test_with_nothing_to_tell_there_is_the_time_alone() -> None:
    assert stats_lines(NOTHING, 48) == ["📊 After 0 s:"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.4, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3_600, "1 h"),
        (3_605, "1 h 5 s"),
        (90_061, "1 d 1 h"),
        (8_640_000, "100 d"),
    ],
)
def test_a_time_has_two_units_at_most(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [(1, "1 B"), (999, "999 B"), (1_000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"), (7e15, "7000.0 TB")],
)
def test_sizes_are_read_at_a_glance(size: int, shown: str) -> None:
    assert stats_lines(replace(NOTHING, memory_bytes=size), None)[1] == f"  {shown}  memory"


def test_it_is_asked_for_and_answered_before_a_pipe_is_left() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService()
        running = asyncio.create_task(stage.run(chat_over(stage, service, b"/stats\n")))
        await when(lambda: any(isinstance(request, RequestStatistics) for request in service.requests))
        ticket = service.requests[0].ticket
        service.emit(replace(BUSY, ticket=ticket))
        await running
        assert stage.lines[-11:-1] == stats_lines(BUSY, None)

    run(scene())
