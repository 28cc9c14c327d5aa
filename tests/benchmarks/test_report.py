"""docs/performance.md and its picture are what the benchmark has measured, and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from benchmarks.curve import curve, steps_of
from benchmarks.report import DOCUMENT, PICTURE, RESULTS, STEPS_FROM, NoPlaceError, blocks, fill, picture
from benchmarks.table import Row, as_json

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


def test_a_table_for_which_the_document_has_no_place_is_not_left_out_silently() -> None:
    with pytest.raises(NoPlaceError, match="side-by-side"):
        fill("", {"side-by-side": "a table"})


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
    marks = [mark.attrib for mark in ET.fromstring(svg).iter(f"{SVG}circle")]  # noqa: S314 - our own
    assert [mark["fill"] == "none" for mark in marks] == [False, True, False, True]
    height = float(ET.fromstring(svg).get("height", 0))  # noqa: S314 - our own
    assert all(0 < float(mark["cy"]) < height for mark in marks)


def test_the_document_tells_nothing_of_the_machine_but_what_it_is() -> None:
    for file in (DOCUMENT, RESULTS, PICTURE):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"/(home|root|tmp|work|Users)/|child-\d", text), file.name
