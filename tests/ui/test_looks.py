"""What is drawn anew, and what gives its place to what."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rich.color import Color

from py_peer.core.events import PeerLeft
from py_peer.ui import hint
from py_peer.ui.colours import nick_colour
from tests.frontends.fakes import ANN, DEADLINE
from tests.loops import run
from tests.ui.support import screen

if TYPE_CHECKING:
    import pytest

    from tests.ui.support import Scene

KEYS = "f1 Help"


def test_the_colours_of_the_peers_change_with_the_theme() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.join(ANN)
            for theme, dark in (("textual-light", False), ("textual-dark", True)):
                shown.ui.theme = theme
                await shown.settle()
                assert colour_of(shown, ANN[-8:]) == Color.parse(nick_colour(ANN, dark=dark))

    run(scene())


def test_who_leaves_the_room_loses_the_colour() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.join(ANN)
            await shown.tell(PeerLeft(ANN, 0))
            assert "Connected: 1 (0 in room)" in shown.text()
            assert f"◦ {ANN[-8:]}" in shown.text()
            assert colour_of(shown, ANN[-8:]) != Color.parse(nick_colour(ANN, dark=True))

    run(scene())


def test_what_is_to_be_said_of_the_input_takes_the_place_of_the_keys() -> None:
    async def scene() -> None:
        async with screen() as shown:
            rows = shown.text().splitlines()
            assert KEYS in rows[-1]
            await shown.type("/pears")
            assert "Unknown command: /pears" in shown.text().splitlines()[-1]
            shown.ui.composer.empty()
            await shown.settle()
            assert KEYS in shown.text().splitlines()[-1]

    run(scene())


def test_a_notice_goes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hint, "NOTICE_SECONDS", 0.01)

    async def scene() -> None:
        async with screen() as shown:
            shown.ui.copy("an address", "the address")
            assert shown.ui.hint.notice.startswith("Copied the address")
            await shown.settle()
            assert not shown.ui.hint.notice
            assert KEYS in shown.text().splitlines()[-1]

    run(scene())


def test_escape_takes_back_the_room_that_a_long_answer_was_given() -> None:
    async def scene() -> None:
        async with screen() as shown:
            rows = shown.ui.room.size.height
            await shown.type("/status")
            assert shown.ui.room.size.height < rows
            await shown.pilot.press("escape")
            await shown.settle()
            assert shown.ui.room.size.height == rows

    run(scene())


def test_the_palette_offers_commands_on_the_smallest_screen() -> None:
    async def scene() -> None:
        async with screen(size=(20, 8)) as shown:
            await shown.pilot.press("ctrl+p")
            async with asyncio.timeout(DEADLINE):
                while "/bell" not in shown.text():
                    await shown.pilot.pause()

    run(scene())


def colour_of(shown: Scene, word: str) -> Color | None:
    """Return the colour in which `word` stands in the list of peers."""
    for strip in shown.ui.screen._compositor.render_strips():
        for segment in strip:
            if f"{word}..." in segment.text and segment.style is not None:
                return segment.style.color
    raise AssertionError(f"{word} is not on the screen")
