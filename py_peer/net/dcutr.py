"""From a relayed connection to a direct one: both peers dial each other at the same moment (DCUtR).

Behind a router nobody comes in who was not spoken to. So both speak first: over the relay they tell each other where
they seem to be, and when to begin, and then each one's first packets open its own router for those of the other. Who
was called through the relay says when. On what comes of it he takes the part of who was dialled, whoever did it: two
TCP connections that meet on their way are one, and each side must know its part.

TCP is dialled from the port that we listen on, since that is where the other one's packets come to. A QUIC connection
is dialled by one of the two; the other opens his router with packets of noise. After three tries it stays as it is.

What a peer says of where it is may have us dial anybody: private addresses are tried if the relay is in that network,
and how often is limited.

Spec: https://github.com/libp2p/specs/blob/master/relay/DCUtR.md. Pinned by
tests/net/test_direct_first.py and tests/network/test_hole_punching.py.
"""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, final

import trio
from google.protobuf.message import DecodeError
from libp2p.custom_types import TProtocol
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.core.addresses import QUIC, RELAY, TCP, is_of_this_machine, leads_through_relay, without_peer_id
from py_peer.core.findings import Finding, Source
from py_peer.core.hearsay import is_name, objection
from py_peer.core.listening import expand_listen_addresses
from py_peer.core.ranges import Kind, kind_of, place
from py_peer.core.rates import Buckets
from py_peer.net import streams
from py_peer.net.connections import remote_ip, remote_multiaddr
from py_peer.net.dial import DialError, upgrade
from py_peer.net.direct_first import has_direct, is_relayed
from py_peer.net.multiaddrs import dialable
from py_peer.net.protobufs import declare
from py_peer.net.streams import EndedError, GarbageError, read_frame, write_frame
from py_peer.net.tcp import TCPStream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from libp2p.abc import INetStream
    from libp2p.peer.id import ID

    from py_peer.core.addresses import DialAddress
    from py_peer.net.connections import PeerRecord
    from py_peer.net.node import Node

DCUTR: Final = TProtocol("/libp2p/dcutr")

CONNECT: Final = 100
SYNC: Final = 300
HolePunch: Final[Any] = declare("holepunch", HolePunch=("optional int32 type = 1", "repeated bytes ObsAddrs = 2"))[
    "HolePunch"
]


@final
class HolePuncher:
    """Tries to reach directly who is reached through a relay."""

    def __init__(self, node: Node, nursery: trio.Nursery) -> None:
        self._node = node
        self._nursery = nursery
        self._swarm: Any = node.host.get_network()
        self._allowed: Buckets[bytes] = Buckets(limits.PUNCH_RATE, limits.PUNCH_BURST, limits.MAX_TRACKED_PEERS)
        self._busy: set[ID] = set()

    # --- Who was called: he begins ----------------------------------------------------------------

    def consider(self, record: PeerRecord) -> None:
        """Begin to look for a direct way to a peer that has said who it is, if it has called us through a relay."""
        if record.inbound and leads_through_relay(record.address) and record.peer_id not in self._busy:
            self._busy.add(record.peer_id)
            self._nursery.start_soon(self._upgrade, record)

    async def _upgrade(self, record: PeerRecord) -> None:
        peer_id = record.peer_id
        try:
            if await self._call(record) or (DCUTR in record.protocols and await self._try_both(peer_id)):
                self._node.counters["relays: direct ways found"] += 1
        except Exception as error:  # noqa: BLE001 - it stays as it is
            self._node.counters.caught(f"no direct way to {peer_id}", error)
        finally:
            self._busy.discard(peer_id)

    async def _call(self, record: PeerRecord) -> bool:
        """Dial a peer where everybody on the Internet reaches it, if it says that there is such a place."""
        told = self._allowed_of(record.peer_id, record.listen, record.address)
        public = [one for one in told if kind_of(one.host) is Kind.PUBLIC]
        if not public or not self._allowed.take(record.peer_id.to_bytes(), trio.current_time()):
            return False
        return await self._until_direct(record.peer_id, [partial(self._dial, one) for one in public])

    async def _try_both(self, peer_id: ID) -> bool:
        for _ in range(limits.PUNCH_TRIES):
            if has_direct(self._swarm, peer_id):
                return True
            if not self._allowed.take(peer_id.to_bytes(), trio.current_time()):
                return False
            # A new stream each time: Go ends each after one try.
            stream = await streams.open_stream(self._node.host, peer_id, DCUTR, limits.RELAY_PATIENCE)
            try:
                addresses, way = await self._agree(stream)
            finally:
                await streams.close(stream)
            await trio.sleep(way)
            if await self._punch(peer_id, addresses, begins=False):
                return True
        return False

    async def _agree(self, stream: INetStream) -> tuple[list[DialAddress], float]:
        """Tell who has called where we are, and to dial now; return his addresses, and in how long he hears of it."""
        since = trio.current_time()
        await self._say(stream, CONNECT)
        answer = await _hear(stream, CONNECT)
        there_and_back = trio.current_time() - since
        await self._say(stream, SYNC)
        return self._told(stream, answer), there_and_back / 2

    # --- Who has called ---------------------------------------------------------------------------

    async def handle(self, stream: INetStream) -> None:
        """Do as a peer says whom we have called through a relay: tell where we are, and dial when he says so."""
        peer_id = stream.muxed_conn.peer_id
        if not is_relayed(stream.muxed_conn):
            await streams.reset(stream)
            return
        with suppress(EndedError):  # after the last try, whatever came of it
            while self._allowed.take(peer_id.to_bytes(), trio.current_time()):
                request = await _hear(stream, CONNECT)
                await self._say(stream, CONNECT)
                await _hear(stream, SYNC)
                await self._punch(peer_id, self._told(stream, request), begins=True)
        await streams.close(stream)

    # --- What both do -----------------------------------------------------------------------------

    async def _say(self, stream: INetStream, kind: int) -> None:
        own = self._own_addresses(remote_multiaddr(stream.muxed_conn)) if kind == CONNECT else []
        message = HolePunch(type=kind, ObsAddrs=[Multiaddr(one).to_bytes() for one in own])
        await write_frame(stream, message.SerializeToString(), limits.RELAY_PATIENCE)

    def _own_addresses(self, relay: str) -> list[str]:
        """Return where we seem to be: where others see us, with the ports that we listen on, and our own addresses.

        Most routers keep the port of who speaks first from it, and we shall speak from those ports. Addresses of this
        machine are for who is on it, if the relay is.
        """
        node = self._node
        seen = [one.observed for one in node.peers.records.values()]
        direct = [one for one in dialable(seen, node.host.get_id().to_bytes(), len(seen)) if one.via is None]
        outside = [one.host for one in direct if not is_name(one) and kind_of(one.host) is Kind.PUBLIC]
        guessed = expand_listen_addresses(outside, node.bound, node.peer_id)
        own = dict.fromkeys(one for one in [*guessed, *node.addresses] if not leads_through_relay(one))
        if not is_of_this_machine(relay):
            own = {one: None for one in own if not is_of_this_machine(one)}
        return [without_peer_id(one) for one in own][: limits.PUNCH_ADDRESSES]

    def _told(self, stream: INetStream, message: Any) -> list[DialAddress]:
        where = remote_multiaddr(stream.muxed_conn)
        return self._allowed_of(stream.muxed_conn.peer_id, message.ObsAddrs, where)

    def _allowed_of(self, peer_id: ID, addresses: Iterable[bytes], where: str) -> list[DialAddress]:
        """Return which addresses may be dialled on the word of a peer that is connected through the relay `where`."""
        own = {place(str(address.ip)) for one in self._node.interfaces.now for address in one.addresses}
        told = dialable(addresses, peer_id.to_bytes(), limits.PUNCH_ADDRESSES)
        finding = Finding(str(peer_id), told, Source.TOPIC, str(peer_id), remote_ip(where))
        return [one for one in told if one.via is None and not objection(one, finding, own)]

    async def _punch(self, peer_id: ID, addresses: Iterable[DialAddress], *, begins: bool) -> bool:
        """Dial a peer that dials us now, everywhere at once; return whether there is a direct connection then."""
        self._node.counters["relays: direct ways tried"] += 1
        ways: list[Callable[[], Awaitable[None]]] = []
        for one in addresses:
            if one.transport == TCP:
                ways.append(partial(self._dial_tcp, peer_id, one, begins=begins))
            elif one.transport == QUIC:
                ways.append(partial(self._dial if begins else self._knock, one))
        return await self._until_direct(peer_id, ways)

    async def _until_direct(self, peer_id: ID, ways: Iterable[Callable[[], Awaitable[None]]]) -> bool:
        """Try several ways at once for a while; return whether there is a direct connection to a peer then."""
        with trio.move_on_after(limits.PUNCH_TIMEOUT):
            async with trio.open_nursery() as nursery:
                for way in ways:
                    nursery.start_soon(way)
                while not has_direct(self._swarm, peer_id):  # noqa: ASYNC110 - it may be the other one's dial
                    await trio.sleep(_LOOK)
                nursery.cancel_scope.cancel()
        return has_direct(self._swarm, peer_id)

    async def _dial_tcp(self, peer_id: ID, address: DialAddress, *, begins: bool) -> None:
        port = next((one.port for one in self._node.bound if one.transport == TCP), 0)
        try:
            stream = TCPStream(await connect_from(port, address.host, address.port))
        except OSError:  # nothing there, or not yet; who was told so will try again
            return
        try:
            if begins:
                await upgrade(self._swarm, stream, address)
            else:
                self._nursery.start_soon(self._take, stream)
        except Exception as error:  # noqa: BLE001 - of several, most do not lead to the peer
            self._node.counters.caught(f"a direct way to {peer_id}", error)

    async def _dial(self, address: DialAddress) -> None:
        with suppress(DialError):
            await self._node.dial(address, fresh=True, timeout=limits.PUNCH_TIMEOUT)

    async def _knock(self, address: DialAddress) -> None:
        """Open our router for who dials us over QUIC, which knows no meeting of two dials."""
        while True:
            await self._swarm.quic.knock(address.host, address.port)
            await trio.sleep(random.uniform(0.01, 0.2))

    async def _take(self, stream: TCPStream) -> None:
        """Take a connection that we have dialled, as if the other side had, until its end."""
        try:
            await self._swarm.admission.handle(stream, _DIALLED)
        finally:
            await trio.aclose_forcefully(stream.stream)


_LOOK: Final = 0.05
_DIALLED: Final = Multiaddr(f"/{RELAY}")


async def connect_from(port: int, host: str, to: int) -> trio.SocketStream:
    """Connect from a port that we listen on, where the system lets us, else from any. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = trio.socket.socket(family, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_REUSEPORT"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            with suppress(OSError):
                await sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))  # noqa: S104
        await sock.connect((host, to))
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)


async def _hear(stream: INetStream, kind: int) -> Any:
    """Return the next message, which is of a kind. Raises GarbageError, EndedError or SilentError."""
    frame = await read_frame(stream, limits.MAX_PUNCH_MESSAGE, limits.RELAY_PATIENCE)
    if frame is None:
        raise EndedError("it closed the stream")
    try:
        message = HolePunch.FromString(frame)
    except DecodeError as error:
        raise GarbageError("what came is no message of DCUtR") from error
    if message.type != kind:
        raise GarbageError("it said something else than was its turn to say")
    return message
