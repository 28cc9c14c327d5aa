"""The picture of latency against rate, as SVG, from the steps of the highest rate. Readable on light and on dark."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import Any, Final

WIDTH, HEIGHT = 760, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 36, 64, 56
RATES: Final = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
MILLISECONDS: Final = (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
SLOT: Final = 110
"""How wide a part of the legend is."""

GREY: Final = "#7d8590"
DASHES: Final = 'stroke-dasharray="6 4"'
COLOURS: Final = ("#2f81f7", "#c69026", "#e5534b", "#2da44e", "#a371f7")
"""Of middling lightness: they stand out from white and from black."""


@dataclass(frozen=True, slots=True)
class Step:
    """What was measured at one rate. `rate` a second, times in seconds; `held` as `runs.Run.is_held` says."""

    rate: float
    p50: float
    p99: float
    held: bool


def curve(series: dict[str, list[Step]], limit: float) -> str:
    """Return the picture of each kind's steps. `limit`, in seconds, is the p99 above which a rate is not held."""
    parts = [_grid(), _limit(limit)]
    for number, (name, steps) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        parts += [_text(LEFT + number * SLOT, 22, name, f'fill="{colour}" font-weight="bold"'), _kind(steps, colour)]
    parts.append(_marks())
    title = "Latency of a message against messages a second"
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" font-family="sans-serif" font-size="13">\n<title>{title}</title>\n{body}\n</svg>\n'
    )


def steps_of(values: dict[str, Any]) -> list[Step]:
    """Return the steps of a row of the highest rate."""
    return [Step(**step) for step in values["steps"]]


def _across(rate: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * math.log(rate / RATES[0]) / math.log(RATES[-1] / RATES[0])


def _down(seconds: float) -> float:
    """Return where a time stands; what is beyond the picture stands at its edge, under a mark of its own."""
    lowest, highest = MILLISECONDS[0], MILLISECONDS[-1]
    inside = min(max(seconds * 1000, lowest), highest)
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - math.log(inside / lowest) / math.log(highest / lowest))


def _line(x1: float, y1: float, x2: float, y2: float, more: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {more}/>'


def _text(x: float, y: float, text: str, more: str = f'fill="{GREY}"') -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(text)}</text>'


def _grid() -> str:
    faint = f'stroke="{GREY}" stroke-opacity="0.3"'
    middle, end = f'fill="{GREY}" text-anchor="middle"', f'fill="{GREY}" text-anchor="end"'
    parts = []
    for rate in RATES:
        parts.append(_line(_across(rate), TOP, _across(rate), HEIGHT - BOTTOM, faint))
        parts.append(_text(_across(rate), HEIGHT - BOTTOM + 18, f"{rate:,}", middle))
    for milliseconds in MILLISECONDS:
        y = _down(milliseconds / 1000)
        parts.append(_line(LEFT, y, WIDTH - RIGHT, y, faint))
        parts.append(_text(LEFT - 8, y + 4, f"{milliseconds:,g}", end))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, "messages a second", middle))
    parts.append(_text(16, (TOP + HEIGHT - BOTTOM) / 2, "ms", middle))
    return "\n".join(parts)


def _limit(limit: float) -> str:
    y = _down(limit)
    line = _line(LEFT, y, WIDTH - RIGHT, y, f'stroke="{GREY}" stroke-dasharray="2 4"')
    return f"{line}\n{_text(LEFT + 6, y - 5, f'{limit * 1000:.0f} ms')}"


def _marks() -> str:
    """Say what the lines and the marks mean."""
    grey = f'stroke="{GREY}"'
    places = [LEFT + number * SLOT for number in range(4)]
    return "\n".join(
        [
            _line(places[0], 38, places[0] + 28, 38, f'{grey} stroke-width="2.5"'),
            _text(places[0] + 34, 42, "p50"),
            _line(places[1], 38, places[1] + 28, 38, f'{grey} stroke-width="1.5" {DASHES}'),
            _text(places[1] + 34, 42, "p99"),
            _mark(places[2] + 6, 38, 1, GREY, "none"),
            _text(places[2] + 18, 42, "not held"),
            _mark(places[3] + 6, 41, math.inf, GREY, "none"),
            _text(places[3] + 18, 42, "off the scale"),
        ]
    )


def _mark(x: float, y: float, seconds: float, colour: str, fill: str) -> str:
    """Draw a circle, or at the edge of the picture an arrow towards a time that is beyond it."""
    style = f'fill="{fill}" stroke="{colour}" stroke-width="2"'
    if MILLISECONDS[0] <= seconds * 1000 <= MILLISECONDS[-1]:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" {style}/>'
    tip = -6 if seconds > 1 else 6
    return f'<polygon points="{x - 5:.1f},{y:.1f} {x + 5:.1f},{y:.1f} {x:.1f},{y + tip:.1f}" {style}/>'


def _kind(steps: list[Step], colour: str) -> str:
    """Draw p50 as a line, p99 as a dashed one, and a hollow mark where a rate was not held."""
    parts = []
    for what, style in (("p50", 'stroke-width="2.5"'), ("p99", f'stroke-width="1.5" {DASHES}')):
        points = [(_across(step.rate), _down(getattr(step, what))) for step in steps]
        stroke = f'fill="none" stroke="{colour}" {style}'
        parts.append(f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" {stroke}/>')
        for (x, y), step in zip(points, steps, strict=True):
            parts.append(_mark(x, y, getattr(step, what), colour, colour if step.held else "none"))
    return "\n".join(parts)
