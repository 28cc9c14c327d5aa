"""The table of figures: one row for each field of the event, and one for whatever the network counts."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import py_peer
from py_peer.core.events import Statistics
from py_peer.core.figures import FIGURES, count, markdown_table

SOURCES = [path for room in ("net", "service") for path in sorted((Path(py_peer.__file__).parent / room).glob("*.py"))]


def test_the_event_has_the_figures_of_the_table_in_its_order() -> None:
    assert [field.name for field in fields(Statistics)] == ["ticket", *(figure.name for figure in FIGURES)]


def test_the_parts_of_a_figure_are_told_apart_by_a_label_and_others_have_none() -> None:
    kinds = {field.name: field.type for field in fields(Statistics)}
    assert {figure.name for figure in FIGURES if figure.label} == {
        name for name, kind in kinds.items() if str(kind).startswith("dict")
    }


def test_names_and_labels_are_such_as_prometheus_takes_and_helps_are_sentences() -> None:
    for figure in FIGURES:
        assert re.fullmatch("[a-z]+(_[a-z]+)*", figure.name)
        assert re.fullmatch("[a-z]*", figure.label)
        assert figure.words
        assert figure.help[0].isupper()
        assert figure.help.endswith(".")


def test_counters_are_read_by_name_and_by_what_stands_before_the_reason() -> None:
    relayed, dropped = (next(one for one in FIGURES if one.counted == name) for name in ("relayed", "dropped"))
    counters = {"dropped: muted": 2, "dropped: not signed": 3, "relayed": 5, "not relayed: too large": 7}
    assert count(counters, relayed) == 5
    assert count(counters, dropped) == {"muted": 2, "not signed": 3}
    assert count({}, relayed) == 0
    assert count({}, dropped) == {}


def test_what_has_a_figure_of_its_own_is_no_part_of_another() -> None:
    files = {figure.name: figure for figure in FIGURES if figure.name.startswith("files_")}
    counters = {"files: sent": 2, "files: bytes sent": 30, "files: refused": 5}
    assert count(counters, files["files_sent"]) == 2
    assert count(counters, files["files_sent_bytes"]) == 30
    assert count(counters, files["files_refused"]) == {"refused": 5}


def test_whatever_is_counted_is_in_the_table() -> None:
    plain = {figure.counted for figure in FIGURES if figure.counted and not figure.label}
    labelled = {figure.counted for figure in FIGURES if figure.counted and figure.label}
    names = {name for path in SOURCES for name in counted_names(ast.parse(path.read_text()))}
    assert len(names) > 20
    for name in names:
        before, colon, _ = name.partition(": ")
        assert before in (labelled if colon else plain), name


def counted_names(tree: ast.AST) -> set[str]:
    """Return the names that stand in `counters["name"]`, and the reasons that are counted through a variable."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and "counters" in ast.unparse(node.value).lower():
            found |= literals(node.slice)
        elif isinstance(node, ast.FunctionDef) and node.name == "_reason_to_drop":
            for part in ast.walk(node):
                found |= literals(part.value) if isinstance(part, ast.Return) else set()
    return found - {""}


def literals(node: ast.expr | None) -> set[str]:
    """Return the strings that stand there in the source; of one that is put together, what it begins with."""
    match node:
        case ast.Constant(value=str() as text):
            return {text}
        case ast.JoinedStr():
            return literals(node.values[0])
        case ast.IfExp():
            return literals(node.body) | literals(node.orelse)
        case _:
            return set()


def test_the_document_has_the_table() -> None:
    document = (Path(py_peer.__file__).parent.parent / "docs" / "metrics.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- figures -->\n(.*?)<!-- /figures -->", document, re.DOTALL)
    assert shown is not None
    assert shown[1] == markdown_table()
