"""The mesh: whom we relay what others say to, and who relays to us. The rest is told what there is, and may ask for it.

Replaces what py-libp2p 0.8.1's GossipSub does for it, in which a node among twenty was seen with an empty mesh
(tests/net/test_mesh.py):

- A mesh above its high mark was cut to its degree, by chance and on both ends at once (pubsub/gossipsub.py:1440). Of 19
  in each of 20 meshes 6 stay, a link stays if both ends keep it, and one node in eight has none left. Here only what is
  above the high mark goes.
- Who prunes a peer did not note it (the peer alone did), so it grafted the same one again, was refused, and the
  back-off of a minute began anew, until everybody was in it (gossipsub.py:1449, 1881).
- GRAFT and PRUNE of a heartbeat were gathered in lists that are not emptied from peer to peer (gossipsub.py:1249): the
  second peer was also told what was meant for the first, so that of 20 meshes some 25 links were there on one end only.
- Who was pruned, or lost a peer, waited for the next heartbeat, or the one after.
- Who is in a back-off was not gossiped to either (gossipsub.py:1511), so that what a node with an empty mesh heard did
  not reach anybody through it.
- What is relayed between two heartbeats reaches a peer that joins the mesh in between neither as a message, for it was
  not in the mesh yet, nor as gossip, which goes to those who are not (gossipsub-v1.0.md knows no answer to it). Who
  joins the mesh is told what the last heartbeats brought.

Given up: scores, opportunistic grafting, and the library's wish for peers of several addresses, all of which are off
without a scorer.

Spec: https://github.com/libp2p/specs/blob/master/pubsub/gossipsub/gossipsub-v1.1.md
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from libp2p.pubsub.gossipsub import PROTOCOL_ID, PROTOCOL_ID_V11, PROTOCOL_ID_V12, GossipSub
from libp2p.pubsub.pb import rpc_pb2

from py_peer.core import limits
from py_peer.net.message_cache import BoundedCache

if TYPE_CHECKING:
    from libp2p.peer.id import ID
    from libp2p.pubsub.pubsub import Pubsub

    from py_peer.net.counters import Counters

DEGREE: Final = 4
DEGREE_LOW: Final = 3
DEGREE_HIGH: Final = 6
"""The usual 6, 4 and 12 are made for thousands of peers: up to 13 everybody is in everybody's mesh, and each text comes
N - 2 times. In a room of 20 in which all are connected a text came 7.1 times to each with them and comes 5.1 times with
these; where each had dialled 4 others, 4.2 times and 2.9. Of 136 rooms of 10, 20 and 50 peers no mesh was in parts, and
when one peer in five was killed 4 were, until those who had lost one had grafted another; with 3, 2 and 4 (3.9 and 2.3
times) that was every other one. All arrives, the last, which has to wait for the gossip, after 0.9 s. The others'
degrees are their own: who wants more of us than this is pruned, and takes somebody else."""

LAZY: Final = 3
"""So many of those who are not in the mesh are told at a heartbeat what there is, for three heartbeats. With 6 that was
720 of 1,925 bytes a text; a quarter of all, as is usual, would grow with the room. Of those who miss a text one in 20
is told by nobody in one heartbeat, and one in 8,000 in all three."""

MAX_BACKOFFS: Final = 1_024
"""Peers of a topic that are in a back-off; above it the oldest goes first. Who went is in it, too, until it is over."""

MAX_BACKOFF_SECONDS: Final = 3_600


class Mesh(GossipSub):
    """GossipSub's meshes, one for each topic that we have joined."""

    pubsub: Pubsub  # set by Pubsub's constructor, before anything else happens
    mcache: BoundedCache

    def __init__(self, counters: Counters) -> None:
        super().__init__(
            [PROTOCOL_ID_V12, PROTOCOL_ID_V11, PROTOCOL_ID],
            degree=DEGREE,
            degree_low=DEGREE_LOW,
            degree_high=DEGREE_HIGH,
            heartbeat_initial_delay=0.1,
            heartbeat_interval=1,  # the library's is 120 s
            adaptive_gossip_enabled=False,  # it turned 1 s into 30 s
            spam_protection_enabled=False,  # 10 messages/s for each forwarder, our own included
        )
        self.mcache = BoundedCache(3, limits.REPLAY_BEATS, limits.MESSAGE_CACHE_BYTES)
        # The default thresholds are minus infinity: the score refuses nobody, and is asked three times a message.
        self.scorer = None
        self._counters = counters

    # --- Heartbeats -------------------------------------------------------------------------------

    def mesh_heartbeat(self) -> Any:
        """Fill or trim each mesh. What is to be said about it is said here; the library has nothing left to say."""
        self._forget_old_backoffs()
        for topic, mesh in self.mesh.items():
            there = self.pubsub.peer_topics.get(topic, set())
            mesh.intersection_update(there)  # who leaves a topic need not prune us
            self._fill(topic)
            self._trim(topic)
            if there and not mesh:
                self._counters["heartbeats with an empty mesh"] += 1
        return defaultdict(list), defaultdict(list)

    def gossip_heartbeat(self) -> Any:
        """Return which messages of which topics some of those are to be told of who are not in the mesh."""
        gossip: defaultdict[ID, dict[str, list[bytes]]] = defaultdict(dict)
        for topic, mesh in self.mesh.items():
            if mids := self.mcache.window(topic):
                others = [peer_id for peer_id in self._speakers(topic) if peer_id not in mesh]
                for peer_id in self.select_from_minus(LAZY, others, ()):
                    gossip[peer_id][topic] = mids
        return gossip

    # --- Filling and trimming ---------------------------------------------------------------------

    def _fill(self, topic: str) -> None:
        """Graft others when the mesh is below its low mark, and tell them what the last heartbeats brought."""
        mesh = self.mesh.get(topic)
        if mesh is None or len(mesh) >= self.degree_low:
            return
        others = [
            peer_id
            for peer_id in self._speakers(topic)
            if peer_id not in mesh and not self._check_back_off(peer_id, topic)
        ]
        for peer_id in self.select_from_minus(self.degree - len(mesh), others, ()):
            mesh.add(peer_id)
            control = rpc_pb2.ControlMessage(graft=[rpc_pb2.ControlGraft(topicID=topic)])
            if mids := self.mcache.window(topic):
                control.ihave.add(topicID=topic, messageIDs=mids)
            self.send_rpc(peer_id, rpc_pb2.RPC(control=control), priority=True)

    def _trim(self, topic: str) -> None:
        """Prune what is above the high mark."""
        mesh = self.mesh[topic]
        for peer_id in self.select_from_minus(len(mesh) - self.degree_high, mesh, ()):
            mesh.discard(peer_id)
            self._add_back_off(peer_id, topic, is_unsubscribe=False)
            prune = rpc_pb2.ControlPrune(topicID=topic, backoff=self.prune_back_off)
            self.send_rpc(peer_id, rpc_pb2.RPC(control=rpc_pb2.ControlMessage(prune=[prune])), priority=True)

    def _speakers(self, topic: str) -> list[ID]:
        """Return who has joined a topic and has a stream of ours."""
        return [peer_id for peer_id in self.pubsub.peer_topics.get(topic, ()) if self._is_gossipsub_peer(peer_id)]

    # --- What others do ---------------------------------------------------------------------------

    async def handle_graft(self, graft_msg: rpc_pb2.ControlGraft, sender_peer_id: ID) -> None:
        """Take a peer into the mesh, and tell it what the last heartbeats brought."""
        topic = graft_msg.topicID
        was_there = sender_peer_id in self.mesh.get(topic, ())
        await super().handle_graft(graft_msg, sender_peer_id)
        mids = self.mcache.window(topic)
        if mids and not was_there and sender_peer_id in self.mesh.get(topic, ()):
            await self.emit_ihave(topic, mids, sender_peer_id)

    async def handle_prune(self, prune_msg: rpc_pb2.ControlPrune, sender_peer_id: ID) -> None:
        """Let a peer go that does not want us, and look for another."""
        del prune_msg.peers[:]  # peer exchange would make us dial whom a stranger names
        prune_msg.backoff = min(prune_msg.backoff, MAX_BACKOFF_SECONDS)
        await super().handle_prune(prune_msg, sender_peer_id)
        self._fill(prune_msg.topicID)

    def remove_peer(self, peer_id: ID) -> None:
        """Forget a peer, and look for another in its place."""
        topics = [topic for topic, mesh in self.mesh.items() if peer_id in mesh]
        super().remove_peer(peer_id)
        for topic in topics:
            self._fill(topic)

    def _forget_old_backoffs(self) -> None:
        now = int(time.time())
        for backoffs in self.back_off.values():
            for peer_id in [peer_id for peer_id, until in backoffs.items() if until <= now]:
                del backoffs[peer_id]
            while len(backoffs) > MAX_BACKOFFS:
                del backoffs[next(iter(backoffs))]
