"""Yamux over connections in memory, which hold as much as a test allows and give what they hold in parts of its choice.

One end is a muxer, ours or the library's; the other is a muxer as well, or the test itself, frame by frame.
"""

from __future__ import annotations

import itertools
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, final
from unittest import mock

import libp2p.stream_muxer.yamux.yamux as _yamux
import trio
import trio.testing
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.io.trio import TrioTCPStream
from libp2p.peer.id import ID

from py_peer.net.muxed_stream import LimitedStream
from py_peer.net.muxer import LimitedYamux
from py_peer.net.tcp import TCPStream
from tests.net.raw_peer import DATA, HEADER, PING, SYN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

OURS, STOCK = "ours", "the library's"
PEER = ID.from_pubkey(create_new_key_pair(bytes(32)).public_key)
ENDLESS = 1 << 40

Frame = tuple[int, int, int, int, bytes]
"""Type, flags, stream, length, body."""


@final
class Way:
    """One direction of a connection: it holds `room` bytes, and gives them in parts of `parts` bytes."""

    def __init__(self, room: int = ENDLESS, parts: Iterable[int] = ()) -> None:
        self.room = room
        self.held = bytearray()
        self.ended = False
        self._parts: Iterator[int] = itertools.cycle(list(parts) or [ENDLESS])
        self._moved = trio.Event()

    def _tell(self) -> None:
        self._moved.set()
        self._moved = trio.Event()

    def end(self) -> None:
        """End it: what it holds still comes."""
        self.ended = True
        self._tell()

    def widen(self, room: int) -> None:
        """Let it hold so much."""
        self.room = room
        self._tell()

    def open_wide(self) -> None:
        """Let it hold anything, and give what it holds at once."""
        self._parts = itertools.repeat(ENDLESS)
        self.widen(ENDLESS)

    async def give(self, data: bytes) -> int:
        """Take a beginning of `data`, as soon as there is room; return how much that was."""
        await trio.lowlevel.checkpoint()
        while len(self.held) >= self.room and not self.ended:
            await self._moved.wait()
        if self.ended:
            raise BrokenPipeError
        part = data[: self.room - len(self.held)]
        self.held += part
        self._tell()
        return len(part)

    async def take(self, most: int | None) -> bytes:
        """Return what comes next; b"" at the end."""
        await trio.lowlevel.checkpoint()
        while not self.held and not self.ended:
            await self._moved.wait()
        part = bytes(self.held[: min(next(self._parts), most or ENDLESS)])
        del self.held[: len(part)]
        self._tell()
        return part


@final
class Socket:
    """One end of a connection, with what is used of a trio.SocketStream and of its socket."""

    def __init__(self, inward: Way, outward: Way) -> None:
        self._inward, self._outward = inward, outward
        self.socket = self
        self._closed = False

    async def receive_some(self, most: int | None = None) -> bytes:
        return await self._inward.take(most)

    async def send(self, data: bytes) -> int:
        return await self._outward.give(data)

    async def send_all(self, data: bytes) -> None:
        while data:
            data = data[await self.send(data) :]

    async def aclose(self) -> None:
        self._closed = True
        self._inward.end()
        self._outward.end()

    def fileno(self) -> int:
        return -1 if self._closed else 1


@final
class Plain:
    """A secured connection without its security; it reads all that was asked for, or what comes."""

    def __init__(self, conn: Any, *, is_initiator: bool) -> None:
        self.conn = conn
        self.is_initiator = is_initiator
        self.write = conn.write
        self.close = conn.close

    async def read(self, n: int | None = None) -> bytes:
        data = b""
        while len(data) < (n or 1):
            more = await self.conn.read(n and n - len(data))
            if not more:
                msg = "the connection has ended"
                raise ConnectionClosedError(msg)
            data += more
        return data


@final
class Muxed:
    """A muxer that runs, and the streams that were opened to it."""

    def __init__(self, muxer: Any, inward: Way, outward: Way) -> None:
        self.muxer = muxer
        self.inward = inward
        """What comes to it."""
        self.outward = outward
        self.accepted: list[Any] = []

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.muxer.start)
            try:
                while True:
                    self.accepted.append(await self.muxer.accept_stream())
            except Exception:  # noqa: BLE001, S110 - the connection has ended
                pass

    @property
    def has_ended(self) -> bool:
        return bool(self.muxer.event_shutting_down.is_set())

    def frames(self) -> list[Frame]:
        """Return the frames that it has written, and that nobody has taken."""
        return list(frames_in(bytes(self.outward.held)))


@asynccontextmanager
async def muxed(kind: str, inward: Way, outward: Way, *, is_initiator: bool = False) -> AsyncIterator[Muxed]:
    """Run a muxer of one kind over two ways."""
    ours = kind == OURS
    stream_class: Any = LimitedStream if ours else LimitedStream.__base__
    muxer_class: Any = LimitedYamux if ours else LimitedYamux.__base__
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(_yamux, "YamuxStream", stream_class))  # it is called by this name
        tcp = (TCPStream if ours else TrioTCPStream)(Socket(inward, outward))  # type: ignore[arg-type]
        one = Muxed(muxer_class(Plain(tcp, is_initiator=is_initiator), PEER), inward, outward)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one.run)
            await one.muxer.event_started.wait()
            yield one
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def two_muxed(room: int = ENDLESS, parts: Sequence[int] = ()) -> AsyncIterator[tuple[Muxed, Muxed]]:
    """Run two muxers of ours, the caller first."""
    there, back = Way(room, parts), Way(room, parts)
    async with muxed(OURS, back, there, is_initiator=True) as a, muxed(OURS, there, back) as b:
        yield a, b


async def settled() -> None:
    """Wait until nobody has anything to do any more."""
    await trio.testing.wait_all_tasks_blocked()


def frame(kind: int, flags: int, stream_id: int, body: bytes = b"", length: int | None = None) -> bytes:
    """Return one frame; `length` may lie."""
    return HEADER.pack(0, kind, flags, stream_id, len(body) if length is None else length) + body


def frames_in(wire: bytes) -> Iterator[Frame]:
    """Return the frames in what a muxer wrote, without its own pings."""
    while wire:
        _, kind, flags, stream_id, length = HEADER.unpack(wire[: HEADER.size])
        end = HEADER.size + length * (kind == DATA)
        assert len(wire) >= end, "half a frame"
        if not (kind == PING and flags == SYN):
            yield kind, flags, stream_id, length, wire[HEADER.size : end]
        wire = wire[end:]
