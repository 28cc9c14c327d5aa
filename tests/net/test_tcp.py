"""A TCP connection is read in large parts, and a write that is given up breaks nothing."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing
from libp2p.custom_types import TProtocol
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.io.trio import TrioTCPStream

from py_peer.net.tcp import TCPStream
from tests.net.raw_peer import raw_peer
from tests.net.support import member, still_hears, trio_test, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FRAME = b"".join(number.to_bytes(4, "big") for number in range(16_000))


@asynccontextmanager
async def connected(kind: Any = TCPStream) -> AsyncIterator[tuple[Any, trio.SocketStream]]:
    """Give a stream of ours, and the other end."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        ours = await trio.open_tcp_stream("127.0.0.1", listener.socket.getsockname()[1])
        async with ours, await listener.accept() as other:
            yield kind(ours), other


async def written_in_part(stream: Any) -> int:
    """Write until nothing more is taken, and give up; return how often."""
    for number in range(1, 1_000):
        with trio.move_on_after(0.05) as scope:
            await stream.write(FRAME)
        if scope.cancelled_caught:
            return number
    raise AssertionError


@trio_test
async def test_what_was_begun_goes_out_before_what_comes_next() -> None:
    async with connected() as (stream, other):
        count = await written_in_part(stream)
        with trio.CancelScope() as scope:
            scope.cancel()
            await stream.write(FRAME)  # given up before it was begun
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.write, b"the end")
            got = bytearray()
            while not got.endswith(b"the end"):
                got += await other.receive_some()
        assert got == FRAME * (count + 1) + b"the end"


@trio_test
async def test_the_librarys_own_breaks_off_in_the_middle() -> None:
    async with connected(TrioTCPStream) as (stream, other):
        count = await written_in_part(stream)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.write, b"the end")
            got = bytearray()
            while not got.endswith(b"the end"):
                got += await other.receive_some()
        assert len(got) < count * len(FRAME)


@trio_test
async def test_what_has_come_is_read_in_any_parts_and_each_arrival_is_life() -> None:
    lives: list[int] = []
    async with connected() as (stream, other):
        stream.on_life = lambda: lives.append(1)
        await other.send_all(b"0123456789")
        assert [await stream.read(n) for n in (0, 1, 2, 100)] == [b"", b"0", b"12", b"3456789"]
        assert len(lives) == 1
        await other.send_all(b"ab")
        assert await stream.read() == b"ab"
        assert len(lives) == 2
        await other.aclose()
        assert await stream.read(1) == b""


@trio_test
async def test_an_end_is_an_end_and_a_break_an_error() -> None:
    async with connected() as (stream, other):
        with pytest.raises(ConnectionClosedError):  # noqa: PT012 - the first may still go out
            await other.aclose()
            for _ in range(1_000):
                await stream.write(FRAME)
        await stream.close()
        await stream.write(FRAME)  # we have closed: nobody asks any more
        assert await stream.read(1) == b""


@trio_test
async def test_a_reader_and_a_writer_that_wait_end_when_we_close() -> None:
    async with connected() as (stream, _), trio.open_nursery() as nursery:
        nursery.start_soon(stream.read, 1)
        nursery.start_soon(stream.write, FRAME * 200)
        await trio.testing.wait_all_tasks_blocked(0.05)
        await stream.close()


@trio_test
async def test_a_deadline_while_a_stream_is_written_does_not_end_the_connection() -> None:
    """The peer takes nothing off its socket for a while: what is written then stops in the middle of a message."""
    async with member() as one, raw_peer(one.port) as peer:
        given_up = trio.Event()

        async def pour(stream: Any) -> None:
            with trio.move_on_after(0.3):
                while True:
                    await stream.write(FRAME)
            given_up.set()
            await stream.reset()

        one.node.host.set_stream_handler(TProtocol("/pour"), pour)
        stream = await peer.open("/pour")
        await stream.grant(1 << 30)
        await until(lambda: len(stream._buffer) > 0)
        peer.reading = trio.Event()
        await given_up.wait()
        peer.reading.set()
        await stream.wait_end()
        assert stream.rst
        assert await peer.open("/ipfs/ping/1.0.0")
        await still_hears(one)
