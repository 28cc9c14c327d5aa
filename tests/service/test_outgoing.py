"""What is said waits for somebody to hear it, and nothing else waits for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import trio
import trio.testing

from py_peer.core.events import MessageSent, MessageWaiting
from py_peer.core.requests import SendText
from py_peer.core.settings import Settings
from py_peer.core.topics import ROOM_TOPIC
from py_peer.service.outgoing import Outgoing
from py_peer.service.topics import Topics
from py_peer.service.wires import Company, RawWire
from tests.net.support import trio_test

if TYPE_CHECKING:
    from py_peer.core.events import Event

TOO_OFTEN = 100


def no_topics() -> Topics:
    company = Company(
        lambda _: None, lambda *_: None, lambda _author, _claim: None, lambda: "ann", lambda _: "", lambda _: None
    )
    return Topics((), lambda _: None, RawWire(company))


class Room:
    """A node, its pubsub and its chat room in one: who is there, and what was said to them."""

    def __init__(self) -> None:
        self.pubsub = self
        self.nickname = "ann"
        self.there: frozenset[str] = frozenset()
        self.elsewhere: frozenset[str] = frozenset()
        self.asked = 0
        self.said: list[str] = []

    def room(self, topic: str = "") -> frozenset[str]:
        self.asked += 1
        assert self.asked < TOO_OFTEN
        return self.elsewhere if topic else self.there

    async def wait_for_room(self, patience: float) -> None:
        """Return at once, as when nobody's queue is full."""

    async def publish_message(self, text: str) -> bool:
        self.said.append(text)
        return True


@trio_test
async def test_a_text_waits_for_who_went_without_a_word_and_holds_nobody_up() -> None:
    room = Room()
    told: list[Event] = []
    outgoing = Outgoing(Settings("ann", intro=False, paced=False), told.append, no_topics())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outgoing.run, cast("Any", room), cast("Any", room))
        await trio.testing.wait_all_tasks_blocked()
        outgoing.room_changed(1)
        outgoing.accept(SendText(1, "hello"))
        await trio.testing.wait_all_tasks_blocked()
        outgoing.tell_waiting()
        assert (room.said, [type(event) for event in told]) == ([], [MessageWaiting])
        room.there = frozenset({"bob"})
        outgoing.room_changed(1)
        await trio.testing.wait_all_tasks_blocked()
        assert (room.said, [type(event) for event in told]) == (["hello"], [MessageWaiting, MessageSent])
        nursery.cancel_scope.cancel()


@trio_test
async def test_who_was_there_before_the_node_could_be_asked_hears_what_waits() -> None:
    room = Room()
    told: list[Event] = []
    room.there = frozenset({"bob"})
    outgoing = Outgoing(Settings("ann", intro=False), told.append, no_topics())
    outgoing.accept(SendText(1, "hello"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outgoing.run, cast("Any", room), cast("Any", room))
        await trio.testing.wait_all_tasks_blocked()
        assert room.said == ["hello"]
        nursery.cancel_scope.cancel()


@trio_test
async def test_a_text_for_a_topic_waits_neither_for_the_room_nor_for_its_greeting() -> None:
    room = Room()
    told: list[Event] = []
    topics = no_topics()
    outgoing = Outgoing(Settings("ann", intro=True), told.append, topics)
    said: list[tuple[str, str]] = []

    class Place:
        async def publish_message(self, text: str) -> bool:
            said.append(("news", text))
            return True

    topics._wanted["news"] = cast("Any", Place())
    room.elsewhere = frozenset({"bob"})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outgoing.run, cast("Any", room), cast("Any", room))
        await trio.testing.wait_all_tasks_blocked()
        outgoing.accept(SendText(1, "in the room"))
        outgoing.accept(SendText(2, "on the topic", "news"))
        topics.sized("news", 1)
        await trio.testing.wait_all_tasks_blocked()
        assert (said, room.said) == ([("news", "on the topic")], [])
        room.there = room.elsewhere
        outgoing.room_changed(1)
        await trio.testing.wait_all_tasks_blocked()
        assert room.said == ["Hello from ann (py-peer)", "in the room"]
        assert [(event.ticket, event.topic) for event in told if isinstance(event, MessageSent)] == [
            (2, "news"),
            (1, ROOM_TOPIC),
        ]
        nursery.cancel_scope.cancel()
