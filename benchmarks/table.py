"""The tables that the benchmark prints: a line for each figure, a column for each kind that was measured.

A figure whose rows name no kind stands in a table of its own kind: figure, measured, goal.
"""

from __future__ import annotations

import math
import os
import platform
import sys
import time
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import Iterable

NOTHING: Final = "-"
"""Stands where a kind was not measured."""


FAILED: Final = "failed"
"""Stands where it could not be measured; the note says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one kind.

    `met` is None where there is no goal; `values` are the numbers behind `measured`, for --json; `note` is said under
    the table.
    """

    figure: str
    measured: str
    goal: str = ""
    met: bool | None = None
    values: dict[str, Any] | None = None
    kind: str = "measured"
    table: str = ""
    note: str = ""

    @property
    def verdict(self) -> str:
        """Return what is printed behind the goal."""
        return {None: "", True: "met", False: "MISSED"}[self.met]


@final
class Table:
    """Rows of one table, put side by side."""

    def __init__(self, title: str, rows: list[Row]) -> None:
        self.title = title
        kinds = list(dict.fromkeys(row.kind for row in rows))
        figures: dict[str, dict[str, Row]] = {}
        for row in rows:
            figures.setdefault(row.figure, {})[row.kind] = row
        judged = any(row.goal or row.verdict for row in rows)
        self.head = ["figure", *kinds, *(["goal", ""] if judged else [])]
        self.lines: list[list[str]] = []
        self.notes = [f"{row.figure}, {row.kind}: {row.note}" for row in rows if row.note]
        for figure, found in figures.items():
            cells = [found[kind].measured if kind in found else NOTHING for kind in kinds]
            if judged:
                goals = [(row.goal, row.verdict) for row in found.values() if row.goal or row.verdict]
                cells += goals[0] if goals else ("", "")
            self.lines.append([figure, *cells])

    def text(self) -> str:
        """Return aligned columns."""
        cells = [self.head, *self.lines]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        ruler = ["-" * width if name else "" for name, width in zip(self.head, widths, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in (self.head, ruler, *self.lines)
        ]
        return "\n".join([*([self.title] if self.title else []), *lines, *(f"  {note}" for note in self.notes)])

    def markdown(self) -> str:
        """Return the table for a document."""
        lines = [self.head, ["---"] * len(self.head), *self.lines]
        text = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        return text + "".join(f"\n{note}.\n" for note in self.notes)


def tables(rows: Iterable[Row]) -> list[Table]:
    """Put the rows into their tables, in the order in which the tables begin."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.table, []).append(row)
    return [Table(title, part) for title, part in found.items()]


def render(rows: Iterable[Row]) -> str:
    """Return all tables as text."""
    return "\n\n".join(table.text() for table in tables(rows))


def head(title: str) -> list[str]:
    """Return the lines above the tables: where and under what the figures were measured."""
    lines = [
        f"py-peer {title}, {time.strftime('%Y-%m-%d %H:%M')}",
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load average {load()}",
        f"Python {platform.python_version()}, libp2p {metadata.version('libp2p')}, trio {metadata.version('trio')}",
        "All processes share this machine, with each other and with whatever else runs on it: repeats differ.",
    ]
    if sys.flags.dev_mode:
        lines.append("Python's development mode is on, which slows everything down.")
    return lines


def load() -> str:
    """Return how busy the machine was in the last 1, 5 and 15 minutes."""
    return ", ".join(f"{part:.2f}" for part in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"


def as_json(lines: list[str], rows: list[Row], load_after: str) -> dict[str, Any]:
    """Return everything that was measured, for a file."""
    return {"head": lines, "load_after": load_after, "rows": [asdict(row) for row in rows]}


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return the results of a run, with what a later one has measured in its place; "later" says when that was."""
    named = ", ".join(dict.fromkeys(row["table"] or row["figure"] for row in new["rows"]))
    what = f"Measured later, by itself: {named}: "
    when = "; ".join([*new["head"][:2], f"at the end {new['load_after']}"])
    later = [line for line in old.get("later", []) if not line.startswith(what)]
    rows = {(row["table"], row["figure"], row["kind"]): row for row in (*old["rows"], *new["rows"])}
    return old | {"rows": list(rows.values()), "later": [*later, what + when]}


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that at least `share` (0 to 1) of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(1, math.ceil(len(ordered) * share)) - 1]


def milliseconds(seconds: float) -> str:
    """Return a time in milliseconds, with as many digits as say something."""
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"
