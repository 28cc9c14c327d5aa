"""The full screen over a service: what happens is shown, what is typed is done."""

from __future__ import annotations

import re

import pytest
from textual.widgets import Static

from py_peer.core.conversations import ROOM
from py_peer.core.dht_events import LookupFailed, ProvidersFound, ValueFound
from py_peer.core.events import (
    AddressesChanged,
    DialFailed,
    Dropped,
    IgnoreList,
    MessageReceived,
    MessageRefused,
    MessageSent,
    NickLearned,
    NicknameChanged,
    PeerConnected,
    PeerDisconnected,
    PeerFound,
    PeerLeft,
    Pinged,
)
from py_peer.core.limits import MAX_TEXT_BYTES
from py_peer.core.nostr_events import NostrBound, NostrHeard
from py_peer.core.requests import GetValue, Ignore, RequestStatus, SetNickname, Unignore
from py_peer.frontends.lines import HERE_ALONE, NO_NETWORK
from py_peer.ui.help_page import HelpPage
from py_peer.ui.invite_page import InvitePage
from py_peer.ui.peer_menu import PeerMenu
from tests.frontends.fakes import ADDRESS, ANN, US
from tests.loops import run
from tests.ui.support import screen

BOB = "12D3KooWCPZEzZ2B3VJ4bK6t6m6rBobBobBobBobBobBobBobBob"


def heard(text: str, peer_id: str = ANN, nick: str = "ann") -> MessageReceived:
    return MessageReceived(peer_id, nick, text, 1_000_000.0)


def test_the_panels_have_their_names_and_the_start_is_told() -> None:
    async def scene() -> None:
        async with screen() as shown:
            text = shown.text()
            for promised in ("Room: universal-connectivity", " Peers ", " System ", "bob > Type your message..."):
                assert promised in text
            assert "Connected: 0" in text
            assert "  (No peers connected)" in text
            assert "● alone" in text
            told = "\n".join(entry.text for entry in shown.ui.system._transcript)
            for promised in (
                "Starting Universal Connectivity Application...",
                "Universal Connectivity Chat Started",
                "Nickname: bob",
                f"Local peer id: {US}",
                f"Multiaddr: {ADDRESS}",
                "Commands: /peers, ",
                "Joined chat room as 'bob'",
            ):
                assert promised in told

    run(scene())


def test_an_answer_has_one_sign_before_it() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.type("/whois nobody")
            await shown.type("/unignore nobody")
            told = [entry.text for entry in shown.ui.system._transcript][-2:]
            assert all("'nobody'" in text for text in told)
            assert not any("📡" in text for text in told)

    run(scene())


def test_what_is_found_in_the_dht_is_an_answer_with_all_its_lines() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.type("/kv get poem")
            assert shown.service.requests[-1] == GetValue(1, "poem")
            await shown.tell(
                ValueFound(1, "poem", "roses\nare red", 1, 2, 5.0), ProvidersFound(2, "poem", (US, ANN), 2)
            )
            await shown.tell(LookupFailed(3, "prose", 2, "nobody has it"))
            assert [entry.text for entry in shown.ui.system._transcript][-3:] == [
                "poem (from 1 of 2 peer(s), put 5 s ago): roses\nare red",
                f"poem is provided by 2 peer(s): you, {ANN[-8:]}",
                "Not found: prose: nobody has it",
            ]
            assert "are red" in shown.text()

    run(scene())


def test_a_key_without_its_value_opens_no_conversation() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.join(ANN)
            await shown.type(f"/kv put {ANN[-8:]}")
            assert "/kv put KEY VALUE: say which value" in shown.text()
            assert shown.chat.tabs.peer_id == ROOM

    run(scene())


def test_theme_bell_and_notifications_are_as_they_were_configured() -> None:
    async def scene() -> None:
        async with screen(options=("--theme", "nord", "--no-bell", "--no-notify")) as shown:
            assert shown.ui.theme == "nord"
            assert not shown.ui.attention.bell
            assert not shown.ui.attention.desktop
        async with screen() as shown:
            assert shown.ui.theme == "textual-dark"
            assert shown.ui.attention.bell
            assert shown.ui.attention.desktop

    run(scene())


def test_until_the_service_is_ready_it_says_connecting_and_what_is_typed_waits() -> None:
    async def scene() -> None:
        async with screen(starts=False, answering=False) as shown:
            assert "connecting…" in shown.text()
            await shown.type("hello")
            assert shown.service.texts == ["hello"]
            assert re.search(r"\[\d\d:\d\d:\d\d\] bob \(You\): hello", shown.text())

    run(scene())


def test_an_own_line_says_how_many_it_was_sent_to() -> None:
    async def scene() -> None:
        async with screen(answering=False) as shown:
            await shown.type("hello")
            assert "✓" not in shown.text()
            await shown.tell(MessageSent(1, "hello", 3, 0.0))
            assert re.search(r"bob \(You\): hello.*✓ ?3", shown.text())

    run(scene())


def test_messages_of_others_are_shown_with_their_names() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(heard("good [b]morning[/b]"))
            assert re.search(r"\[\d\d:\d\d:\d\d\] ann: good \[b\]morning\[/b\]", shown.text())

    run(scene())


def test_who_is_there_is_listed_with_round_trip_time_and_age() -> None:
    async def scene() -> None:
        async with screen(options=["-c", "/ip4/127.0.0.1/tcp/4002"]) as shown:
            await shown.join(ANN)
            await shown.tell(Pinged(ANN, 0.0042))
            assert re.search(r"  • AnnAnnAn\.\.\. +4\.2 ms new", shown.text().replace(ANN[-8:], "AnnAnnAn"))
            assert "Connected: 1" in shown.text()
            assert "● 1 peer" in shown.text()
            await shown.tell(PeerLeft(ANN, 0), PeerDisconnected(ANN))
            assert "● reconnecting…" in shown.text()

    run(scene())


def test_of_two_with_one_name_the_second_has_the_end_of_the_id_beside_it() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.join(ANN, BOB)
            await shown.tell(NickLearned(ANN, "Ann", plain=True), NickLearned(BOB, "Ann", plain=False))
            await shown.tell(heard("it is me", ANN, "Ann"), MessageReceived(BOB, "Ann", "me too", 0.0, plain=False))
            assert "• Ann " in shown.text()
            assert f"• Ann({BOB[-8:]}) " in shown.text()
            assert "] Ann: it is me" in shown.text()
            assert f"] Ann({BOB[-8:]}): me too" in shown.text()
            shown.ui.composer.put("An")
            await shown.pilot.press("tab")
            await shown.pilot.pause()
            assert f"Ann({BOB[-8:]}): " in shown.text()
            await shown.tell(NickLearned(BOB, "Bob", True, "Ann"))
            assert f"Ann({BOB[-8:]}) is now called Bob" in shown.text()
            assert "• Bob " in shown.text()

    run(scene())


def test_who_takes_another_nickname_sees_it_everywhere() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.type("/nick  Captain ")
            assert [request.nickname for request in shown.service.requests if isinstance(request, SetNickname)] == [
                "Captain"
            ]
            await shown.tell(NicknameChanged("Captain"))
            assert "py-peer · Captain" in shown.text()
            assert "Captain > Type your message..." in shown.text()
            await shown.type("aye")
            assert "Captain (You): aye" in shown.text()

    run(scene())


def test_a_message_does_not_lay_out_the_peers_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.join(ANN, BOB)
            await shown.tell(heard("one"))
            counted: list[str] = []
            monkeypatch.setattr(shown.ui._peers._count, "update", counted.append)
            await shown.tell(heard("two"))
            assert not counted
            await shown.tell(Pinged(BOB, 0.001))
            assert counted == ["Connected: 2"]

    run(scene())


def test_a_text_that_is_too_large_stays_in_the_input_with_the_reason() -> None:
    async def scene() -> None:
        async with screen() as shown:
            text = "x" * (MAX_TEXT_BYTES + 1)
            shown.ui.composer.put(text)
            await shown.pilot.press("enter")
            assert shown.service.texts == []
            assert shown.ui.composer.full_text == text
            assert "Not sent: " in shown.text()

    run(scene())


def test_a_text_that_the_service_refuses_comes_back_into_the_input() -> None:
    async def scene() -> None:
        async with screen(answering=False) as shown:
            await shown.type("hello")
            await shown.tell(MessageRefused(1, "hello", "the room is full"))
            assert shown.ui.composer.full_text == "hello"
            assert "Not sent: the room is full" in shown.text()
            assert "✗ not sent" in shown.text()

    run(scene())


def test_a_service_that_takes_no_more_leaves_the_text_in_the_input() -> None:
    async def scene() -> None:
        async with screen() as shown:
            shown.service.refusals = 1
            await shown.type("hello")
            assert shown.ui.composer.full_text == "hello"
            assert "too much waits" in shown.text()
            await shown.pilot.press("enter")
            assert shown.service.texts == ["hello"]

    run(scene())


def test_an_unknown_command_stays_in_the_input_and_the_nearest_is_offered() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.type("/pears")
            assert shown.ui.composer.full_text == "/pears"
            assert "Unknown command: /pears (did you mean /peers?)" in shown.text()
            assert shown.service.texts == []

    run(scene())


def test_two_slashes_send_one() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.type("//peers")
            assert shown.service.texts == ["/peers"]

    run(scene())


def test_status_is_answered_in_the_system_panel_which_grows_for_it() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.type("/status")
            assert any(isinstance(request, RequestStatus) for request in shown.service.requests)
            assert "📊 Status:" in shown.text()
            assert "Subscribed topics: chat, discovery" in shown.text()
            await shown.type("hello")
            assert "📊 Status:" not in shown.text()

    run(scene())


def test_what_is_answered_after_a_long_answer_is_seen() -> None:
    async def scene() -> None:
        async with screen(size=(60, 20)) as shown:
            for _ in range(3):
                await shown.type("/status")
                await shown.type("/whois nobody")
                assert "Nobody who is here" in shown.text()

    run(scene())


def test_multiaddr_is_shown_and_copied() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.type("/multiaddr")
            assert ADDRESS in shown.text()
            assert shown.ui.clipboard == ADDRESS
            assert "Copied the multiaddress" in shown.text()

    run(scene())


def test_an_open_invitation_follows_the_address() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.type("/invite")
            before = shown.ui.screen
            await shown.tell(AddressesChanged((f"/ip4/192.0.2.9/tcp/4001/p2p/{US}",)))
            assert isinstance(shown.ui.screen, InvitePage)
            assert shown.ui.screen is not before
            assert len(shown.ui.screen_stack) == 2
            await shown.pilot.press("escape")
            assert "others reach you at /ip4/192.0.2.9/tcp/4001" in " ".join(shown.text().split())

    run(scene())


def test_without_a_network_the_invitation_says_so_and_shows_no_code() -> None:
    async def scene() -> None:
        async with screen() as shown:
            here = f"/ip4/127.0.0.1/tcp/4001/p2p/{US}"
            shown.service.addresses = (here,)
            await shown.tell(AddressesChanged((here,), (ADDRESS, here)))
            await shown.type("/invite")
            assert HERE_ALONE in " ".join(str(shown.ui.screen.query_one("#invite-code", Static).render()).split())
            await shown.pilot.press("escape")
            assert NO_NETWORK in " ".join(shown.text().split())

    run(scene())


def test_how_peers_were_found_is_told_and_shown_where_there_is_room() -> None:
    async def scene() -> None:
        async with screen(size=(160, 30)) as shown:
            await shown.tell(PeerFound(ANN, "by mDNS", ()), PeerConnected(ANN, ADDRESS, inbound=False, found="by mDNS"))
            assert f"Found {ANN[-8:]} by mDNS" in shown.text()
            assert "by mDNS  new" in shown.text()
            await shown.pilot.resize_terminal(100, 30)
            await shown.settle()
            assert "by mDNS  new" not in shown.text()

    run(scene())


def test_a_key_of_nostr_is_told_of_who_is_there_and_shown_where_there_is_room() -> None:
    npub = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"

    async def scene() -> None:
        async with screen(size=(160, 30)) as shown:
            await shown.join(ANN)
            await shown.tell(NostrBound(ANN, npub), NostrBound("12D3KooWStranger", npub))
            (told,) = [entry.text for entry in shown.ui.system._transcript if "npub1" in entry.text]
            assert told.endswith(f"is {npub} on Nostr: both keys have signed it")
            assert f"npub1…{npub[-8:]}" in shown.text()
            await shown.tell(
                MessageReceived(ANN, "Ann", "hi", 0.0, plain=True),
                NostrHeard("ws://a.example", "1" * 64, npub, 1, 0, "news", "verified", "verified", peer_id=ANN),
            )
            assert f"[verified, that is {ANN[-8:]} (Ann)] news" in shown.text()
            await shown.tell(NostrBound(ANN, ""))
            assert f"npub1…{npub[-8:]}" not in shown.text()

    run(scene())


def test_many_who_are_found_together_are_one_line() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(*[PeerFound(ANN, "from an earlier run", ())] * 8)
            assert "Found 8 peers from an earlier run; /discover lists them" in shown.text()

    run(scene())


def test_invite_opens_the_page_with_line_and_code() -> None:
    async def scene() -> None:
        async with screen(size=(110, 40)) as shown:
            await shown.type("/invite")
            assert isinstance(shown.ui.screen, InvitePage)
            assert f"py-peer -c {ADDRESS}" in shown.text()
            assert "█▀▀▀▀▀█" in shown.text()

    run(scene())


@pytest.mark.parametrize("how", ["f1", "/help"])
def test_help_is_a_page_of_the_commands_and_the_keys(how: str) -> None:
    async def scene() -> None:
        async with screen(size=(100, 90)) as shown:
            await (shown.pilot.press("f1") if how == "f1" else shown.type("/help"))
            await shown.settle()
            assert isinstance(shown.ui.screen, HelpPage)
            for promised in ("/whois PEER", "/quit", "Ctrl-F", "Alt-Enter"):
                assert promised in shown.text()
            await shown.pilot.press("escape")
            assert not isinstance(shown.ui.screen, HelpPage)

    run(scene())


def test_enter_on_a_peer_offers_its_commands() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.join(ANN)
            await shown.pilot.press("f3", "enter")
            assert isinstance(shown.ui.screen, PeerMenu)
            await shown.pilot.press("enter")
            await shown.settle()
            assert shown.ui.composer.full_text == f"{ANN[-8:]}: "
            await shown.pilot.press("f3", "enter", "down", "down", "enter")
            assert shown.ui.clipboard == ANN

    run(scene())


def test_the_menu_of_a_peer_ignores_it_and_shows_it_again_and_what_was_shown_stays() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.join(BOB)
            await shown.tell(heard("shown already", BOB))
            await shown.pilot.press("f3", "enter", "end", "enter")
            await shown.settle()
            assert [type(request) for request in shown.service.requests] == [Ignore]
            await shown.tell(IgnoreList((BOB,)))
            assert "shown already" in shown.text()
            await shown.pilot.press("f3", "enter", "end", "enter")
            await shown.settle()
            assert shown.service.requests[1:] == [Unignore(shown.service.requests[0].ticket + 1, BOB)]

    run(scene())


def test_typing_goes_into_the_input_wherever_the_focus_is() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.pilot.press("f4", *"hello", "enter")
            assert shown.service.texts == ["hello"]

    run(scene())


def test_clear_empties_the_room_and_last_brings_it_back() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(heard("one"), heard("two"))
            await shown.pilot.press("ctrl+l")
            await shown.settle()
            assert "ann: one" not in shown.text()
            await shown.type("/last 1")
            assert "ann: two" in shown.text()
            assert "ann: one" not in shown.text()

    run(scene())


def test_find_counts_what_it_finds() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(heard("a red fox"), heard("a blue one"), heard("Red again"))
            await shown.pilot.press("ctrl+f", *"red")
            await shown.settle()
            assert "2/2" in shown.text()
            await shown.pilot.press("enter")
            await shown.settle()
            assert "1/2" in shown.text()
            await shown.pilot.press("escape")
            assert shown.ui.focused is shown.ui.composer

    run(scene())


def test_a_named_peer_that_is_not_reached_is_tried_again_and_that_is_said() -> None:
    async def scene() -> None:
        async with screen(options=["-c", "/ip4/127.0.0.1/tcp/9"]) as shown:
            await shown.tell(DialFailed("/ip4/127.0.0.1/tcp/9", "nobody listens there"))
            assert "nobody listens there; it is tried again" in shown.text()
            assert "● connecting…" in shown.text()

    run(scene())


def test_failures_and_losses_are_told() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(DialFailed("/ip4/127.0.0.1/tcp/9", "nobody listens there"), Dropped(7, "messages"))
            assert "Failed to connect to /ip4/127.0.0.1/tcp/9: nobody listens there" in shown.text()
            assert "Lost: 7 (messages)" in shown.text()

    run(scene())


@pytest.mark.parametrize("size", [(20, 8), (30, 10), (48, 30), (60, 24), (300, 80)])
def test_every_size_shows_the_last_message_and_the_input(size: tuple[int, int]) -> None:
    async def scene() -> None:
        async with screen(size=size) as shown:
            await shown.tell(heard("one"), heard("last"))
            text = shown.text()
            assert re.search(r"\blast\b", text)
            assert "bob" in text
            assert max(map(len, text.splitlines())) <= size[0]
            for key, promised in (("f3", "(No peers"), ("f4", "/tcp/4001/p2p"), ("f2", "last")):
                await shown.pilot.press(key)
                await shown.settle()
                assert promised in shown.text().replace("\n", "") or size[0] < 40

    run(scene())
