"""The tables of docs/interop.md: what was measured between their marks, and nothing else."""

from __future__ import annotations

import argparse
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.processes import ROOT
from benchmarks.report import fill
from benchmarks.table import Row, Table
from interop.columns import LANGUAGES
from interop.versions import versions
from py_peer import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from interop.columns import Column
    from interop.running import Cells, Part
    from interop.scenes import Scene

DOCUMENT: Final = ROOT / "docs" / "interop.md"
MADE: Final = "made"
FOUND: Final = "finding"
"""Marks of the document, beside the names of the languages."""


def new_file(name: str) -> Path:
    """Return the path of a file that can be written; whether it can is seen before the work, not after it.

    Raises:
        argparse.ArgumentTypeError: it cannot be written.
    """
    path = Path(name)
    is_new = not path.exists()
    try:
        path.open("a").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot write {name}: {error.strerror}") from None
    if is_new:
        path.unlink()
    return path


def head() -> list[str]:
    """Return what was run, and when."""
    ours = f"py-peer {__version__}, Python {platform.python_version()}, py-libp2p {metadata.version('libp2p')}"
    return [
        f"{time.strftime('%Y-%m-%d %H:%M')}, {platform.system()} {platform.machine()}",
        ours,
        *(f"{language.title}: {versions(language.name)}" for language in LANGUAGES),
    ]


def left_out(cells: Cells) -> list[str]:
    """Return what could not be run here, though it can be elsewhere, and why."""
    found = {
        (column.language.title, column.transport or "finding each other", column.missing): None
        for column in cells
        if column.missing and not column.impossible
    }
    return [f"{language}, {what}, is left out: {why}" for language, what, why in found]


def failures(cells: Cells) -> list[str]:
    """Return what fell short that nobody expected, and what is said of it."""
    return [
        f"{column}: {scene}: {outcome.text}: {outcome.reason}"
        for column, outcomes in cells.items()
        for scene, outcome in outcomes.items()
        if outcome.failed
    ]


def table(
    columns: Mapping[Column, str], cells: Cells, scenes: Sequence[Scene], title: str = ""
) -> tuple[Table, list[str]]:
    """Return the table of these columns, each under its name, and the notes to its cells, by their numbers."""
    notes: list[str] = []
    rows = []
    for scene in scenes:
        for column, name in columns.items():
            outcome = cells[column][scene.name]
            mark = ""
            if outcome.reason:
                if outcome.reason not in notes:
                    notes.append(outcome.reason)
                mark = f" [{1 + notes.index(outcome.reason)}]"
            rows.append(Row(scene.title, outcome.cell + mark, kind=name))
    made = Table(title, rows)
    made.head[0] = "ours to theirs / theirs to ours" if columns and next(iter(columns)).transport else "met after"
    return made, notes


def tables(parts: Sequence[Part], cells: Cells) -> dict[str, tuple[Table, list[str]]]:
    """Return all tables with their notes, by the names of their marks in the document."""
    found: dict[str, tuple[Table, list[str]]] = {}
    for part in parts:
        for language in dict.fromkeys(column.language for column in part.columns if column.transport):
            columns = {column: column.title for column in part.columns if column.language == language}
            found[language.name] = table(columns, cells, part.scenes, language.title)
        if columns := {column: str(column) for column in part.columns if not column.transport}:
            found[FOUND] = table(columns, cells, part.scenes, "Finding each other")
    return found


def blocks(lines: Sequence[str], parts: Sequence[Part], cells: Cells) -> dict[str, str]:
    """Return what belongs between the marks of the document, by their names."""
    found = {MADE: "".join(f"- {line}\n" for line in [*lines, *left_out(cells)])}
    for name, (made, notes) in tables(parts, cells).items():
        numbered = "".join(f"{number}. {note}\n" for number, note in enumerate(notes, 1))
        found[name] = "\n".join(filter(None, (made.markdown(), numbered)))
    return found


def text(parts: Sequence[Part], cells: Cells, width: int | None = None) -> str:
    """Return the tables for a terminal; of one that has more columns than `width` each column by itself."""
    return "\n\n".join(
        "\n".join([_text(made, width), *(f"  [{number}] {note}" for number, note in enumerate(notes, 1))])
        for made, notes in tables(parts, cells).values()
    )


def _text(made: Table, width: int | None) -> str:
    """Return a table as it is, or its columns below each other."""
    if width is None or max(map(len, made.text().splitlines())) <= width:
        return made.text()
    return "\n\n".join(
        Table(f"{made.title}, {name}", [Row(line[0], line[number], kind=made.head[0]) for line in made.lines]).text()
        for number, name in enumerate(made.head[1:], 1)
    )


def as_json(lines: Sequence[str], cells: Cells) -> dict[str, Any]:
    """Return everything that was measured, for a file."""
    found = [
        {
            "language": column.language.name,
            "we_dial": column.we_dial,
            "transport": column.transport,
            "scene": scene,
            "text": outcome.text,
            "values": dict(outcome.values),
            "note": outcome.note,
            "failed": outcome.failed,
        }
        for column, outcomes in cells.items()
        for scene, outcome in outcomes.items()
    ]
    return {"head": list(lines), "cells": found}


def write(lines: Sequence[str], parts: Sequence[Part], cells: Cells) -> None:
    """Put what was measured into the document; what stands around it is kept."""
    DOCUMENT.write_text(fill(DOCUMENT.read_text(encoding="utf-8"), blocks(lines, parts, cells)), encoding="utf-8")
