"""Pubsub as the room needs it: ordered, guarded against what strangers send, and telling when a text has left.

What is replaced of py-libp2p 0.8.1's Pubsub, and why (tests/net/test_traps.py, tests/net/test_pubsub.py):

- A malformed frame, a garbage key or a validator that raises ended the host (pubsub/pubsub.py:562,
  pubsub/validators.py:60). Here whatever a frame makes us raise is counted, and the stream lives or is reset.
- Each message was handled in a task of its own (pubsub.py:586), which loses order and back-pressure; here in the
  read loop, which yields now and then. A signed peer record in each RPC was verified each time (pubsub.py:565);
  records come with identify, so these are not read.
- De-duplication looked at the message ID alone, which under the JavaScript peers' function is the sequence number
  alone; here at author and sequence number, in bounded memory.
- The stream on which we send was never read, so a peer that closed it went unnoticed (pubsub.py:890); here its end
  is seen and it is opened again.
- `publish` returns when an RPC is queued; `finish` tells when everybody has read everything.

Both ends of a message take 717 calls and 7 steps with it and its router, and with the library's own (net/stock.py) 8
steps and 3,300 calls or more, four times the processor time, and no order; with the library's reading alone 953 and 8
(`python -m benchmarks.classes`). Given up are topic validators, several topics in a message, and blacklists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import trio
from libp2p.network.exceptions import SwarmException
from libp2p.network.stream.exceptions import StreamEOF, StreamError
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.utils import encode_varint_prefixed
from libp2p.utils.varint import encode_uvarint

from py_peer.core import limits
from py_peer.core.frames import FrameBuffer, FrameError
from py_peer.net.author import Author
from py_peer.net.closing import let_go
from py_peer.net.counters import is_garbage
from py_peer.net.direct_first import has_direct, is_relayed
from py_peer.net.gossip import Router
from py_peer.net.message_cache import message_id
from py_peer.net.message_check import MessageCheck, is_forgery
from py_peer.net.peer_queue import PeerQueue
from py_peer.net.streams import is_not_supported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from libp2p.abc import IHost, INetStream
    from libp2p.network.stream.net_stream import NetStream
    from libp2p.network.swarm import Swarm
    from libp2p.peer.id import ID
    from libp2p.pubsub.rpc_queue import RpcQueue

    from py_peer.net.counters import Counters

_BATCH_BYTES: Final = 32_768
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


class RoomPubsub(Pubsub):
    """The pubsub service of one host, for a fixed set of topics.

    `admit(author)` is asked once for each new, properly signed message of others, with the bytes of the author's
    peer ID; False drops it, unrelayed. `on_room_change` is called when the set of peers that subscribe to
    `room_topic`, and to which a stream is open, may have changed. `on_garbage` is told who broke a rule, and which.
    The messages of a topic that has a board go there, in the read loop, and not to its subscription.
    """

    router: Router
    seen_messages: Any  # ours has the one method that is asked for
    peer_queues: dict[ID, Any]  # each is a PeerQueue

    def __init__(  # noqa: PLR0913 - each is a wish of its own, by name
        self,
        host: IHost,
        *,
        topics: frozenset[str],
        room_topic: str,
        counters: Counters,
        admit: Callable[[bytes], bool],
        on_room_change: Callable[[], None],
        on_garbage: Callable[[ID, str], None],
        boards: Mapping[str, Board],
    ) -> None:
        self._my_id = host.get_id()
        super().__init__(
            host,
            Router(topics, counters),
            strict_signing=True,
            msg_id_constructor=message_id,
            max_subscriptions_per_peer=limits.MAX_TOPICS_PER_PEER,
            max_inbound_rpc_size=limits.MAX_RPC_IN,
            allowed_topics=topics,
        )
        self.author = Author(host)
        self.seen_messages.stop()  # the library's cache has a thread that sweeps it, and no limit
        self._check = MessageCheck(self.author.id)
        self.seen_messages = self._check
        self._room_topic = room_topic
        self._counters = counters
        self._admit = admit
        self._on_room_change = on_room_change
        self._on_garbage = on_garbage
        self._boards = boards
        self._written = trio.Event()
        self._reopened: dict[ID, int] = {}
        self._reopening: set[ID] = set()
        self._answered: set[ID] = set()
        self._awaited: dict[ID, float] = {}  # since when each has our stream, the oldest first, until it is looked at
        self._unanswered: dict[ID, int] = {}  # how often each was let go for it
        self._leaving = False

    async def run(self) -> None:
        """Serve, until the service is stopped."""
        self.manager.run_daemon_task(self._let_go_of_the_silent)
        await super().run()

    @property
    def my_id(self) -> ID:
        """Our peer ID. The library asks two others for it, several times a message."""
        return self._my_id

    # --- The room ---------------------------------------------------------------------------------

    def room(self) -> frozenset[ID]:
        """Return the peers that a message said now is sent to."""
        return frozenset(self.peer_topics.get(self._room_topic, ())) & self.peer_queues.keys()

    def members(self) -> frozenset[ID]:
        """Return the room and whoever has a stream to it reopened just now, and is then replayed what it missed."""
        return frozenset(self.peer_topics.get(self._room_topic, ())) & (self.peer_queues.keys() | self._reopening)

    def handle_subscription(self, origin_id: ID, sub_message: rpc_pb2.RPC.SubOpts) -> None:
        """Note that a peer subscribed to, or left, a topic of ours."""
        super().handle_subscription(origin_id, sub_message)
        self._replay(origin_id)
        self._on_room_change()

    def _replay(self, peer_id: ID) -> None:
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

    # --- Receiving --------------------------------------------------------------------------------

    async def continuously_read_stream(self, stream: INetStream) -> None:
        """Read RPCs from a peer's stream until it ends, handling each message where it is read."""
        peer_id = stream.muxed_conn.peer_id
        self._say_again(peer_id)
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
                        await self._reset(stream)
                        return
                del frame  # not held while the next one is waited for
        except FrameError as error:
            self._note_fault(peer_id, error)
            await self._reset(stream)
        except StreamEOF:
            # Closing our side tells the peer that all it said has been read; `finish` of another peer waits for it.
            with trio.move_on_after(limits.CLOSE_TIMEOUT):
                await stream.close()
        except StreamError as error:
            self._counters.caught(f"gossip stream of {peer_id}", error)

    def _say_again(self, peer_id: ID) -> None:
        """Say what we subscribe to once more to a peer that opens another stream to us, or its first long after ours.

        A Go peer (pubsub 0.15) opens another when its stream has ended with one of several connections, and has
        forgotten what we said on ours. If it did not notice that we were killed and are back, as over QUIC, it does so
        when our last life's connection has timed out.
        """
        queue = cast("PeerQueue | None", self.peer_queues.get(peer_id))
        if queue is None:
            return
        if peer_id in self._answered or trio.current_time() - queue.since > limits.GREETING_SECONDS:
            queue.push(self.get_hello_packet())

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
        if len(rpc.subscriptions) > self.max_subscriptions_per_rpc:
            self._counters["ignored: too many subscriptions in one RPC"] += 1
        else:
            # Of each topic the last word: every change starts tasks, and thousands in one RPC would take a minute.
            for subscription in {entry.topicid: entry for entry in rpc.subscriptions}.values():
                if subscription.topicid in self.topic_ids:
                    self.handle_subscription(peer_id, subscription)
        if rpc.HasField("control"):
            await self.router.handle_rpc(rpc, peer_id)

    async def _reset(self, stream: INetStream) -> None:
        with trio.move_on_after(limits.CLOSE_TIMEOUT):
            try:
                await stream.reset()
            except Exception as error:  # noqa: BLE001 - its connection is gone already
                self._counters.caught("resetting a gossip stream", error)

    async def push_msg(self, msg_forwarder: ID, msg: rpc_pb2.Message) -> None:
        """Take a message of ours or of another peer: check it, deliver it to the room, relay it."""
        if msg_forwarder == self.my_id:
            self._check.remember(msg)
            self._counters["sent" if self._room_topic in msg.topicIDs else "announcements sent"] += 1
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
        self._counters["received" if topic == self._room_topic else "announcements"] += 1

    # --- Sending ----------------------------------------------------------------------------------

    async def _handle_new_peer(self, peer_id: ID) -> None:
        """Open our stream to a new peer, say what we subscribe to, and start its sender.

        Raises SwarmException when that may succeed another time: the library tries again after no other (0.8.1).
        """
        if peer_id in self.peers:
            return
        if not self._peer_is_connected(peer_id):
            msg = f"{peer_id} has gone"  # the library would dial it, behind the back of who counts the dials
            raise SwarmException(msg)
        stream = await self._open(peer_id)
        if peer_id in self.peers:  # another connection to the same peer was faster
            await self._reset(stream)
            return
        self.router.add_peer(peer_id, stream.get_protocol())
        self.peers[peer_id] = stream
        queue = self.peer_queues[peer_id] = PeerQueue(self._counters)
        self.manager.run_task(self.handle_sending_messages, peer_id, stream, queue)
        self._awaited.setdefault(peer_id, trio.current_time())
        self._replay(peer_id)
        self._on_room_change()
        for topic in [topic for topic, peers in self.peer_topics.items() if peer_id in peers]:
            await self.router.on_peer_subscribed(peer_id, topic)

    async def _open(self, peer_id: ID) -> INetStream:
        """Return a new stream to a peer, on which we have said what we subscribe to. Raises SwarmException."""
        try:
            stream = await self.host.new_stream(peer_id, self.protocols)
            await stream.write(encode_varint_prefixed(self.get_hello_packet().SerializeToString()))
        except Exception as error:
            self._counters.caught(f"opening a gossip stream to {peer_id}", error)
            if is_not_supported(error):
                raise
            msg = f"no gossip stream to {peer_id}"
            raise SwarmException(msg) from error
        return stream

    async def _let_go_of_the_silent(self) -> None:
        """Let peers go that never say which topics they are in, each a few times: anew, they may.

        When we ended without a goodbye and are back, js-libp2p (gossipsub 14) and rust-libp2p (gossipsub 0.49) may have
        our last life's connection still, as over QUIC. Then we are no newcomer to them: js-libp2p opens no stream, also
        when the old connection has gone, and rust-libp2p one on which it only talks. Who opens one and says nothing is
        in no room, and stays. tests/sisters/test_interop.py shows it.

        One task looks at all of them: the service waits for the tasks of each peer, and ends with a thousand of them.
        """
        while True:
            oldest = next(iter(self._awaited.values()), trio.current_time())
            await trio.sleep_until(oldest + limits.GOSSIP_ANSWER)
            by = trio.current_time() - limits.GOSSIP_ANSWER
            async with trio.open_nursery() as nursery:
                for peer_id in [peer_id for peer_id, since in self._awaited.items() if since <= by]:
                    del self._awaited[peer_id]
                    if self._is_to_go(peer_id):
                        self._counters["peers let go: they did not say which topics they are in"] += 1
                        nursery.start_soon(let_go, self.host, peer_id)

    def _is_to_go(self, peer_id: ID) -> bool:
        if self._has_answered(peer_id):
            self._unanswered.pop(peer_id, None)
            return False
        times = self._unanswered[peer_id] = self._unanswered.pop(peer_id, 0) + 1
        if len(self._unanswered) > limits.MAX_CONNECTIONS:
            del self._unanswered[next(iter(self._unanswered))]
        return times <= limits.STREAM_REOPENS

    def _has_answered(self, peer_id: ID) -> bool:
        return peer_id in self._answered or any(peer_id in peers for peers in self.peer_topics.values())

    def move(self, peer_id: ID) -> None:
        """Have our stream to a peer go on over a direct connection, if it is on a relayed one."""
        if (queue := self.peer_queues.get(peer_id)) is not None:
            queue.push(rpc_pb2.RPC())  # it says nothing, and wakes who waits for the next

    async def handle_sending_messages(self, peer_id: ID, stream: INetStream, queue: RpcQueue) -> None:
        """Write what is queued for a peer, several RPCs at once, until its queue is closed or the stream ends.

        When a direct connection has come beside the relayed one of the stream, it goes on over that: first the peer
        reads all of the old stream, so that nothing is lost or overtaken, and what is said meanwhile waits.
        """
        queue = cast("PeerQueue", queue)
        relayed = is_relayed(stream.muxed_conn)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch_end, stream, nursery.cancel_scope)
                while not (moves := relayed and self._has_direct(peer_id)) and (rpc := await queue.pop()) is not None:
                    if relayed and self._has_direct(peer_id):
                        queue.put_back(rpc)
                        continue
                    data = _frames(rpc, queue)
                    await stream.write(data)
                    self._counters["gossip bytes out"] += len(data)
                    del data
                    self._note_written()
                if self._leaving:  # a reset would overtake what the peer has not read yet
                    await cast("NetStream", stream).close_write()
                    await trio.sleep_forever()  # until the peer has read it all and closes its side
                if moves:
                    nursery.cancel_scope.deadline = trio.current_time() + limits.MOVE_PATIENCE
                    await cast("NetStream", stream).close_write()
                    await trio.sleep_forever()
                nursery.cancel_scope.cancel()
        except Exception as error:  # noqa: BLE001 - a peer that goes away must not end the service
            self._counters.caught(f"sending to {peer_id}", error)
        finally:
            self._note_written()
        await self._reset(stream)
        if relayed and self._has_direct(peer_id) and await self._moved(peer_id, stream, queue):
            return
        if self.peers.get(peer_id) is stream:
            if not stream.muxed_conn.is_closed:  # it was not its connection that ended
                self._reopened[peer_id] = self._reopened.get(peer_id, 0) + 1
            self._handle_dead_peer(peer_id)

    def _has_direct(self, peer_id: ID) -> bool:
        return has_direct(cast("Swarm", self.host.get_network()), peer_id)

    async def _moved(self, peer_id: ID, stream: INetStream, queue: PeerQueue) -> bool:
        """Go on with the queue of a peer on a new stream; say whether that was possible, and of use."""
        try:
            better = await self._open(peer_id)
        except Exception:  # noqa: BLE001 - counted there; nothing may be raised out of who sends
            return False
        if self.peers.get(peer_id) is not stream:  # it has gone meanwhile
            await self._reset(better)
            return False
        self.peers[peer_id] = better
        self._counters["relays: gossip moved to a direct connection"] += 1
        self.manager.run_task(self.handle_sending_messages, peer_id, better, queue)
        return True

    async def _watch_end(self, stream: INetStream, sending: trio.CancelScope) -> None:
        """End the sender when the peer closes our stream; nothing is ever said on it."""
        try:
            await stream.read(1)
        except StreamError:
            pass
        except Exception as error:  # noqa: BLE001
            self._counters.caught("watching a gossip stream", error)
        if not (is_relayed(stream.muxed_conn) and self._has_direct(stream.muxed_conn.peer_id)):  # else we have left it
            self._counters["gossip streams ended by the peer"] += 1
        sending.cancel()

    def _handle_dead_peer(self, peer_id: ID) -> None:
        """Forget a peer whose stream ended; while it is connected its subscriptions hold and the stream is reopened."""
        if self._leaving or not self._peer_is_connected(peer_id):
            self._forget(peer_id)
            return
        if self._reopened.get(peer_id, 0) > limits.STREAM_REOPENS:
            self._counters["peers let go: they kept closing our stream"] += 1
            self._forget(peer_id)
            self.manager.run_task(let_go, self.host, peer_id)
            return
        topics = [topic for topic, peers in self.peer_topics.items() if peer_id in peers]
        self._reopening.add(peer_id)
        super()._handle_dead_peer(peer_id)
        for topic in topics:
            self.peer_topics.setdefault(topic, set()).add(peer_id)
        self._peer_subscription_count[peer_id] = len(topics)
        self._on_room_change()

    def _forget(self, peer_id: ID) -> None:
        """Forget all about a peer, even if our stream to it was never opened: it may have grafted itself all the same.

        The library keeps such a peer in its mesh for good (pubsub/pubsub.py:1137).
        """
        self._reopened.pop(peer_id, None)
        self._reopening.discard(peer_id)
        self._answered.discard(peer_id)
        self._awaited.pop(peer_id, None)
        self._clear_pending_announce_retries_for_peer(peer_id)
        self._forget_all_subscriptions(peer_id)
        self.peers.pop(peer_id, None)
        if queue := self.peer_queues.pop(peer_id, None):
            queue.close()
        self.router.remove_peer(peer_id)
        self._note_written()
        self._on_room_change()

    async def _peer_stream_retry_task(self, peer_id: ID) -> None:
        """Open our stream to a connected peer again."""
        try:
            await super()._peer_stream_retry_task(peer_id)
        finally:
            self._reopening.discard(peer_id)
            self._on_room_change()

    def _note_written(self) -> None:
        self._written.set()
        self._written = trio.Event()

    async def publish(self, topic_id: str | list[str], data: bytes) -> None:
        """Say `data` on a topic of ours, or on several. It is queued for everybody when this returns."""
        for topic in [topic_id] if isinstance(topic_id, str) else topic_id:
            await self.push_msg(self._my_id, self.author.message(topic, data))

    async def wait_for_room(self, patience: float) -> None:
        """Wait until every queue has room for a text; a peer that blocks for `patience` seconds is left behind."""
        if self._has_room():
            return
        with trio.move_on_after(patience):
            while not self._has_room():
                await self._written.wait()

    def _has_room(self) -> bool:
        return all(queue.has_room for queue in self.peer_queues.values())

    async def finish(self, patience: float) -> bool:
        """End our streams after what is queued, and wait up to `patience` seconds until everybody has read it all.

        The last thing to do: nothing can be said after it. Peers close their side when they have read to our end
        (go-libp2p-pubsub and rust-libp2p do so too). A ping would overtake: its answer proves only that the bytes
        arrived, and what a peer has not read when the connection closes is lost.
        """
        self._leaving = True
        with trio.move_on_after(patience):
            for queue in self.peer_queues.values():
                queue.close()
            while self.peers:
                await self._written.wait()
            return True
        return False


def _frames(first: rpc_pb2.RPC, queue: PeerQueue) -> bytes:
    """Return `first` and what else waits, up to a batch, as length-prefixed frames."""
    out = bytearray()
    rpc: Any = first
    while rpc is not None:
        body = rpc.SerializeToString()
        out += encode_uvarint(len(body))
        out += body
        rpc = queue.pop_waiting() if len(out) < _BATCH_BYTES else None
    return bytes(out)
