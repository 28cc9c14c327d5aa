"""The benchmark keeps what it has measured, and asks for nothing half an hour too late."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import bench, front_ends
from benchmarks.table import Row, as_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _interrupted(*_: object) -> Iterator[Row]:
    yield Row("second", "2 ms")
    raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _figures(monkeypatch: pytest.MonkeyPatch) -> None:
    figures: dict[str, Any] = {"first": lambda *_: [Row("first", "1 ms")], "second": _interrupted}
    monkeypatch.setattr(bench, "FIGURES", figures)
    monkeypatch.setattr(front_ends, "warm_up", lambda _: None)


def test_a_ctrl_c_leaves_what_was_measured_and_says_so_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept.json"
    assert bench.main(["--alone", "--json", str(kept)]) == 130
    said = capsys.readouterr()
    assert said.err == "Interrupted: the rest was not measured\n"
    assert "first   1 ms\nsecond  2 ms\n" in said.out
    assert [row["figure"] for row in json.loads(kept.read_text(encoding="utf-8"))["rows"]] == ["first", "second"]


def test_a_ctrl_c_before_anything_was_measured_keeps_the_results_of_the_run_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text("the run before", encoding="utf-8")

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(front_ends, "warm_up", interrupted)
    assert bench.main(["--alone", "--json", str(kept)]) == 130
    assert kept.read_text(encoding="utf-8") == "the run before"


def test_a_file_that_cannot_be_written_is_told_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main(["--alone", "--json", str(tmp_path / "nowhere" / "kept.json")])
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert "error: argument --json: " in said.err
    assert said.err.endswith("cannot be written: No such file or directory\n")


def test_a_figure_is_added_to_those_of_an_earlier_run(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    earlier = [Row("first", "9 ms"), Row("third", "3 ms")]
    kept.write_text(json.dumps(as_json(["earlier"], earlier, "0")), encoding="utf-8")
    assert bench.main(["--alone", "--json", str(kept), "--add", "first"]) == 0
    results = json.loads(kept.read_text(encoding="utf-8"))
    assert [row["measured"] for row in results["rows"]] == ["1 ms", "3 ms"]
    assert results["head"] == ["earlier"]
    assert "first" in results["later"][0]


@pytest.mark.parametrize("words", [[], ["--json", "nowhere.json"], ["--json", __file__]])
def test_there_has_to_be_an_earlier_run_that_it_is_added_to(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main(["--alone", "--add", *words])
    assert ended.value.code == 2
