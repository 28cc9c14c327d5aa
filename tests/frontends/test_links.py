"""What is typed about connections: it becomes a request about one peer, or it is said why not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from py_peer.core.events import Answer, DialFailed, MessageReceived, PeerBanned, PeerConnected, PeerJoined, StatusReport
from py_peer.core.limits import MAX_NAMED_ADDRESSES
from py_peer.core.requests import Connect, Disconnect, PingPeer, StopDialling
from py_peer.frontends.answer_lines import status_lines
from py_peer.frontends.interactive import Chat
from py_peer.frontends.lines import event_lines
from tests.frontends.fakes import ADDRESS, ANN, FakeService, Stage
from tests.loops import run

if TYPE_CHECKING:
    from py_peer.core.requests import Request

BOB = "12D3KooWDwFt8aZ3UBoYgBjzPKNJ5xH6j4diuXPfSNEZKWBe6U6Y"


def obeyed(*lines: str) -> tuple[list[Request], list[str]]:
    """Return what a chat with Ann and Bob asks of its service, and what it prints, when `lines` are typed."""
    service, stage = FakeService(), Stage()
    chat = Chat(service, stage.screen, stage.watchdog)

    async def scene() -> None:
        for event in (
            PeerConnected(ANN, "/ip4/127.0.0.1/tcp/1", inbound=True),
            PeerJoined(ANN, 1),
            MessageReceived(BOB, "bob", "hi", 0.0),
        ):
            chat.note(event)
        for line in lines:
            assert await chat.obey(line)

    run(scene())
    return service.requests, stage.lines


def test_an_address_is_dialled() -> None:
    assert obeyed(f"/connect {ADDRESS}") == ([Connect(1, ADDRESS)], [])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/connect", "/connect ADDR: say where, like /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…"),
        ("/connect bob", "/connect ADDR: 'bob' is not a multiaddr"),
        ("/connect /ip4/192.0.2.7/udp/1/webrtc-direct", "is an address over UDP"),
        ("/ping", "/ping PEER: say which peer"),
        ("/disconnect", "/disconnect PEER: say which peer"),
        ("/ping nobody", "📡 Nobody who is here or has spoken is called 'nobody'"),
        ("/disconnect 12D3", "📡 2 peers may be meant; take one's ID:"),
    ],
)
def test_what_cannot_be_done_is_said_and_not_asked(line: str, said: str) -> None:
    requests, lines = obeyed(line)
    assert requests == []
    assert said in lines[0]


@pytest.mark.parametrize(("word", "peer_id"), [("bob", BOB), ("annann", ANN), (ANN, ANN), (BOB[-8:], BOB)])
def test_a_peer_is_called_by_its_name_or_a_part_of_its_id(word: str, peer_id: str) -> None:
    requests, lines = obeyed(f"/ping {word}", f"/disconnect {word}")
    assert requests == [PingPeer(1, peer_id), Disconnect(2, peer_id)]
    assert lines == []


def test_a_peer_that_was_never_seen_is_called_by_its_whole_id() -> None:
    """One that is dialled in vain, for example."""
    stranger = "12D3KooWAWiw2UhyMVYmF3L8WBY21aa6oxMxktfVaq5TBvPZKMNh"
    assert obeyed(f"/disconnect {stranger}") == ([Disconnect(1, stranger)], [])


GHOST = "/ip4/192.0.2.7/tcp/4001/p2p/12D3KooWAWiw2UhyMVYmF3L8WBY21aa6oxMxktfVaq5TBvPZKMNh"


def test_an_address_that_is_dialled_in_vain_is_named_whole_or_by_the_end_of_its_peer_id_or_with_tab() -> None:
    service, stage = FakeService(), Stage()
    chat = Chat(service, stage.screen, stage.watchdog)
    chat.note(DialFailed(ADDRESS, "connection refused"))
    chat.note(DialFailed(GHOST, "connection refused"))

    async def scene() -> None:
        for line in (f"/disconnect {ADDRESS}", f"/disconnect {GHOST[-8:]}"):
            assert await chat.obey(line)

    run(scene())
    assert service.requests == [StopDialling(1, ADDRESS), Disconnect(2, GHOST.rpartition("/")[2])]
    assert chat.complete("/disconnect /ip4", 16).candidates == (ADDRESS, GHOST)
    for number in range(2 * MAX_NAMED_ADDRESSES):
        chat.note(DialFailed(f"/ip4/192.0.2.7/tcp/{number + 1}", "connection refused"))
    assert len(chat.roster.dialling) == MAX_NAMED_ADDRESSES


def test_what_is_dialled_is_in_the_status_and_of_much_how_much_more() -> None:
    report = StatusReport(1, ANN, "me", (ADDRESS,), (), (), 0, ())
    assert status_lines(replace(report, dialling=(ADDRESS,)))[-1] == f"  - Dialling: {ADDRESS}"
    assert status_lines(replace(report, dialling=tuple("abcdefghijkl")))[-1].endswith("i, j and 2 more")


def test_an_answer_is_shown_and_a_ban_is_told() -> None:
    assert event_lines(Answer(1, "fjord has answered within 3.0 ms")) == ["📡 fjord has answered within 3.0 ms"]
    assert event_lines(Answer(1, "not connected", failed=True)) == ["❌ not connected"]
    banned = PeerBanned(BOB, 600.0, "it sent frames that are no messages")
    assert event_lines(banned) == [
        "📡 Let go and refused for 10 min: KWBe6U6Y, because it sent frames that are no messages"
    ]
