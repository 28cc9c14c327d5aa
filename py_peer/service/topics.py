"""Topics beside the room: joined and left at any time, each with the people who are on it.

What goes over the wire is what goes over it in the room: raw UTF-8, signed, one message for a text; or what gnostr's
own chat says, if the user asks for that (`py_peer.service.wires`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

import trio

from py_peer.chatroom import _log_system_message, read_messages
from py_peer.core import limits
from py_peer.core.addresses import peer_id_text
from py_peer.core.cleaning import clean_line
from py_peer.core.comings import Comings
from py_peer.core.events import Answer
from py_peer.core.requests import JoinTopic, LeaveTopic
from py_peer.core.topic_events import TopicJoined, TopicLeft, TopicPeerJoined, TopicPeerLeft
from py_peer.core.topics import ROOM_TOPIC, full_problem, shown_topic, topic_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from libp2p.peer.id import ID

    from py_peer.core.events import Event
    from py_peer.core.requests import Request
    from py_peer.net.node import Node
    from py_peer.service.wires import Wire

FAREWELL_SECONDS: Final = 1.0
"""For what is said when topics are left at the end; nobody needs it."""


@final
class Topic:
    """One topic: what it is called, who is on it, and what a text is there on the wire."""

    def __init__(self, name: str, ticket: int, wire: Wire) -> None:
        """`ticket` is that of the request to join it."""
        self.name = name
        self.ticket = ticket
        self.wire = wire
        self.members: frozenset[ID] = frozenset()
        self.greeted = False
        """Whether those who are there were told that we have come, where that is done."""

        self._node: Node | None = None

    async def subscribe(self, node: Node) -> Any:
        """Subscribe to it; return the subscription."""
        subscription = await node.pubsub.join(self.name)
        self._node = node
        return subscription

    async def publish_message(self, text: str) -> bool:
        """Say `text` there; return whether the pubsub took it."""
        await self.greet()
        return await self._publish(*self.wire.encode(text))

    async def greet(self) -> None:
        """Say that we have come, once, where that is done."""
        if not self.greeted and (greeting := self.wire.greeting()):
            self.greeted = True
            await self._publish(greeting)

    async def part(self) -> bool:
        """Say that we go, if it was said that we have come; return whether it was said."""
        if not self.greeted:
            return False
        self.greeted = False
        return await self._publish(self.wire.greeting(leaving=True))

    async def _publish(self, *payloads: bytes) -> bool:
        if self._node is None:
            return False
        try:
            for number, payload in enumerate(payloads):
                if number:  # one of several that are one text; others count each of them
                    await trio.sleep(1 / limits.SEND_RATE)
                await self._node.pubsub.publish(self.name, payload)
        except Exception as error:  # noqa: BLE001 - whatever it was, the text was not said
            _log_system_message(f"ERROR: Failed to publish message: {error}")
            return False
        return True


@final
class Topics:
    """The topics that the user has asked for. What others say on them is passed to their wire."""

    def __init__(self, names: Sequence[str], emit: Callable[[Event], None], wire: Wire, *, room: bool = True) -> None:
        """`names` are joined as soon as there is a node. `wire` is what all of them speak.

        With `room` the session is in the room, whose topic is joined already.
        """
        self._emit = emit
        self._in_room = room
        self._wire = wire
        self._wanted = {name: Topic(name, 0, wire) for name in names if not (room and name == ROOM_TOPIC)}
        self._joined: dict[str, Topic] = {}
        """Those that are subscribed to; the others are about to be, or to be left."""

        self._comings: Comings[ID] = Comings(limits.COMINGS_RATE, limits.COMINGS_BURST, limits.MAX_TRACKED_PEERS)
        self._changed = trio.Event()
        self._node: Node | None = None
        self._nursery: trio.Nursery | None = None
        self._peer_id = ""
        self.sized: Callable[[str, int], None] = lambda _topic, _size: None
        """Told how many peers can be spoken to on a topic, when that changes."""

        self.is_busy: Callable[[str], bool] = lambda _topic: False
        """Says whether texts of the user's wait on a topic for somebody who is there; they go out before it is left."""

        self.left: Callable[[str], int] = lambda _topic: 0
        """Told that a topic is left; returns how many texts of the user's waited there."""

        self.parted = False
        """Whether it was said on any topic, at the end, that we go."""

        self._leaving: dict[str, int] = {}
        """Topics that are left when nothing waits there any more, and the ticket of that request."""

        self.handlers: dict[type[Request], Callable[[Any], None]] = {JoinTopic: self._join, LeaveTopic: self._leave}

    def __iter__(self) -> Iterator[Topic]:
        """Yield those that are joined, or about to be."""
        return iter(self._wanted.values())

    def takes(self, name: str) -> bool:
        """Say whether texts can be said on a topic from now on."""
        return name in self._wanted and name not in self._leaving

    def get(self, name: str) -> Topic | None:
        """Return a topic that is joined, or about to be."""
        return self._wanted.get(name)

    async def run(self, node: Node) -> None:
        """Join and leave what is asked for, in a session with a node."""
        self._node = node
        self._peer_id = node.peer_id
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._wire.run)
            try:
                while True:
                    await self._catch_up(node, nursery)
                    await self._changed.wait()
            finally:
                self._nursery = None

    async def part(self) -> None:
        """Say on each topic that we go, where that is done."""
        with trio.move_on_after(FAREWELL_SECONDS):
            for topic in list(self._joined.values()):
                self.parted = await topic.part() or self.parted

    def changed(self) -> None:
        """Take note that somebody may have come to a topic, or gone, or may be told to have."""
        if self._node is None:
            return
        connected, now = self._node.peers.records, trio.current_time()
        for topic in self._joined.values():
            topic.members = self._members(topic)
            joined, left = self._comings.news(topic.name, topic.members, connected, now)
            for peer_id in joined:
                self._emit(TopicPeerJoined(topic.name, str(peer_id), len(topic.members)))
            for peer_id in left:
                self._emit(TopicPeerLeft(topic.name, str(peer_id), len(topic.members)))
            self._size(topic, self._node)
        self.settle()

    def reported(self) -> None:
        """Take note that a report has told who is on each topic."""
        for topic in self._joined.values():
            self._comings.begin(topic.name, topic.members)

    def settle(self) -> None:
        """Leave those topics that were to be left, and where nothing waits for somebody who is there."""
        for name in [name for name in self._leaving if not self.is_busy(name)]:
            self._let_go(self._leaving.pop(name), name)

    # --- Requests ---------------------------------------------------------------------------------

    def _join(self, request: JoinTopic) -> None:
        known = self._wanted.get(request.topic)
        if self._in_room and request.topic == ROOM_TOPIC:
            size = len(self._node.pubsub.room()) if self._node is not None else 0
            self._emit(TopicJoined(request.ticket, ROOM_TOPIC, size))
        elif known is not None:
            if ticket := self._leaving.pop(known.name, 0):
                self._emit(Answer(ticket, f"You are on {shown_topic(known.name)} again", failed=True))
            self._tell_joined(request.ticket, known)
        elif reason := topic_problem(request.topic) or full_problem(self._wanted):
            self._emit(Answer(request.ticket, f"Not joined: {reason}", failed=True))
        else:
            self._wanted[request.topic] = Topic(request.topic, request.ticket, self._wire)
            self._changed.set()

    def _leave(self, request: LeaveTopic) -> None:
        shown = shown_topic(clean_line(request.topic, limits.MAX_TOPIC_BYTES))
        if self.takes(request.topic):
            self._leaving[request.topic] = request.ticket
            self.settle()
        else:
            self._emit(Answer(request.ticket, f"You are not on {shown}", failed=True))

    def _let_go(self, ticket: int, name: str) -> None:
        left = self._wanted.pop(name)
        if left.ticket and self._joined.get(name) is not left:
            self._emit(Answer(left.ticket, f"You have left {shown_topic(name)} before it was joined", failed=True))
        self._changed.set()
        self._emit(TopicLeft(ticket, name, self.left(name)))

    # --- Behind it --------------------------------------------------------------------------------

    async def _catch_up(self, node: Node, nursery: trio.Nursery) -> None:
        """Leave and join, one after the other, until what is subscribed to is what is wanted."""
        self._changed = trio.Event()
        for name in [name for name, topic in self._joined.items() if self._wanted.get(name) is not topic]:
            await self._joined.pop(name).part()
            self._comings.end(name)
            self._wire.left(name)
            await node.pubsub.unsubscribe(name)
            _log_system_message(f"Left the topic {name}")
        for topic in [topic for topic in self if topic.name not in self._joined]:
            subscription = await topic.subscribe(node)
            self._joined[topic.name] = topic
            topic.members = self._members(topic)
            _log_system_message(f"Joined the topic {topic.name}")
            self._tell_joined(topic.ticket, topic)
            self._size(topic, node)
            nursery.start_soon(self._read, topic, subscription)

    def _size(self, topic: Topic, node: Node) -> None:
        size = len(node.pubsub.room(topic.name))
        if size and not topic.greeted and topic.wire.greeting() and self._nursery is not None:
            self._nursery.start_soon(topic.greet)
        self.sized(topic.name, size)

    def _tell_joined(self, ticket: int, topic: Topic) -> None:
        self._comings.begin(topic.name, topic.members)
        there = tuple(sorted(map(str, topic.members)))
        self._emit(TopicJoined(ticket, topic.name, len(there), there, topic.wire.name))

    def _members(self, topic: Topic) -> frozenset[ID]:
        node = self._node
        return node.pubsub.members(topic.name) & node.peers.records.keys() if node is not None else frozenset()

    async def _read(self, topic: Topic, subscription: Any) -> None:
        async def handle(message: Any) -> None:
            author = peer_id_text(message.from_id)
            if author != self._peer_id:
                topic.wire.hear(author, bytes(message.data), topic.name)

        await read_messages(subscription, handle, lambda: self._wanted.get(topic.name) is topic)
