"""The answer to /stats: each figure that is not zero, its number first, so that a long reason has room to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from py_peer.core.bars import duration
from py_peer.core.figures import FIGURES
from py_peer.core.sizes import shown_size
from py_peer.core.wrapping import wrap_lines

if TYPE_CHECKING:
    from py_peer.core.events import Statistics


def stats_lines(statistics: Statistics, columns: int | None) -> list[str]:
    """Return the answer to /stats on a screen of so many columns; None where nobody breaks lines."""
    rows: list[tuple[str, str]] = []
    for figure in FIGURES[1:]:  # the first is how long it has run
        value = getattr(statistics, figure.name)
        if figure.name == "ping_seconds" and len(set(value.values())) == 1:
            value = {"": value["median"]}  # one peer has no least and no most
        parts = value.items() if figure.label else [("", value)]
        rows += [
            (_shown(figure.name, part), f"{figure.words}: {label}" if label else figure.words)
            for label, part in parts
            if part
        ]
    width = max((len(number) for number, _ in rows), default=0)
    lines = [f"  {number:>{width}}  {words}" for number, words in rows]
    if columns is not None:
        lines = [row for line in lines for row in wrap_lines(line, columns, "")]
    return [f"📊 After {duration(statistics.uptime_seconds)}:", *lines]


def _shown(name: str, value: float) -> str:
    if name.endswith("_seconds"):
        return f"{value * 1000:.2f} ms"
    if name.endswith("_bytes"):
        return shown_size(value)
    return f"{value:,}"
