"""All kinds of peers that are here in one room: every text is shown once to everybody."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from threading import Timer
from typing import Any, ClassVar, Final
from unittest.mock import Mock

import pytest

from interop import report, room
from interop.accounts import Account, Cell
from interop.course import Course, hold
from interop.plan import KINDS, SHAPES, Plan, Shape
from interop.room import as_json, document, kinds_here, main, markdown
from tests.network.peers import Peer

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


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        (Plan("mesh", ("browser", "go")), "no way leads from browser to go"),
        (Plan("mesh", ("browser", "ours", "rust", "browser"), relayed="ours"), "no way leads from browser to"),
        (Plan("line", ("go",)), "go is alone"),
        (Plan("mesh", ()), "nobody is alone"),
    ],
)
def test_who_cannot_meet_is_no_room(plan: Plan, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        plan.dials()


def test_who_is_behind_a_relay_and_meets_nobody_else_is_in_the_room() -> None:
    plan = Plan("mesh", ("ours", "go"), relayed="go")
    assert (plan.dials(), plan.links()) == ([], [("go", "ours")])


class Lines(Peer):
    """Peers without processes: who dials another has it in its room at once, and all hear what one says."""

    here: ClassVar[dict[str, Lines]] = {}
    ready_again = meets_again = runs = True

    def start(self) -> None:
        self.process = Mock(poll=lambda: None if self.runs else 1)
        self._note({"event": "started", "peer_id": f"{self.name}-{len(self.ids)}"})
        if self.ready_again or len(self.ids) == 1:
            self.here[self.id] = self
            self._note({"event": "ready"})

    def kill(self) -> None:
        self.here.pop(self.id, None)
        self._note({"event": "killed"})
        for other in self.here.values():
            other._note({"event": "peer_left", "peer_id": self.id})

    def clean_up(self) -> None:
        pass

    def command(self, name: str, /, **arguments: object) -> None:
        called = self.here[str(arguments["address"]).rpartition("/")[2]]
        if all(one.meets_again or len(one.ids) == 1 for one in (self, called)):
            for one, other in ((self, called), (called, self)):
                if other.id not in one.room():
                    one._note({"event": "peer_joined", "peer_id": other.id})

    def say(self, text: str) -> None:
        self._note({"event": "message_sent", "text": text})
        for other in self.here.values():
            if other is not self:
                other._note({"event": "message_received", "peer_id": self.id, "text": text})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Rooms of `Lines`, in which nobody has long to do anything."""
    Lines.here.clear()
    monkeypatch.setattr("interop.course.KINDS", {"ours": Lines})
    for name in ("START", "WHOLE_AGAIN", "SECOND_COPY"):
        monkeypatch.setattr(f"interop.course.{name}", 0.3)
    for module in ("course", "accounts"):
        monkeypatch.setattr(f"interop.{module}.SETTLED", 0.05)
    return monkeypatch


RETURNING: Final = Plan("line", ("ours", "ours"), seconds=0.8, rate=20, killed="ours")


def test_who_comes_back_and_meets_the_others_leaves_nothing_to_say(quick: pytest.MonkeyPatch, tmp_path: Path) -> None:
    course = hold(RETURNING, tmp_path)
    assert course.clean, markdown(as_json(course))
    assert "ours is back" in markdown(as_json(course))


@pytest.mark.parametrize(
    ("promise", "sentence"),
    [
        ("ready_again", "ours was started again, and did not get ready."),
        ("meets_again", "ours and ours 2 did not meet again."),
    ],
)
def test_who_does_not_come_back_into_the_room_is_told(
    quick: pytest.MonkeyPatch, tmp_path: Path, promise: str, sentence: str
) -> None:
    quick.setattr(Lines, promise, False)
    course = hold(RETURNING, tmp_path)
    assert not course.clean
    assert sentence in markdown(as_json(course))


def test_who_ends_after_the_last_text_is_told(quick: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def progress(what: str) -> None:
        if what.endswith("texts said"):
            quick.setattr(Lines, "runs", False)

    quick.setattr("interop.course.REPORTS", 0.3)
    course = hold(replace(RETURNING, killed="", rate=2.6), tmp_path, progress)
    assert course.died == ["ours", "ours 2"]


def test_a_second_copy_that_comes_after_the_last_text_is_told(quick: pytest.MonkeyPatch, tmp_path: Path) -> None:
    say = Lines.say

    def say_twice(self: Lines, text: str) -> None:
        say(self, text)
        if "00002" in text:
            timers.append(Timer(0.15, say, (self, text)))
            timers[-1].start()

    timers: list[Timer] = []
    quick.setattr(Lines, "say", say_twice)
    course = hold(replace(RETURNING, killed="", seconds=0.15), tmp_path)
    timers[0].join()
    assert course.account.cells["ours 2", "ours"].twice == 1


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
        ("cells", {("ours", "go"): Cell(owed=5, disordered=4)}, "ours of go: 4 pairs out of order."),
        ("unsent", {"go": 5}, "5 texts not sent by go."),
        ("broken", [(120.0, "go", "ours")], "The link of go and ours broke by itself after 20.0 s."),
    ],
)
def test_each_fault_is_told(field: str, fault: object, sentence: str) -> None:
    text = told(**{field: fault})
    assert f"- {sentence}\n" in text
    assert ("Nothing that was owed was lost" in text) == (field != "cells" or "order" in sentence)


def test_a_room_in_which_nothing_was_owed_has_shown_nothing() -> None:
    course = Course(Plan("line", ("ours", "go")), 0.0, Account(cells={("ours", "go"): Cell(apart=3)}), [], [], [])
    assert not course.clean
    text = markdown(as_json(course))
    assert "Nothing was owed to anybody" in text
    assert "Nothing that was owed was lost" not in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--seconds", "0"], "0 is not more than 0"),
        (["--seconds=-5"], "-5 is not more than 0"),
        (["--seconds", "nan"], "nan is not more than 0"),
        (["--rate", "0"], "0 is not more than 0"),
        (["--kinds", "ours"], "ours is alone"),
        (["--json", "/nowhere/x.json"], "cannot write /nowhere/x.json: No such file or directory"),
        (["--ours-limits", "nonsense"], "nonsense is no JSON object"),
        (["--ours-limits", "5"], "5 is no JSON object"),
        (["--ours-limits", '{"NOPE": 1}'], "there is no limit NOPE"),
        (["--ours-limits", '{"MAX_INBOUND": "1"}'], "MAX_INBOUND is to be a number, not '1'"),
    ],
)
def test_a_room_that_cannot_be_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


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
