"""GossipSub as the room needs it: flood-published, without the library's silent limits, every table bounded.

What is replaced of py-libp2p 0.8.1's GossipSub, and why (tests/net/test_gossip.py, tests/net/test_traps.py):

- What was said to a peer that had been cut off, until that was noticed, was lost; here it is replayed when it is back.
- `publish` built and signed a peer record for every RPC, copied the message for every peer and kept a delivery
  list that was never trimmed (pubsub/gossipsub.py:1007, 2053, 1089).
- Messages for peers whose subscription is not known yet were written past the outbound queue, which tears frames
  apart and loses order (gossipsub.py:633, 726); here everything goes through the queue.
- Message IDs of others were read as hex (pubsub/utils.py:53), which drops Rust's.
- An IWANT that names one message many times was answered with as many copies (gossipsub.py:1778); a PRUNE for an
  unknown topic was remembered for good (gossipsub.py:1894) and its peer list dialled.
- Our own messages went to the mesh alone: a peer that pruned us heard nothing. They are flood-published
  (gossipsub-v1.1.md, "Flood Publishing"). Others go to the mesh, which there is for each topic of ours, and there are
  no others; so nobody is asked for a fan-out, for the peers of floodsub, or for a score.

With the library's way of publishing and sending both ends of a message take 4,662 calls and 11 steps, with this one
720 and 7, and a fifth of the processor time (`python -m benchmarks.classes`). Given up are the score, the library's
limit of messages a second, which is by forwarder, and the extensions of 1.3 and later.

Spec: https://github.com/libp2p/specs/blob/master/pubsub/gossipsub/gossipsub-v1.1.md
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import trio
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V12
from libp2p.pubsub.pb import rpc_pb2

from py_peer.core import limits
from py_peer.net.mesh import Mesh
from py_peer.net.message_cache import message_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from libp2p.peer.id import ID

    from py_peer.net.counters import Counters

MAX_MESSAGE_IDS: Final = 1_000
"""IDs read from one IHAVE or IWANT, far above what a heartbeat of chat holds."""

MAX_CONTROL_ENTRIES: Final = 256
"""IHAVE, IWANT, GRAFT and PRUNE read from one RPC, of each; a heartbeat holds one of each for every topic."""

MAX_MESSAGE_ID_BYTES: Final = 256
MAX_UNWANTED: Final = 128
"""IDs kept of what a peer has told us between two heartbeats that it does not want, each of a large message."""

LARGE: Final = 16_384
"""From so many bytes on those in the mesh are told that we have a message, and who has told us is not sent it. For each
text that doubled the cost of a small one. On a line of 10 Mbit/s it saves (by a model of 20 peers) a quarter of the
copies of 60,000 bytes, 14 % of 20,000 and 4 % of 4,000; on one machine, where all are on their way at once, none.
IDs are each implementation's own: it helps among us and with js-libp2p, keeps Go's from being sent what they have,
and does no harm with Rust's."""


class Router(Mesh):
    """The room's GossipSub 1.2 router; of 1.2 it has IDONTWANT, for large messages alone."""

    def __init__(self, counters: Counters) -> None:
        super().__init__(counters)
        self._gone: dict[ID, float] = {}
        """When peers that had joined went; they may come back."""

    # --- Sending ----------------------------------------------------------------------------------

    async def publish(self, msg_forwarder: ID, pubsub_msg: rpc_pb2.Message) -> None:
        """Cache `pubsub_msg` and hand it to the peers that should get it."""
        self.mcache.put(pubsub_msg)
        rpc = rpc_pb2.RPC(publish=[pubsub_msg])
        if rpc.ByteSize() > limits.MAX_RPC_OUT:
            self._counters["not relayed: larger than a Rust peer takes"] += 1
            return
        topic = pubsub_msg.topicIDs[0]  # of ours, and no message has another
        if msg_forwarder == self.pubsub.my_id:
            peers = self.pubsub.peer_topics.get(topic, set()) | self.mesh.get(topic, set())
        else:
            peers = self.mesh.get(topic, set()) - {msg_forwarder, type(msg_forwarder)(pubsub_msg.from_id)}
            if rpc.ByteSize() >= LARGE:
                peers = self._who_want(pubsub_msg, peers)
            self._counters["relayed"] += len(peers)
        for peer_id in peers:
            self.send_rpc(peer_id, rpc)

    def _who_want(self, message: rpc_pb2.Message, peers: set[ID]) -> set[ID]:
        """Tell `peers` that we have a message, and return those who have not told us the same, by our ID or Go's."""
        mid = message_id(message)
        names = {mid, message.from_id + message.seqno}
        control = rpc_pb2.ControlMessage(idontwant=[rpc_pb2.ControlIDontWant(messageIDs=[mid])])
        for peer_id in peers:
            if self.peer_protocol.get(peer_id) == PROTOCOL_ID_V12:
                self.send_rpc(peer_id, rpc_pb2.RPC(control=control), priority=True)
        return {peer_id for peer_id in peers if names.isdisjoint(self.dont_send_message_ids.get(peer_id, ()))}

    def send_rpc(self, peer_id: ID, rpc: rpc_pb2.RPC, priority: bool = False) -> None:  # noqa: FBT001, FBT002
        """Queue `rpc` for a peer; copied and split only where that is needed."""
        if peer_id in self._pending_control or rpc.ByteSize() > limits.MAX_RPC_OUT:
            super().send_rpc(peer_id, rpc, priority)
            return
        queue = self.pubsub.peer_queues.get(peer_id)
        if queue is not None and not queue.push(rpc, priority):
            self._handle_dropped_rpc(peer_id, rpc, "queue_full")

    async def emit_control_message(self, control_msg: rpc_pb2.ControlMessage, to_peer: ID) -> None:
        """Send a control message, without the signed record that the library makes for each."""
        self.send_rpc(to_peer, rpc_pb2.RPC(control=control_msg), priority=True)

    def replay(self, peer_id: ID, topic: str) -> None:
        """Queue the messages of the last heartbeats for a newcomer; for who comes back, what it may have missed.

        One who was cut off seems to be there until it is noticed, and what is said to it meanwhile goes nowhere.
        """
        beats = self.mcache.window_size
        if peer_id in self._gone:
            beats = (
                math.ceil(trio.current_time() - self._gone[peer_id] + limits.PING_INTERVAL + limits.PING_TIMEOUT) + 1
            )
        for mid in self.mcache.recent(topic, beats):
            if (message := self.mcache.get(mid)) is not None:
                self.send_rpc(peer_id, rpc_pb2.RPC(publish=[message]))

    def remove_peer(self, peer_id: ID) -> None:
        """Forget a peer, but not when it went."""
        if peer_id in self.peer_protocol:
            self._gone.pop(peer_id, None)
            self._gone[peer_id] = trio.current_time()
            if len(self._gone) > limits.MAX_FORMER_PEERS:
                del self._gone[next(iter(self._gone))]
        super().remove_peer(peer_id)

    def hand_on(self, peer_id: ID, messages: Iterable[rpc_pb2.Message]) -> None:
        """Queue `messages` for a newcomer, all in one."""
        if (rpc := rpc_pb2.RPC(publish=messages)).publish:
            self.send_rpc(peer_id, rpc)

    # --- Control messages of others ---------------------------------------------------------------

    async def handle_rpc(self, rpc: rpc_pb2.RPC, sender_peer_id: ID) -> None:
        """Handle the control part of an RPC, after taking out of it what we do not speak or want."""
        control = rpc.control
        for name in ("ihave", "iwant", "graft", "prune", "idontwant"):
            entries = getattr(control, name)
            known = entries[:MAX_CONTROL_ENTRIES]  # a slice makes Python objects of these alone
            if name not in ("iwant", "idontwant"):
                known = [entry for entry in known if entry.topicID in self.mesh]
            if len(known) != len(entries):
                self._counters[f"ignored: {name} for a topic of others, or too many"] += len(entries) - len(known)
                control.ClearField(name)
                getattr(control, name).extend(known)
        rpc.ClearField("senderRecord")  # records come with identify
        await super().handle_rpc(rpc, sender_peer_id)

    async def handle_ihave(self, ihave_msg: rpc_pb2.ControlIHave, sender_peer_id: ID) -> None:
        """Ask for the messages that we have not seen."""
        if not self._check_ihave_rate_limit(sender_peer_id, ihave_msg.topicID):
            self._counters["ignored: IHAVE above the rate"] += 1
            return
        wanted = [mid for mid in self._message_ids(ihave_msg) if not self.pubsub.seen_messages.has(mid)]
        if wanted:
            await self.emit_iwant(wanted, sender_peer_id)

    async def handle_iwant(self, iwant_msg: rpc_pb2.ControlIWant, sender_peer_id: ID) -> None:
        """Send the messages that are asked for and still cached, each once."""
        if not self._check_iwant_rate_limit(sender_peer_id):
            self._counters["ignored: IWANT above the rate"] += 1
            return
        for mid in self._message_ids(iwant_msg):
            message = self.mcache.get(mid)
            if message is not None:
                self.send_rpc(sender_peer_id, rpc_pb2.RPC(publish=[message]))

    async def handle_idontwant(self, idontwant_msg: rpc_pb2.ControlIDontWant, sender_peer_id: ID) -> None:
        """Note which messages a peer has, until the next heartbeat: they are on their way for no longer."""
        unwanted = self.dont_send_message_ids.get(sender_peer_id)
        if unwanted is not None:  # else it has no stream of ours, and is sent nothing
            unwanted.update(self._message_ids(idontwant_msg)[: max(0, MAX_UNWANTED - len(unwanted))])

    def _message_ids(self, control: Any) -> list[bytes]:
        """Return the distinct message IDs of an IHAVE or IWANT: opaque bytes, limited in number and length."""
        distinct = dict.fromkeys(control.messageIDs[:MAX_MESSAGE_IDS])
        return [mid for mid in distinct if len(mid) <= MAX_MESSAGE_ID_BYTES]
