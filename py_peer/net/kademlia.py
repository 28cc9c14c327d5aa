"""Kademlia: our table of those who can be asked, who provides what, and who is in the room by the records found there.

Of the library (0.8.1) only the messages are used. Its search for providers ends with the first one, whom every member
of a room finds in its own store: itself (kad_dht/provider_store.py:347); what is the matter with its walk says
`kad_walk`. Pinned by tests/net/test_kademlia.py.

Spec: https://github.com/libp2p/specs/blob/master/kad-dht/README.md
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.findings import Finding, Source
from py_peer.core.kademlia import ROOM_KEYS, RoutingTable
from py_peer.net.identify import push_identify
from py_peer.net.kad_messages import KAD, entry, peers, where
from py_peer.net.kad_server import Server
from py_peer.net.kad_values import Told, Values
from py_peer.net.kad_walk import Walker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from libp2p.custom_types import TProtocol

    from py_peer.core.addresses import DialAddress
    from py_peer.net.connections import PeerRecord
    from py_peer.net.kad_values import Lookup
    from py_peer.net.kad_walk import Answer, Answered, Reach
    from py_peer.net.node import Node


@final
@dataclass(frozen=True, slots=True)
class Providers:
    """Who provides a key, of those who were found, we among them if we do; `asked` others have answered."""

    peers: tuple[bytes, ...]
    asked: int


@final
class Kademlia:
    """One node's part in Kademlia, as a server."""

    def __init__(self, node: Node, reach: Reach, protocol: TProtocol = KAD) -> None:
        self.table = RoutingTable(node.host.get_id().to_bytes())
        self.walker = Walker(node, self.table, reach, protocol)
        self.values = Values(node, self.walker)
        self.server = Server(node, self.table, self.values)
        self._node = node
        self._protocol = protocol
        self._own = node.host.get_id().to_bytes()
        self._announced: dict[tuple[bytes, bytes], float] = {}
        """When whom was told that we provide which key, the oldest first."""

        self._announced_addresses: tuple[bytes, ...] = ()

    # --- The table --------------------------------------------------------------------------------

    def identified(self, record: PeerRecord) -> None:
        """Take a connected peer into the table, or out of it, by what it says it speaks."""
        peer = record.peer_id.to_bytes()
        contact = self.server.known(peer) if self._protocol in record.protocols else None
        if contact is None:
            self.table.drop(peer)
        else:
            self.table.put(contact, self.walker.is_here)
        self.stir()

    def gone(self, peer_id: ID) -> None:
        """Take note that a peer has no connection any more: if it starts anew, it has forgotten what we told it."""
        self.walker.gone(peer_id)
        for key in self.server.provided:
            self._announced.pop((key, peer_id.to_bytes()), None)

    async def refresh(self) -> None:
        """Walk to ourselves and to a few far keys: who is met is asked who he is, and comes into the table."""
        for key in [self._own, *self.table.far_keys(3)]:
            await self.walker.walk(Message.FIND_NODE, key)

    def stir(self) -> None:
        """Let those look who wait for something to change."""
        self.walker.stir()

    @property
    def stirred(self) -> trio.Event:
        """Set, and made anew, when the table changes, or a peer has said what it speaks."""
        return self.walker.stirred

    # --- The room ---------------------------------------------------------------------------------

    @property
    def has_moved(self) -> bool:
        """Whether it is written down that we are where we are not."""
        return self.server.ourselves().addresses != self._announced_addresses

    async def search(self, found: Callable[[Finding], None]) -> int:
        """Look for those who are in the room, and have it written down that we are; return how many were told so.

        `found` is told of everybody who is recorded, at once and each time again.
        """

        def take(_: bytes, finding: Finding) -> None:
            if finding.addresses:
                found(finding)
            else:
                self._node.counters["ignored: Kademlia, a provider without an address to dial"] += 1

        if self.has_moved:
            self._announced.clear()
            self._announced_addresses = self.server.ourselves().addresses
        told = 0
        for key in ROOM_KEYS:
            walk = await self.walker.walk(Message.GET_PROVIDERS, key, self._providers(take))
            for peer in walk.closest():
                told += await self._announce(key, peer)
        return told

    async def _announce(self, key: bytes, peer: bytes) -> bool:
        """Have a peer write down that we provide a key, unless it was told within the hour; return whether it was."""
        now = trio.current_time()
        while self._announced and now - next(iter(self._announced.values())) >= limits.KAD_ANNOUNCE_SECONDS:
            del self._announced[next(iter(self._announced))]
        if (key, peer) in self._announced:
            return False
        ourselves = entry(self.server.ourselves(), connected=True)
        message = Message(type=Message.ADD_PROVIDER, key=key, providerPeers=[ourselves])
        if await self.walker.say(ID(peer), message) is None:
            return False
        self._announced[key, peer] = now
        return True

    # --- Values and providers -----------------------------------------------------------------------

    async def put_value(self, key: bytes, value: bytes) -> Told:
        """Have a value kept under a key. Raises RecordRefusedError for one that nobody would keep."""
        return await self.values.put(key, value)

    async def get_value(self, key: bytes) -> Lookup:
        """Look for the value of a key. Raises RecordRefusedError for a key that nobody would keep a value under."""
        return await self.values.get(key)

    async def provide(self, key: bytes) -> Told:
        """Have it written down that we provide a key, now and from now on."""
        self.server.provided |= {key}
        walk = await self.walker.walk(Message.GET_PROVIDERS, key)
        closest = walk.closest()
        for peer in closest:
            await self._announce(key, peer)
        return Told(sum((key, peer) in self._announced for peer in closest), walk.answers)

    async def find_providers(self, key: bytes, found: Callable[[Finding], None]) -> Providers:
        """Look for those who provide a key; `found` is told of each at once, and where it may be, if that is known."""
        seen: dict[bytes, tuple[DialAddress, ...]] = {}

        def take(provider: bytes, finding: Finding) -> None:
            if len(seen.get(provider, ())) or (provider in seen and not finding.addresses):
                return
            if provider in seen or len(seen) < limits.KAD_PROVIDERS_READ:
                seen[provider] = finding.addresses
                found(finding)

        if key in self.server.provided:
            take(self._own, Finding(str(ID(self._own)), (), Source.KADEMLIA))
        for contact in self.server.providers.of(key, trio.current_time()):
            at = where(contact.peer, contact.addresses) or self._known(contact.peer)
            take(contact.peer, Finding(str(ID(contact.peer)), at, Source.KADEMLIA, str(ID(contact.peer)), contact.ip))
        walk = await self.walker.walk(Message.GET_PROVIDERS, key, self._providers(take))
        return Providers(tuple(seen), walk.answers)

    def _providers(self, found: Callable[[bytes, Finding], None]) -> Answered:
        """Return what takes the providers out of an answer."""

        async def answered(answer: Answer) -> None:
            async for provider, addresses in peers(answer.message.providerPeers, limits.KAD_PROVIDERS_READ):
                if provider != self._own:
                    at = addresses or answer.closer.get(provider) or self._known(provider)
                    teller = str(ID(answer.peer))
                    found(provider, Finding(str(ID(provider)), at, Source.KADEMLIA, teller, answer.teller_ip))

        return answered

    def _known(self, peer: bytes) -> tuple[DialAddress, ...]:
        contact = self.server.known(peer)
        return where(peer, contact.addresses) if contact else ()


@asynccontextmanager
async def kademlia(node: Node, reach: Reach, protocol: TProtocol = KAD) -> AsyncIterator[Kademlia]:
    """Take part in Kademlia as a server: on a LAN the Go peers are clients, and need one."""
    dht = Kademlia(node, reach, protocol)
    dht.server.provided = frozenset(ROOM_KEYS)
    host: Any = node.host
    host.set_stream_handler(protocol, dht.server.handle)
    for record in list(node.peers.records.values()):  # who came before has not been told that we speak it
        dht.identified(record)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(push_identify, node.host, list(node.peers.records), node.counters)
        yield dht
        nursery.cancel_scope.cancel()
    host.remove_stream_handler(protocol)
