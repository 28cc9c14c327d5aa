"""Pubsub as the room needs it: ordered, guarded against what strangers send, and telling when a text has left.

What is replaced of py-libp2p 0.8.1's Pubsub, and why (tests/net/test_traps.py, tests/net/test_pubsub.py):

- A malformed frame, a garbage key or a validator that raises ended the host (pubsub/pubsub.py:562,
  pubsub/validators.py:60). Here whatever a frame makes us raise is counted, and the stream lives or is reset.
- Each message was handled in a task of its own (pubsub.py:586), which loses order and back-pressure; here in the
  read loop, which yields now and then. A signed peer record in each RPC was verified each time (pubsub.py:565);
  records come with identify, so these are not read.
- De-duplication looked at the message ID alone, which under the JavaScript peers' function is the sequence number
  alone; here at author and sequence number, in bounded memory.
- Of topics that we are not in it remembers as many as strangers name; here what may be joined later (elsewhere.py).

The streams to the peers are gossip_streams.py's. Both ends of a message take 720 calls and 7 steps with it and its
router, and with the library's own (net/stock.py) 8 steps and 3,300 calls or more, four times the processor time, and no
order; with the library's reading alone 965 and 8 (`python -m benchmarks.classes`). Given up are topic validators,
several topics in a message, and blacklists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import trio
from libp2p.network.stream.exceptions import StreamEOF, StreamError
from libp2p.pubsub.pb import rpc_pb2

from py_peer.core import limits
from py_peer.core.elsewhere import Elsewhere
from py_peer.core.frames import FrameBuffer, FrameError
from py_peer.core.rates import Buckets
from py_peer.net.author import Author
from py_peer.net.counters import is_garbage
from py_peer.net.gossip_streams import GossipStreams
from py_peer.net.message_check import MessageCheck, is_forgery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from libp2p.abc import IHost, INetStream, ISubscriptionAPI
    from libp2p.peer.id import ID

    from py_peer.net.counters import Counters

_READ_BYTES: Final = 65_536
_MESSAGES_PER_TURN: Final = 16


class Board(Protocol):
    """Who has the messages of a topic on which only the latest of each author counts."""

    def take(self, message: rpc_pb2.Message, forwarder: ID) -> str:
        """Take a new, signed message of another peer; return "", or why it is dropped and not relayed.

        `forwarder` is the connected peer that handed it to us, who need not be its author.
        """

    def keep(self, message: rpc_pb2.Message) -> None:
        """Note what we have published."""

    def kept(self) -> Iterable[rpc_pb2.Message]:
        """Return what a newcomer is to be told at once, a bounded number of small messages."""


class RoomPubsub(GossipStreams):
    """The pubsub service of one host.

    `admit(author)` is asked once for each new, properly signed message of others, with the bytes of the author's
    peer ID; False drops it, unrelayed. `on_room_change` is called when the set of peers that subscribe to the room, or
    to another topic of ours, and to which a stream is open, may have changed. `on_garbage` is told who broke a rule,
    and which. The messages of a topic that has a board go there, in the read loop, and not to its subscription.
    """

    seen_messages: Any  # ours has the one method that is asked for

    def __init__(  # noqa: PLR0913 - each is a wish of its own, by name
        self,
        host: IHost,
        *,
        room_topic: str,
        counters: Counters,
        admit: Callable[[bytes], bool],
        on_room_change: Callable[[], None],
        on_garbage: Callable[[ID, str], None],
        boards: Mapping[str, Board],
    ) -> None:
        self._my_id = host.get_id()
        super().__init__(host, counters, on_room_change)
        self.author = Author(host)
        self.seen_messages.stop()  # the library's cache has a thread that sweeps it, and no limit
        self._check = MessageCheck(self.author.id)
        self.seen_messages = self._check
        self._room_topic = room_topic
        self._talked = {room_topic}
        """The topics on which people talk."""

        self._admit = admit
        self._on_garbage = on_garbage
        self._boards = boards
        self._leaves: Buckets[ID] = Buckets(limits.LEAVES_RATE, limits.LEAVES_BURST, limits.MAX_TRACKED_PEERS)
        self._elsewhere: Elsewhere[ID] = Elsewhere(
            limits.MAX_CONNECTIONS, limits.MAX_TOPICS_PER_PEER, limits.MAX_TOPIC_BYTES
        )

    @property
    def my_id(self) -> ID:
        """Our peer ID. The library asks two others for it, several times a message."""
        return self._my_id

    def get_hello_packet(self) -> rpc_pb2.RPC:
        """Return what a peer is told first: our topics, or nothing, as a Go peer in no room does it.

        A record without topics, as the library sends it (0.8.1), could come from somebody who takes us for who we were.
        """
        return super().get_hello_packet() if self.topic_ids else rpc_pb2.RPC()

    # --- Who is where -----------------------------------------------------------------------------

    def room(self, topic: str = "") -> frozenset[ID]:
        """Return the peers that a message said now is sent to, in the room or on another topic of ours."""
        return frozenset(self.peer_topics.get(topic or self._room_topic, ())) & self.peer_queues.keys()

    def members(self, topic: str = "") -> frozenset[ID]:
        """Return the room and whoever has a stream to it reopened just now, and is then replayed what it missed."""
        there = self.peer_queues.keys() | self._reopening
        return frozenset(self.peer_topics.get(topic or self._room_topic, ())) & there

    async def join(self, topic: str) -> ISubscriptionAPI:
        """Subscribe to a topic on which people talk."""
        self._talked.add(topic)
        return await self.subscribe(topic)

    async def subscribe(self, topic_id: str) -> ISubscriptionAPI:
        """Subscribe to a topic, at any time. Who has said before that he is in it is in it at once."""
        for peer_id in self._elsewhere.take(topic_id):
            self.handle_subscription(peer_id, rpc_pb2.RPC.SubOpts(subscribe=True, topicid=topic_id))
        return await super().subscribe(topic_id)

    async def unsubscribe(self, topic_id: str) -> None:
        """Leave a topic; who is in it may be met there again."""
        for peer_id in tuple(self.peer_topics.get(topic_id, ())):
            self._forget_subscription(peer_id, topic_id)
            self._elsewhere.note(peer_id, topic_id)
        await super().unsubscribe(topic_id)
        self._talked.discard(topic_id)

    def handle_subscription(self, origin_id: ID, sub_message: rpc_pb2.RPC.SubOpts) -> None:
        """Note that a peer subscribed to, or left, a topic of ours."""
        super().handle_subscription(origin_id, sub_message)
        self.replay(origin_id)
        self._on_change()

    def replay(self, peer_id: ID) -> None:
        """Queue the last messages for a newcomer, once a topic, before anything newer can be said to it.

        The library does so in a task, after what was said meanwhile, which then arrives twice (0.8.1).
        """
        if peer_id not in self.peer_queues:
            return
        replayed = self._replayed_recent_topics.setdefault(peer_id, set())
        for topic in [topic for topic, peers in self.peer_topics.items() if peer_id in peers and topic not in replayed]:
            replayed.add(topic)
            if (board := self._boards.get(topic)) is not None:
                self.router.hand_on(peer_id, board.kept())
            else:
                self.router.replay(peer_id, topic)

    def _forget(self, peer_id: ID) -> None:
        self._elsewhere.forget(peer_id)
        super()._forget(peer_id)

    # --- Receiving --------------------------------------------------------------------------------

    async def continuously_read_stream(self, stream: INetStream) -> None:
        """Read RPCs from a peer's stream until it ends, handling each message where it is read."""
        peer_id = stream.muxed_conn.peer_id
        self.say_again(peer_id)
        self._answered.add(peer_id)
        frames = FrameBuffer(self.max_inbound_rpc_size)  # the library awaits the length byte by byte
        bad = handled = 0
        try:
            while self.manager.is_running:
                frame = frames.take()
                if frame is None:
                    data = await stream.read(_READ_BYTES)
                    self._counters["gossip bytes in"] += len(data)
                    frames.feed(data)
                    del data
                    continue
                handled += 1
                if handled % _MESSAGES_PER_TURN == 0:
                    await trio.lowlevel.checkpoint()
                try:
                    await self._handle_frame(peer_id, frame, is_first=handled == 1)
                except Exception as error:  # noqa: BLE001 - whatever a frame makes us raise must not end the host
                    self._note_fault(peer_id, error)
                    bad += 1
                    if bad >= limits.BAD_FRAMES:
                        await self.reset(stream)
                        return
                del frame  # not held while the next one is waited for
        except FrameError as error:
            self._note_fault(peer_id, error)
            await self.reset(stream)
        except StreamEOF:
            # Closing our side tells the peer that all it said has been read; `finish` of another peer waits for it.
            with trio.move_on_after(limits.CLOSE_TIMEOUT):
                await stream.close()
        except StreamError as error:
            self._counters.caught(f"gossip stream of {peer_id}", error)

    def _note_fault(self, peer_id: ID, error: Exception) -> None:
        self._counters.caught(f"RPC from {peer_id}", error)
        if is_garbage(error):
            self._on_garbage(peer_id, "it sent frames that are no messages")

    async def _handle_frame(self, peer_id: ID, frame: bytes, *, is_first: bool) -> None:
        rpc = rpc_pb2.RPC.FromString(frame)
        if is_first and frame and not rpc.subscriptions:  # a Go peer in no room begins with an empty frame
            self._answered.discard(peer_id)
        # A slice makes Python objects of these alone: four megabytes hold two million empty messages.
        for number, message in enumerate(rpc.publish[: limits.MAX_RPC_MESSAGES], 1):
            await self.push_msg(peer_id, message)
            if number % _MESSAGES_PER_TURN == 0:
                await trio.lowlevel.checkpoint()
        if len(rpc.publish) > limits.MAX_RPC_MESSAGES:
            self._counters["ignored: too many messages in one RPC"] += len(rpc.publish) - limits.MAX_RPC_MESSAGES
        await self._handle_subscriptions(peer_id, rpc)

    async def _handle_subscriptions(self, peer_id: ID, rpc: rpc_pb2.RPC) -> None:
        if not self._peer_is_connected(peer_id):
            return  # it has gone and is forgotten, while what it has said is still read: nobody would forget it again
        if len(rpc.subscriptions) > self.max_subscriptions_per_rpc:
            self._counters["ignored: too many subscriptions in one RPC"] += 1
        else:
            # Of each topic the last word: every change starts tasks, and thousands in one RPC would take a minute.
            for topic, subscription in {entry.topicid: entry for entry in rpc.subscriptions}.items():
                if topic in self.topic_ids:
                    self._judge(peer_id, subscription)
                    self.handle_subscription(peer_id, subscription)
                elif not subscription.subscribe:
                    self._elsewhere.left(peer_id, topic)
                elif isinstance(topic, str):  # protobuf gives bytes where they are not UTF-8
                    self._elsewhere.note(peer_id, topic)
        if rpc.HasField("control"):
            await self.router.handle_rpc(rpc, peer_id)

    def _judge(self, peer_id: ID, subscription: rpc_pb2.RPC.SubOpts) -> None:
        """Strike who leaves topics of ours again and again: each time work for us, and a line for the user."""
        is_there = peer_id in self.peer_topics.get(subscription.topicid, ())
        if is_there and not subscription.subscribe and not self._leaves.take(peer_id, trio.current_time()):
            self._counters["ignored: topics left beyond the rate"] += 1
            self._on_garbage(peer_id, "it came and went again and again")

    async def push_msg(self, msg_forwarder: ID, msg: rpc_pb2.Message) -> None:
        """Take a message of ours or of another peer: check it, deliver it to the room, relay it."""
        if msg_forwarder == self.my_id:
            self._check.remember(msg)
            self._counters["sent" if msg.topicIDs[0] in self._talked else "announcements sent"] += 1
            if (board := self._boards.get(msg.topicIDs[0])) is not None:
                board.keep(msg)
            await self.router.publish(msg_forwarder, msg)
            return
        reason = self._reason_to_drop(msg, msg_forwarder)
        if reason:
            self._counters[reason] += 1
            if is_forgery(msg, msg_forwarder, reason):
                self._on_garbage(msg_forwarder, "it sent messages that their authors have not signed")
            return
        await self._deliver(msg)
        await self.router.publish(msg_forwarder, msg)

    def _reason_to_drop(self, msg: rpc_pb2.Message, forwarder: ID) -> str:
        """Return why a message of another peer is dropped, or "" for a new, signed and welcome one."""
        if len(msg.topicIDs) != 1 or msg.topicIDs[0] not in self.topic_ids:
            return "dropped: not a topic of ours"
        if reason := self._check.take(msg):
            return reason
        if not self._admit(msg.from_id):
            return "dropped: its author is muted"
        board = self._boards.get(msg.topicIDs[0])
        return board.take(msg, forwarder) if board is not None else ""

    async def _deliver(self, msg: rpc_pb2.Message) -> None:
        """Hand a message to the room; a full queue holds the read loop back, for a while."""
        topic = msg.topicIDs[0]
        channel = self.subscribed_topics_send.get(topic)
        if channel is None:
            return
        if topic in self._boards:
            self._counters["announcements"] += 1
            return
        try:
            channel.send_nowait(msg)
        except trio.WouldBlock:
            with trio.move_on_after(1.0) as patience:
                await channel.send(msg)
            if patience.cancelled_caught:
                self._counters["dropped: the room was busy"] += 1
                return
        self._counters["received" if topic in self._talked else "announcements"] += 1

    async def publish(self, topic_id: str | list[str], data: bytes) -> None:
        """Say `data` on a topic of ours, or on several. It is queued for everybody when this returns."""
        for topic in [topic_id] if isinstance(topic_id, str) else topic_id:
            await self.push_msg(self._my_id, self.author.message(topic, data))
