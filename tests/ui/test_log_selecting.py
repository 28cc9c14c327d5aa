"""Selecting, copying and searching: with the mouse and with the keys, while messages come."""

from __future__ import annotations

import pytest
from textual.geometry import Offset
from textual.selection import SELECT_ALL, Selection

from py_peer.core.entries import Kind
from py_peer.ui.log_view import word_at
from tests.loops import run
from tests.ui.log_app import LogApp, logging, many, note, press, rows_of, said, texts_of

LONG = "one two three four five six seven eight nine ten eleven twelve"


def selected(app: LogApp) -> str | None:
    return app.screen.get_selected_text()


def styled(app: LogApp, row: int, *, bold: bool = False) -> str:
    """Return what of a row has another background than its end, or is bold there."""
    segments = list(app.log_view.render_line(row))
    plain = segments[-1].style.bgcolor if segments[-1].style else None
    return "".join(
        segment.text
        for segment in segments
        if segment.style is not None and segment.style.bgcolor != plain and (not bold or segment.style.bold)
    )


# --- The mouse ------------------------------------------------------------------------------------


def test_a_text_over_several_rows_is_copied_as_it_was_written() -> None:
    async def scene() -> None:
        async with logging(columns=30) as (app, log, pilot):
            log.put([said(1, LONG), said(2, "a\n  b\n\nc"), said(3)])
            await pilot.pause()
            assert rows_of(log)[:3] == [
                "[12:00:01] Bob: one two three",
                "    four five six seven eight",
                "    nine ten eleven twelve",
            ]
            await pilot.mouse_down(log, offset=(16, 0))
            await pilot.hover(log, offset=(7, 1))
            assert selected(app) == "one two three four"
            assert (styled(app, 0), styled(app, 1), styled(app, 2)) == ("one two three", "four", "")
            await pilot.hover(log, offset=(29, 6))
            await pilot.mouse_up(log, offset=(29, 6))
            assert selected(app) == f"{LONG}\n[12:00:02] Bob: a\n  b\n\nc"

    run(scene())


def test_the_indent_leads_to_the_beginning_of_its_row_and_the_free_room_to_its_end() -> None:
    async def scene() -> None:
        async with logging(columns=30) as (app, log, pilot):
            log.put([said(1, LONG)])
            await pilot.pause()
            await pilot.mouse_down(log, offset=(2, 1))
            await pilot.hover(log, offset=(28, 2))
            await pilot.mouse_up(log, offset=(28, 2))
            assert selected(app) == "four five six seven eight nine ten eleven twelve"

    run(scene())


def test_a_drag_that_begins_below_the_last_row_selects_from_the_end() -> None:
    async def scene() -> None:
        async with logging() as (app, log, pilot):
            log.put(many(1, 3))
            await pilot.pause()
            await pilot.mouse_down(log, offset=(5, 7))
            await pilot.hover(log, offset=(16, 1))
            await pilot.mouse_up(log, offset=(16, 1))
            assert selected(app) == "text 2\n[12:00:03] Bob: text 3"

    run(scene())


def test_what_stands_behind_a_wide_cluster_is_hit() -> None:
    async def scene() -> None:
        async with logging() as (app, log, pilot):
            log.put([said(1, "👨‍👩‍👧 漢字 e\u0301x ❤️ end")])
            await pilot.pause()
            column = 16 + len("FF KKKK ex HH ")
            await pilot.mouse_down(log, offset=(column, 0))
            await pilot.hover(log, offset=(column + 2, 0))
            await pilot.mouse_up(log, offset=(column + 2, 0))
            assert selected(app) == "end"

    run(scene())


def test_a_cluster_is_never_selected_in_part() -> None:
    async def scene() -> None:
        async with logging() as (app, log, _pilot):
            log.put([said(1, "a👨‍👩‍👧e\u0301🇩🇪z")])
            for begin in range(16, 26):
                for end in range(begin, 27):
                    app.screen.selections = {log: Selection(Offset(begin, 1), Offset(end, 1))}
                    part = selected(app) or ""
                    assert part in {"", *_runs(["a", "👨‍👩‍👧", "e\u0301", "🇩🇪", "z"])}

    run(scene())


def _runs(parts: list[str]) -> set[str]:
    return {"".join(parts[begin:end]) for begin in range(len(parts)) for end in range(begin, len(parts) + 1)}


def test_two_clicks_select_a_word_and_three_a_message() -> None:
    async def scene() -> None:
        async with logging() as (app, log, pilot):
            log.put([said(1, "see (https://x.org/a?b=c), there"), said(2)])
            await pilot.pause()
            await pilot.click(log, offset=(30, 0), times=2)
            assert selected(app) == "https://x.org/a?b=c"
            await pilot.click(log, offset=(30, 0), times=3)
            assert selected(app) == "[12:00:01] Bob: see (https://x.org/a?b=c), there"
            await pilot.click(log, offset=(30, 0))
            assert selected(app) is None

    run(scene())


@pytest.mark.parametrize(("place", "word"), [(0, "one"), (2, "one"), (5, "two"), (11, "..."), (14, "")])
def test_a_word_ends_at_spaces_and_leaves_out_the_signs_around_it(place: int, word: str) -> None:
    text = "one, (two) ..."
    begin, end = word_at(text, place)
    assert text[begin:end] == word


def test_a_selection_stays_what_it_is_while_messages_come_and_go() -> None:
    async def scene() -> None:
        async with logging(rows=6, max_entries=30) as (app, log, pilot):
            log.put(many(1, 30))
            await pilot.pause()
            await pilot.mouse_down(log, offset=(16, 1))
            await pilot.hover(log, offset=(40, 2))
            log.put(many(31, 35))
            await pilot.pause()
            assert texts_of(log)[1] == "text 26"
            assert selected(app) == "text 26\n[12:00:27] Bob: text 27"
            assert log.unseen == 5
            await pilot.hover(log, offset=(40, 3))
            await pilot.mouse_up(log, offset=(40, 3))
            assert selected(app) == "text 26\n[12:00:27] Bob: text 27\n[12:00:28] Bob: text 28"
            await pilot.resize_terminal(30, 8)
            log.put(many(36, 62))
            await pilot.pause()
            assert selected(app) is None or selected(app) == ""
            rows_of(log)

    run(scene())


def test_a_drag_that_leaves_the_log_selects_to_its_end() -> None:
    async def scene() -> None:
        async with logging(rows=6) as (app, log, pilot):
            log.put(many(1, 20))
            await press(pilot, "pageup")
            log.put(many(21, 22))
            await pilot.pause()
            await pilot.mouse_down(log, offset=(16, 1))
            await pilot.hover("NewMark", offset=(1, 0))
            await pilot.mouse_up("NewMark", offset=(1, 0))
            assert (selected(app) or "").startswith("text 1")
            assert app.is_running

    run(scene())


def test_everything_selected_is_everything_shown() -> None:
    async def scene() -> None:
        async with logging() as (_, log, _pilot):
            log.put(many(1, 2))
            assert log.get_selection(SELECT_ALL) == ("[12:00:01] Bob: text 1\n[12:00:02] Bob: text 2", "\n")
            log.clear()
            assert log.get_selection(SELECT_ALL) is None

    run(scene())


# --- The keys -------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["c", "enter", "ctrl+c"])
def test_messages_are_selected_and_copied_with_the_keys(key: str) -> None:
    async def scene() -> None:
        async with logging(rows=4) as (app, log, pilot):
            log.put([*many(1, 8), note(9, "Tuesday", Kind.DATE), said(10, "first\nsecond")])
            await press(pilot, "up")
            assert selected(app) == "[12:00:10] Bob: first\nsecond"
            await press(pilot, "up", "up", "shift+up", key)
            assert app.copied == ["[12:00:06] Bob: text 6\n[12:00:07] Bob: text 7"]
            assert selected(app) is None
            assert not app.noted
            await press(pilot, key)
            assert len(app.copied) == 1
            assert app.noted == ([] if key == "c" else [key])

    run(scene())


def test_escape_ends_the_selection_at_the_end() -> None:
    async def scene() -> None:
        async with logging(rows=4) as (app, log, pilot):
            log.put(many(1, 20))
            await press(pilot, *["up"] * 9)
            log.put([said(21)])
            await pilot.pause()
            assert (texts_of(log)[0], log.unseen) == ("text 12", 1)
            await press(pilot, "escape")
            await pilot.pause()
            assert (selected(app), texts_of(log)[-1], log.unseen) == (None, "text 21", 0)
            await press(pilot, "up")
            assert selected(app) == "[12:00:21] Bob: text 21"

    run(scene())


def test_without_a_selection_the_keys_are_left_to_others() -> None:
    async def scene() -> None:
        async with logging() as (app, log, pilot):
            log.put(many(1, 3))
            await press(pilot, "ctrl+c", "escape", "enter")
            assert (app.noted, app.copied) == (["ctrl+c", "escape", "enter"], [])

    run(scene())


def test_the_keys_stop_at_the_ends_and_do_nothing_in_an_empty_log() -> None:
    async def scene() -> None:
        async with logging() as (app, log, pilot):
            await press(pilot, "up", "down", "shift+up")
            assert selected(app) is None
            log.put(many(1, 3))
            await press(pilot, *["up"] * 9)
            assert selected(app) == "[12:00:01] Bob: text 1"
            await press(pilot, *["down"] * 9)
            assert selected(app) == "[12:00:03] Bob: text 3"

    run(scene())


def test_letters_on_a_selection_are_readable() -> None:
    async def scene() -> None:
        async with logging() as (app, log, pilot):
            log.put(many(1, 1))
            for theme in ("textual-dark", "textual-light", "nord", "gruvbox", "solarized-light"):
                app.theme = theme
                await press(pilot, "up")
                style = next(iter(log.render_line(0))).style
                assert style is not None
                assert style.color != style.bgcolor

    run(scene())


# --- Searching ------------------------------------------------------------------------------------


def test_a_search_goes_to_the_last_place_and_round_from_there() -> None:
    async def scene() -> None:
        async with logging(rows=4) as (app, log, pilot):
            log.put([said(1, "Apple and apple"), *many(2, 20), said(21, "APPLE"), *many(22, 40)])
            assert log.search("apple") == 3
            await pilot.pause()
            row = texts_of(log).index("APPLE")
            assert styled(app, row, bold=True) == "APPLE"
            assert log.search_previous() == (2, 3)
            await pilot.pause()
            assert (styled(app, 0), styled(app, 0, bold=True)) == ("Appleapple", "apple")
            assert log.search_previous() == (1, 3)
            assert log.search_previous() == (3, 3)
            assert log.search_next() == (1, 3)

    run(scene())


def test_a_search_finds_authors_but_neither_times_nor_the_word_you() -> None:
    async def scene() -> None:
        async with logging() as (_, log, _pilot):
            log.put([said(1, "x", author="Bob"), note(2, "bob joined", Kind.PRESENCE)])
            assert (log.search("BOB"), log.search("12:00"), log.search("(you)"), log.search("")) == (2, 0, 0, 0)
            assert log.search_next() == (0, 0)

    run(scene())


def test_capitals_that_grow_are_found_where_they_stand() -> None:
    async def scene() -> None:
        async with logging() as (app, log, pilot):
            log.put([said(1, "Eine Straße, İstanbul, e\u0301t")])
            assert log.search("STRASSE") == 1
            await pilot.pause()
            assert styled(app, 0) == "Straße"
            assert log.search("t") == 3
            await pilot.pause()
            assert styled(app, 0) == "ttt"

    run(scene())


def test_a_place_in_a_long_message_is_brought_into_view() -> None:
    async def scene() -> None:
        async with logging(rows=6) as (app, log, pilot):
            log.put([said(1, "word " * 500 + "needle " + "word " * 500)])
            assert log.search("needle") == 1
            await pilot.pause()
            assert [row for row in range(6) if styled(app, row) == "needle"]

    run(scene())


def test_what_comes_is_searched_and_what_goes_is_not_counted() -> None:
    async def scene() -> None:
        async with logging(rows=4, max_entries=10) as (app, log, pilot):
            log.put([said(number, "apple") for number in range(1, 11)])
            assert log.search("apple") == 10
            log.put([said(11, "two apples, apple")])
            await pilot.pause()
            assert "two apples, apple" not in texts_of(log)  # the view stays
            assert log.search_next() == (10, 11)
            log.put([said(11, "none")])
            assert log.search_previous()[1] == 9
            log.put([said(number, "pear") for number in range(12, 40)])
            assert log.search_next() == (0, 0)
            log.end_search()
            await pilot.pause()
            assert styled(app, 0) == ""

    run(scene())
