"""The tables of docs/interop.md show what was measured: a shortfall as such, a reason only where it was measured."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from benchmarks.report import fill
from interop import report
from interop.__main__ import main
from interop.columns import COLUMNS, FINDING, LANGUAGES, Column
from interop.finding import FINDING_SCENES
from interop.oddities import ODDITIES
from interop.outcomes import FAILED, Oddity, Outcome, counted, explained, nothing
from interop.progress import Progress, width
from interop.running import NOT_PLAYED, Cells, Part, run
from interop.scenes import SCENES, Scene

ODD = Oddity(("rust",), "twice", lambda values: values["to_us"] == 1, "it is odd")
HALF = counted((2, 1), 2)
RUST = Column(LANGUAGES[1], we_dial=True, transport="TCP")


class Stage:
    """Stands for a pair of peers."""

    def __init__(self, column: Column, folder: Path) -> None:
        self.column = column
        self.closed = False

    def close(self) -> None:
        self.closed = True


def scene(name: str, outcome: Outcome | Exception, *, needed: bool = False) -> Scene:
    def play(_: Stage) -> Outcome:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return Scene(name, name, play, needed=needed)


def played(*scenes: Scene, columns: tuple[Column, ...] = (RUST,)) -> tuple[list[Part], Cells]:
    parts = [Part(columns, scenes, Stage)]  # type: ignore[arg-type]
    with Progress(parts[0].size, io.StringIO()) as progress:
        return parts, run(parts, progress)


@pytest.fixture(autouse=True)
def _all_are_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Column, "missing", "")


def test_all_is_a_count_and_less_is_a_shortfall_that_has_failed() -> None:
    assert (counted((2, 2), 2).cell, counted((2, 2), 2).failed) == ("2 / 2", False)
    assert (HALF.cell, HALF.failed) == ("FAILED: 2 / 1 of 2", True)
    assert HALF.reason


def test_a_dash_without_a_reason_has_failed() -> None:
    assert nothing("").failed
    assert not nothing("nobody can").failed


def test_a_shortfall_has_the_reason_that_describes_it_and_no_other() -> None:
    assert explained("rust", "twice", HALF, [ODD]) == Outcome(HALF.text, HALF.values, "it is odd")
    assert explained("rust", "twice", counted((1, 2), 2), [ODD]).failed
    assert explained("rust", "many", HALF, [ODD]).failed
    assert explained("go", "twice", HALF, [ODD]).failed


def test_what_is_whole_has_no_excuse_beside_it() -> None:
    whole = counted((2, 2), 2)
    always = Oddity(("rust",), "twice", lambda _: True, "it is odd")
    assert explained("rust", "twice", whole, [always]) is whole


def test_an_oddity_names_a_scene_and_languages_that_there_are() -> None:
    assert {oddity.scene for oddity in ODDITIES} <= {scene.name for scene in (*SCENES, *FINDING_SCENES)}
    assert {name for oddity in ODDITIES for name in oddity.languages} <= {language.name for language in LANGUAGES}


def test_a_scene_that_breaks_off_has_failed_with_what_was_seen_and_the_next_one_is_played() -> None:
    _, cells = played(scene("one", AssertionError("not seen\n--- told: much")), scene("two", Outcome("2 / 2")))
    assert (cells[RUST]["one"].failed, cells[RUST]["one"].reason) == (True, "not seen")
    assert cells[RUST]["two"].cell == "2 / 2"


def test_what_is_no_assertion_breaks_off_a_scene_alone_too() -> None:
    _, cells = played(scene("one", OSError("no such file")), scene("two", Outcome("2 / 2")))
    assert cells[RUST]["one"].reason == "OSError: no such file"
    assert not cells[RUST]["two"].failed


def test_no_oddity_excuses_a_scene_that_breaks_off_or_breaks_its_column() -> None:
    for oddity in ODDITIES:
        for name in oddity.languages:
            column = next(column for column in COLUMNS if column.language.name == name and not column.impossible)
            _, cells = played(
                scene(oddity.scene, AssertionError("not seen")), scene("next", Outcome("1 / 1")), columns=(column,)
            )
            assert (cells[column][oddity.scene].failed, cells[column][oddity.scene].reason) == (True, "not seen")
            assert cells[column]["next"].cell == "1 / 1"
            assert explained(name, oddity.scene, NOT_PLAYED, ODDITIES) is NOT_PLAYED


def test_an_oddity_that_does_not_fit_its_scene_fails_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "interop.running.ODDITIES", [Oddity(("rust",), "one", lambda values: values["no"], "it is odd")]
    )
    parts, cells = played(scene("one", HALF), scene("two", Outcome("2 / 2")))
    assert (cells[RUST]["one"].reason, cells[RUST]["two"].cell) == ("KeyError: 'no'", "2 / 2")
    assert "FAILED" in report.text(parts, cells)


def test_a_scene_to_which_nobody_has_come_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interop.running._play", lambda *_: None)
    parts, cells = played(scene("one", Outcome("1 / 1")))
    assert cells[RUST]["one"].failed
    assert "FAILED: not played" in report.text(parts, cells)


def test_where_the_two_have_not_met_nothing_else_is_tried_and_all_of_it_has_failed() -> None:
    _, cells = played(scene("one", AssertionError("alone"), needed=True), scene("two", Outcome("2 / 2")))
    assert (cells[RUST]["two"].cell, cells[RUST]["two"].failed) == (f"{FAILED}: not tried", True)


def test_a_column_that_cannot_be_has_dashes_with_the_reason_and_plays_nothing() -> None:
    browser = next(column for column in COLUMNS if column.language.uncallable and column.we_dial)
    parts, cells = played(scene("one", AssertionError("it was played")), columns=(browser,))
    assert cells[browser]["one"] == nothing(browser.language.uncallable)
    assert parts[0].size == 0


def test_what_is_not_here_has_a_dash_and_is_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Column, "missing", "cargo is not installed")
    other = Column(RUST.language, we_dial=False, transport="TCP")
    _, cells = played(scene("one", Outcome("1 / 1")), columns=(RUST, other))
    assert cells[RUST]["one"].cell == "-"
    assert report.left_out(cells) == ["Rust, TCP, is left out: cargo is not installed"]


def test_the_same_reason_has_one_number_and_stands_once_beneath_the_table() -> None:
    parts, cells = played(
        scene("one", Outcome("1 / 1", note="odd")),
        scene("two", Outcome("2 / 2", note="odder")),
        scene("three", Outcome("3 / 3", note="odd")),
    )
    shown = report.blocks([], parts, cells)["rust"]
    assert "| one | 1 / 1 [1] |\n| two | 2 / 2 [2] |\n| three | 3 / 3 [1] |\n\n1. odd\n2. odder\n" in shown


def test_the_document_has_a_place_for_each_table_and_what_stands_around_it_is_kept() -> None:
    document = report.DOCUMENT.read_text(encoding="utf-8")
    parts, cells = played(scene("one", Outcome("1 / 1")), columns=(*COLUMNS, *FINDING))
    filled = fill(document, report.blocks(["today"], parts, cells))
    assert "| one | 1 / 1 |" in filled
    assert "- today\n" in filled
    assert filled.startswith(document.partition("<!--")[0])
    assert filled.endswith(document.rpartition("-->")[2])


def test_the_document_has_what_the_scenes_of_today_show() -> None:
    document = report.DOCUMENT.read_text(encoding="utf-8")
    for scenes, times in ((SCENES, len(LANGUAGES)), (FINDING_SCENES, 1)):
        for one in scenes:
            assert document.count(f"| {one.title} |") == times, one.title
    assert FAILED not in document.partition("<!-- go -->")[2].partition("## What it means")[0]


def test_what_runs_is_told_on_a_terminal_and_in_a_pipe() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream in (Terminal(), io.StringIO()):
        with Progress(1, stream) as progress:
            progress.begins("Rust, we dial", "ping")
            progress.says("hello")
            progress.ends("Rust, we dial", "1 / 2 ms")
        told = stream.getvalue()
        assert "Rust, we dial: ping: 1 / 2 ms\n" in told
        assert ("cells left; now for 0 s Rust, we dial: ping" in told) == stream.isatty()
        assert ("\r" in told) == stream.isatty()


@pytest.mark.parametrize("options", [("--only", "browser", "--transport", "tcp"), ("--only", ",")])
def test_a_part_in_which_no_column_is_left_is_an_error_of_usage(
    options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["interop", *options])
    with pytest.raises(SystemExit, match="2"):
        main()


@pytest.mark.parametrize("missing", ["", "cargo is not installed"])
def test_the_document_stays_as_it_is_when_something_was_left_out(
    missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "interop.md"
    document.write_text(before := report.DOCUMENT.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(report, "DOCUMENT", document)
    monkeypatch.setattr(report, "head", lambda: ["today"])
    monkeypatch.setattr(Column, "missing", missing)
    monkeypatch.setattr(
        "interop.__main__.run",
        lambda parts, _: {
            column: {scene.name: nothing(missing) if missing else Outcome("1 / 1") for scene in part.scenes}
            for part in parts
            for column in part.columns
        },
    )
    monkeypatch.setattr("sys.argv", ["interop"])
    assert main() == int(bool(missing))
    assert (document.read_text(encoding="utf-8") == before) == bool(missing)
    assert ("stays as it is" in capsys.readouterr().out) == bool(missing)


def test_a_table_that_is_wider_than_the_terminal_has_its_columns_below_each_other() -> None:
    columns = tuple(column for column in COLUMNS if column.language.name == "go")
    parts, cells = played(scene("one", Outcome("1 / 1", note="odd")), columns=columns)
    assert max(map(len, report.text(parts, cells).splitlines())) > 80
    narrow = report.text(parts, cells, 80)
    assert max(map(len, narrow.splitlines())) <= 80
    assert "Go, we dial, TCP\n" in narrow
    assert narrow.count("1 / 1 [1]") == len(columns)
    assert narrow.count("[1] odd") == 1
    assert report.text(parts, cells, 1000) == report.text(parts, cells)


def test_what_ends_after_an_interruption_is_not_told() -> None:
    stream = io.StringIO()
    with Progress(1, stream) as progress:
        progress.begins("Rust, we dial", "ping")
        progress.hush()
        progress.ends("Rust, we dial", "FAILED: no end")
    assert "FAILED" not in stream.getvalue()


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals of its own")
def test_the_width_is_that_of_the_terminal_to_which_a_stream_goes() -> None:
    import pty
    import termios

    ends = pty.openpty()
    termios.tcsetwinsize(ends[1], (24, 33))
    with os.fdopen(ends[0], "rb"), os.fdopen(ends[1], "w") as terminal:
        assert width(terminal) == 33
    assert width(io.StringIO()) is None
