"""GossipSub's streams to each peer: opened, written to, watched, opened again, moved, and read to their end.

The half of Pubsub that sends; what is said and heard is pubsub.py's. What is replaced of py-libp2p 0.8.1's Pubsub for
it, and why (tests/net/test_traps.py, tests/net/test_pubsub.py):

- The stream on which we send was never read, so a peer that closed it went unnoticed (pubsub/pubsub.py:890); here its
  end is seen and it is opened again.
- `publish` returns when an RPC is queued; `finish` tells when everybody has read everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import trio
from libp2p.network.exceptions import SwarmException
from libp2p.network.stream.exceptions import StreamError
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.utils import encode_varint_prefixed
from libp2p.utils.varint import encode_uvarint

from py_peer.core import limits
from py_peer.net.closing import let_go
from py_peer.net.direct_first import has_direct, is_relayed
from py_peer.net.gossip import Router
from py_peer.net.message_cache import message_id
from py_peer.net.peer_queue import PeerQueue
from py_peer.net.streams import is_not_supported

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.abc import IHost, INetStream
    from libp2p.network.stream.net_stream import NetStream
    from libp2p.network.swarm import Swarm
    from libp2p.peer.id import ID
    from libp2p.pubsub.rpc_queue import RpcQueue

    from py_peer.net.counters import Counters

_BATCH_BYTES: Final = 32_768


class GossipStreams(Pubsub):
    """The library's Pubsub with streams of ours to its peers.

    `on_change` is called when the set of peers to which a stream is open, or what they subscribe to, may have changed.
    """

    router: Router
    peer_queues: dict[ID, Any]  # each is a PeerQueue

    def __init__(self, host: IHost, counters: Counters, on_change: Callable[[], None]) -> None:
        super().__init__(
            host,
            Router(counters),
            strict_signing=True,
            msg_id_constructor=message_id,
            max_subscriptions_per_peer=limits.MAX_TOPICS_PER_PEER,
            max_inbound_rpc_size=limits.MAX_RPC_IN,
        )
        self._counters = counters
        self._on_change = on_change
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

    def replay(self, peer_id: ID) -> None:
        """Queue for a newcomer what was said last, before anything newer can be said to it."""
        raise NotImplementedError

    # --- Opening ----------------------------------------------------------------------------------

    async def _handle_new_peer(self, peer_id: ID) -> None:
        """Open our stream to a new peer, say what we subscribe to, and start its sender.

        Raises SwarmException when that may succeed another time: the library tries again after no other (0.8.1).
        """
        if peer_id in self.peers:
            return
        if not self._peer_is_connected(peer_id):
            msg = f"{peer_id} has gone"  # the library would dial it, behind the back of who counts the dials
            raise SwarmException(msg)
        told = frozenset(self.topic_ids)
        stream = await self._open(peer_id)
        if peer_id in self.peers:  # another connection to the same peer was faster
            await self.reset(stream)
            return
        self.router.add_peer(peer_id, stream.get_protocol())
        self.peers[peer_id] = stream
        queue = self.peer_queues[peer_id] = PeerQueue(self._counters)
        if changed := told ^ self.topic_ids:  # while it was opened
            news = [rpc_pb2.RPC.SubOpts(subscribe=topic in self.topic_ids, topicid=topic) for topic in changed]
            queue.push(rpc_pb2.RPC(subscriptions=news))
        self.manager.run_task(self.handle_sending_messages, peer_id, stream, queue)
        self._awaited.setdefault(peer_id, trio.current_time())
        self.replay(peer_id)
        self._on_change()
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

    def say_again(self, peer_id: ID) -> None:
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

    # --- Writing ----------------------------------------------------------------------------------

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
        await self.reset(stream)
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
            await self.reset(better)
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

    # --- Ends -------------------------------------------------------------------------------------

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
        self._note_written()  # its queue is gone: nobody waits for room in it any more
        self._on_change()

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
        self._on_change()

    async def _peer_stream_retry_task(self, peer_id: ID) -> None:
        """Open our stream to a connected peer again."""
        try:
            await super()._peer_stream_retry_task(peer_id)
        finally:
            self._reopening.discard(peer_id)
            self._on_change()

    def _note_written(self) -> None:
        self._written.set()
        self._written = trio.Event()

    async def reset(self, stream: INetStream) -> None:
        """End a stream at once, whatever state it is in."""
        with trio.move_on_after(limits.CLOSE_TIMEOUT):
            try:
                await stream.reset()
            except Exception as error:  # noqa: BLE001 - its connection is gone already
                self._counters.caught("resetting a gossip stream", error)

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
