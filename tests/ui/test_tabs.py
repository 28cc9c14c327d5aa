"""Direct conversations on the full screen: a tab for each, with its own log, draft and mark of what is unread."""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import replace

import pytest

from py_peer.core import limits
from py_peer.core.direct_events import DirectReceived, DirectRefused, DirectSent, DirectWaiting
from py_peer.core.events import MessageReceived, MessageRefused, NickLearned, PeerDisconnected
from py_peer.core.requests import SendDirect
from py_peer.core.speakers import Name
from py_peer.ui.peer_menu import PeerMenu
from py_peer.ui.tab_bar import Tab, row
from py_peer.ui.tabs import NOBODY, ROOM_STAYS
from tests.frontends.fakes import ANN, US
from tests.loops import run
from tests.ui.support import Scene, screen
from tests.ui.typing_app import press

BOB = "12D3KooWCPZEzZ2B3VJ4bK6t6m6rBobBobBobBobBobBobBobBob"


def wrote(text: str, peer_id: str = ANN, nick: str = "Ann", *, stranger: bool = False) -> DirectReceived:
    return DirectReceived(peer_id, nick, plain=True, text=text, timestamp=1_000_000.0, stranger=stranger)


def stranger(number: int) -> DirectReceived:
    return wrote(f"offer {number}", f"12D3KooW{number:044}", f"S{number}", stranger=True)


def direct(shown: Scene) -> list[tuple[str, str]]:
    """Return what was sent to single peers."""
    return [(request.peer_id, request.text) for request in shown.service.requests if isinstance(request, SendDirect)]


def bar(shown: Scene) -> str:
    """Return the row of the tabs, "" where it is hidden."""
    return shown.text().splitlines()[1].strip() if shown.ui.tab_bar.display else ""


def said(shown: Scene) -> list[str]:
    """Return what stands in the log that is shown."""
    return [entry.text for entry in shown.ui.log_shown._transcript]


# --- Coming and going ---------------------------------------------------------------------------------


def test_with_the_room_alone_there_is_no_row_of_tabs() -> None:
    async def scene() -> None:
        async with screen() as shown:
            assert bar(shown) == ""
            assert "Room: universal-connectivity" in shown.text().splitlines()[1]

    run(scene())


def test_a_direct_message_opens_a_tab_and_calls_and_the_room_stays_in_view() -> None:
    async def scene() -> None:
        async with screen() as shown:
            called: list[tuple[int, str, str]] = []
            shown.ui.attention.named = lambda *call: called.append(call)  # type: ignore[method-assign]
            await shown.tell(wrote("psst"), wrote("are you there?"))
            assert bar(shown) == "1 Room  2 Ann ●2"
            assert "psst" not in shown.text()
            assert called == [(2, "Ann", "are you there?")]
            await shown.pilot.press("f6")
            assert bar(shown) == "1 Room  2 Ann"
            assert "Direct: Ann" in shown.text()
            assert "bob > Type your message to Ann..." in shown.text()
            assert re.search(r"\] Ann: psst", shown.text())
            await shown.tell(wrote("good"))
            assert "good" in shown.text()
            assert (bar(shown), len(called)) == ("1 Room  2 Ann", 1)
            shown.ui.attention.look(looking=False)
            await shown.tell(wrote("gone?"))
            assert len(called) == 2

    run(scene())


def test_what_is_typed_in_a_tab_goes_to_that_peer_alone_and_is_marked_when_it_has_arrived() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.join(ANN)
            await shown.tell(wrote("psst"))
            await shown.pilot.press("f6")
            await shown.type("yes?")
            assert direct(shown) == [(ANN, "yes?")]
            assert shown.service.texts == []
            assert re.search(r"bob \(You\): yes\?\s", shown.text())
            assert "✓" not in shown.text()
            ticket = shown.service.requests[-1].ticket
            await shown.tell(DirectSent(ticket, ANN, "Ann", plain=True, text="yes?", timestamp=0.0))
            assert re.search(r"bob \(You\): yes\? ✓\s", shown.text())
            await shown.pilot.press("f5")
            await shown.type("hello, all")
            assert shown.service.texts == ["hello, all"]

    run(scene())


@pytest.mark.parametrize("way", ["/msg ann", "/msg ann hello", "menu"])
def test_the_user_opens_a_conversation(way: str) -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.join(ANN)
            await shown.tell(NickLearned(ANN, "ann", plain=True))
            if way == "menu":
                await shown.pilot.press("f3", "enter")
                assert isinstance(shown.ui.screen, PeerMenu)
                await shown.pilot.press("down", "enter")
                await shown.settle()
            else:
                await shown.type(way)
            assert bar(shown) == "1 Room  2 ann"
            assert "Direct: ann" in shown.text()
            assert direct(shown) == ([(ANN, "hello")] if "hello" in way else [])
            assert said(shown) == (["hello"] if "hello" in way else [])
            assert shown.ui.focused is shown.ui.composer

    run(scene())


def test_the_command_that_opens_a_tab_stays_in_no_input() -> None:
    async def scene() -> None:
        async with screen() as shown:
            if sys.version_info >= (3, 12):  # as Textual does where it runs on a terminal
                asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
            await shown.type(f"/msg {ANN} hello")
            assert shown.ui.composer.full_text == ""
            await shown.pilot.press("f5")
            assert shown.ui.composer.full_text == ""

    run(scene())


def test_who_is_not_known_opens_nothing() -> None:
    async def scene() -> None:
        async with screen() as shown:
            for typed in ("/msg", "/msg nobody", "/msg nobody hello"):
                await shown.type(typed)
                shown.ui.composer.empty()
            assert bar(shown) == ""
            assert direct(shown) == []
            assert "'nobody'" in shown.text()

    run(scene())


def test_close_closes_the_tab_and_the_next_message_brings_it_back_with_what_was_said() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(wrote("one"))
            await shown.pilot.press("f6")
            await shown.type("/close")
            assert bar(shown) == ""
            assert "Room: universal-connectivity" in shown.text()
            await shown.type("/close")
            assert ROOM_STAYS in shown.text()
            await shown.tell(wrote("two"))
            await shown.pilot.press("alt+2")
            await shown.settle()
            assert said(shown) == ["one", "two"]
            assert "] Ann: one" in shown.text()

    run(scene())


# --- Going from one to the other ----------------------------------------------------------------------


def test_keys_and_clicks_lead_from_one_to_the_other() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(wrote("one"), wrote("two", BOB, "Bob"))
            for key, title in (
                ("f6", "Direct: Ann"),
                ("ctrl+pagedown", "Direct: Bob"),
                ("f6", "Room:"),
                ("ctrl+pageup", "Direct: Bob"),
                ("f5", "Direct: Ann"),
                ("alt+1", "Room:"),
                ("alt+3", "Direct: Bob"),
                ("alt+9", "Direct: Bob"),
            ):
                await shown.pilot.press(key)
                await shown.settle()
                assert title in shown.text()
            await shown.pilot.click(shown.ui.tab_bar, offset=(bar(shown).index("Ann") + 2, 0))
            await shown.settle()
            assert "Direct: Ann" in shown.text()

    run(scene())


def test_a_page_before_the_conversations_keeps_the_keys() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(wrote("one"))
            await shown.pilot.press("f1", "f6", "alt+2", "escape")
            assert "Room: universal-connectivity" in shown.text()

    run(scene())


def test_each_tab_has_its_own_draft_and_undoing_brings_back_none_of_another() -> None:
    async def scene() -> None:
        async with screen() as shown:
            composer = shown.ui.composer
            await shown.type("sent before")
            await shown.tell(wrote("one"))
            composer.put("for all")
            await shown.pilot.press("f6")
            assert composer.full_text == ""
            composer.put("for Ann")
            await shown.pilot.press("f5")
            assert composer.full_text == "for all"
            await shown.pilot.press("up", "f6")
            assert composer.full_text == "for Ann"
            await shown.pilot.press("ctrl+z", "ctrl+z", "ctrl+z")
            assert composer.full_text == ""
            await shown.pilot.press("f5")
            assert composer.full_text == "for all"

    run(scene())


def test_keys_that_come_in_one_go_reach_the_conversation_that_they_were_typed_in() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(wrote("one"))
            await press(shown.pilot, *"for all", "f6", *"for Ann", "alt+1", *", too")
            assert shown.ui.composer.full_text == "for all, too"
            await shown.pilot.press("f6")
            assert shown.ui.composer.full_text == "for Ann"

    run(scene())


def test_a_large_paste_stays_whole_in_its_draft() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(wrote("one"))
            pasted = "\n".join(f"line {number}" for number in range(500))
            shown.ui.composer.paste(pasted)
            token = shown.ui.composer.text
            await shown.pilot.press("f6", "f5")
            assert shown.ui.composer.full_text == pasted
            assert shown.ui.composer.text == token

    run(scene())


def test_each_log_stays_where_one_has_scrolled_it_and_one_at_its_end_follows_unseen() -> None:
    async def scene() -> None:
        async with screen() as shown:
            heard = [MessageReceived(ANN, "Ann", f"room {number}", 0.0) for number in range(100)]
            await shown.tell(*heard, *(wrote(f"direct {number}") for number in range(100)))
            await shown.pilot.press("pageup", "f6")
            await shown.settle()
            top = shown.ui.room.scroll_offset.y
            assert "direct 99" in shown.text()
            assert "room" not in "\n".join(shown.text().splitlines()[3:20])
            await shown.tell(MessageReceived(ANN, "Ann", "room 100", 0.0), wrote("direct 100"))
            await shown.pilot.press("f5")
            await shown.settle()
            assert shown.ui.room.scroll_offset.y == top
            assert "room 100" not in shown.text()
            await shown.tell(*(wrote(f"more {number}") for number in range(50)))
            await shown.pilot.press("f6")
            await shown.settle()
            assert "more 49" in shown.text()

    run(scene())


def test_a_log_that_was_hidden_fits_a_screen_that_has_another_size_by_now() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(wrote("word " * 40))
            await shown.pilot.press("f6", "f5")
            await shown.pilot.resize_terminal(48, 20)
            await shown.pilot.press("f6")
            await shown.settle()
            rows = [line.rstrip() for line in shown.text().splitlines() if "word" in line]
            assert len(rows) > 4
            assert sum(line.count("word") for line in rows) == 40

    run(scene())


def test_commands_are_about_the_tab_that_is_shown() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(MessageReceived(ANN, "Ann", "needle in the room", 0.0), wrote("needle here"), wrote("hay"))
            await shown.pilot.press("f6")
            await shown.type("/find needle")
            assert "1/1" in shown.text()
            await shown.pilot.press("f5")
            assert not shown.ui.query_one("FindBar").display
            await shown.pilot.press("f6")
            await shown.type("/clear")
            assert "hay" not in shown.text()
            await shown.type("/last 1")
            assert "] Ann: hay" in shown.text()
            await shown.pilot.press("f5")
            await shown.settle()
            assert "needle in the room" in shown.text()

    run(scene())


# --- What is said by the program ----------------------------------------------------------------------


def test_the_room_counts_what_is_unread_and_says_when_the_user_is_named() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(wrote("one"))
            await shown.pilot.press("f6")
            await shown.tell(MessageReceived(ANN, "Ann", "hello", 0.0), MessageReceived(ANN, "Ann", "world", 0.0))
            assert bar(shown) == "1 Room 2  2 Ann"
            await shown.tell(MessageReceived(ANN, "Ann", "bob: see above", 0.0))
            assert bar(shown) == "1 Room ●3  2 Ann"
            await shown.pilot.press("alt+1")
            assert bar(shown) == "1 Room  2 Ann"

    run(scene())


def test_what_waits_and_what_is_refused_and_that_a_peer_has_gone_is_said_in_its_tab() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.join(ANN)
            await shown.type(f"/msg {ANN} hello")
            await shown.tell(
                PeerDisconnected(ANN),
                DirectWaiting(1, ANN, "Ann", plain=True, text="hello", reason="Ann is away", waiting=1),
                DirectRefused(1, ANN, "Ann", plain=True, text="hello", reason="a day has passed"),
            )
            assert said(shown) == [
                "hello",
                f"{ANN[-8:]} has gone",
                "Not delivered yet: Ann is away; it is tried again",
                "Not delivered: a day has passed",
            ]
            assert "hello ✗ not sent" in shown.text()
            assert not any("hello" in entry.text for entry in shown.ui.system._transcript)

    run(scene())


def test_a_text_that_the_room_refused_is_given_back_to_the_room() -> None:
    async def scene() -> None:
        async with screen(answering=False) as shown:
            await shown.type("hello")
            await shown.tell(wrote("psst"))
            await shown.pilot.press("f6")
            await shown.tell(MessageRefused(shown.service.requests[-1].ticket, "hello", "too many"))
            assert shown.ui.composer.full_text == ""
            assert "Not sent to the room: too many" in shown.text()
            await shown.pilot.press("f5")
            assert shown.ui.composer.full_text == "hello"

    run(scene())


def test_a_new_name_changes_the_tab_and_one_that_is_somebody_elses_has_the_id_beside_it() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(wrote("one"))
            await shown.pilot.press("f6")
            await shown.tell(NickLearned(ANN, "Bob", plain=False, previous="Ann"))
            name = f"Bob({ANN[-8:]})"
            assert bar(shown) == f"1 Room  2 {name}"
            assert f"Direct: {name}" in shown.text()
            assert f"Type your message to {name}..." in shown.text()
            assert f"Ann is now called {name}" in shown.text()

    run(scene())


def test_a_name_that_begins_like_another_is_asked_about_and_opens_in_quotes() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.join(ANN, BOB)
            await shown.tell(NickLearned(ANN, "Lee", plain=True), NickLearned(BOB, "Lee two", plain=True))
            await shown.type("/msg Lee two shall we meet")
            assert "'Lee' and 'Lee two' may be meant; put the one you mean in quotes" in " ".join(shown.text().split())
            assert shown.ui.composer.text == "/msg Lee two shall we meet"
            await shown.type('/msg "Lee two')
            assert "the quote is not closed" in shown.text()
            assert bar(shown) == ""
            await shown.type('/msg "Lee two"')
            assert bar(shown) == "1 Room  2 Lee two"
            assert direct(shown) == []

    run(scene())


def test_there_is_no_conversation_with_oneself() -> None:
    async def scene() -> None:
        async with screen() as shown:
            for who in ("bob", US, US[-8:]):
                for text in ("", " hello"):
                    await shown.type(f"/msg {who}{text}")
                    assert "That is you" in shown.text()
                    assert bar(shown) == ""
            assert direct(shown) == []

    run(scene())


def test_a_flood_of_strangers_opens_few_tabs_and_is_answered_by_name() -> None:
    async def scene() -> None:
        async with screen() as shown:
            called: list[int] = []
            shown.ui.attention.named = lambda count, who, text: called.append(count)  # type: ignore[method-assign]
            await shown.tell(*map(stranger, range(300)))
            assert sum(called) == limits.STRANGERS_TABS
            assert bar(shown).count("S") == limits.STRANGERS_TABS + 1
            assert "Strangers 99+" in bar(shown)
            await shown.pilot.press("f5")
            await shown.settle()
            assert "] S299: offer 299" in shown.text()
            assert NOBODY in shown.text()
            assert "Type your message" not in shown.text()
            await shown.type("no")
            assert NOBODY in shown.text()
            assert shown.ui.composer.full_text == "no"
            assert direct(shown) == []
            shown.ui.composer.empty()
            await shown.pilot.press("alt+2")
            await shown.settle()
            assert "You have neither written to S0 nor named it." in shown.text()

    run(scene())


def test_logs_of_conversations_that_are_forgotten_are_gone_from_the_screen() -> None:
    async def scene() -> None:
        async with screen() as shown:
            for number in range(limits.CONVERSATIONS + 5):
                shown.chat.tabs.open(f"12D3KooW{number:044}", Name(f"P{number}"))
            await shown.settle()
            assert len(shown.ui.query("LogPanel")) == limits.CONVERSATIONS + 2
            assert f"Direct: P{limits.CONVERSATIONS + 4}" in shown.text()

    run(scene())


def test_drafts_are_given_back_at_the_end() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(wrote("one"))
            shown.ui.composer.put("for all")
            await shown.pilot.press("f6")
            shown.ui.composer.put("for Ann")
            assert shown.chat.tabs.drafts() == [
                "Your draft was not sent: for all",
                "Your draft to Ann was not sent: for Ann",
            ]

    run(scene())


# --- The row ------------------------------------------------------------------------------------------


def tabs(count: int, current: int) -> list[Tab]:
    return [
        Tab(f"12D3KooW{number:044}", Name(f"Peer {number}"), 0, called=False, current=number == current)
        for number in range(count)
    ]


def shown_row(shown: list[Tab], width: int) -> str:
    return "".join(piece.text.plain for piece in row(shown, width))


def test_in_a_narrow_row_the_current_tab_is_in_sight_and_the_ends_lead_to_the_others() -> None:
    for width in (20, 48, 80):
        for current in range(20):
            pieces = row(tabs(20, current), width)
            text = "".join(piece.text.plain for piece in pieces)
            assert len(text) <= width
            assert f"Peer {current}" in text
            if current > 10:
                assert text.startswith("< ")
                assert pieces[0].index == pieces[1].index - 1
            if current < 10:
                assert text.endswith(" >")
                assert pieces[-1].index == pieces[-2].index + 1


def test_the_ends_of_a_row_say_that_one_out_of_sight_calls() -> None:
    many = tabs(20, 10)
    assert shown_row(many, 48).startswith("< ")
    many[0] = many[0]._replace(unread=1, called=True)
    many[19] = many[19]._replace(unread=1, called=True)
    assert shown_row(many, 48).startswith("<●")
    assert shown_row(many, 48).endswith("●>")


def test_long_names_are_cut_and_the_id_beside_them_is_not() -> None:
    long = Tab(ANN, Name("Anna-Luise von und zu Irgendwo", plain=False), 3, called=True, current=False)
    assert shown_row([long], 120) == f" 1 Anna-Luise von …({ANN[-8:]}) ●3 "
    assert shown_row([long._replace(name=replace(long.name, plain=True))], 48) == " 1 Anna-Lui… ●3 "
