"""What the log shows, and that it never moves what one reads."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from textual.events import MouseScrollDown, MouseScrollUp

from py_peer.core.entries import Delivery, Kind
from tests.loops import run
from tests.ui.log_app import logging, many, note, own, press, rows_of, said, texts_of


def test_what_comes_is_shown_at_the_end_and_followed() -> None:
    async def scene() -> None:
        async with logging(rows=3) as (_, log, pilot):
            log.put(many(1, 2))
            await pilot.pause()
            assert texts_of(log) == ["text 1", "text 2", ""]
            log.put(many(3, 50))
            log.put([said(51)])
            await pilot.pause()
            assert texts_of(log) == ["text 49", "text 50", "text 51"]
            assert log.unseen == 0

    run(scene())


def test_what_was_put_before_the_first_frame_is_shown() -> None:
    async def scene() -> None:
        async with logging(rows=3) as (app, _, pilot):
            log = type(app.log_view)()
            log.put(many(1, 9))
            await app.mount(log)
            app.log_view.parent.display = False  # type: ignore[union-attr]
            await pilot.pause()
            assert texts_of(log) == ["text 7", "text 8", "text 9"]
            assert log.unseen == 0

    run(scene())


def test_an_entry_of_a_known_number_takes_the_place_of_the_first() -> None:
    async def scene() -> None:
        async with logging(rows=2) as (_, log, pilot):
            log.put([own(1, "hello", Delivery.WAITING), said(2)])
            log.put([own(1, "hello", Delivery.SENT, 2)])
            await pilot.pause()
            assert rows_of(log) == ["[12:00:01] Alice (You): hello ✓2", "[12:00:02] Bob: text 2"]

    run(scene())


def test_a_text_that_waits_is_drawn_otherwise_than_one_that_was_sent() -> None:
    async def scene() -> None:
        async with logging() as (_, log, _pilot):
            styles = []
            for delivery in Delivery:
                log.put([own(1, "hello", delivery)])
                styles.append([segment.style.color for segment in log.render_line(0) if segment.style][:-1])
            assert len({tuple(style) for style in styles}) == len(Delivery)

    run(scene())


def test_new_messages_do_not_move_what_one_reads_and_are_counted() -> None:
    async def scene() -> None:
        async with logging(rows=4) as (app, log, pilot):
            log.put(many(1, 40))
            await press(pilot, "pageup")
            before = texts_of(log)
            log.put([*many(41, 42), note(43, "2 joined", Kind.PRESENCE), said(44)])
            await pilot.pause()
            assert texts_of(log) == before[:-1]  # the mark has the last row
            assert log.unseen == 3
            assert app.mark.display
            assert str(app.mark.render()) == "3 new ↓ End"
            await press(pilot, "pagedown", "pagedown", "pagedown")
            assert log.unseen == 1
            await press(pilot, "end")
            await pilot.pause()
            assert (log.unseen, app.mark.display) == (0, False)
            assert texts_of(log)[-1] == "text 44"

    run(scene())


def test_a_click_on_the_mark_leads_down() -> None:
    async def scene() -> None:
        async with logging(rows=4) as (_, log, pilot):
            log.put(many(1, 40))
            await press(pilot, "home")
            log.put([said(41)])
            await pilot.pause()
            await pilot.click("NewMark")
            await pilot.pause()
            assert texts_of(log)[-1] == "text 41"

    run(scene())


def test_the_wheel_scrolls_and_the_end_is_followed_once_it_is_reached() -> None:
    async def scene() -> None:
        async with logging(rows=4) as (_, log, pilot):
            log.put(many(1, 9))
            await pilot.pause()
            await pilot._post_mouse_events([MouseScrollUp], log)
            log.put([said(10)])
            await pilot.pause()
            assert log.unseen == 1
            await pilot._post_mouse_events([MouseScrollDown] * 3, log)
            log.put([said(11)])
            await pilot.pause()
            assert (log.unseen, texts_of(log)[-1]) == (0, "text 11")

    run(scene())


def test_what_is_forgotten_does_not_move_what_one_reads_and_is_told() -> None:
    async def scene() -> None:
        async with logging(rows=6, max_entries=40) as (_, log, pilot):
            log.put(many(1, 40))
            await press(pilot, "home", "pagedown", "pagedown", "pagedown")
            log.put([said(41)])
            await pilot.pause()
            before = texts_of(log)
            log.put(many(42, 46))
            await pilot.pause()
            assert texts_of(log) == before
            await press(pilot, "home")
            assert "6 earlier messages are no longer kept" in rows_of(log)[0]
            assert texts_of(log)[1] == "text 7"

    run(scene())


def test_one_who_reads_what_is_forgotten_goes_on_with_the_oldest() -> None:
    async def scene() -> None:
        async with logging(rows=6, max_entries=10) as (_, log, pilot):
            log.put(many(1, 10))
            await press(pilot, "home")
            log.put(many(11, 40))
            await pilot.pause()
            assert texts_of(log)[:2] == ["text 31", "text 32"]
            assert log.unseen == 4

    run(scene())


def test_an_entry_that_grows_above_does_not_move_what_one_reads() -> None:
    async def scene() -> None:
        async with logging(rows=4) as (_, log, pilot):
            log.put([*many(1, 20), note(21, "joined", Kind.PRESENCE), *many(22, 40)])
            await press(pilot, "pageup")
            log.put([said(41)])
            await pilot.pause()
            before = texts_of(log)
            log.put([note(21, "joined " * 40, Kind.PRESENCE), said(2, "longer " * 40)])
            await pilot.pause()
            assert texts_of(log) == before

    run(scene())


@pytest.mark.parametrize("columns", [20, 33, 100, 300])
def test_resizing_breaks_the_rows_anew_and_keeps_the_place(columns: int) -> None:
    async def scene() -> None:
        async with logging(columns=50, rows=6) as (_, log, pilot):
            log.put([said(number, f"number {number} " + "and so on " * 10) for number in range(1, 60)])
            await press(pilot, "home", *["pagedown"] * 7)
            first = log.locate(0)
            await pilot.resize_terminal(columns + 1, 8)
            await pilot.pause()
            assert all(len(row) <= columns for row in rows_of(log))
            now = log.locate(0)
            assert first is not None
            assert now is not None
            assert now[0] == first[0]
            await press(pilot, "end")
            await pilot.resize_terminal(61, 12)
            await pilot.pause()
            assert rows_of(log)[-1].endswith("and so on")
            assert log.locate(log.rows_in_view - 1) == (59, 2)

    run(scene())


def test_what_was_cleared_is_hidden_and_comes_back() -> None:
    async def scene() -> None:
        async with logging(rows=5, max_entries=30) as (_, log, pilot):
            log.put(many(1, 40))
            log.clear()
            await pilot.pause()
            assert "".join(rows_of(log)) == ""
            log.put([said(40, "replaced, and still hidden"), said(41), note(42, "noted")])
            await pilot.pause()
            assert texts_of(log)[:1] == ["text 41"]
            assert rows_of(log)[2:] == [""] * 3
            log.show_last(3)
            await pilot.pause()
            assert texts_of(log)[:3] == ["text 39", "replaced, and still hidden", "text 41"]
            log.show_last(20)
            await pilot.pause()
            assert texts_of(log)[0] == "text 22"
            log.show_last(1_000)
            await pilot.pause()
            assert texts_of(log)[0] == "text 13"
            await press(pilot, "home")
            assert "no longer kept" in rows_of(log)[0]

    run(scene())


def test_a_mention_has_a_background_of_its_own_over_the_whole_row() -> None:
    async def scene() -> None:
        async with logging() as (_, log, _pilot):
            log.put([said(1, "Alice?", mention=True), said(2)])
            mention, other = (
                {segment.style.bgcolor for segment in log.render_line(y) if segment.style} for y in (0, 1)
            )
            assert len(mention) == 1
            assert mention != other

    run(scene())


def test_names_change_their_colour_with_the_theme() -> None:
    async def scene() -> None:
        async with logging() as (app, log, pilot):
            log.put([said(1, author="Bob"), said(2, author="Dora"), said(3, author="Bob")])

            def colours() -> list[str]:
                return [str(list(log.render_line(y))[1].style.color.name) for y in range(3)]  # type: ignore[union-attr]

            dark = colours()
            app.theme = "textual-light"
            await pilot.pause()
            light = colours()
            assert dark[0] == dark[2] != dark[1]
            assert not set(dark) & set(light)

    run(scene())


def test_markup_and_brackets_are_text() -> None:
    async def scene() -> None:
        async with logging() as (_, log, pilot):
            text = "[bold red]x[/] \\[ [link=http://x.org]y[/link] [@click=app.quit]z[/]"
            log.put([said(1, text, author="[b]Eve[/b]"), note(2, text, Kind.DATE), note(3, text, Kind.WARNING)])
            await pilot.pause()
            assert rows_of(log)[0] == "[12:00:01] [b]Eve[/b]: [bold red]x[/] \\["
            styles = [segment.style for y in range(8) for segment in log.render_line(y) if segment.style]
            assert not any(style.link or "@click" in style.meta for style in styles)

    run(scene())


@pytest.mark.parametrize("size", [(1, 1), (2, 8), (5, 3), (300, 60)])
def test_no_panel_is_too_small_or_too_large(size: tuple[int, int]) -> None:
    async def scene() -> None:
        async with logging(*size) as (app, log, pilot):
            log.put(
                [said(1, "漢字 👨‍👩‍👧 word"), note(2, "Monday", Kind.DATE), own(3, "x", Delivery.REFUSED), *many(4, 70)]
            )
            for keys in (("home",), ("end",), ("up", "up", "shift+up", "c", "escape"), ("pageup", "pagedown")):
                await press(pilot, *keys)
            log.search("word")
            log.clear()
            log.show_last(5)
            await pilot.pause()
            assert app.is_running
            assert all(log.render_line(y).cell_length == size[0] for y in range(log.rows_in_view))

    run(scene())


def test_a_hundred_thousand_messages_are_shown_in_bounded_memory() -> None:
    async def scene() -> None:
        async with logging(max_entries=2_000) as (_, log, _pilot):
            log.put(many(1, 3_000))
            tracemalloc.start()
            try:
                for first in range(3_001, 23_001, 100):
                    log.put(many(first, first + 99))
                grown, _peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            # 2,000 entries of some 400 bytes, and no trace of the other 18,000.
            assert grown < 2_000_000

    run(scene())


def test_a_thousand_messages_take_a_fraction_of_a_second() -> None:
    async def scene() -> None:
        async with logging() as (_, log, pilot):
            log.put([said(number, "x" * 60_000) for number in range(1, 40)])
            begin = time.process_time()
            for entry in many(40, 1_039):
                log.put([entry])
            await pilot.pause()
            assert time.process_time() - begin < 1

    run(scene())
