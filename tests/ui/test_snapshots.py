"""What the full screen looks like in each of its states, compared with the pictures that are kept in `snapshots`.

A picture is a text: the rows as they are read and, below, the styles of each row, as `columns style`. After a change
that is meant, `UPDATE_SNAPSHOTS=1` writes them anew, and the difference is read like any other.
"""

from __future__ import annotations

import os
import time
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from tests.loops import run
from tests.ui import states
from tests.ui.support import screen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.segment import Segment
    from textual.strip import Strip

    from tests.ui.support import Scene

SNAPSHOTS = Path(__file__).parent / "snapshots"
USUAL = (100, 30)
NAMES = (
    *("empty", "busy", "narrow", "narrow-peers", "tiny", "wide", "light", "terminal-colours", "refusal"),
    *("selection", "search", "help", "scrolled-back", "discovery", "narrow-discovery", "direct", "narrow-direct"),
    *("stranger", "transfers", "narrow-transfers", "cancel", "topic", "narrow-topic", "commit", "error"),
)


@pytest.mark.parametrize("name", NAMES)
def test_the_screen_looks_as_it_did(name: str, pictures: dict[str, str]) -> None:
    kept = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        kept.write_text(pictures[name], encoding="utf-8")
    assert pictures[name] == kept.read_text(encoding="utf-8")


def test_no_picture_is_left_of_a_state_that_is_gone() -> None:
    assert {kept.stem for kept in SNAPSHOTS.iterdir()} == set(NAMES)


@pytest.fixture(scope="module")
def pictures() -> Iterator[dict[str, str]]:
    """Take all pictures in one walk through the states; a start for each would take three times as long."""
    with pytest.MonkeyPatch.context() as patched:
        clock = states.Clock(patched)
        patched.delenv("NO_COLOR", raising=False)
        taken: dict[str, str] = {}
        run(walk(clock, taken))
        yield taken
    time.tzset()


async def walk(clock: states.Clock, taken: dict[str, str]) -> None:  # noqa: PLR0915 - a walk through all of them
    async with screen(size=USUAL) as shown:
        shown.ui.theme = "textual-dark"
        taken["empty"] = await picture(shown)
        await states.talk(shown, clock)
        taken["busy"] = await picture(shown)
        for name, size in (("tiny", (20, 8)), ("narrow", (48, 20)), ("wide", (200, 50))):
            await shown.pilot.resize_terminal(*size)
            taken[name] = await picture(shown)
        await shown.pilot.resize_terminal(48, 20)
        await shown.pilot.press("f3")
        taken["narrow-peers"] = await picture(shown)
        await shown.pilot.press("escape")
        await shown.pilot.resize_terminal(*USUAL)
        for name, theme in (("light", "textual-light"), ("terminal-colours", "ansi-dark")):
            shown.ui.theme = theme
            taken[name] = await picture(shown)
        shown.ui.theme = "textual-dark"
        await states.mistype(shown)
        taken["refusal"] = await picture(shown)
        shown.ui.composer.empty()
        for name, state in (("selection", states.select), ("search", states.search), ("help", states.ask_for_help)):
            await state(shown)
            taken[name] = await picture(shown)
            await shown.pilot.press("escape", "escape")
        await states.scroll_back(shown, clock)
        taken["scrolled-back"] = await picture(shown)
        await states.look_around(shown, clock)
        taken["discovery"] = await picture(shown)
        await shown.pilot.resize_terminal(48, 30)
        taken["narrow-discovery"] = await picture(shown)
        await shown.pilot.resize_terminal(*USUAL)
        await shown.pilot.press("escape")
        await states.whisper(shown, clock)
        taken["direct"] = await picture(shown)
        await shown.pilot.resize_terminal(48, 20)
        taken["narrow-direct"] = await picture(shown)
        await shown.pilot.press("f6")
        taken["stranger"] = await picture(shown)
        await shown.pilot.resize_terminal(*USUAL)
        await shown.pilot.press("alt+1")
        await states.fetch(shown)
        taken["transfers"] = await picture(shown)
        await shown.pilot.press("f7")
        await shown.settle()
        taken["cancel"] = await picture(shown)
        await shown.pilot.press("escape")
        await shown.pilot.resize_terminal(48, 20)
        taken["narrow-transfers"] = await picture(shown)
        await shown.pilot.resize_terminal(*USUAL)
        await states.discuss(shown, clock)
        for name, size in (("narrow-topic", (48, 20)), ("topic", USUAL)):
            await shown.pilot.resize_terminal(*size)
            taken[name] = await picture(shown)
        await states.review(shown)
        await shown.pilot.resize_terminal(100, 50)
        taken["commit"] = await picture(shown)
        await shown.pilot.resize_terminal(*USUAL)
        await states.fail(shown)
        taken["error"] = await picture(shown)


async def picture(shown: Scene) -> str:
    for field in shown.ui.screen.query(Input):
        field.cursor_blink = False
    await shown.settle()
    strips = shown.ui.screen._compositor.render_strips()
    rows = [strip.text.rstrip() for strip in strips]
    return "\n".join([*rows, "", *(f"{number:>3}  {styles(strip)}" for number, strip in enumerate(strips, 1)), ""])


def styles(strip: Strip) -> str:
    """Return the pieces of a row that look alike: how many columns, and how."""
    looks = [(look(segment), segment.cell_length) for segment in strip]
    return "  ".join(
        f"{sum(columns for _, columns in pieces)} {style}" for style, pieces in groupby(looks, lambda piece: piece[0])
    )


def look(segment: Segment) -> str:
    style = segment.style
    if style is None:
        return "-"
    colours = "/".join(colour.name if colour is not None else "-" for colour in (style.color, style.bgcolor))
    names = ("bold", "dim", "italic", "underline", "reverse")
    return " ".join([colours, *(name for name in names if getattr(style, name))])
