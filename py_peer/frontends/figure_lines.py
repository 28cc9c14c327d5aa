"""The answer to /stats: each figure that is not zero, its number first, so that a long reason has room to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from py_peer.core.figures import FIGURES
from py_peer.core.wrapping import wrap_lines

if TYPE_CHECKING:
    from py_peer.core.events import Statistics

UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
PREFIXES: Final = ("B", "kB", "MB", "GB")
ROUND: Final = 999.95
"""What would be shown as 1,000 of a prefix is shown as 1 of the next."""


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


def duration(seconds: float) -> str:
    """Return a time in its two largest units."""
    left = max(int(seconds), 0)
    shown: list[str] = []
    for size, unit in UNITS:
        if left >= size or (unit == "s" and not shown):
            shown.append(f"{left // size} {unit}")
            left %= size
    return " ".join(shown[:2])


def _shown(name: str, value: float) -> str:
    if name.endswith("_seconds"):
        return f"{value * 1000:.2f} ms"
    if name.endswith("_bytes"):
        return _size(value)
    return f"{value:,}"


def _size(value: float) -> str:
    power = 0
    while value >= ROUND and power < len(PREFIXES) - 1:
        value /= 1_000
        power += 1
    return f"{value:.{1 if power else 0}f} {PREFIXES[power]}"
