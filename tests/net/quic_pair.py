"""Two QUIC ports on loopback, and a connection between them."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import trio
from aioquic import tls
from aioquic.quic.packet import QuicPacketType
from aioquic.quic.packet_builder import QuicPacketBuilder
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID

from py_peer.net.counters import Counters
from py_peer.net.quic import QUICPort, open_quic
from py_peer.net.quic_connection import QUICConnection
from py_peer.net.quic_door import Door
from tests.net.support import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

LOOPBACK = "127.0.0.1"


@dataclass
class Guests:
    """Takes whom it is told to take, as `Admission` does, and lets them stay."""

    here: list[QUICConnection] = field(default_factory=list)
    reason: str = ""
    host: Callable[[QUICConnection], Awaitable[None]] = QUICConnection.start

    def reason_to_refuse(self, _source: str) -> str:
        return self.reason

    async def take(self, conn: QUICConnection, _source: str, is_welcome: Callable[[], Awaitable[bool]]) -> None:
        if await is_welcome():
            self.here.append(conn)
            await self.host(conn)


@dataclass
class Side:
    """One QUIC port, and who has come to it."""

    quic: QUICPort
    port: int
    id: ID
    guests: Guests
    counters: Counters
    unwanted: set[ID]

    @property
    def books(self) -> list[int]:
        """How much it remembers of connections."""
        quic: Any = self.quic
        return [len(table) for table in (quic._by_id, quic._ids, quic._unfinished)]


@asynccontextmanager
async def side(host: str = LOOPBACK) -> AsyncIterator[Side]:
    keys = create_new_key_pair()
    guests, counters, unwanted = Guests(), Counters(), set[ID]()

    def refusal(peer_id: ID) -> str:
        return "not wanted" if peer_id in unwanted else ""

    async with open_quic(keys.private_key, cast("Any", guests), refusal, counters) as quic:
        cast("Any", quic)._door = Door(keys.private_key)  # not in its time, so that nobody waits for it
        port = quic.listen(host, 0)
        yield Side(quic, port, ID.from_pubkey(keys.public_key), guests, counters, unwanted)


@dataclass
class Pair:
    """Two sides, and both ends of a connection: `there` was dialled from `here`."""

    a: Side
    b: Side
    here: QUICConnection
    there: QUICConnection

    async def streams(self) -> tuple[Any, Any]:
        """Return both ends of a new stream, on which nothing has been said but one byte."""
        near = await self.here.open_stream()
        await near.write(b".")
        far = await self.there.accept_stream()
        assert await far.read(1) == b"."
        return near, far


@asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    async with side() as a, side() as b, trio.open_nursery() as nursery:
        here = await a.quic.dial(LOOPBACK, b.port)
        nursery.start_soon(here.start)
        await until(lambda: b.guests.here)
        yield Pair(a, b, here, b.guests.here[0])
        here.end()


def packet(engine: Any, frames: bytes, kind: QuicPacketType = QuicPacketType.ONE_RTT) -> bytes:
    """Return a packet of one side with the frames that a test likes, which need not be those of a decent peer."""
    epoch = tls.Epoch.INITIAL if kind is QuicPacketType.INITIAL else tls.Epoch.ONE_RTT
    builder = QuicPacketBuilder(
        host_cid=engine.host_cid,
        peer_cid=engine._peer_cid.cid,
        version=engine._version,
        is_client=engine._is_client,
        max_datagram_size=1_232,
        packet_number=engine._packet_number,
    )
    builder.start_packet(kind, engine._cryptos[epoch])
    builder.start_frame(frames[0]).push_bytes(frames[1:])
    datagrams, _ = builder.flush()
    engine._packet_number = builder.packet_number
    return datagrams[0]


@contextmanager
def deaf(conn: QUICConnection) -> Iterator[None]:
    """Let nothing of what one end sends arrive, as when its machine has gone."""
    inner: Any = conn
    send, inner._send = inner._send, lambda *_: None
    try:
        yield
    finally:
        inner._send = send


async def everything(stream: Any) -> bytes:
    """Read a stream to its end."""
    data = bytearray()
    while True:
        try:
            data += await stream.read(65_536)
        except EOFError:
            return bytes(data)
