"""Many routers and nothing under them: what one says to another is handed over when the test wants it to be."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, cast

from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V11

from py_peer.net.counters import Counters
from py_peer.net.gossip import Router
from py_peer.net.message_cache import message_id
from py_peer.net.peer_queue import PeerQueue
from py_peer.net.seen import SeenCache
from tests.net.support import DISCOVERY, ROOM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from libp2p.custom_types import TProtocol
    from libp2p.pubsub.gossipsub import GossipSub
    from libp2p.pubsub.pb import rpc_pb2

TOPICS = (ROOM, DISCOVERY)


class Street:
    """What a router sees of its Pubsub: who is there, in which topics, and the queue to each."""

    def __init__(self, my_id: ID) -> None:
        self.my_id = my_id
        self.peer_topics: dict[str, set[ID]] = {}
        self.peer_queues: dict[ID, PeerQueue] = {}
        self.seen_messages = SeenCache(1_000)


def our_router(counters: Counters) -> GossipSub:
    return Router(counters)


class Town:
    """Routers that know each other, by their peer IDs."""

    def __init__(self, size: int, make: Callable[[Counters], GossipSub] = our_router) -> None:
        self.counters = [Counters() for _ in range(size)]
        self.routers: dict[ID, Any] = {}
        for counters in self.counters:
            router = make(counters)
            peer_id = stranger()
            router.attach(cast("Any", Street(peer_id)))
            router.mesh.update({topic: set() for topic in TOPICS})
            self.routers[peer_id] = router
        self.ids = list(self.routers)
        self.dead: set[ID] = set()
        """Who takes nothing any more, and says nothing; the others have not noticed."""

    def mesh(self, number: int, topic: str = ROOM) -> set[ID]:
        """Return the mesh of one of them."""
        return cast("set[ID]", self.routers[self.ids[number]].mesh[topic])

    def street(self, number: int) -> Street:
        """Return what one of them sees."""
        return cast("Street", self.routers[self.ids[number]].pubsub)

    async def meet(self, one: int, other: int) -> None:
        """Have two of them open streams to each other, and say what they have joined."""
        await join(self.routers[self.ids[one]], self.ids[other])
        await join(self.routers[self.ids[other]], self.ids[one])

    async def everybody_meets(self, most: int | None = None) -> None:
        """Have each join after the other, and meet those who are there: all, or so many of them at most."""
        for newcomer in range(len(self.ids)):
            there = range(newcomer)
            for one in there if most is None or most >= newcomer else random.sample(there, most):
                await self.meet(newcomer, one)
            await self.deliver()

    async def deliver(self) -> None:
        """Hand over what is said, and what is answered, until nothing is left."""
        moved = True
        while moved:
            moved = False
            for peer_id, router in self.routers.items():
                for other in list(router.pubsub.peer_queues):
                    for rpc in taken(router, other):
                        if not self.dead & {peer_id, other}:
                            moved = True
                            await self._hear(self.routers[other], peer_id, rpc)

    async def _hear(self, router: Any, forwarder: ID, rpc: rpc_pb2.RPC) -> None:
        for message in rpc.publish:
            if router.pubsub.seen_messages.add(message_id(message)):
                await router.publish(forwarder, message)
        await router.handle_rpc(rpc, forwarder)

    async def say(self, number: int, message: rpc_pb2.Message) -> None:
        """Have one of them say something."""
        router = self.routers[self.ids[number]]
        router.pubsub.seen_messages.add(message_id(message))
        await router.publish(self.ids[number], message)

    async def heartbeat(self, numbers: Iterable[int] | None = None) -> None:
        """Have all of them, or some, beat at the same moment, before anybody hears what the others say."""
        for number in range(len(self.ids)) if numbers is None else numbers:
            if self.ids[number] not in self.dead:
                await beat(self.routers[self.ids[number]])
        await self.deliver()

    def parts(self) -> int:
        """Return in how many parts the mesh of those who live falls."""
        left, parts = set(self.ids) - self.dead, 0
        while left:
            parts += 1
            reached = [left.pop()]
            while reached:
                near = self.routers[reached.pop()].mesh[ROOM] & left
                left -= near
                reached += near
        return parts

    def links_with_one_end(self) -> list[tuple[ID, ID]]:
        """Return who has whom in a mesh, and is not in that one's."""
        return [
            (peer_id, other)
            for topic in TOPICS
            for peer_id, router in self.routers.items()
            for other in router.mesh[topic]
            if peer_id not in self.routers[other].mesh[topic]
        ]


class Resident(ID):
    """A peer ID of which sets and dictionaries have the same order in each run, so that `random.seed` settles all."""

    def __hash__(self) -> int:
        return int.from_bytes(self.to_bytes()[-7:], "big")


def stranger() -> ID:
    """Return a peer ID that nobody has; after `random.seed` the same one."""
    return Resident(ID.from_pubkey(create_new_key_pair(random.randbytes(32)).public_key).to_bytes())


async def join(router: Any, peer_id: ID, protocol: TProtocol = PROTOCOL_ID_V11) -> None:
    """Let a router know a peer that has a stream, and has joined all topics."""
    router.add_peer(peer_id, protocol)
    router.pubsub.peer_queues[peer_id] = PeerQueue(Counters())
    for topic in TOPICS:
        router.pubsub.peer_topics.setdefault(topic, set()).add(peer_id)
        await router.on_peer_subscribed(peer_id, topic)


def leave(router: Any, peer_id: ID) -> None:
    """Let a router know that a peer has gone."""
    for peers in router.pubsub.peer_topics.values():
        peers.discard(peer_id)
    router.pubsub.peer_queues.pop(peer_id).close()
    router.remove_peer(peer_id)


async def beat(router: Any) -> None:
    """Do what the library's heartbeat does, once."""
    grafts, prunes = router.mesh_heartbeat()
    gossip = router.gossip_heartbeat()
    await router._emit_control_msgs(grafts, prunes, gossip)
    router.mcache.shift()
    router._periodic_security_cleanup()
    router._prune_idontwant_entries()


def taken(router: Any, peer_id: ID) -> list[rpc_pb2.RPC]:
    """Take what a router says to a peer out of the queue."""
    queue = router.pubsub.peer_queues[peer_id]
    return [rpc for _ in range(len(queue)) if (rpc := queue.pop_waiting()) is not None]
