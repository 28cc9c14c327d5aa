"""docs/performance.md and its picture are what the benchmark has measured, and nothing else."""

from __future__ import annotations

import io
import json
import math
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from benchmarks import git, keys, kinds, report, rooms
from benchmarks.curve import curve, steps_of
from benchmarks.kinds import OVER_QUIC, SIDE_BY_SIDE, WITH_OTHERS
from benchmarks.report import (
    ALONE,
    DOCUMENT,
    PICTURE,
    PLACES,
    RESULTS,
    STEPS_FROM,
    NoPlaceError,
    blocks,
    fill,
    main,
    picture,
    slug,
)
from benchmarks.table import FAILED, Row, as_json, merged

if TYPE_CHECKING:
    from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"
STEPS = [{"rate": 50, "p50": 0.001, "p99": 0.002, "held": True}, {"rate": 500, "p50": 0.5, "p99": 9.0, "held": False}]


def results(*rows: Row) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(json.dumps(as_json(["a machine"], list(rows), "0.00")))
    return kept


def test_the_document_and_its_picture_are_those_of_the_run_beside_them() -> None:
    measured = json.loads(RESULTS.read_text(encoding="utf-8"))
    document = DOCUMENT.read_text(encoding="utf-8")
    assert fill(document, blocks(measured)) == document
    assert picture(measured) == PICTURE.read_text(encoding="utf-8")


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["nowhere.json"], 2), ([__file__], 2)])
def test_what_it_can_be_given_is_told_and_what_cannot_be_read_is_refused(
    words: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == code
    assert "usage: python -m benchmarks.report" in "".join(capsys.readouterr())


def test_what_was_measured_stands_between_its_marks_and_nothing_else_changes() -> None:
    parts = blocks(results(Row("memory", "5 MB", "4 MB", met=False)))
    before = "".join(f"text\n<!-- {name} -->\nold\n<!-- /{name} -->\n" for name in parts)
    after = fill(before, parts)
    assert "old" not in after
    assert after.count("text\n") == len(parts)
    assert "<!-- machine -->\n- a machine\n- Load average at the end: 0.00\n<!-- /machine -->" in after
    assert "| memory | 5 MB | 4 MB | MISSED |" in after
    assert "<!-- missed -->\n- memory: 5 MB, the goal is 4 MB\n" in after
    assert fill(after, parts) == after


def test_where_each_goal_was_met_that_is_said() -> None:
    assert blocks(results(Row("memory", "5 MB", "6 MB", met=True)))["missed"] == "None was missed.\n"


def test_what_was_measured_later_by_itself_is_told_with_when_that_was() -> None:
    before = results(Row("memory", "5 MB"), Row("start", "1 s"))
    later = as_json(["py-peer", "a machine", "more"], [Row("start", "2 s"), Row("of 5", "3 ms", table="Keys")], "0.1")
    rows = merged(before, later)
    assert [row["measured"] for row in rows["rows"]] == ["5 MB", "2 s", "3 ms"]
    assert merged(rows, later)["later"] == rows["later"], "what is measured again is told once"
    parts = blocks(rows | {"rows": rows["rows"][:2]})
    assert parts["machine"].endswith("- Measured later, by itself: start, Keys: py-peer; a machine; at the end 0.1\n")


def test_each_table_that_is_measured_has_a_place() -> None:
    assert {kinds.table_of(kind.name) for kind in (*kinds.present()[0], kinds.QUIC)} == {SIDE_BY_SIDE, OVER_QUIC}
    assert {
        slug(title) for title in (SIDE_BY_SIDE, WITH_OTHERS, OVER_QUIC, rooms.TABLE, keys.TABLE, git.TABLE, ALONE)
    } < set(PLACES)


def test_a_table_for_which_the_document_has_no_place_is_not_left_out_silently() -> None:
    with pytest.raises(NoPlaceError, match="side-by-side"):
        fill("", {"side-by-side": "a table"})


def test_what_could_not_be_measured_is_named_when_the_document_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = tmp_path / "measured.json"
    measured.write_text(json.dumps(results(Row("memory", FAILED, note="not measured: it ended"), Row("start", "1 s"))))
    document = tmp_path / "page.md"
    document.write_text(DOCUMENT.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(report, "DOCUMENT", document)
    monkeypatch.setattr(report, "PICTURE", tmp_path / "picture.svg")
    report.main([str(measured)])
    assert capsys.readouterr().out.endswith("could not be measured: memory, measured\n")
    assert "not measured: it ended" in document.read_text(encoding="utf-8")


def test_the_table_of_classes_is_filled_from_what_is_piped_in_unless_that_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "page.md"
    document.write_text("<!-- classes -->\nold\n<!-- /classes -->")
    monkeypatch.setattr(report, "DOCUMENT", document)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(SystemExit, match="stays as it was"):
        report.main(["classes"])
    assert "old" in document.read_text()
    monkeypatch.setattr("sys.stdin", io.StringIO("new\n"))
    report.main(["classes"])
    assert document.read_text() == "<!-- classes -->\nnew\n<!-- /classes -->"


def test_the_picture_has_a_line_for_each_kind_and_percentile_that_rises_with_the_latency() -> None:
    rows = [Row(STEPS_FROM, "", kind=kind, values={"steps": STEPS}) for kind in ("ours", "<theirs>")]
    tree = ET.fromstring(picture(results(*rows)))  # noqa: S314 - our own
    lines = [line.get("points", "").split() for line in tree.iter(f"{SVG}polyline")]
    assert len(lines) == 4
    for first, second in lines:
        assert float(first.split(",")[0]) < float(second.split(",")[0])
        assert float(first.split(",")[1]) > float(second.split(",")[1])
    texts = [text.text for text in tree.iter(f"{SVG}text")]
    assert {"ours", "<theirs>"} <= set(texts)


def test_a_rate_that_was_not_held_has_a_hollow_mark_and_stays_inside() -> None:
    svg = curve({"ours": steps_of({"steps": STEPS})}, 0.25)
    tree = ET.fromstring(svg)  # noqa: S314 - our own
    *marks, explained = [mark.attrib for mark in tree.iter(f"{SVG}circle")]
    assert [mark["fill"] == "none" for mark in marks] == [False, True, False, True]
    assert explained["fill"] == "none"
    assert {"250 ms", "not held"} <= {text.text for text in tree.iter(f"{SVG}text")}
    assert all(0 < float(mark["cy"]) < float(tree.get("height", 0)) for mark in marks)


@pytest.mark.parametrize(("seconds", "arrows"), [(9.0, 0), (11.0, 1), (math.inf, 1), (0.0001, 1)])
def test_a_time_beyond_the_picture_is_an_arrow_at_its_edge(seconds: float, arrows: int) -> None:
    svg = curve({"ours": steps_of({"steps": [{"rate": 50, "p50": 0.001, "p99": seconds, "held": False}]})}, 0.25)
    marks = [mark.tag for mark in ET.fromstring(svg).iter()]  # noqa: S314 - our own
    assert marks.count(f"{SVG}polygon") == arrows + 1  # one is explained
    assert marks.count(f"{SVG}circle") == 3 - arrows


def test_the_document_tells_nothing_of_the_machine_but_what_it_is() -> None:
    for file in (DOCUMENT, RESULTS, PICTURE):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"/(home|root|tmp|work|Users)/|child-\d", text), file.name
