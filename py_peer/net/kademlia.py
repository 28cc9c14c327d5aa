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
from py_peer.core.records import RecordRefusedError, check_size
from py_peer.net.identify import push_identify
from py_peer.net.kad_messages import KAD, entry, peers, where
from py_peer.net.kad_server import Server
from py_peer.net.kad_upkeep import Upkeep
from py_peer.net.kad_values import Told, Values
from py_peer.net.kad_walk import Walker
from py_peer.net.kept_values import KeptValues

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

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
    unasked: int = 0
    """As in Lookup."""


@final
class Kademlia:
    """One node's part in Kademlia: a client's until it is to `serve`."""

    def __init__(self, node: Node, reach: Reach, protocol: TProtocol = KAD, kept: KeptValues | None = None) -> None:
        kept = kept or KeptValues()
        self.table = RoutingTable(node.host.get_id().to_bytes())
        self.walker = Walker(node, self.table, reach, protocol)
        self.values = Values(node, self.table, self.walker, kept)
        self.server = Server(node, self.table, self.values)
        self.upkeep = Upkeep(node, self, kept)
        self._node = node
        self._protocol = protocol
        self._own = node.host.get_id().to_bytes()
        self._announced: dict[tuple[bytes, bytes], float] = {}
        """When whom was told that we provide which key, the oldest first."""

        self._announced_addresses: tuple[bytes, ...] = ()

    async def serve(self) -> None:
        """Answer the requests of others from now on, and tell the peers that are here: we belong into their tables."""
        self.values.serves = True
        self._node.host.set_stream_handler(self._protocol, self.server.handle)
        await push_identify(self._node.host, list(self._node.peers.records), self._node.counters)

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

    def look_where_we_are(self) -> None:
        """Have everybody told anew what we provide, if we have moved."""
        if self.has_moved:
            self._announced.clear()
            self._announced_addresses = self.server.ourselves().addresses
            self.upkeep.hurry()

    async def search(self, found: Callable[[Finding], None]) -> int:
        """Look for those who are in the room, and have it written down that we are; return how many were told so.

        `found` is told of everybody who is recorded, at once and each time again.
        """

        def take(_: bytes, finding: Finding) -> None:
            if finding.addresses:
                found(finding)
            else:
                self._node.counters["ignored: Kademlia, a provider without an address to dial"] += 1

        self.look_where_we_are()
        told = 0
        for key in ROOM_KEYS:
            walk = await self.walker.walk(Message.GET_PROVIDERS, key, self._providers(take))
            told += len(await self._announce(key, walk.closest()))
        return told

    async def _announce(self, key: bytes, peers: list[bytes]) -> list[bytes]:
        """Have those write down that we provide a key who were not told within the hour; return who was told now."""
        new = [peer for peer in peers if not self._was_told(key, peer)]
        told = [peer for peer, _ in await self.walker.tell(self._announcement(key), new)]
        for peer in told:
            self._announced[key, peer] = trio.current_time()
        return told

    def _was_told(self, key: bytes, peer: bytes) -> bool:
        """Say whether a peer was told within the hour that we provide a key."""
        now = trio.current_time()
        while self._announced and now - next(iter(self._announced.values())) >= limits.KAD_ANNOUNCE_SECONDS:
            del self._announced[next(iter(self._announced))]
        return (key, peer) in self._announced

    def _announcement(self, key: bytes) -> Message:
        ourselves = entry(self.server.ourselves(), connected=True)
        return Message(type=Message.ADD_PROVIDER, key=key, providerPeers=[ourselves])

    # --- Values and providers -----------------------------------------------------------------------

    async def put_value(self, key: bytes, value: bytes) -> Told:
        """Have a value kept under a key. Raises RecordRefusedError for one that nobody would keep."""
        return await self.values.put(key, value)

    async def keys_of(self, values: Collection[bytes]) -> list[bytes]:
        """Return the keys under which we have put one of these values, in earlier runs too."""
        return await self.values.keys_of(values)

    async def forget(self, key: bytes) -> bool:
        """Forget a value of ours, in later runs too; return whether there was one. Others keep it until it expires."""
        return await self.values.forget(key)

    def renew_no_more(self, key: bytes) -> None:
        """Forget a value of ours; others keep it until it expires."""
        self.values.renew_no_more(key)

    async def get_value(self, key: bytes) -> Lookup:
        """Look for the value of a key. Raises RecordRefusedError for a key that nobody would keep a value under."""
        return await self.values.get(key)

    @property
    def own_keys(self) -> frozenset[bytes]:
        """The keys that we provide beside those of the room."""
        return self.server.provided - frozenset(ROOM_KEYS)

    async def provide(self, key: bytes) -> Told:
        """Have it written down that we provide a key, now and from now on. Raises RecordRefusedError."""
        check_size(key, b"")
        if len(self.own_keys | {key}) > limits.KAD_PROVIDED:
            raise RecordRefusedError(f"one key too many, as others keep {limits.KAD_PROVIDED} of one peer")
        self.server.provided |= {key}
        self.upkeep.provide_later(key)
        return await self.write_down(key)

    async def write_down(self, key: bytes) -> Told:
        """Have those who are closest to a key write down that we provide it, if they were not told within the hour."""
        walk = await self.walker.walk(
            Message.GET_PROVIDERS, key, seconds=limits.KAD_WALK_TIMEOUT - limits.KAD_TELL_TIMEOUT
        )
        closest = walk.closest()
        await self._announce(key, closest)
        return Told(sum((key, peer) in self._announced for peer in closest), len(closest))

    def provide_no_more(self, key: bytes) -> None:
        """Say no more that we provide a key; what others have written down they forget in time."""
        self.server.provided -= {key}
        self.upkeep.provide_no_more(key)

    async def find_providers(self, key: bytes, found: Callable[[Finding], None]) -> Providers:
        """Look for those who provide a key; `found` is told at once what each who is asked says: who, perhaps where.

        Raises RecordRefusedError for a key that is none.
        """
        check_size(key, b"")
        seen: dict[bytes, None] = {}

        def take(provider: bytes, finding: Finding) -> None:
            if provider in seen or len(seen) < limits.KAD_PROVIDERS_FOUND:
                seen[provider] = None
                found(finding)

        if key in self.server.provided:
            take(self._own, Finding(str(ID(self._own)), (), Source.KADEMLIA))
        for contact in self.server.providers.of(key, trio.current_time()):
            at = where(contact.peer, contact.addresses) or self._known(contact.peer)
            take(contact.peer, Finding(str(ID(contact.peer)), at, Source.KADEMLIA, str(ID(contact.peer)), contact.ip))
        walk = await self.walker.walk(Message.GET_PROVIDERS, key, self._providers(take), patient=lambda: not seen)
        return Providers(tuple(seen), walk.answers, walk.unasked)

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
async def kademlia(  # noqa: PLR0913 - each is a wish of its own, by name
    node: Node,
    reach: Reach,
    protocol: TProtocol = KAD,
    kept: KeptValues | None = None,
    *,
    serves: bool = True,
    in_room: bool = True,
) -> AsyncIterator[Kademlia]:
    """Take part in Kademlia, if it `serves` as a server: on a LAN the Go peers are clients, and need one.

    `protocol` is that of the network. What it keeps for others, and of our own, is `kept`; without, it is kept for this
    run alone. Who is `in_room` is found under the keys of the room.
    """
    dht = Kademlia(node, reach, protocol, kept)
    dht.server.provided = frozenset(ROOM_KEYS if in_room else ())
    for record in list(node.peers.records.values()):  # who came before has not been told that we speak it
        dht.identified(record)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(dht.upkeep.run)
        if serves:
            nursery.start_soon(dht.serve)
        yield dht
        nursery.cancel_scope.cancel()
    host: Any = node.host
    host.remove_stream_handler(protocol)
