"""QUIC over a path that loses, doubles, delays and overtakes: every byte comes, in order, and nothing stands still.

The path is made here and the time is trio's own, so that a minute of loss takes a second. What is lost is chosen by a
seed, so a failure can be seen again, nearly: keys, and in which order tasks run, are others each time.
"""

from __future__ import annotations

import heapq
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
import trio
import trio.testing
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID
from libp2p.stream_muxer.exceptions import MuxedStreamError

from py_peer.net.counters import Counters
from py_peer.net.quic import open_quic
from py_peer.net.quic_door import Door
from tests.net.quic_pair import LOOPBACK, Guests, Pair, Side, everything
from tests.net.support import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from py_peer.net.quic_connection import QUICConnection

PORTS: Final = (4001, 4002)
LONGEST: Final = 600.0
"""Seconds of trio's time: it jumps there when nothing moves any more."""


@dataclass
class Path:
    """What lies between two sockets. It gives datagrams to `ports`, by the port to which they are sent."""

    seed: int
    loss: float = 0.0
    twice: float = 0.0
    delay: tuple[float, float] = (0.005, 0.006)
    """The shortest and the longest, in seconds: with a wide range datagrams overtake each other."""

    ports: dict[int, Any] = field(default_factory=dict)
    sent: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._under_way: list[tuple[float, int, bytes, int, int]] = []
        self._news = trio.Event()

    def send(self, data: bytes, whence: int, where: int) -> None:
        self.sent += 1
        copies = 0 if self._random.random() < self.loss else 1 + (self._random.random() < self.twice)
        for _ in range(copies):
            due = trio.current_time() + self._random.uniform(*self.delay)
            heapq.heappush(self._under_way, (due, self.sent, data, whence, where))
            self._news.set()

    async def carry(self) -> None:
        while True:
            if not self._under_way:
                self._news = trio.Event()
                await self._news.wait()
            due = self._under_way[0][0]
            with trio.move_on_at(due):
                await trio.sleep_forever()
            touched: dict[QUICConnection, None] = {}
            while self._under_way and self._under_way[0][0] <= trio.current_time():
                _, _, data, whence, where = heapq.heappop(self._under_way)
                port, one = self.ports[where]
                conn = port._take(port._door, one, data, (LOOPBACK, whence), trio.current_time())
                if conn is not None:
                    touched[conn] = None
            for conn in touched:
                conn.transmit()


@dataclass
class Socket:
    """The end of a path, as far as a QUICPort uses one."""

    path: Path
    port: int

    def getsockname(self) -> tuple[str, int]:
        return LOOPBACK, self.port

    def sendto(self, data: bytes, address: tuple[Any, ...]) -> None:
        self.path.send(data, self.port, address[1])

    def close(self) -> None:
        pass


@asynccontextmanager
async def side(path: Path, port: int) -> AsyncIterator[Side]:
    keys = create_new_key_pair()
    guests, counters = Guests(), Counters()
    async with open_quic(keys.private_key, cast("Any", guests), lambda _: "", counters) as quic:
        one: Any = Socket(path, port)
        cast("Any", quic)._door = Door(keys.private_key)
        quic.sockets.append(one)
        path.ports[port] = (quic, one)
        yield Side(quic, port, ID.from_pubkey(keys.public_key), guests, counters, set())


@asynccontextmanager
async def pair(path: Path) -> AsyncIterator[Pair]:
    async with side(path, PORTS[0]) as a, side(path, PORTS[1]) as b, trio.open_nursery() as nursery:
        nursery.start_soon(path.carry)
        here = await a.quic.dial(LOOPBACK, b.port)
        nursery.start_soon(here.start)
        await until(lambda: b.guests.here)
        yield Pair(a, b, here, b.guests.here[0])
        here.end()
        nursery.cancel_scope.cancel()


BODY: Final = random.Random(9).randbytes(300_000)


async def ask(conn: QUICConnection, number: int) -> None:
    """Send something on a stream, and have it back; or reset it, in the middle or before anything was said."""
    stream = await conn.open_stream()
    if number % 4 == 3:
        if number % 8 == 7:
            with trio.move_on_after(0.002):
                await stream.write(BODY)
        await stream.reset()
        return
    body = BODY if number == 0 else BODY[number * 1_000 : number * 1_100]
    await stream.write(body)
    await stream.close()
    assert await everything(stream) == body[::-1]


async def answer(conn: QUICConnection) -> None:
    """Send back what comes on each stream, the other way round."""

    async def answer_one(stream: Any) -> None:
        try:
            body = await everything(stream)
            await stream.write(body[::-1])
            await stream.close()
        except MuxedStreamError:
            assert stream.was_reset

    async with trio.open_nursery() as nursery:
        while True:
            nursery.start_soon(answer_one, await conn.accept_stream())


async def talk(two: Pair, streams: int) -> None:
    """Have each side ask the other on many streams at once; at the end nothing is left of any of them."""
    ends: list[Any] = [two.here, two.there]
    async with trio.open_nursery() as answering:
        for conn in ends:
            answering.start_soon(answer, conn)
        async with trio.open_nursery() as asking:
            for conn, number in product(ends, range(streams)):
                asking.start_soon(ask, conn, number)
        await until(lambda: not any(end._streams or end._engine._streams for end in ends), LONGEST)
        assert all(end._engine._read == end._engine._local_max_data.used for end in ends)  # the window is whole again
        answering.cancel_scope.cancel()


PATHS: Final = {
    "good": Path(1),
    "one in ten is lost": Path(2, loss=0.1),
    "lost, doubled and overtaken": Path(3, loss=0.03, twice=0.1, delay=(0.02, 0.1)),
}


@pytest.mark.parametrize("kind", PATHS)
def test_every_byte_comes_on_every_stream_and_nothing_stands_still(kind: str) -> None:
    async def main() -> None:
        with trio.fail_after(LONGEST):
            async with pair(replace(PATHS[kind])) as two:
                await talk(two, 72)  # more than there may be at once

    trio.run(main, clock=trio.testing.MockClock(rate=1.0, autojump_threshold=0))
