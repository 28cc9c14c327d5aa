"""Kademlia: our table of those who can be asked, the walks to a key, and who is in the room by the records found there.

Of the library (0.8.1) only the messages are used. Its search for providers ends with the first one, whom every member
of a room finds in its own store: itself (kad_dht/provider_store.py:347). Its walk ends at the first answer that
brings nobody closer, asks whoever is connected, and dials whom it is told of, at any address, by itself, and then not
again for a minute (kad_dht/peer_routing.py:225, :305, network/swarm.py:114). Here a walk asks every one of the 20
closest, in turns of three, with deadlines, and others are reached only through the one who dials for all ways of
finding peers (`Reach`). Pinned by tests/net/test_kademlia.py.

Spec: https://github.com/libp2p/specs/blob/master/kad-dht/README.md
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, final

import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.findings import Finding, Source
from py_peer.core.kademlia import ROOM_KEYS, RoutingTable, Walk
from py_peer.net.connections import remote_ip
from py_peer.net.counters import is_garbage
from py_peer.net.dial import DialError, NotNowError
from py_peer.net.identify import push_identify
from py_peer.net.kad_messages import KAD, entry, peers, read_message, where, write_message
from py_peer.net.kad_server import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from py_peer.core.addresses import DialAddress
    from py_peer.net.connections import PeerRecord
    from py_peer.net.node import Node

    Reach = Callable[[Finding], Awaitable[object]]
    """Connects to a peer if the rules of dialling allow it. Raises DialError when it does not come about, and of those
    NotNowError when that says nothing of the peer."""

_BARE_KEY: Final = ROOM_KEYS[1]
"""The one that is no multihash."""

_SILENCES: Final = 2
"""So often in a row a connected peer is asked for that key and gives no answer; then it is not asked for it again."""


@final
class Kademlia:
    """One node's part in Kademlia, as a server."""

    def __init__(self, node: Node, reach: Reach) -> None:
        self.table = RoutingTable(node.host.get_id().to_bytes())
        self.server = Server(node, self.table)
        self.stirred = trio.Event()
        """Set, and made anew, when the table changes, or a peer has said what it speaks."""

        self._node = node
        self._reach = reach
        self._own = node.host.get_id().to_bytes()
        self._announced: dict[tuple[bytes, bytes], float] = {}
        """When whom was told that we provide which key, the oldest first."""

        self._announced_addresses: tuple[bytes, ...] = ()
        self._mute: dict[ID, int] = {}
        """Who is connected and gives no answer about the key that is no multihash, and how often in a row: js-libp2p
        (kad-dht 15.1) never does, others may be late once."""

        self._reached: dict[ID, None] = {}
        """Who is connected because a walk had to ask him; who was asked last stands last."""

    # --- The table --------------------------------------------------------------------------------

    def identified(self, record: PeerRecord) -> None:
        """Take a connected peer into the table, or out of it, by what it says it speaks."""
        peer = record.peer_id.to_bytes()
        contact = self.server.known(peer) if KAD in record.protocols else None
        if contact is None:
            self.table.drop(peer)
        else:
            self.table.put(contact, self._is_here)
        self.stir()

    def gone(self, peer_id: ID) -> None:
        """Take note that a peer has no connection any more: if it starts anew, it has forgotten what we told it."""
        self._reached.pop(peer_id, None)
        self._mute.pop(peer_id, None)
        for key in ROOM_KEYS:
            self._announced.pop((key, peer_id.to_bytes()), None)

    async def refresh(self) -> None:
        """Walk to ourselves and to a few far keys: who is met is asked who he is, and comes into the table."""
        for key in [self._own, *self.table.far_keys(3)]:
            await self._walk(Message.FIND_NODE, key)

    def _is_here(self, peer: bytes) -> bool:
        return ID(peer) in self._node.peers.records

    def stir(self) -> None:
        """Let those look who wait for something to change."""
        self.stirred.set()
        self.stirred = trio.Event()

    # --- The room ---------------------------------------------------------------------------------

    @property
    def has_moved(self) -> bool:
        """Whether it is written down that we are where we are not."""
        return self.server.ourselves().addresses != self._announced_addresses

    async def search(self, found: Callable[[Finding], None]) -> int:
        """Look for those who are in the room, and have it written down that we are; return how many were told so.

        `found` is told of everybody who is recorded, at once and each time again.
        """
        if self.has_moved:
            self._announced.clear()
            self._announced_addresses = self.server.ourselves().addresses
        told = 0
        for key in ROOM_KEYS:
            walk = await self._walk(Message.GET_PROVIDERS, key, found)
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
        if await self._say(ID(peer), message) is None:
            return False
        self._announced[key, peer] = now
        return True

    # --- A walk -----------------------------------------------------------------------------------

    async def _walk(
        self, kind: Message.MessageType, key: bytes, found: Callable[[Finding], None] | None = None
    ) -> Walk:
        """Ask those who are close to a key until all of the 20 closest have answered."""
        walking = _Walking(Walk(key, limits.KAD_WALK_PEERS), Message(type=kind, key=key), found)
        # Each has told us himself where he is. Not all of them may be dialled just now, so more are at hand than count.
        for contact in self.table.closest(key, limits.KAD_WALK_PEERS):
            walking.hear({contact.peer: where(contact.peer, contact.addresses)}, str(ID(contact.peer)), contact.ip)
        with trio.move_on_after(limits.KAD_WALK_TIMEOUT):
            async with trio.open_nursery() as nursery:
                for _ in range(limits.KAD_AT_ONCE):
                    nursery.start_soon(self._ask_in_turn, walking)
        return walking.walk

    async def _ask_in_turn(self, walking: _Walking) -> None:
        while True:
            if (peer := walking.walk.next()) is not None:
                walking.asking += 1
                try:
                    await self._ask(walking, peer)
                finally:
                    walking.asking -= 1
                    walking.stir()
            elif walking.asking:
                await walking.stirred.wait()
            else:
                return

    async def _ask(self, walking: _Walking, peer: bytes) -> None:
        peer_id = ID(peer)
        is_bare = walking.request.key == _BARE_KEY
        if is_bare and self._mute.get(peer_id, 0) >= _SILENCES:
            walking.walk.failed(peer)
            return
        try:
            answer = await self._say(peer_id, walking.request, walking.heard[peer])
        except NotNowError:
            walking.walk.failed(peer)  # and it stays in the table
            return
        if answer is None:
            walking.walk.failed(peer)
            if is_bare and self._is_here(peer):
                self._mute[peer_id] = self._mute.get(peer_id, 0) + 1
            else:
                self.table.drop(peer)
                self.stir()
            return
        if is_bare:
            self._mute.pop(peer_id, None)
        walking.walk.answered(peer)
        record = self._node.peers.records.get(peer_id)
        teller_ip = remote_ip(record.address) if record else ""
        closer = {near: at async for near, at in peers(answer.closerPeers, limits.KAD_WALK_PEERS) if near != self._own}
        walking.hear(closer, str(peer_id), teller_ip)
        if walking.found is None:
            return
        async for provider, addresses in peers(answer.providerPeers, limits.KAD_PROVIDERS_READ):
            if provider == self._own:
                continue
            at = addresses or closer.get(provider) or self._known(provider)
            if at:
                walking.found(Finding(str(ID(provider)), at, Source.KADEMLIA, str(peer_id), teller_ip))
            else:
                self._node.counters["ignored: Kademlia, a provider without an address to dial"] += 1

    def _known(self, peer: bytes) -> tuple[DialAddress, ...]:
        contact = self.server.known(peer)
        return where(peer, contact.addresses) if contact else ()

    async def _say(self, peer_id: ID, request: Message, finding: Finding | None = None) -> Message | None:
        """Send a request to a peer and return the answer; None if there is none. Who is told a record gives none.

        One who is not connected is reached where `finding` says that he is. Raises NotNowError if that has to wait.
        """
        try:
            if finding is not None and peer_id not in self._node.peers.records:
                await self._reach(finding)
                self._reached[peer_id] = None
            await self._make_room(peer_id)
            with trio.fail_after(limits.KAD_ANSWER_TIMEOUT):
                stream = await self._node.host.new_stream(peer_id, [KAD])
                try:
                    await write_message(stream, request)
                    if request.type == Message.ADD_PROVIDER:
                        return request
                    return await read_message(stream, limits.MAX_KAD_ANSWER)
                finally:
                    with trio.CancelScope(shield=True), trio.move_on_after(limits.CLOSE_TIMEOUT):
                        await stream.close()  # a reset could overtake what was written
        except NotNowError:
            raise
        except DialError:
            return None
        except Exception as error:  # noqa: BLE001 - whatever it was, there is no answer
            self._node.counters.caught(f"Kademlia with {peer_id}", error)
            if is_garbage(error):
                self._node.bans.strike(peer_id, "its answers to Kademlia requests cannot be read")
            return None

    async def _make_room(self, asked: ID) -> None:
        """Of those whom walks have reached, when they are too many, let go of the one who was not asked for longest.

        Members of the room stay.
        """
        if asked in self._reached:
            del self._reached[asked]
            self._reached[asked] = None
        if len(self._reached) > limits.KAD_CONNECTIONS:
            oldest = next(iter(self._reached))
            del self._reached[oldest]
            if oldest not in self._node.pubsub.room():
                await self._node.disconnect(oldest)


@final
class _Walking:
    """A walk under way."""

    def __init__(self, walk: Walk, request: Message, found: Callable[[Finding], None] | None) -> None:
        self.walk = walk
        self.request = request
        self.found = found
        self.heard: dict[bytes, Finding] = {}
        """Of whom we have heard, where he should be, and who says so first."""

        self.asking = 0
        self.stirred = trio.Event()

    def hear(self, addresses: Mapping[bytes, tuple[DialAddress, ...]], teller: str, teller_ip: str) -> None:
        for peer in self.walk.hear(addresses):
            self.heard[peer] = Finding(str(ID(peer)), addresses[peer], Source.KADEMLIA, teller, teller_ip)
        self.stir()

    def stir(self) -> None:
        self.stirred.set()
        self.stirred = trio.Event()


@asynccontextmanager
async def kademlia(node: Node, reach: Reach) -> AsyncIterator[Kademlia]:
    """Take part in Kademlia as a server: on a LAN the Go peers are clients, and need one."""
    dht = Kademlia(node, reach)
    dht.server.provided = frozenset(ROOM_KEYS)
    host: Any = node.host
    host.set_stream_handler(KAD, dht.server.handle)
    for record in list(node.peers.records.values()):  # who came before has not been told that we speak it
        dht.identified(record)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(push_identify, node.host, list(node.peers.records), node.counters)
        yield dht
        nursery.cancel_scope.cancel()
    host.remove_stream_handler(KAD)
