"""The benchmark's tables show every figure of every kind, and no goal that was missed is hidden."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from benchmarks import kinds
from benchmarks.kinds import GO, JS, OURS, RUST, STOCK, Found, Library, Turns, medians, present, times, to_the_best
from benchmarks.processes import BenchError
from benchmarks.runs import Run
from benchmarks.table import NOTHING, Row, Table, percentile, render, tables
from interop import builds

if TYPE_CHECKING:
    from collections.abc import Iterator

OUR_ROW = Row("latency", "1 ms", "2 ms", met=True, kind="ours", table="Side by side")
THEIRS = Row("latency", "3 ms (3.0 times)", kind="theirs", table="Side by side")
SLOW = Row("rate", "10/s", "20/s", met=False, kind="ours", table="Side by side", note="at 20/s 3 LOST")


def test_kinds_stand_side_by_side_with_the_goal_behind_them() -> None:
    table = Table("Side by side", [OUR_ROW, THEIRS, SLOW])
    assert table.head == ["figure", "ours", "theirs", "goal", ""]
    assert table.lines == [
        ["latency", "1 ms", "3 ms (3.0 times)", "2 ms", "met"],
        ["rate", "10/s", NOTHING, "20/s", "MISSED"],
    ]
    assert table.notes == ["rate, ours: at 20/s 3 LOST"]


def test_a_table_without_goals_has_no_column_for_them() -> None:
    assert Table("", [Row("memory", "5 MB")]).head == ["figure", "measured"]


def test_each_table_has_its_own_columns_and_lines_that_are_aligned() -> None:
    text = render([OUR_ROW, Row("memory", "5 MB"), THEIRS, SLOW])
    assert text.splitlines() == [
        "Side by side",
        "figure   ours  theirs            goal",
        "-------  ----  ----------------  ----",
        "latency  1 ms  3 ms (3.0 times)  2 ms  met",
        f"rate     10/s  {NOTHING}                 20/s  MISSED",
        "  rate, ours: at 20/s 3 LOST",
        "",
        "figure  measured",
        "------  --------",
        "memory  5 MB",
    ]


def test_a_document_has_the_same_cells() -> None:
    (table,) = tables([OUR_ROW, THEIRS])
    assert table.markdown().splitlines() == [
        "| figure | ours | theirs | goal |  |",
        "| --- | --- | --- | --- | --- |",
        "| latency | 1 ms | 3 ms (3.0 times) | 2 ms | met |",
    ]


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (50, 99, 7)


@contextlib.contextmanager
def opened(name: str, closed: list[str]) -> Iterator[str]:
    if name == "absent":
        raise BenchError("it is not there")
    yield name
    closed.append(name)


def test_kinds_take_turns_and_who_fails_is_left_out_with_the_reason() -> None:
    order: list[str] = []
    closed: list[str] = []

    def measure(name: str) -> tuple[float, ...]:
        order.append(name)
        if name == "breaks" and order.count(name) == 2:
            raise BenchError("it broke")
        return (float(len(order)),)

    names = ("ours", "absent", "breaks", "theirs")
    with contextlib.ExitStack() as stack:
        turns = Turns(stack, {name: partial(opened, name, closed) for name in names})
        rounds = turns.rounds(3, measure)
    assert order == ["ours", "breaks", "theirs", "ours", "breaks", "theirs", "ours", "theirs"]
    assert closed == ["theirs", "breaks", "ours"]
    found = {name: Found(medians(each)) for name, each in rounds.items()}
    rows = {row.kind: row for row in turns.rows("figure", found, "{:.0f}".format, ("3", lambda it: it <= 3))}
    assert (rows["ours"].measured, rows["ours"].goal, rows["ours"].verdict) == ("4", "3", "MISSED")
    assert (rows["theirs"].measured, rows["theirs"].verdict) == ("6 (1.5x)", "")
    assert (rows["absent"].measured, rows["absent"].note) == ("failed", "not measured: it is not there")
    assert (rows["breaks"].measured, rows["breaks"].note) == ("failed", "not measured: it broke")


def test_a_goal_is_missed_by_who_fails_and_by_who_loses_something() -> None:
    with contextlib.ExitStack() as stack:
        turns: Turns[str] = Turns(stack, {"ours": lambda: opened("absent", [])})
        (row,) = turns.rows("figure", {}, str, ("any", lambda *_: True))
        assert row.verdict == "MISSED"
        turns = Turns(stack, {"ours": lambda: opened("ours", [])})
        (row,) = turns.rows("figure", {"ours": Found((1.0,), remark="OUT OF ORDER")}, str, ("any", lambda *_: True))
        assert row.verdict == "MISSED"


@pytest.mark.parametrize(
    ("ours", "more_is_better", "told"),
    [
        ((4.0,), False, "2.0x behind Rust"),
        ((1.0,), False, "2.0x ahead of Rust"),
        ((4.0,), True, "2.5x behind Go"),
        ((30.0,), True, "3.0x ahead of Go"),
        ((2.05,), False, "level with Rust"),
        ((4.0, 6.0), False, "2.0 / 3.0x behind Rust"),
        ((4.0, 1.0), False, "2.0x behind Rust, 2.0x ahead of Rust"),
        ((0.0,), True, "far behind Go"),
        ((0.0,), False, "far ahead of Rust"),
        ((), False, ""),
    ],
)
def test_ours_is_told_to_be_behind_or_ahead_of_the_best_of_the_others(
    ours: tuple[float, ...], more_is_better: bool, told: str
) -> None:
    others = {
        "Go": Found((10.0, 20.0)),
        "Rust": Found((2.0, 2.0)),
        "loses": Found((1000.0 if more_is_better else 0.1, 0.1), whole=False),
        "failed": Found(),
    }
    assert to_the_best(Found(ours), others, more_is_better=more_is_better) == told
    assert to_the_best(Found(ours, whole=False), others, more_is_better=more_is_better) == ""


def test_where_somebody_held_all_that_was_tried_the_ratio_is_the_least_that_it_can_be() -> None:
    all_of_it, less = Found((20.0,), at_least=True), Found((10.0,))
    for ours, theirs, told in (
        (less, all_of_it, "at least 2.0x behind Rust"),
        (all_of_it, less, "at least 2.0x ahead of Rust"),
        (all_of_it, all_of_it, "level with Rust"),
    ):
        assert to_the_best(ours, {"Rust": theirs}, more_is_better=True) == told


def test_how_ours_stands_to_the_best_is_told_beside_it_and_the_other_languages_have_no_ratio() -> None:
    found = {JS.name: Found((6.0,)), STOCK.name: Found((8.0,)), OURS.name: Found((4.0,))}
    with contextlib.ExitStack() as stack:
        turns = Turns(stack, {name: partial(opened, name, []) for name in (OURS.name, RUST.name, JS.name, STOCK.name)})
        turns.failed[RUST.name] = Found(note="not measured: it broke")
        table = Table("", list(turns.rows("figure", found, "{:.0f}".format)))
    assert table.head == ["figure", "ours", "ours to the best", "Rust", "Node", "--stock-net"]
    assert table.lines == [["figure", "4", "1.5x ahead of Node", "failed", "6", "8 (2.0x)"]]


def test_a_language_that_is_not_here_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {GO: Library("go", "libp2p", str), RUST: Library("rust", "libp2p", lambda: "it rusts")}
    monkeypatch.setattr(kinds, "SISTERS", there)
    monkeypatch.setattr(builds, "versions", lambda language: {"libp2p": f"9 of {language}"})
    assert present() == ((OURS, GO, STOCK), "go-libp2p 9 of go; no Rust: it rusts")


def test_what_is_compared_with_nothing_has_no_ratio() -> None:
    assert times((2.0, 30.0, 5.0), (4.0, 2.0, 0.0)) == "0.5 / 15x"
    assert (times((2.0,), (0.0,)), times((), (1.0,)), times((1.0,), ())) == ("", "", "")


@pytest.mark.parametrize(
    ("arrived", "p99", "seconds", "why"),
    [
        (99, 0.01, 1.0, "at 100/s 1 LOST of 100"),
        (100, 0.3, 1.0, "at 100/s only 99/s, p99 300 ms"),
        (100, 0.01, 2.0, "at 100/s only 50/s, p99 10.0 ms"),
    ],
)
def test_a_rate_at_which_something_is_lost_or_late_is_not_held(
    arrived: int, p99: float, seconds: float, why: str
) -> None:
    run = Run(100, 100, arrived, 0, in_order=True, p50=0.001, p99=p99, seconds=seconds, cpu=(0, 0))
    assert not run.is_held
    assert run.why_not_held() == why


def test_a_rate_at_which_messages_change_places_is_held_and_that_is_said() -> None:
    run = Run(100, 100, 100, 0, in_order=False, p50=0.001, p99=0.01, seconds=1.0, cpu=(0, 0))
    assert run.is_held
    assert run.fault == "OUT OF ORDER"
    assert replace(run, in_order=True).fault == ""
