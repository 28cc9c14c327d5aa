"""/ignore and /unignore in a chat: who is meant, who is listed, what Tab offers; without a network."""

from __future__ import annotations

import pytest

from py_peer.core.events import (
    Answer,
    IgnoreList,
    MessageReceived,
    NickLearned,
    PeerConnected,
    PeerDisconnected,
    PeerJoined,
    StatusReport,
)
from py_peer.core.requests import Disconnect, Ignore, PingPeer, Request, RequestStatus, Unignore
from py_peer.frontends.answer_lines import ignored_lines, peers_lines, status_lines, whois_lines
from py_peer.frontends.printer import Printer
from py_peer.net.identity import new_identity
from tests.frontends.fakes import ADDRESS, READY, US, FakeService, Stage
from tests.frontends.test_piped import chat_over
from tests.loops import run

BOB, BOBBY, EVE = (new_identity().peer_id for _ in range(3))
SCENE = (
    READY,
    MessageReceived(BOB, "Bob", "hi", 0.0),
    MessageReceived(BOBBY, "Bobby", "hi", 0.0),
    PeerJoined(BOB, 1),
    IgnoreList((EVE, BOBBY)),
)


def after(line: str) -> tuple[list[Request], list[str]]:
    """Return what is asked of the service when `line` is typed in the scene, and what is shown."""

    async def scene() -> tuple[list[Request], list[str]]:
        stage, service = Stage(), FakeService(starting=False)
        chat = chat_over(stage, service, b"")
        for event in SCENE:
            chat.note(event)
        await chat.show(SCENE)
        before = len(stage.lines)
        assert await chat.obey(line)
        assert chat.unanswered == {
            request.ticket for request in service.requests if not isinstance(request, RequestStatus)
        }
        for request in service.requests:
            chat.note(Answer(request.ticket, "done"))
        assert not chat.unanswered
        return service.requests, stage.lines[before:]

    return run(scene())


@pytest.mark.parametrize(
    "word",
    ["bob", "@Bob", BOB, BOB[-8:], f"Bob({BOB[-8:]})"],
    ids=["name", "name with @", "ID", "end of ID", "name and end of ID"],
)
def test_a_peer_is_ignored_by_its_name_or_its_id(word: str) -> None:
    assert after(f"/ignore {word}") == ([Ignore(1, BOB)], [])


def test_a_peer_who_was_never_here_is_ignored_by_its_whole_id() -> None:
    stranger = new_identity().peer_id
    assert after(f"/ignore {stranger}") == ([Ignore(1, stranger)], [])


def test_who_has_just_gone_is_still_found() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(starting=False)
        chat = chat_over(stage, service, b"")
        for event in (*SCENE, PeerConnected(EVE, ADDRESS, inbound=True), PeerDisconnected(EVE)):
            chat.note(event)
        for command in ("ignore", "disconnect", "ping"):
            assert await chat.obey(f"/{command} {EVE[-8:]}")
        assert service.requests == [Ignore(1, EVE), Disconnect(2, EVE), PingPeer(3, EVE)]

    run(scene())


@pytest.mark.parametrize("command", ["/ignore", "/unignore"])
def test_a_name_that_nobody_has_ignores_nobody(command: str) -> None:
    requests, lines = after(f"{command} carl")
    assert requests == []
    assert "is called 'carl'" in lines[0]


@pytest.mark.parametrize("word", ["bobby", EVE, EVE[-6:]], ids=["name", "ID", "end of ID"])
def test_who_is_ignored_is_shown_again_by_name_or_part_of_the_id_though_not_here(word: str) -> None:
    wanted = BOBBY if word == "bobby" else EVE
    assert after(f"/unignore {word}") == ([Unignore(1, wanted)], [])


def test_a_name_is_looked_for_among_those_who_are_ignored() -> None:
    assert after(f"/unignore {BOBBY[-8:]}") == ([Unignore(1, BOBBY)], [])


def test_who_is_here_and_not_ignored_is_asked_about_all_the_same_so_that_the_answer_says_so() -> None:
    assert after("/unignore bob") == ([Unignore(1, BOB)], [])


def test_unignore_alone_says_what_it_takes() -> None:
    assert after("/unignore") == (
        [],
        ["/unignore PEER: say which peer: its nickname, or the beginning or end of its ID"],
    )


def test_ignore_alone_asks_who_is_ignored() -> None:
    assert after("/ignore") == ([RequestStatus(1)], [])
    report = StatusReport(1, US, "me", (ADDRESS,), (), (), 0, (), ignored=(EVE, BOB))
    assert ignored_lines(report, {EVE: "Eve", BOB: BOB[-8:]}.__getitem__) == [
        "📡 Ignored (2):",
        f"  - Eve  {EVE}",
        f"  - {BOB[-8:]}  {BOB}",
    ]
    assert ignored_lines(StatusReport(1, US, "me", (ADDRESS,), (), (), 0, ())) == ["📡 Nobody is ignored"]
    unknown = StatusReport(1, US, "me", (ADDRESS,), (), (), 0, (), ignored_fault="ignored.txt is no text")
    assert ignored_lines(unknown) == ["❌ ignored.txt is no text"]


def test_status_peers_and_whois_say_who_is_ignored() -> None:
    async def scene() -> None:
        chat = chat_over(Stage(), FakeService(starting=False), b"")
        for event in (*SCENE, IgnoreList((BOB,))):
            chat.note(event)
        report = StatusReport(1, US, "me", (ADDRESS,), chat.roster.rows(), (), 0, (), ignored=(BOB,))
        assert status_lines(report, None, chat.roster.nick)[-1] == f"  - Ignored: Bob({BOB[-8:]})"
        assert peers_lines(report)[1].endswith("  ignored")
        assert "  - Ignored: /unignore shows again what this peer says" in whois_lines(chat.roster, "bob")

    run(scene())


def test_who_is_ignored_is_found_by_a_new_name_that_is_not_shown() -> None:
    async def scene() -> None:
        stage, service = Stage(), FakeService(starting=False)
        chat = chat_over(stage, service, b"")
        events = (*SCENE, IgnoreList((BOB,)), NickLearned(BOB, "a_word_to_you", True, "Bob"))
        for event in events:
            chat.note(event)
        await chat.show(events)
        assert "a_word_to_you" not in "".join(stage.lines)
        assert whois_lines(chat.roster, "a_word_to_you")[1] == f"  - Peer ID: {BOB}"
        assert await chat.obey("/unignore a_word_to_you")
        assert service.requests == [Unignore(1, BOB)]

    run(scene())


def test_headless_does_not_show_a_new_name_of_who_is_ignored() -> None:
    async def scene() -> None:
        stage = Stage()
        printer = Printer(FakeService(starting=False), stage.screen, stage.watchdog)
        new = NickLearned(BOB, "a word to you", True, "Bob")
        await printer.show((IgnoreList((BOB,)), new))
        assert stage.lines == []
        await printer.show((IgnoreList(()), new))
        assert stage.lines == [f"Nickname of {BOB}: a word to you (was Bob)"]

    run(scene())


def test_tab_offers_after_unignore_those_who_are_ignored() -> None:
    async def scene() -> None:
        chat = chat_over(Stage(), FakeService(starting=False), b"")
        for event in SCENE:
            chat.note(event)
        for typed, offered in {
            "/unignore bo": ("Bobby",),
            f"/unignore {EVE[:6]}": (EVE, BOBBY),
            "/ignore bo": ("Bobby", "Bob"),
        }.items():
            assert chat.complete(typed, len(typed)).candidates == offered

    run(scene())
