"""A peer made by hand: it shakes hands as libp2p wants it, and from then on every frame is the test's own.

It has a Yamux of its own (the library's would keep the rules that a stranger breaks) and imports nothing of py_peer, so
that the same attacks can be run against the library as it comes (`stock.py`).
"""

from __future__ import annotations

import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as new_x25519
from libp2p.io.trio import TrioTCPStream
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.peer.id import ID
from libp2p.pubsub.pb import rpc_pb2
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as NoiseTransport
from libp2p.security.security_multistream import SecurityMultistream
from libp2p.utils.varint import encode_uvarint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from libp2p.crypto.keys import KeyPair

    Handlers = dict[str, Callable[["RawStream"], Awaitable[None]]]

DATA, WINDOW_UPDATE, PING, GO_AWAY = range(4)
SYN, ACK, FIN, RST = 1, 2, 4, 8
HEADER = struct.Struct("!BBHII")
WINDOW = 256 * 1024
MESHSUB = "/meshsub/1.1.0"
PING_PROTOCOL = "/ipfs/ping/1.0.0"
IDENTIFY_PROTOCOL = "/ipfs/id/1.0.0"


class GoneError(Exception):
    """The stream or the connection ended where more was expected."""


class RawStream:
    """One stream, seen from the attacker's side."""

    def __init__(self, peer: RawPeer, stream_id: int) -> None:
        self.id = stream_id
        self.peer = peer
        self.window = WINDOW
        self.updates = 0
        """Window updates that gave something back."""
        self.fin = False
        self.rst = False
        self.news = trio.Condition()
        self._buffer = bytearray()

    @property
    def ended(self) -> bool:
        """Whether the node closed or reset its side, or the connection went."""
        return self.fin or self.rst or self.peer.closed.is_set()

    async def feed(self, data: bytes, flags: int) -> None:
        self._buffer += data
        self.fin |= bool(flags & FIN)
        self.rst |= bool(flags & RST)
        await self.wake()

    async def wake(self) -> None:
        async with self.news:
            self.news.notify_all()

    async def read(self, n: int) -> bytes:
        while len(self._buffer) < n:
            if self.ended:
                raise GoneError
            async with self.news:
                await self.news.wait()
        data = bytes(self._buffer[:n])
        del self._buffer[:n]
        return data

    async def read_frame(self) -> bytes:
        length = shift = 0
        while True:
            byte = (await self.read(1))[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return await self.read(length)

    async def wait_end(self) -> None:
        while not self.ended:
            async with self.news:
                await self.news.wait()

    async def write(self, data: bytes) -> None:
        while data:
            while not self.window:
                if self.ended:
                    raise GoneError
                async with self.news:
                    await self.news.wait()
            part = data[: min(self.window, 60_000)]
            data = data[len(part) :]
            self.window -= len(part)
            await self.peer.send(DATA, 0, self.id, part)

    async def write_frame(self, data: bytes) -> None:
        await self.write(encode_uvarint(len(data)) + data)

    async def send_rpc(self, **fields: Any) -> None:
        await self.write_frame(rpc_pb2.RPC(**fields).SerializeToString())

    async def grant(self, length: int) -> None:
        """Let the node send as much more on this stream."""
        await self.peer.send(WINDOW_UPDATE, 0, self.id, length=length)

    async def finish(self) -> None:
        await self.peer.send(WINDOW_UPDATE, FIN, self.id)

    async def abort(self) -> None:
        await self.peer.send(WINDOW_UPDATE, RST, self.id)

    async def say(self, line: str) -> None:
        await self.write_frame(line.encode() + b"\n")

    async def hear(self) -> str:
        return (await self.read_frame()).decode().removesuffix("\n")


class RawPeer:
    """One connection to a node, with every frame in the test's hand."""

    def __init__(self, secured: Any, key_pair: KeyPair, handlers: Handlers) -> None:
        self.secured = secured
        self.key_pair = key_pair
        self.id = ID.from_pubkey(key_pair.public_key)
        self.closed = trio.Event()
        self.streams: dict[int, RawStream] = {}
        self.rpcs: list[rpc_pb2.RPC] = []
        """What the node said on its gossip streams to us, in order."""
        self.rpc_sizes: list[int] = []
        self.gossip_streams: list[RawStream] = []
        """The gossip streams that the node opened to us, oldest first."""
        self.frames: dict[int, int] = dict.fromkeys(range(4), 0)
        """Yamux frames of the node, by type."""
        self.handlers: Handlers = {
            MESHSUB: self.collect_rpcs,
            PING_PROTOCOL: echo,
            **handlers,
        }
        self.reading = trio.Event()
        """Set from the start; a test that puts another in its place takes nothing off the socket any more."""
        self.reading.set()
        self._next_id = 1
        self._writing = trio.Lock()

    # --- Frames -----------------------------------------------------------------------------------

    async def send(self, kind: int, flags: int, stream_id: int, data: bytes = b"", length: int | None = None) -> None:
        """Write one frame; `length` may lie."""
        header = HEADER.pack(0, kind, flags, stream_id, len(data) if length is None else length)
        async with self._writing:
            try:
                await self.secured.write(header + data)
            except Exception as error:
                raise GoneError from error

    async def run(self, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        try:
            async with trio.open_nursery() as nursery:
                task_status.started()
                try:
                    while True:
                        await self.reading.wait()
                        await self._frame(nursery)
                except Exception:  # noqa: BLE001, S110 - the node closed the connection, however
                    pass
                self.closed.set()
                for stream in list(self.streams.values()):
                    await stream.wake()
                nursery.cancel_scope.cancel()
        finally:
            self.closed.set()

    async def _frame(self, nursery: trio.Nursery) -> None:
        _, kind, flags, stream_id, length = HEADER.unpack(await self._exactly(HEADER.size))
        self.frames[kind] += 1
        body = await self._exactly(length) if kind == DATA else b""
        if kind == PING and flags & SYN:
            await self.send(PING, ACK, 0, length=length)
        if kind in (PING, GO_AWAY):
            return
        stream = self.streams.get(stream_id)
        if stream is None:
            if not flags & SYN:
                return
            stream = self.streams[stream_id] = RawStream(self, stream_id)
            await self.send(WINDOW_UPDATE, ACK, stream_id)
            nursery.start_soon(self._serve, stream)
        if kind == WINDOW_UPDATE:
            stream.window += length
            stream.updates += bool(length)
        if body and stream_id not in self.stingy:
            await self.send(WINDOW_UPDATE, 0, stream_id, length=len(body))
        await stream.feed(body, flags)

    stingy: frozenset[int] = frozenset()
    """Streams whose window is never given back."""

    async def _exactly(self, n: int) -> bytes:
        data = b""
        while len(data) < n:
            more = await self.secured.read(n - len(data))
            if not more:
                raise GoneError
            data += more
        return data

    # --- Streams ----------------------------------------------------------------------------------

    async def open(self, protocol: str | None = None) -> RawStream:
        """Open a stream, and negotiate `protocol` on it if there is one. Raises GoneError when it is refused."""
        stream = self.streams[self._next_id] = RawStream(self, self._next_id)
        self._next_id += 2
        await self.send(WINDOW_UPDATE, SYN, stream.id)
        if protocol is not None:
            await stream.say("/multistream/1.0.0")
            await stream.say(protocol)
            assert await stream.hear() == "/multistream/1.0.0"
            if await stream.hear() != protocol:
                raise GoneError
        return stream

    async def _serve(self, stream: RawStream) -> None:
        try:
            assert await stream.hear() == "/multistream/1.0.0"
            await stream.say("/multistream/1.0.0")
            while (protocol := await stream.hear()) not in self.handlers:
                await stream.say("na")
            await stream.say(protocol)
            await self.handlers[protocol](stream)
        except GoneError:
            pass

    async def collect_rpcs(self, stream: RawStream) -> None:
        self.gossip_streams.append(stream)
        while True:
            frame = await stream.read_frame()
            self.rpc_sizes.append(len(frame))
            self.rpcs.append(rpc_pb2.RPC.FromString(frame))

    # --- Gossip -----------------------------------------------------------------------------------

    async def join(self, *topics: str) -> RawStream:
        """Open a gossip stream to the node, say hello on it, and return it."""
        stream = await self.open(MESHSUB)
        await stream.send_rpc(subscriptions=[rpc_pb2.RPC.SubOpts(subscribe=True, topicid=topic) for topic in topics])
        return stream

    def texts(self) -> list[bytes]:
        """What messages the node sent or relayed to us."""
        return [message.data for rpc in self.rpcs for message in rpc.publish]


async def echo(stream: RawStream) -> None:
    """Answer pings."""
    while True:
        await stream.write(await stream.read(32))


async def silence(stream: RawStream) -> None:
    """Take a stream and never say anything on it."""
    await stream.wait_end()


async def secure(host: str, port: int, key_pair: KeyPair) -> Any:
    """Dial, and return the connection after the Noise handshake."""
    raw = RawConnection(TrioTCPStream(await trio.open_tcp_stream(host, port)), True)
    noise = NoiseTransport(key_pair, noise_privkey=new_x25519().private_key)
    try:
        return await SecurityMultistream({NOISE: noise}).secure_outbound(raw, None)  # type: ignore[arg-type] # whoever answers
    except BaseException:
        await cut(raw)
        raise


async def cut(conn: Any) -> None:
    """Close a connection, even when the test is being cancelled."""
    with trio.CancelScope(shield=True), trio.move_on_after(1):
        await conn.close()


@asynccontextmanager
async def raw_peer(
    port: int,
    key_pair: KeyPair | None = None,
    handlers: Handlers | None = None,
    host: str = "127.0.0.1",
) -> AsyncIterator[RawPeer]:
    """Connect to a node at a port of the loopback; the connection is cut when the block ends."""
    key_pair = key_pair or create_new_key_pair()
    secured = await secure(host, port, key_pair)
    try:
        for line in ("/multistream/1.0.0", "/yamux/1.0.0"):
            await secured.write(encode_uvarint(len(line) + 1) + line.encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                more = await secured.read(1)
                if not more:
                    raise GoneError
                answer += more
            assert answer[1:-1].decode() == line
        peer = RawPeer(secured, key_pair, handlers or {})
        async with trio.open_nursery() as nursery:
            await nursery.start(peer.run)
            yield peer
            nursery.cancel_scope.cancel()
    finally:
        await cut(secured)


async def is_refused(port: int) -> bool:
    """Try to connect, and return whether the node hung up before it knew who calls."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        try:
            await stream.send_all(b"\x13/multistream/1.0.0\n")
            return not await stream.receive_some()
        except trio.BrokenResourceError:
            return True


def signed(key_pair: KeyPair, topic: str, data: bytes, seqno: int) -> rpc_pb2.Message:
    """Return a message as an honest author would sign it."""
    message = rpc_pb2.Message(
        data=data,
        topicIDs=[topic],
        from_id=ID.from_pubkey(key_pair.public_key).to_bytes(),
        seqno=seqno.to_bytes(8, "big"),
    )
    message.signature = key_pair.private_key.sign(b"libp2p-pubsub:" + message.SerializeToString())
    return message
