"""The table that the benchmark prints: figure, measured, goal."""

from __future__ import annotations

import math
import os
import platform
import sys
import time
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `met` is None where there is no goal; `values` are the numbers behind `measured`, for --json."""

    figure: str
    measured: str
    goal: str = ""
    met: bool | None = None
    values: dict[str, Any] | None = None

    @property
    def verdict(self) -> str:
        """Return what is printed behind the goal."""
        return {None: "", True: "met", False: "MISSED"}[self.met]


def head(title: str) -> list[str]:
    """Return the lines above the table: where and under what the figures were measured."""
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


def render(rows: list[Row]) -> str:
    """Return the rows as a table of aligned columns."""
    cells = [("figure", "measured", "goal", ""), *((row.figure, row.measured, row.goal, row.verdict) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    lines.insert(1, "  ".join("-" * width for width in widths[:3]))
    return "\n".join(lines)


def as_json(lines: list[str], rows: list[Row], load_after: str) -> dict[str, Any]:
    """Return everything that was measured, for a file."""
    return {"head": lines, "load_after": load_after, "rows": [asdict(row) for row in rows]}


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that at least `share` (0 to 1) of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(1, math.ceil(len(ordered) * share)) - 1]


def milliseconds(seconds: float) -> str:
    """Return a time in milliseconds, with as many digits as say something."""
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"
