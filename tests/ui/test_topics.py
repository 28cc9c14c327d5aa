"""Topics on the full screen: a tab for each, with its own log, people, draft and mark of what is unread."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from py_peer.core.events import MessageReceived, MessageRefused, MessageSent, NickLearned
from py_peer.core.gnostr_events import GnostrHeard
from py_peer.core.requests import JoinTopic, LeaveTopic, SendText
from py_peer.core.topic_events import TopicJoined, TopicLeft, TopicPeerJoined, TopicPeerLeft
from py_peer.core.topics import ROOM_TOPIC
from py_peer.ui.tabs import ROOM_STAYS
from tests.frontends.fakes import ANN
from tests.loops import run
from tests.ui.support import screen
from tests.ui.test_tabs import bar, said, wrote

if TYPE_CHECKING:
    from tests.ui.support import Scene


def sent(shown: Scene) -> list[tuple[str, str]]:
    return [(request.topic, request.text) for request in shown.service.requests if isinstance(request, SendText)]


def state(shown: Scene) -> str:
    """Return what stands at the right of the first row."""
    return shown.text().splitlines()[0].rpartition("●")[2].strip()


def heard(text: str, topic: str = "news") -> MessageReceived:
    return MessageReceived(ANN, "ann", text, 1_000_000.0, topic=topic)


def test_a_topic_opens_a_tab_and_what_is_typed_there_goes_there() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.type("/topic #news")
            assert bar(shown) == "1 Room  2 #news"
            assert "Topic: #news" in shown.text()
            assert "bob > Type your message to #news..." in shown.text()
            await shown.type("hello")
            await shown.pilot.press("f5")
            await shown.type("hello, room")
            await shown.type("/topic news")
            await shown.type("again")
            assert sent(shown) == [("news", "hello"), (ROOM_TOPIC, "hello, room"), ("news", "again")]
            assert said(shown) == ["hello", "again"]
            ticket = shown.service.requests[-1].ticket
            await shown.tell(MessageSent(ticket, "again", 3, 0.0, "news"))
            assert re.search(r"bob \(You\): again ✓3\s", shown.text())
            await shown.type("/topic universal-connectivity")
            assert "Room: universal-connectivity" in shown.text()
            assert said(shown) == ["hello, room"]
            joins = [request.topic for request in shown.service.requests if isinstance(request, JoinTopic)]
            assert joins == ["news", "news", ROOM_TOPIC]

    run(scene())


def test_topics_of_the_start_have_their_tabs_and_one_talks_on_the_last() -> None:
    async def scene() -> None:
        async with screen(options=["--topic", "news", "--topic", "sport"]) as shown:
            await shown.tell(TopicJoined(0, "news", 2), TopicJoined(0, "sport", 0))
            assert bar(shown) == "1 Room  2 #news  3 #sport"
            await shown.type("first")
            assert sent(shown) == [("sport", "first")]
            assert "On #news, with 2 peer(s)" in shown.text()

    run(scene())


def test_what_is_said_elsewhere_is_counted_and_calls_only_who_is_named() -> None:
    async def scene() -> None:
        async with screen(options=["--topic", "news"]) as shown:
            called: list[tuple[int, str, str]] = []
            shown.ui.attention.named = lambda *call: called.append(call)  # type: ignore[method-assign]
            await shown.pilot.press("f5")
            await shown.tell(heard("hello"), heard("anybody?"), heard("in the room", ROOM_TOPIC))
            assert (bar(shown), called) == ("1 Room  2 #news 2", [])
            assert "hello" not in shown.text()
            assert said(shown) == ["in the room"]
            await shown.tell(heard("bob, are you there?"))
            assert bar(shown) == "1 Room  2 #news ●3"
            assert called == [(1, "ann", "bob, are you there?")]
            await shown.pilot.press("f6")
            assert bar(shown) == "1 Room  2 #news"
            assert said(shown) == ["hello", "anybody?", "bob, are you there?"]

    run(scene())


def test_at_the_top_stands_how_many_are_where_one_talks() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.join(ANN)
            assert state(shown) == "1 peer"
            assert "Connected: 1 " in shown.text()
            shown.service.room = 0
            await shown.type("/topic news")
            assert state(shown) == "alone"
            assert "Connected: 1 (0 here)" in shown.text()
            assert "◦ nnAnnAnn..." in shown.text()
            await shown.tell(TopicPeerJoined("news", ANN, 1), TopicPeerJoined("news", f"{ANN[:-1]}x", 2))
            assert state(shown) == "2 peers"
            assert said(shown) == ["2 joined"]
            assert "• nnAnnAnn..." in shown.text()
            await shown.tell(TopicPeerLeft("news", ANN, 1))
            assert state(shown) == "1 peer"
            await shown.pilot.press("f5")
            assert state(shown) == "1 peer"
            assert said(shown) == ["nnAnnAnn joined"]

    run(scene())


@pytest.mark.parametrize("line", ["/leave", "/close", "/leave #news"])
def test_a_topic_that_is_left_has_no_tab_any_more(line: str) -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.type("/topic news")
            await shown.type(line)
            assert bar(shown) == ""
            assert "Room: universal-connectivity" in shown.text()
            assert [request.topic for request in shown.service.requests if isinstance(request, LeaveTopic)] == ["news"]
            await shown.tell(heard("too late"))
            await shown.type("/topic news")
            assert said(shown) == []

    run(scene())


@pytest.mark.parametrize("line", ["/leave", "/close"])
def test_on_a_topic_that_was_not_joined_a_text_comes_back_and_its_tab_can_be_closed(line: str) -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.join(ANN)
            shown.service.full = True
            await shown.type("/topic news")
            await shown.type("secret")
            assert sent(shown) == [("news", "secret")]
            assert shown.ui.composer.text == "secret"
            await shown.pilot.press(*["backspace"] * len("secret"))
            await shown.type(line)
            assert bar(shown) == ""
            assert "Room: universal-connectivity" in shown.text()

    run(scene())


def test_a_topic_that_is_not_shown_is_left_without_going_there() -> None:
    async def scene() -> None:
        async with screen(options=["--topic", "news", "--topic", "sport"]) as shown:
            await shown.type("/leave news")
            assert bar(shown) == "1 Room  2 #sport"
            await shown.type("still here")
            assert sent(shown) == [("sport", "still here")]

    run(scene())


def test_the_room_stays_and_with_one_peer_there_is_no_topic_to_leave() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.type("/leave")
            assert "The room stays; /quit leaves the program" in shown.text()
            await shown.type("/close")
            assert ROOM_STAYS in " ".join(shown.text().split())
            await shown.tell(wrote("psst"))
            await shown.pilot.press("f6")
            await shown.type("/leave")
            assert "Say which topic" in shown.text()
            assert not [request for request in shown.service.requests if isinstance(request, LeaveTopic)]

    run(scene())


def test_a_text_that_was_refused_comes_back_where_it_was_typed() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.type("/topic news")
            shown.service.answering = False
            await shown.type("/topic news")
            await shown.type("hello")
            ticket = shown.service.requests[-1].ticket
            await shown.pilot.press("f5")
            await shown.tell(MessageRefused(ticket, "hello", "the network library did not take it", "news"))
            assert shown.ui.composer.text == ""
            assert "Not sent to #news: the network library did not take it" in shown.text()
            await shown.pilot.press("f6")
            assert shown.ui.composer.text == "hello"

    run(scene())


def test_who_is_called_something_new_is_told_on_the_topics_where_he_is() -> None:
    async def scene() -> None:
        async with screen(options=["--topic", "news", "--topic", "sport"]) as shown:
            await shown.tell(heard("hello"), NickLearned(ANN, "zoe", plain=True, previous="ann"))
            assert said(shown) == []
            await shown.type("/topic news")
            assert (said(shown)[0], said(shown)[-1]) == ("hello", "ann is now called zoe")

    run(scene())


def test_who_is_known_in_the_room_is_known_on_a_topic_that_is_joined_later() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(NickLearned(ANN, "ann", plain=True))
            await shown.type("/topic news")
            await shown.tell(TopicPeerJoined("news", ANN, 1))
            assert said(shown) == ["ann joined"]

    run(scene())


def test_a_topic_that_is_called_as_a_conversation_is_has_a_tab_of_its_own() -> None:
    async def scene() -> None:
        async with screen() as shown:
            await shown.tell(wrote("psst"))
            await shown.type("/topic strangers")
            await shown.type(f"/topic {ANN}")
            assert bar(shown).startswith("1 Room  2 Ann ●1  3 #strangers  4 #")
            await shown.type("to the topic")
            assert sent(shown) == [(ANN, "to the topic")]
            await shown.tell(TopicLeft(0, ANN))
            assert said(shown) == []

    run(scene())


def test_what_gnostr_says_beside_texts_stands_in_the_topics_own_tab_and_counts_as_nothing_unread() -> None:
    async def scene() -> None:
        async with screen(options=["--topic", "news", "--wire", "gnostr"]) as shown:
            await shown.tell(TopicJoined(0, "news", 1, (ANN,), "gnostr"))
            await shown.pilot.press("f5")
            await shown.tell(
                GnostrHeard("news", ANN, "ann", "Join", "", 0.0),
                GnostrHeard("news", ANN, "ann", "GitDiff", "+a\n-b", 0.0),
                MessageReceived(ANN, "ann", "hello", 0.0, plain=False, topic="news"),
            )
            assert bar(shown) == "1 Room  2 #news 1"
            assert said(shown) == []
            await shown.pilot.press("f6")
            patch = "ann(nnAnnAnn) says how files differ\nThe patch, which nothing verifies:\n+a\n-b"
            assert said(shown) == ["ann(nnAnnAnn) joined!", patch, "hello"]
            assert "On #news, with 1 peer(s), in gnostr's own wire" in shown.text()

    run(scene())
