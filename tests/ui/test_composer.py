"""What is typed: sent, refused, completed, brought back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import events
from textual._xterm_parser import XTermParser
from textual.widgets import OptionList

from py_peer.core import limits
from py_peer.ui.history_search import HistorySearch
from tests.loops import run
from tests.ui.typing_app import APP_KEYS, key_event, paste, press, typing


def test_enter_sends_what_was_typed_and_empties_the_input() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            await press(pilot, "h", "i", "enter")
            assert (app.sent, app.composer.text) == (["hi"], "")

    run(scene())


def test_a_blank_text_is_not_sent() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            await press(pilot, "enter", "space", "ctrl+j", "enter")
            assert (app.sent, app.composer.text) == ([], " \n")
            app.composer.put("\u200b\x1b[0m")
            await press(pilot, "enter")
            assert app.sent == []

    run(scene())


@pytest.mark.parametrize("key", ["alt+enter", "shift+enter", "ctrl+j"])
def test_a_line_is_broken_without_sending(key: str) -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            await press(pilot, "a", key, "b")
            assert (app.sent, app.composer.text) == ([], "a\nb")
            await press(pilot, "enter")
            assert app.sent == ["a\nb"]

    run(scene())


@pytest.mark.parametrize(
    ("sequence", "key"),
    [
        ("\x1b\r", "alt+enter"),
        ("\x1b[13;3u", "alt+enter"),
        ("\x1b[13;2u", "shift+enter"),
        ("\x1b1", "alt+1"),
        ("\x1b[57;3u", "alt+9"),
    ],
)
def test_what_terminals_send_for_alt_and_a_key_is_read_as_that(sequence: str, key: str) -> None:
    async def scene() -> None:
        async with typing():
            read = [event for event in XTermParser().feed(sequence) if isinstance(event, events.Key)]
            assert [event.key for event in read] == [key]

    run(scene())


def test_what_is_typed_right_behind_enter_begins_the_next_text() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            await press(pilot, "a", "enter", "b", "enter", "c")
            assert (app.sent, app.composer.text) == (["a", "b"], "c")

    run(scene())


def test_keys_that_come_in_one_go_are_obeyed_in_their_order() -> None:
    """Textual 8.2.8 forwards the next key before the binding of the one before has been looked for."""

    async def scene() -> None:
        async with typing() as (app, pilot):
            await press(pilot, "h", "u", "backspace", "i", "enter", "up", "left", "o", "enter", *"c", "tab", "enter")
            assert app.sent == ["hi", "hoi", "Carol: "]

    run(scene())


def test_a_text_that_is_not_taken_stays_with_the_reason_beside_it() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            await press(pilot, *"/pers", "enter")
            assert (app.sent, app.composer.text) == ([], "/pers")
            assert app.shown_hint() == "Unknown command: /pers (did you mean /peers?)"
            await press(pilot, "x")
            assert not app.shown_hint()

    run(scene())


def test_a_text_refused_later_comes_back_into_an_empty_input() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            app.composer.refuse("two\nlines", "the queue is full")
            await pilot.pause()
            assert app.composer.text == "two\nlines"
            assert app.shown_hint() == "Not sent: the queue is full"

    run(scene())


def test_a_text_refused_while_another_is_typed_is_the_newest_of_the_history() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            await press(pilot, "o", "enter", "n", "e")
            app.composer.refuse("old", "the queue is full")
            await press(pilot, "w")
            assert app.composer.text == "new"
            assert app.shown_hint() == "Not sent: the queue is full (Up brings it back)"
            await press(pilot, "up")
            assert (app.composer.text, app.shown_hint()) == ("old", "")
            await press(pilot, "down")
            assert app.composer.text == "new"

    run(scene())


def test_the_input_grows_to_five_rows_and_then_scrolls() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            heights = [app.composer.content_size.height]
            for _ in range(6):
                await press(pilot, "ctrl+j")
                heights.append(app.composer.content_size.height)
            assert heights == [1, 2, 3, 4, 5, 5, 5]
            assert app.composer.max_scroll_y == app.composer.scroll_offset.y == 2

    run(scene())


def test_up_and_down_move_in_the_text_before_they_leave_it() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            await press(pilot, "o", "enter")
            await paste(pilot, "a\nb")
            await press(pilot, "up")
            assert (app.composer.text, app.composer.cursor_location) == ("a\nb", (0, 1))
            await press(pilot, "up")
            assert app.composer.text == "o"
            await press(pilot, "down")
            assert app.composer.text == "a\nb"

    run(scene())


def test_the_search_takes_a_sent_text_and_escape_leaves_the_input_as_it_was() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            for text in ("first [b]one", "second", "third"):
                app.composer.insert_text(text)
                await press(pilot, "enter")
            await press(pilot, "d", "ctrl+r")
            await press(pilot, "O", "N")
            assert isinstance(app.screen, HistorySearch)
            listed = app.screen.query_one(OptionList)
            assert [str(option.prompt) for option in listed.options] == ["second", "first [b]one"]
            await press(pilot, "escape")
            assert (app.composer.text, app.focused) == ("d", app.composer)
            await press(pilot, "ctrl+r")
            await pilot.press("o", "n", "down", "enter")
            assert app.composer.text == "first [b]one"
            await press(pilot, "ctrl+z")
            assert app.composer.text == "d"

    run(scene())


def test_tab_completes_as_far_as_it_is_sure_then_goes_round_the_candidates() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            app.composer.insert_text("hi b")
            texts = []
            for key in ("tab", "tab", "tab", "tab", "shift+tab"):
                await press(pilot, key)
                texts.append(app.composer.text)
            assert texts == ["hi Bob", "hi Bob", "hi Bobby", "hi Bob", "hi Bobby"]
            assert app.shown_hint() == "Bob  Bobby"
            await press(pilot, "!")
            assert (app.composer.text, app.shown_hint()) == ("hi Bobby!", "")

    run(scene())


def test_tab_completes_in_the_middle_of_a_text() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            await paste(pilot, "one\nhi ca, see")
            app.composer.move_cursor((1, 5))
            await press(pilot, "tab")
            assert (app.composer.text, app.composer.cursor_location) == ("one\nhi Carol, see", (1, 8))

    run(scene())


def test_tab_with_nothing_to_complete_does_nothing() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            app.composer.insert_text("zzz")
            await press(pilot, "tab", "shift+tab")
            assert (app.composer.text, app.focused, app.shown_hint()) == ("zzz", app.composer, "")

    run(scene())


def test_keys_of_the_program_are_left_to_it() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            app.composer.insert_text("some text")
            await press(pilot, *APP_KEYS)
            assert (app.noted, app.composer.text) == ([*APP_KEYS], "some text")

    run(scene())


def test_ctrl_c_copies_what_is_selected() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            app.composer.insert_text("some text")
            await press(pilot, "shift+home", "ctrl+c")
            assert (app.noted, app.clipboard) == ([], "some text")

    run(scene())


def test_undo_and_redo() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            app.composer.insert_text("one two")
            await press(pilot, "ctrl+w", "ctrl+z")
            assert app.composer.text == "one two"
            await press(pilot, "ctrl+y")
            assert app.composer.text == "one "

    run(scene())


def test_undoing_to_a_text_without_a_scrollbar_is_survived() -> None:
    """Textual 8.2.8 looks for the cursor before it has put it back into the shorter text."""

    async def scene() -> None:
        async with typing() as (app, pilot):
            await press(pilot, "a")
            await paste(pilot, "\n" * 50)
            await press(pilot, "ctrl+z")
            assert app.composer.text == "a"

    run(scene())


def test_joiners_can_be_typed() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            for character in "👩\u200d🔬":
                app.post_message(events.Key("upper_hex", character))
            await pilot.pause()
            assert app.composer.text == "👩\u200d🔬"

    run(scene())


def test_a_nickname_is_shown_as_it_is() -> None:
    async def scene() -> None:
        async with typing() as (app, _pilot):
            assert app.composer.render_line(0).text.startswith("A[b]lice > Type your message...")

    run(scene())


def test_the_size_is_told_before_it_is_sent() -> None:
    async def scene() -> None:
        async with typing() as (app, pilot):
            await paste(pilot, "a\nb")
            assert app.shown_hint() == "2 lines, 3 characters"
            await paste(pilot, "x" * 1_200)
            assert app.shown_hint() == "2 lines, 1,203 characters, 1.2 of 60 kB"
            await paste(pilot, "x" * limits.MAX_TEXT_BYTES)
            assert app.shown_hint().startswith("Too large: 2 lines, 61,203 characters, 61.2 of 60 kB")

    run(scene())


@pytest.mark.parametrize("columns", [20, 300])
def test_a_hint_takes_one_row_at_any_width_and_shows_the_chosen_candidate(columns: int) -> None:
    async def scene() -> None:
        async with typing(columns, 8) as (app, pilot):
            app.composer.insert_text("/")
            await press(pilot, *["tab"] * 6)
            chosen = app.composer.text.strip()
            rows = [app.hint.render_line(y).text for y in range(app.hint.size.height)]
            assert len(rows) == 1
            assert chosen in rows[0]

    run(scene())


KEYS = [
    *("enter", "ctrl+j", "tab", "shift+tab", "up", "down", "left", "right", "home", "end", "ctrl+left", "ctrl+right"),
    *("backspace", "delete", "ctrl+w", "ctrl+u", "ctrl+k", "ctrl+z", "ctrl+y", "ctrl+x", "ctrl+v", "ctrl+o", "escape"),
    *("shift+left", "shift+up", "shift+end", "f7", "ctrl+shift+k", "a", "/", "漢", "[", "space"),
]
PASTES = [
    "",
    "x",
    "a\r\nb\rc",
    "\x1b[31mred\x07",
    "漢" * 3_000,
    "y" * 5_000,
    "\n" * 200,
    "z" * 300_000,
    "[paste 1: 5.0 kB]",
]


@settings(max_examples=12)
@given(st.lists(st.one_of(st.sampled_from(KEYS), st.sampled_from(PASTES).map(events.Paste)), max_size=60))
def test_whatever_is_pressed_and_pasted_nothing_breaks_and_only_enter_sends(steps: list[str | events.Paste]) -> None:
    async def scene() -> None:
        async with typing(30, 10) as (app, pilot):
            for step in steps:
                app.post_message(key_event(step) if isinstance(step, str) else events.Paste(step.text))
            await pilot.pause()
            assert len(app.sent) <= steps.count("enter")
            assert len(app.composer.full_text) <= limits.MAX_PASTE_CHARS + 100
            assert not set(app.composer.full_text) & {"\x1b", "\r", "\x07"}

    run(scene())
