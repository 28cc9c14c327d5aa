"""The library's own Pubsub and GossipSub, for comparing (`--stock-net`) and for releases that ours were not made for.

What is taken away are traps alone (shared by all who use py-libp2p 0.8.1; tests/net/test_traps.py):

- A message that makes the library raise ended the host; here it is counted. (Malformed frames are the guard's.)
- Queues of 32, whose overflow is dropped without a word, hold what ours hold; what they drop is counted.
- A heartbeat each second, not each two minutes; no limit of ten messages a second; nobody is dialled whom a stranger
  names; sequence numbers that are new after a quick restart.
- What we said ourselves does not come back to us.

The messages go the library's way: each in a task of its own, verified by its validator, copied and signed anew for each
peer. The room is asked about them where the library asks: in a topic validator.

What ours has and this has not: messages in order; a replay of more than the last heartbeats for who was cut off; a
stream that is opened again when the peer has closed it; a limit in bytes for what waits for a peer, and any for what a
stranger makes it remember; a count of what was relayed, of bytes, and of messages that are not properly signed.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, cast, final

import trio
from libp2p.pubsub.gossipsub import PROTOCOL_ID, PROTOCOL_ID_V11, GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub

from py_peer.core import limits
from py_peer.net import streams
from py_peer.net.counters import is_garbage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from libp2p.abc import IHost, INetStream, ISubscriptionAPI
    from libp2p.network.stream.net_stream import NetStream
    from libp2p.peer.id import ID
    from libp2p.pubsub.rpc_queue import RpcQueue

    from py_peer.net.counters import Counters
    from py_peer.net.pubsub import Board


@final
class StockPubsub(Pubsub):
    """The library's pubsub service of one host, with the constructor of `RoomPubsub`."""

    router: StockRouter

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
        super().__init__(
            host,
            StockRouter(boards, counters, on_room_change),
            strict_signing=True,
            max_subscriptions_per_peer=limits.MAX_TOPICS_PER_PEER,
            max_inbound_rpc_size=limits.MAX_RPC_IN,
        )
        # int(time.time()) is lower after a quick restart than what was said before (pubsub.py:478).
        self.counter = (time.time_ns() & ~0xFFFF) | secrets.randbelow(1 << 16)
        self._room_topic = room_topic
        self._talked = {room_topic}
        self._counters = counters
        self._admit = admit
        self._on_room_change = on_room_change
        self._on_garbage = on_garbage
        self._boards = boards
        self._written = trio.Event()
        self._leaving = False

    async def run(self) -> None:
        """Run the service until it is stopped."""
        try:
            await super().run()
        finally:
            self.seen_messages.stop()  # it has a thread

    # --- The room ---------------------------------------------------------------------------------

    def room(self, topic: str = "") -> frozenset[ID]:
        """Return the peers that hear a message said now: those in the mesh, and in a large room those behind them.

        What we say goes to the mesh alone, which a newcomer joins up to a heartbeat after it has subscribed.
        """
        topic = topic or self._room_topic
        there = frozenset(self.peer_topics.get(topic, ())) & self.peer_queues.keys()
        mesh = self.router.mesh.get(topic, set())
        return there if len(mesh) >= self.router.degree_low else there & mesh

    def members(self, topic: str = "") -> frozenset[ID]:
        """Return the room: a stream that has ended is not opened again in time."""
        return self.room(topic)

    async def join(self, topic: str) -> ISubscriptionAPI:
        """Subscribe to a topic on which people talk."""
        self._talked.add(topic)
        return await self.subscribe(topic)

    async def subscribe(self, topic_id: str) -> ISubscriptionAPI:
        """Subscribe to a topic, and have us asked about its messages."""
        self.set_topic_validator(topic_id, self._judge, is_async_validator=False)
        return await super().subscribe(topic_id)

    async def unsubscribe(self, topic_id: str) -> None:
        """Leave a topic."""
        await super().unsubscribe(topic_id)
        self.remove_topic_validator(topic_id)
        self._talked.discard(topic_id)

    def handle_subscription(self, origin_id: ID, sub_message: rpc_pb2.RPC.SubOpts) -> None:
        """Note that a peer subscribed to, or left, a topic that is ours or may become it."""
        if len(sub_message.topicid) <= limits.MAX_TOPIC_BYTES:
            super().handle_subscription(origin_id, sub_message)
            self._on_room_change()

    async def _handle_new_peer(self, peer_id: ID) -> None:
        await super()._handle_new_peer(peer_id)
        self._on_room_change()

    def _handle_dead_peer(self, peer_id: ID) -> None:
        super()._handle_dead_peer(peer_id)
        self._note_written()
        self._on_room_change()

    # --- Receiving --------------------------------------------------------------------------------

    async def stream_handler(self, stream: INetStream) -> None:
        """Read a peer's stream to its end, and then close our side: who is about to leave waits for that."""
        await super().stream_handler(stream)
        await streams.close(stream)

    async def push_msg(self, msg_forwarder: ID, msg: rpc_pb2.Message) -> None:
        """Take a message of ours or of another peer; whatever the message of another makes us raise is counted."""
        try:
            await super().push_msg(msg_forwarder, msg)
        except Exception as error:
            if msg_forwarder == self.my_id:
                raise
            self._counters.caught(f"message from {msg_forwarder}", error)
            if is_garbage(error):
                self._on_garbage(msg_forwarder, "it sent messages that cannot be read")

    def _is_msg_seen(self, msg: rpc_pb2.Message) -> bool:
        seen = super()._is_msg_seen(msg)
        self._counters["duplicates"] += seen
        return seen

    def _judge(self, forwarder: ID, message: rpc_pb2.Message) -> bool:
        """Say whether a message goes on, which is new and signed: the validator of each of our topics."""
        topic = message.topicIDs[0]
        board = self._boards.get(topic)
        if forwarder == self.my_id:
            self._counters["sent" if topic in self._talked else "announcements sent"] += 1
            if board is not None:
                board.keep(message)
            return True
        if reason := self._reason_to_drop(message, forwarder, board):
            self._counters[reason] += 1
        return not reason

    def _reason_to_drop(self, message: rpc_pb2.Message, forwarder: ID, board: Board | None) -> str:
        if len(message.topicIDs) != 1:
            return "dropped: not a topic of ours"
        if message.from_id == self.my_id.to_bytes():
            return "dropped: own message came back"
        if not self._admit(message.from_id):
            return "dropped: its author is muted"
        return board.take(message, forwarder) if board is not None else ""

    def notify_subscriptions(self, publish_message: rpc_pb2.Message) -> None:
        """Hand a message of another peer to the room; of a topic that has a board it is there already."""
        topic = publish_message.topicIDs[0]
        channel = self.subscribed_topics_send.get(topic)
        if channel is None or publish_message.from_id == self.my_id.to_bytes():
            return
        if topic not in self._boards:
            try:
                channel.send_nowait(publish_message)
            except trio.WouldBlock:
                self._counters["dropped: the room was busy"] += 1
                return
        self._counters["received" if topic in self._talked else "announcements"] += 1

    # --- Sending ----------------------------------------------------------------------------------

    async def write_msg(self, stream: INetStream, rpc_msg: rpc_pb2.RPC) -> bool:
        """Write an RPC; return whether the stream took it."""
        taken = await super().write_msg(stream, rpc_msg)
        self._note_written()
        return taken

    async def handle_sending_messages(self, peer_id: ID, stream: INetStream, queue: RpcQueue) -> None:
        """Write what is queued for a peer; when we leave, wait until it has read it all and closes its side."""
        await super().handle_sending_messages(peer_id, stream, queue)
        if self._leaving:
            try:
                await cast("NetStream", stream).close_write()
                await stream.read(1)
            except Exception as error:  # noqa: BLE001 - an end is what is waited for
                self._counters.caught(f"the end of a gossip stream to {peer_id}", error)
            self.peers.pop(peer_id, None)
            self._note_written()

    def _note_written(self) -> None:
        self._written.set()
        self._written = trio.Event()

    async def wait_for_room(self, patience: float) -> None:
        """Wait until every queue has room for a text; a peer that blocks for `patience` seconds is left behind."""
        with trio.move_on_after(patience):
            while any(len(queue) >= limits.PEER_QUEUE_RPCS // 2 for queue in self.peer_queues.values()):
                await self._written.wait()

    async def finish(self, patience: float) -> bool:
        """End our streams after what is queued, and wait up to `patience` seconds until everybody has read it all."""
        self._leaving = True
        with trio.move_on_after(patience):
            for queue in self.peer_queues.values():
                queue.close()
            while self.peers:
                await self._written.wait()
            return True
        return False


@final
class StockRouter(GossipSub):
    """The library's GossipSub 1.1 router at the specification's degrees."""

    def __init__(self, boards: Mapping[str, Board], counters: Counters, on_mesh_change: Callable[[], None]) -> None:
        super().__init__(
            [PROTOCOL_ID_V11, PROTOCOL_ID],
            degree=6,
            degree_low=4,
            degree_high=12,
            heartbeat_interval=1,  # the library's is 120 s
            adaptive_gossip_enabled=False,  # it turned 1 s into 30 s
            spam_protection_enabled=False,  # 10 messages/s for each forwarder, our own included
        )
        self._boards = boards
        self._counters = counters
        self._on_mesh_change = on_mesh_change

    def _notify_mesh_peer_added(self, peer_id: ID, topic: str) -> None:
        super()._notify_mesh_peer_added(peer_id, topic)
        self._on_mesh_change()

    async def send_recent_messages(self, peer_id: ID, topic: str) -> None:
        """Tell a newcomer what was said just now, and on a topic that has a board what is kept there."""
        if (board := self._boards.get(topic)) is None:
            await super().send_recent_messages(peer_id, topic)
        elif (rpc := rpc_pb2.RPC(publish=board.kept())).publish:
            self.send_rpc(peer_id, rpc)

    async def _do_px(self, px_peers: list[rpc_pb2.PeerInfo]) -> None:
        """Dial nobody: a stranger would choose whom."""

    def _handle_dropped_rpc(self, peer_id: ID, rpc: rpc_pb2.RPC, reason: str) -> None:
        self._counters["dropped: a slow peer's queue was full"] += len(rpc.publish)
        super()._handle_dropped_rpc(peer_id, rpc, reason)
