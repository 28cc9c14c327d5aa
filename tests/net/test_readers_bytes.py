"""Frames and bytes are the same however they come apart, and a hostile length is an error and costs nothing."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any, final

import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from libp2p.exceptions import ParseError
from libp2p.io.exceptions import MessageTooLarge
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.utils.varint import encode_uvarint, read_varint_prefixed_bytes_limited

from py_peer.core.frames import FrameBuffer, FrameError
from py_peer.net.streams import EndedError, GarbageError, StreamReader, read_frame
from py_peer.net.tcp import TCPStream
from tests.net.pipes import ENDLESS, Socket, Way, settled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LIMIT = 300
PARTS = st.lists(st.integers(1, 40), min_size=1, max_size=6)
FRAMES = st.lists(st.binary(max_size=LIMIT), max_size=6).map(
    lambda bodies: b"".join(encode_uvarint(len(body)) + body for body in bodies)
)
HOSTILE = st.builds(bytes.__add__, FRAMES, st.binary(max_size=30))


@final
class Stream:
    """A stream that gives its bytes in parts, and then ends."""

    def __init__(self, wire: bytes, parts: list[int]) -> None:
        self._way = Way(parts=parts)
        self._way.held += wire
        self._way.end()

    async def read(self, n: int | None = None) -> bytes:
        data = await self._way.take(n)
        if not data:
            raise StreamEOF
        return data


Outcome = tuple[list[bytes], str]
"""The frames, and how it ended: well, in the middle of a frame, or because of what broke the protocol."""


async def with_a_reader(wire: bytes, parts: list[int], ahead: int) -> Outcome:
    stream: Any = Stream(wire, parts)
    return await until_the_end(partial(StreamReader(stream, ahead).frame, LIMIT, 5))


async def frame_by_frame(wire: bytes, parts: list[int]) -> Outcome:
    stream: Any = Stream(wire, parts)
    return await until_the_end(partial(read_frame, stream, LIMIT, 5))


async def until_the_end(next_frame: Callable[[], Awaitable[bytes | None]]) -> Outcome:
    frames = []
    try:
        while (frame := await next_frame()) is not None:
            frames.append(frame)
    except EndedError:
        return frames, "ended"
    except GarbageError:
        return frames, "garbage"
    return frames, "well"


async def with_a_buffer(wire: bytes, parts: list[int]) -> Outcome:
    stream, buffer = Stream(wire, parts), FrameBuffer(LIMIT)
    frames = []
    while True:
        try:
            while (frame := buffer.take()) is not None:
                frames.append(frame)
            buffer.feed(await stream.read())
        except FrameError:
            return frames, "garbage"
        except StreamEOF:
            return frames, "ended" if len(buffer) else "well"


async def with_the_library(wire: bytes, parts: list[int]) -> Outcome:
    stream: Any = Stream(wire, parts)
    frames = []
    while True:
        try:
            frames.append(await read_varint_prefixed_bytes_limited(stream, LIMIT))
        except (ParseError, MessageTooLarge):
            return frames, "garbage"
        except Exception:  # noqa: BLE001 - its readers end in many ways
            return frames, "well or ended"


@given(st.one_of(FRAMES, HOSTILE), PARTS, st.integers(0, 40))
@example(encode_uvarint(LIMIT) + bytes(LIMIT), [7], 16)
@example(encode_uvarint(LIMIT + 1) + bytes(LIMIT + 1), [7], 16)
def test_whatever_comes_all_readers_find_the_same_frames_and_the_same_end(
    wire: bytes, parts: list[int], ahead: int
) -> None:
    async def run() -> None:
        found = await with_a_reader(wire, parts, ahead)
        assert found == await frame_by_frame(wire, parts) == await with_a_buffer(wire, parts)
        frames, end = await with_the_library(wire, parts)
        assert found[0] == frames
        assert (found[1] == "garbage") == (end == "garbage")

    trio.run(run)


WRITES = st.lists(st.tuples(st.integers(0, 3_000), st.one_of(st.none(), st.integers(0, 6))), max_size=12)


@settings(max_examples=100)
@given(WRITES, st.sampled_from([1, 100, 2_000]), PARTS)
def test_what_is_written_comes_whole_and_in_order_whoever_gives_up(
    writes: list[tuple[int, int | None]], room: int, parts: list[int]
) -> None:
    """Nobody waits for room with what others have begun: it goes out before the next."""

    async def run() -> None:
        way = Way(room)
        socket: Any = Socket(Way(), way)
        stream = TCPStream(socket)
        got, said = bytearray(), bytearray()

        async def write(data: bytes, scope: trio.CancelScope) -> None:
            with scope:
                said.extend(data)
                await stream.write(data)

        async with trio.open_nursery() as nursery:
            for number, (size, patience) in enumerate(writes):
                scope = trio.CancelScope()
                nursery.start_soon(write, bytes([number]) * size, scope)
                if patience is not None:
                    for _ in range(patience):
                        await trio.lowlevel.checkpoint()
                    scope.cancel()
                await settled()
                got += await way.take(parts[number % len(parts)]) if way.held else b""
            way.open_wide()
        await stream.write(b"end")
        assert got + await way.take(ENDLESS) == said + b"end"

    trio.run(run)


@given(st.binary(max_size=500), PARTS, st.lists(st.one_of(st.none(), st.integers(0, 60)), min_size=1, max_size=6))
def test_what_has_come_is_read_in_any_parts(wire: bytes, parts: list[int], wanted: list[int | None]) -> None:
    async def run() -> None:
        inward = Way(parts=parts)
        inward.held += wire
        inward.end()
        socket: Any = Socket(inward, Way())
        stream = TCPStream(socket)
        got = b""
        for most in itertools.cycle([*wanted, 7]):
            data = await stream.read(most)
            assert most is None or len(data) <= most
            got += data
            if most != 0 and not data:
                break
        assert got == wire

    trio.run(run)
