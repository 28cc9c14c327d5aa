"""What we say, in the room and on other topics: an outbox for when nobody is there, and a pace for when somebody is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, final

import trio

from py_peer.core import limits
from py_peer.core.cleaning import clean_line
from py_peer.core.events import MessageRefused, MessageSent, MessageWaiting, SendProgress
from py_peer.core.outbox import Outbox
from py_peer.core.rates import TokenBucket
from py_peer.core.sizes import oversize
from py_peer.core.topics import ROOM_TOPIC, shown_topic
from py_peer.net.pace import keep_pace

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.chatroom import ChatRoom
    from py_peer.core.events import Event
    from py_peer.core.requests import SendText
    from py_peer.core.settings import Settings
    from py_peer.net.node import Node
    from py_peer.service.topics import Topics

PROGRESS_EVERY: Final = 1.0
SLOW_PEER_PATIENCE: Final = 5.0
"""How long one peer that does not read may hold up what the others are told."""


@final
class Outgoing:
    """Texts on their way out, in the order in which they were typed; one for nobody holds up none for others."""

    def __init__(self, settings: Settings, emit: Callable[[Event], None], topics: Topics) -> None:
        self._settings = settings
        self._emit = emit
        self._topics = topics
        topics.sized, topics.left, topics.is_busy = self.moved, self._drop, self._is_busy
        self._outbox = Outbox(limits.OUTBOX_TEXTS, limits.OUTBOX_BYTES)
        self._sizes: dict[str, int] = {}
        """How many can be spoken to, where there is anybody."""

        self._hello = settings.intro
        """Whether the room has still to be greeted."""

        self._ready = False
        self._untold: dict[str, int] = {}
        """The ticket of the last text of each topic of which it was not told that it waits, or has gone."""

        self._changed = trio.Event()
        self._alone = trio.Event()
        self.said = 0
        """Texts handed to at least one peer."""

        self.reached = False
        """Whether anybody was ever in the room, or on a topic of ours."""

    @property
    def waiting(self) -> int:
        """Texts not sent yet."""
        return len(self._outbox)

    def accept(self, request: SendText) -> bool:
        """Take a text, or refuse it whole and say why; return whether it was taken."""
        reason = oversize(len(request.text.encode("utf-8", "replace")))  # half a surrogate pair has no bytes
        if request.topic != ROOM_TOPIC and not self._topics.takes(request.topic):
            reason = f"you are not on {_shown(request.topic)}"
        elif not reason and not self._outbox.put(request.ticket, request.text, request.topic):
            reason = f"{self.waiting:,} messages wait already, and no more can; send it again when some have gone"
        if reason:
            self._emit(MessageRefused(request.ticket, request.text, reason, request.topic))
            return False
        self._untold[request.topic] = request.ticket
        self._wake()
        return True

    async def untold(self) -> None:
        """Wait until a text waits, for want of a peer, whose author has not been told so."""
        while not self._lonely():
            await self._alone.wait()

    def tell_waiting(self) -> None:
        """Say that texts wait, if that still holds."""
        for topic in self._lonely():
            self._emit(MessageWaiting(self._untold.pop(topic), self._outbox.count(topic), topic))

    def count(self, topic: str) -> int:
        """Return how many texts wait on one topic."""
        return self._outbox.count(topic)

    def moved(self, topic: str, size: int) -> None:
        """Note how many peers are on a topic now."""
        self._sizes[topic] = size
        if not size:
            del self._sizes[topic]
        self.reached = self.reached or size > 0
        self._wake()

    def room_changed(self, size: int) -> None:
        """Note how many peers are in the room now."""
        self.moved(ROOM_TOPIC, size)

    def _is_busy(self, topic: str) -> bool:
        return topic in self._sizes and self._outbox.count(topic) > 0

    def _drop(self, topic: str) -> int:
        """Refuse what waits on a topic that is left; return how many texts that were."""
        self._untold.pop(topic, None)
        self._sizes.pop(topic, None)
        count = self._outbox.count(topic)
        for _ in range(count):
            gone = self._outbox.pop(topic)
            self._emit(MessageRefused(gone.ticket, gone.text, f"you have left {_shown(topic)}", topic))
        return count

    async def run(self, node: Node, room: ChatRoom) -> None:
        """Send what is accepted, wherever somebody is, at a pace that the room can bear."""
        self._ready = True
        self.room_changed(len(node.pubsub.room()))  # who came before was told of without a node to ask
        bucket = TokenBucket(limits.SEND_RATE, limits.SEND_BURST)
        progress = _Progress(self._emit)
        while True:
            progress.rest(self.waiting)
            await self._wait_until(lambda: self._greets or self._next() is not None)
            if self._greets:
                self._hello = False
                bucket.take(trio.current_time())
                await room.publish_message(f"Hello from {room.nickname} (py-peer)")
                continue
            if self._settings.paced:
                await keep_pace(bucket)
            await node.pubsub.wait_for_room(SLOW_PEER_PATIENCE)
            if (topic := self._next()) is None:  # who was there has gone meanwhile, or we have left
                continue
            peers = len(node.pubsub.room() if topic == ROOM_TOPIC else node.pubsub.room(topic))
            place = room if topic == ROOM_TOPIC else self._topics.get(topic)
            if not peers or place is None:
                del self._sizes[topic]  # of who goes while we leave nobody is told: else it would go round for ever
                self._topics.settle()
                continue
            waiting = self._outbox.peek(topic)
            ticket, text = waiting.ticket, waiting.text
            sent = await place.publish_message(text)
            if not self._outbox.count(topic) or self._outbox.peek(topic) is not waiting:
                continue  # the topic was left in this very moment, and the text was told to be refused
            self._outbox.pop(topic)
            if sent:
                self.said += 1
                if self._untold.get(topic) == ticket:
                    del self._untold[topic]
                self._emit(MessageSent(ticket, text, peers, time.time(), topic))
            else:
                self._emit(MessageRefused(ticket, text, "the network library did not take it", topic))
            progress.step(self.waiting)
            self._topics.settle()
            self._wake()

    async def drain(self, patience: float, somebody_may_come: Callable[[], bool]) -> None:
        """Wait while texts go out; when nobody is there, up to `patience` seconds while `somebody_may_come`."""
        deadline = trio.current_time() + patience
        while self._outbox and trio.current_time() < deadline:
            if self._next() is not None:
                deadline = trio.current_time() + patience
            elif not somebody_may_come():
                return
            with trio.move_on_after(0.1):  # a dial that is given up has no event of its own
                await self._changed.wait()

    @property
    def _greets(self) -> bool:
        return self._hello and ROOM_TOPIC in self._sizes

    def _next(self) -> str | None:
        """Return the topic of the oldest text that somebody is there for."""
        return self._outbox.oldest(self._sizes)

    def _lonely(self) -> list[str]:
        """Return the topics where a text waits for want of a peer, and its author has not been told so."""
        return [topic for topic in self._untold if topic not in self._sizes] if self._ready else []

    async def _wait_until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
        if self._lonely():  # and not for each text that only passes
            self._alone.set()
            self._alone = trio.Event()


def _shown(topic: str) -> str:
    return shown_topic(clean_line(topic, limits.MAX_TOPIC_BYTES))


@final
class _Progress:
    """Tells how far a long paste is, once a second."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._sent = 0
        self._told = 0.0

    def rest(self, waiting: int) -> None:
        if not waiting:
            self._sent = 0

    def step(self, waiting: int) -> None:
        if not self._sent:
            self._told = trio.current_time()
        self._sent += 1
        if waiting and trio.current_time() - self._told >= PROGRESS_EVERY:
            self._told = trio.current_time()
            self._emit(SendProgress(self._sent, self._sent + waiting))
