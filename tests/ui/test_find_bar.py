"""The find bar asks at once, goes both ways, and gives the keys back."""

from __future__ import annotations

from tests.loops import run
from tests.ui.typing_app import press, typing


def test_it_is_hidden_until_it_is_opened_and_takes_no_key() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            await press(pilot, "a")
            assert (app.find_bar.size.height, app.noted, app.composer.text) == (0, [], "a")

    run(scene())


def test_each_letter_asks_and_enter_and_the_arrows_step() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            app.find_bar.open(app.log_of_notes)
            await pilot.press("h", "i", "enter", "up", "down", "shift+enter")
            assert app.noted == ["h", "hi", "older", "older", "newer", "newer"]
            assert app.composer.text == ""

    run(scene())


def test_escape_closes_it_and_it_opens_again_with_what_was_asked_selected() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            app.find_bar.open(app.log_of_notes)
            await press(pilot, "h", "escape")
            assert (app.noted, app.find_bar.display) == (["h", "ended", "closed"], False)
            app.find_bar.open(app.log_of_notes)
            await press(pilot, "x")
            assert app.noted == ["h", "ended", "closed", "h", "x"]
            app.find_bar.open(app.log_of_notes, "asked for")
            await pilot.pause()
            assert app.noted[5:] == ["asked for"]

    run(scene())


def test_it_shows_which_of_how_many_is_in_sight() -> None:
    async def scene() -> None:
        async with typing(20, 8) as (app, pilot):
            app.find_bar.open(app.log_of_notes)
            label = app.find_bar.query_one("#find-count")
            assert str(label.render()) == ""
            await press(pilot, "h")
            assert str(label.render()) == "3/3"
            await press(pilot, "down")
            assert str(label.render()) == "2/1,017"
            app.find_bar.open(app.log_of_notes, "nowhere")
            assert str(label.render()) == "none"

    run(scene())
