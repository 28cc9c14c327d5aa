"""All kinds of peers that are here in one room: every text is shown once to everybody."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interop import report, room
from interop.accounts import Account, Cell
from interop.course import KINDS, SHAPES, Course, Plan, Shape, hold
from interop.room import as_json, document, kinds_here, main, markdown

HERE, MISSING = kinds_here()
ALONE = len(HERE) == 1


@pytest.mark.skipif(ALONE, reason="; ".join(MISSING.values()))
@pytest.mark.timeout(180)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_text_is_shown_once_to_everybody(shape: Shape, tmp_path: Path) -> None:
    plan = Plan(shape, HERE, seconds=4, rate=15)
    course = hold(replace(plan, relayed=plan.with_parts().relayed), tmp_path)
    told = markdown(as_json(course))
    assert not course.unmet + course.died + course.account.strange, told
    for cell in course.account.cells.values():
        assert cell.shown == cell.owed == plan.seconds * plan.rate // len(HERE), told
        assert not cell.twice, told


def test_who_is_not_here_is_left_out_and_said() -> None:
    assert "Left out: go: go is not installed" in document([], [], {"go": "go is not installed"})


def test_in_a_line_each_dials_the_next_alone_and_a_browser_dials() -> None:
    assert Plan("line", tuple(KINDS)).dials() == [
        ("browser", "node"),
        ("node", "ours"),
        ("ours", "rust"),
        ("rust", "go"),
    ]
    with pytest.raises(ValueError, match="neither browser nor rust can dial"):
        Plan("line", ("browser", "rust", "go")).dials()


def test_in_a_mesh_each_dials_all_others_that_it_can() -> None:
    dials = Plan("mesh", ("ours", "go", "browser", "go")).dials()
    assert sorted(dials) == sorted(
        [("browser", "ours")]
        + [(one, other) for one in ("ours", "go", "go 2") for other in ("ours", "go", "go 2") if one != other]
    )


def test_who_is_behind_a_relay_dials_nobody_and_is_dialled_by_those_who_can() -> None:
    dials = Plan("mesh", ("browser", "node", "ours", "go"), relayed="node").dials()
    assert sorted(dials) == [("browser", "ours"), ("go", "node"), ("go", "ours"), ("ours", "go")]


def test_the_first_of_those_for_a_part_who_is_here_has_it() -> None:
    plan = Plan("mesh", ("browser", "ours", "rust")).with_parts()
    assert (plan.killed, plan.left, plan.relayed) == ("rust", "rust", "rust")
    plan = Plan("line").with_parts()
    assert (plan.killed, plan.left, plan.relayed) == ("ours", "go", "")
    assert not Plan("mesh", ("go", "rust")).with_parts().relayed, "without ours there is no relay"


def told(**fields: Any) -> str:
    """Return what is told of a course that is clean, but for these fields of its account."""
    account = Account(said=3, cells={("ours", "go"): Cell(owed=2, shown=2, delays=[0.01, 0.02])})
    for name, field in fields.items():
        setattr(account, name, field)
    plan = Plan("line", ("ours", "go"))
    return markdown(as_json(Course(plan, 100.0, account, [(7.0, "go is killed")], [], [])))


def test_a_clean_course_is_told_so_with_its_counts_and_delays() -> None:
    text = told()
    assert "| ours |  | 2 of 2<br>10.0 ms / 20.0 ms |" in text
    assert "After 7 s go is killed." in text
    assert "Nothing that was owed was lost" in text


@pytest.mark.parametrize(
    ("field", "fault", "sentence"),
    [
        ("cells", {("ours", "go"): Cell(owed=2, shown=1, lost=[130.0])}, "ours of go: 1 lost, said after 30.0 s."),
        ("cells", {("ours", "go"): Cell(twice=3)}, "ours of go: 3 shown twice."),
        ("cells", {("ours", "go"): Cell(disordered=4)}, "ours of go: 4 pairs out of order."),
        ("unsent", {"go": 5}, "5 texts not sent by go."),
        ("broken", [(120.0, "go", "ours")], "The link of go and ours broke by itself after 20.0 s."),
    ],
)
def test_each_fault_is_told(field: str, fault: object, sentence: str) -> None:
    text = told(**{field: fault})
    assert f"- {sentence}\n" in text
    assert ("Nothing that was owed was lost" in text) == (field != "cells" or "order" in sentence)


@pytest.mark.parametrize("lost", [0, 1])
@pytest.mark.parametrize(("arguments", "written"), [([], True), (["--no-write"], False), (["--seconds", "5"], False)])
def test_the_usual_run_is_written_into_the_page_and_a_loss_ends_it_with_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], written: bool, lost: int
) -> None:
    def hold(plan: Plan, folder: Path, progress: object) -> Course:
        account = Account(cells={("ours", "go"): Cell(owed=1, lost=[1.0] * lost)})
        return Course(plan, 0.0, account, [], [], [])

    page = tmp_path / "page.md"
    page.write_text("before\n<!-- room-of-all -->\n<!-- /room-of-all -->\nafter\n")
    monkeypatch.setattr(room, "hold", hold)
    monkeypatch.setattr(report, "head", lambda: ["where and when"])
    monkeypatch.setattr(report, "DOCUMENT", page)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    kept = tmp_path / "all.json"
    assert main([*arguments, "--json", str(kept)]) == lost
    text = page.read_text()
    assert ("where and when" in text, "#### In a line" in text, "#### In a mesh" in text) == (written,) * 3
    assert (text.startswith("before\n"), text.endswith("after\n")) == (True, True)
    assert [one["lost"] for one in json.loads(kept.read_text())["rooms"]] == [lost, lost]
