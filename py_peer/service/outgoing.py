"""What we say: an outbox for when nobody is there, and the pace of the room for when somebody is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, final

import trio

from py_peer.core import limits
from py_peer.core.events import MessageRefused, MessageSent, MessageWaiting, SendProgress
from py_peer.core.outbox import Outbox
from py_peer.core.rates import TokenBucket
from py_peer.core.sizes import oversize

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.chatroom import ChatRoom
    from py_peer.core.events import Event
    from py_peer.core.requests import SendText
    from py_peer.core.settings import Settings
    from py_peer.net.node import Node

PROGRESS_EVERY: Final = 1.0
SLOW_PEER_PATIENCE: Final = 5.0
"""How long one peer that does not read may hold up what the others are told."""


@final
class Outgoing:
    """Texts on their way out, in the order in which they were typed."""

    def __init__(self, settings: Settings, emit: Callable[[Event], None]) -> None:
        self._settings = settings
        self._emit = emit
        self._outbox = Outbox(limits.OUTBOX_TEXTS, limits.OUTBOX_BYTES)
        self._room_size = 0
        self._ready = False
        self._untold = 0
        self._changed = trio.Event()
        self._alone = trio.Event()
        self.said = 0
        """Texts handed to at least one peer."""

        self.reached = False
        """Whether anybody was ever in the room."""

    @property
    def waiting(self) -> int:
        """Texts not sent yet."""
        return len(self._outbox)

    def accept(self, request: SendText) -> None:
        """Take a text, or refuse it whole and say why."""
        reason = oversize(len(request.text.encode("utf-8", "replace")))  # half a surrogate pair has no bytes
        if not reason and not self._outbox.put(request.ticket, request.text):
            reason = f"{self.waiting:,} messages wait already, and no more can; send it again when some have gone"
        if reason:
            self._emit(MessageRefused(request.ticket, request.text, reason))
            return
        self._untold = request.ticket
        self._wake()

    async def untold(self) -> None:
        """Wait until a text waits, for want of a peer, whose author has not been told so."""
        while not self._is_untold():
            await self._alone.wait()

    def tell_waiting(self) -> None:
        """Say that texts wait, if that still holds."""
        if self._untold and not self._room_size:
            self._emit(MessageWaiting(self._untold, self.waiting))
            self._untold = 0

    def room_changed(self, size: int) -> None:
        """Note how many peers are in the room now."""
        self._room_size = size
        self.reached = self.reached or size > 0
        self._wake()

    async def run(self, node: Node, room: ChatRoom) -> None:
        """Send what is accepted, whenever somebody is in the room, at a pace that the room can bear."""
        self._ready = True
        self.room_changed(len(node.pubsub.room()))  # who came before was told of without a node to ask
        bucket = TokenBucket(limits.SEND_RATE, limits.SEND_BURST)
        if self._settings.intro:
            await self._wait_until(lambda: self._room_size > 0)
            bucket.take(trio.current_time())
            await room.publish_message(f"Hello from {room.nickname} (py-peer)")
        progress = _Progress(self._emit)
        while True:
            progress.rest(self.waiting)
            await self._wait_until(lambda: bool(self._outbox) and self._room_size > 0)
            if self._settings.paced:
                await self._keep_pace(bucket)
            await node.pubsub.wait_for_room(SLOW_PEER_PATIENCE)
            peers = len(node.pubsub.room())
            if not peers:
                self._room_size = (
                    0  # of who goes while we leave nobody is told: without this it would go round for ever
                )
                continue
            ticket, text = self._outbox.peek()
            sent = await room.publish_message(text)
            self._outbox.pop()
            if sent:
                self.said += 1
                self._untold = 0 if self._untold == ticket else self._untold
                self._emit(MessageSent(ticket, text, peers, time.time()))
            else:
                self._emit(MessageRefused(ticket, text, "the network library did not take it"))
            progress.step(self.waiting)
            self._wake()

    async def drain(self, patience: float, somebody_may_come: Callable[[], bool]) -> None:
        """Wait while texts go out; when nobody is there, up to `patience` seconds while `somebody_may_come`."""
        deadline = trio.current_time() + patience
        while self._outbox and trio.current_time() < deadline:
            if self._room_size:
                deadline = trio.current_time() + patience
            elif not somebody_may_come():
                return
            with trio.move_on_after(0.1):  # a dial that is given up has no event of its own
                await self._changed.wait()

    async def _keep_pace(self, bucket: TokenBucket) -> None:
        while not bucket.take(trio.current_time()):  # noqa: ASYNC110 - what is waited for is time itself
            await trio.sleep(bucket.wait(trio.current_time()))

    async def _wait_until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self._changed.wait()

    def _is_untold(self) -> bool:
        return bool(self._untold and self._ready and not self._room_size)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
        if self._is_untold():  # and not for each text that only passes
            self._alone.set()
            self._alone = trio.Event()


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
