"""What a peer may make us hold, on one stream and on one connection."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from libp2p.custom_types import TProtocol

from py_peer.core import limits
from py_peer.net import streams
from tests.net.raw_peer import (
    DATA,
    FIN,
    HEADER,
    PING,
    RST,
    SYN,
    WINDOW,
    WINDOW_UPDATE,
    GoneError,
    RawPeer,
    RawStream,
    raw_peer,
    signed,
)
from tests.net.support import ROOM, Member, member, still_hears, trio_test, until


def sink(one: Member) -> None:
    """Let a node take streams that it never reads."""

    async def sleep(_: Any) -> None:
        await trio.sleep_forever()

    one.node.host.set_stream_handler(TProtocol("/sink"), sleep)


@trio_test
async def test_the_window_holds_what_the_specification_says_and_a_byte_more_ends_the_connection() -> None:
    async with member() as one, raw_peer(one.port) as peer, raw_peer(one.port) as other:
        sink(one)
        stream = await peer.open("/sink")
        for _ in range(3):
            await peer.send(DATA, 0, stream.id, bytes(WINDOW // 4))
        await peer.send(DATA, 0, stream.id, bytes(WINDOW // 4 - 100))
        assert await peer.open("/sink")
        assert not peer.closed.is_set()
        await peer.send(DATA, 0, stream.id, bytes(WINDOW // 4))
        await peer.closed.wait()
        assert await other.open("/sink")
        await still_hears(one)


@trio_test
async def test_a_window_that_was_widened_is_told_and_holds_so_much_and_no_more() -> None:
    async with member() as one, raw_peer(one.port) as peer:

        async def wait(stream: Any) -> None:
            await streams.widen(stream)
            await trio.sleep_forever()

        one.node.host.set_stream_handler(TProtocol("/wide"), wait)
        stream = await peer.open("/wide")
        await until(lambda: stream.updates == 1)
        negotiated = len(b"\x13/multistream/1.0.0\n\x06/wide\n")  # is read, and not given back yet
        for _ in range(limits.FILE_WINDOW // WINDOW - 1):
            await peer.send(DATA, 0, stream.id, bytes(WINDOW))
        await peer.send(DATA, 0, stream.id, bytes(WINDOW - negotiated))
        assert await peer.open("/wide")
        assert not peer.closed.is_set()
        await peer.send(DATA, 0, stream.id, bytes(negotiated + 1))
        await peer.closed.wait()
        await still_hears(one)


@trio_test
async def test_a_frame_that_claims_more_than_a_window_ends_the_connection_before_its_body_comes() -> None:
    async with member() as one:
        sink(one)
        for flags in (0, SYN):  # on an open stream, and with a new one
            for length in (WINDOW + 1, 16 * 1024 * 1024, 2**32 - 1):
                async with raw_peer(one.port) as peer:
                    stream = await peer.open("/sink")
                    await peer.send(DATA, flags, stream.id + 2 * bool(flags), length=length)
                    await peer.closed.wait()
        await still_hears(one)


@trio_test
async def test_a_frame_of_an_unknown_type_ends_the_connection() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        await peer.send(9, 0, 1)
        await peer.closed.wait()
        await still_hears(one)


@trio_test
async def test_a_stream_with_an_id_that_is_not_the_callers_to_give_ends_the_connection() -> None:
    """They would not count among the caller's streams: without this there is no limit."""
    async with member() as one:
        for stream_id in (0, 2, 1000):
            async with raw_peer(one.port) as peer:
                await peer.send(WINDOW_UPDATE, SYN, stream_id)
                await peer.closed.wait()
        await still_hears(one)


@trio_test
async def test_the_stream_beyond_the_limit_is_reset_and_the_others_live() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        sink(one)
        gossip = await peer.join(ROOM)
        streams = [await peer.open("/sink") for _ in range(limits.MAX_STREAMS_PER_PEER - 1)]
        with pytest.raises(GoneError):
            await peer.open("/sink")
        assert not any(stream.ended for stream in streams)
        await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"on an old stream", 1)])
        await until(lambda: one.texts() == [b"on an old stream"])
        await streams[0].abort()
        assert await opens(peer)


async def opens(peer: Any) -> bool:
    """Try to open a stream until one is taken: the node needs a moment to let one go."""
    with trio.move_on_after(3):
        while True:
            try:
                await peer.open("/sink")
            except GoneError:
                await trio.lowlevel.checkpoint()
            else:
                return True
    return False


@trio_test
async def test_a_refused_stream_may_have_had_a_body() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        sink(one)
        gossip = await peer.join(ROOM)
        for _ in range(limits.MAX_STREAMS_PER_PEER - 1):
            await peer.open("/sink")
        for stream_id in (10_001, 10_003):
            await peer.send(DATA, SYN, stream_id, b"x" * 50_000)
            await peer.send(DATA, 0, stream_id, b"x" * 50_000)
        await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"in step", 1)])
        await until(lambda: one.texts() == [b"in step"])


@trio_test
async def test_streams_that_end_make_room_for_others() -> None:
    """Three times the limit, one after the other."""
    async with member() as one, raw_peer(one.port) as peer:
        for _ in range(3 * limits.MAX_STREAMS_PER_PEER):
            stream = await peer.open("/ipfs/ping/1.0.0")
            await stream.write(bytes(32))
            await stream.read(32)
            await stream.finish()
            await stream.wait_end()


@trio_test
async def test_odd_frames_of_streams_that_are_not_there_are_borne() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        for stream_id in (0, 9, 2**31):
            await peer.send(DATA, 0, stream_id, b"who?")
            await peer.send(DATA, FIN, stream_id)
            await peer.send(WINDOW_UPDATE, RST, stream_id)
            await peer.send(WINDOW_UPDATE, 0, stream_id, length=2**32 - 1)
        await peer.send(PING, SYN, 0, length=7)
        await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"in step", 1)])
        await until(lambda: one.texts() == [b"in step"])


@trio_test
async def test_window_updates_come_in_halves_of_the_window_not_after_each_read() -> None:
    async with member() as one, raw_peer(one.port) as peer:

        async def read(stream: Any) -> None:
            left = 100 + WINDOW
            while left:
                left -= len(await stream.read(1 if left > WINDOW else 4_096))
                if left == WINDOW:
                    await stream.write(b"1")
            await stream.write(b"2")

        one.node.host.set_stream_handler(TProtocol("/read"), read)
        stream = await peer.open("/read")
        await stream.write(bytes(100))
        assert await stream.read(1) == b"1"
        assert stream.updates == 0
        await stream.write(bytes(WINDOW))
        assert await stream.read(1) == b"2"
        assert 1 <= stream.updates <= 2


async def writer(one: Member, peer: RawPeer, size: int) -> tuple[RawStream, dict[str, Any]]:
    """Have a node write `size` bytes to a peer who gives no window back; return the stream and how it `ended`."""
    ended: dict[str, Any] = {}

    async def write(stream: Any) -> None:
        try:
            await stream.write(bytes(size))
        except Exception as error:
            ended["error"] = error.__cause__ or error
            raise
        ended["well"] = True

    one.node.host.set_stream_handler(TProtocol("/write"), write)
    peer.stingy = frozenset({1})
    stream = await peer.open("/write")
    await stream.grant(0)
    return stream, ended


@trio_test
async def test_a_writer_goes_on_as_soon_as_the_window_opens() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        stream, ended = await writer(one, peer, 2 * WINDOW)
        got = len(await stream.read(WINDOW - 100))
        while got < 2 * WINDOW - 2_000:
            await stream.grant(1_000)
            got += len(await stream.read(1_000))
        assert not ended
        await stream.grant(10_000)
        await until(lambda: "well" in ended)


@trio_test
async def test_a_writer_whose_stream_is_reset_or_whose_window_stays_shut_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with member() as one:
        async with raw_peer(one.port) as peer:
            stream, ended = await writer(one, peer, 2 * WINDOW)
            await stream.read(WINDOW - 100)
            await stream.abort()
            await until(lambda: "error" in ended)
        monkeypatch.setattr(limits, "WINDOW_PATIENCE", 0.1)
        async with raw_peer(one.port) as peer:
            stream, ended = await writer(one, peer, 2 * WINDOW)
            await until(lambda: "took nothing" in str(ended.get("error")))
            await stream.wait_end()
        await still_hears(one)


@trio_test
async def test_ten_megabytes_come_over_one_stream_whole() -> None:
    body = bytes(range(256)) * 40_960
    async with member() as one, raw_peer(one.port) as peer:

        async def read(stream: Any) -> None:
            got = b""
            while len(got) < len(body):
                got += await stream.read(65_536)
            await stream.write(b"1" if got == body else b"0")

        one.node.host.set_stream_handler(TProtocol("/read"), read)
        stream = await peer.open("/read")
        await stream.write(body)
        assert await stream.read(1) == b"1"


@trio_test
async def test_a_connection_that_ends_within_a_frame_is_a_connection_that_has_ended() -> None:
    async with member() as one:
        sink(one)
        async with raw_peer(one.port) as peer:
            stream = await peer.open("/sink")
            await peer.send(DATA, 0, stream.id, b"a part", length=1_000)
        await until(lambda: not one.node.peers.records)
        await still_hears(one)


@trio_test
async def test_what_comes_for_a_stream_that_is_gone_is_let_pass() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        reading = trio.Event()

        async def reset(stream: Any) -> None:
            await stream.read(1)
            await stream.reset()
            reading.set()

        one.node.host.set_stream_handler(TProtocol("/reset"), reset)
        stream = await peer.open("/reset")
        half = HEADER.pack(0, DATA, 0, stream.id, 26) + b"half of a fra"
        async with peer._writing:
            await peer.secured.write(HEADER.pack(0, DATA, 0, stream.id, 1) + b"x" + half)
            await reading.wait()
            await peer.secured.write(b"me, and the r")  # the other half
        await peer.send(DATA, 0, stream.id, bytes(1_000))
        assert await peer.open("/ipfs/ping/1.0.0")
        await still_hears(one)
