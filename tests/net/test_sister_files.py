"""Files as peers in other languages fetch them: always an answer, and every length that is announced is kept."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.utils.varint import encode_uvarint

from py_peer.core import limits
from py_peer.net.served import CHANGED
from py_peer.net.sister_files import SISTER_FILE, TooLargeError, open_fetch
from py_peer.net.streams import EndedError, GarbageError, NotSupportedError, SilentError
from tests.net import answering
from tests.net.raw_peer import WINDOW, GoneError, RawPeer, RawStream, raw_peer
from tests.net.shelf import FILE_ID, Shelf, body
from tests.net.support import Member, member, still_hears, trio_test, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

KEYS = create_new_key_pair()
LATER = 20.0
REQUEST = encode_uvarint(len(FILE_ID)) + FILE_ID.encode()


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[Member, Shelf]]:
    """Run a node that serves files."""
    async with member() as one:
        shelf = Shelf(one, folder)
        try:
            yield one, shelf
        finally:
            shelf.close()
            assert one.counts("unexpected faults") == [0]


async def asked(peer: RawPeer, file_id: bytes | None) -> RawStream:
    """Open a stream and ask for a file."""
    stream = await peer.open(SISTER_FILE)
    if file_id is not None:
        await stream.write_frame(file_id)
    return stream


async def length(stream: RawStream) -> int:
    """Read a length."""
    number = shift = 0
    while True:
        byte = (await stream.read(1))[0]
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number


async def ends_politely(stream: RawStream) -> bool:
    """Wait for the end; say whether it was no reset."""
    await stream.wait_end()
    return stream.fin and not stream.rst


# --- Between two of our nodes ---------------------------------------------------------------------


@trio_test
async def test_files_of_all_sizes_come_whole(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, shelf), member() as two:
        await two.node.dial(one.address)
        for size in (0, 1, 100_000, 4_194_304):
            shelf.put(KEYS, body(size), str(size))
            fetch = await open_fetch(two.node.host, one.id, str(size))
            assert fetch.size == size
            digest = sha256()
            while data := await fetch.read(65_536):
                assert len(data) <= 65_536
                digest.update(data)
            await fetch.aclose()
            assert digest.digest() == sha256(body(size)).digest()
        await until(lambda: len(shelf.told) == 4)
        assert shelf.told == [(two.id, str(size), size, "") for size in (0, 1, 100_000, 4_194_304)]
        assert two.node.counters["strikes"] == one.node.counters["strikes"] == 0


@trio_test
async def test_a_fetch_that_is_given_up_ends_the_serving(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, shelf), member() as two:
        await two.node.dial(one.address)
        shelf.put(KEYS, body(8_000_000))
        fetch = await open_fetch(two.node.host, one.id, FILE_ID)
        await fetch.read(1)
        await fetch.aclose()
        await until(lambda: shelf.told)
        assert shelf.told[0][3] == "the stream was reset, or its connection has ended"
        await still_hears(one)


# --- Whoever asks us ------------------------------------------------------------------------------


@trio_test
async def test_what_is_not_there_is_answered_with_length_0_and_an_orderly_end(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, shelf), raw_peer(one.port) as peer:
        shelf.put(KEYS, b"of somebody else", "fetched", offered=False)
        large = shelf.put(KEYS, b"large", "large").file.path
        os.truncate(large, limits.MAX_SISTER_FILE_BYTES + 1)
        for file_id in (b"unknown", b"", b"\xff\xfe", b"x" * 129, b"x" * 70_000, b"fetched", b"large"):
            stream = await asked(peer, file_id)
            assert await length(stream) == 0
            assert await ends_politely(stream)
        stream = await asked(peer, None)
        await stream.write(b"\xff" * 20)  # no length at all
        assert await length(stream) == 0
        assert await ends_politely(stream)
        assert shelf.told == []
        await still_hears(one)


@trio_test
async def test_a_file_too_large_for_other_peers_is_length_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_SISTER_FILE_BYTES", 1_000)
    async with serving(tmp_path) as (one, shelf), raw_peer(one.port) as peer:
        for size, answer in ((1_000, 1_000), (1_001, 0)):
            shelf.put(KEYS, body(size), str(size))
            assert await length(await asked(peer, str(size).encode())) == answer


@trio_test
async def test_a_file_that_has_changed_is_length_0_and_one_that_is_gone_is_still_served(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, shelf), raw_peer(one.port) as peer:
        gone, touched, grown = (shelf.put(KEYS, body(1_000), name) for name in ("gone", "touched", "grown"))
        gone.file.path.unlink()
        os.utime(touched.file.path, ns=(0, 0))
        grown.file.path.write_bytes(body(1_001))
        stream = await asked(peer, b"gone")
        assert await length(stream) == 1_000
        assert await stream.read(1_000) == body(1_000)
        for name in (b"touched", b"grown"):
            stream = await asked(peer, name)
            assert await length(stream) == 0
            assert await ends_politely(stream)
        assert shelf.faults == [CHANGED] * 2


@trio_test
async def test_a_file_that_shrinks_while_it_is_sent_is_filled_up_with_zeros(tmp_path: Path) -> None:
    data = body(5_000_000)
    async with serving(tmp_path) as (one, shelf), raw_peer(one.port) as peer:
        file = shelf.put(KEYS, data)
        stream = await peer.open(SISTER_FILE)
        peer.stingy = frozenset({stream.id})
        await stream.write_frame(FILE_ID.encode())
        assert await length(stream) == len(data)
        assert await stream.read(1_000) == data[:1_000]
        os.truncate(file.file.path, 10)
        for _ in range(len(data) // WINDOW + 1):
            await stream.grant(WINDOW)
        assert (await stream.read(len(data) - 1_000))[-WINDOW:] == bytes(WINDOW)
        assert await ends_politely(stream)
        assert (shelf.told, shelf.faults[:1]) == ([(peer.id, FILE_ID, len(data), CHANGED)], [CHANGED])


@trio_test
async def test_who_asks_and_says_no_more_is_answered_and_who_takes_nothing_is_reset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FILE_SILENCE", 0.2)
    async with serving(tmp_path) as (one, shelf), raw_peer(one.port) as peer:
        for part in (b"", b"\x10", b"\x10half"):
            stream = await asked(peer, None)
            await stream.write(part)
            assert await length(stream) == 0
            assert await ends_politely(stream)
        shelf.put(KEYS, body(5_000_000))
        stream = await peer.open(SISTER_FILE)
        peer.stingy = frozenset({stream.id})
        await stream.write_frame(FILE_ID.encode())
        await stream.wait_end()
        assert stream.rst
        assert shelf.told == [(peer.id, FILE_ID, 0, "it took nothing for 0 seconds")]
        await still_hears(one)


@trio_test
async def test_who_hangs_up_before_or_while_he_asks_costs_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, _), raw_peer(one.port) as peer:
        for part in (b"", b"\x10half"):
            stream = await asked(peer, None)
            await stream.write(part)
            await stream.finish()
            await stream.wait_end()
            stream = await asked(peer, None)
            await stream.write(part)
            await stream.abort()
        await until(lambda: one.node.counters["files: broken off by who fetched"] >= 1)
        await still_hears(one)


@trio_test
async def test_so_many_are_served_at_once_so_many_wait_and_the_others_get_length_0(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WAITING_TO_ONE", 3)
    async with serving(tmp_path) as (one, shelf), raw_peer(one.port) as peer:
        data = body(1_000_000)
        shelf.put(KEYS, data)
        peer.stingy = frozenset(range(1, 1_000))
        served = [await asked(peer, FILE_ID.encode()) for _ in range(limits.SERVED_TO_ONE)]
        assert [await length(stream) for stream in served] == [len(data)] * limits.SERVED_TO_ONE
        waiting = [await asked(peer, FILE_ID.encode()) for _ in range(3)]
        await until(lambda: len(shelf.turns) == limits.SERVED_TO_ONE + 3)
        assert await length(await asked(peer, FILE_ID.encode())) == 0
        async with raw_peer(one.port) as other:
            assert await length(await asked(other, FILE_ID.encode())) == len(data)
        for stream in served + waiting:
            await stream.grant(len(data))
        assert await served[0].read(len(data)) == data
        for stream in waiting:
            assert await length(stream) == len(data)
            assert await stream.read(len(data)) == data
        await until(lambda: not len(shelf.turns))


@trio_test
async def test_many_requests_are_all_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, _), raw_peer(one.port) as peer:
        for _ in range(100):
            stream = await asked(peer, b"unknown")
            assert await length(stream) == 0
            await stream.wait_end()
            await stream.finish()
        assert one.counts("strikes") == [0]


# --- Whom we ask ----------------------------------------------------------------------------------


def asking(handler: Any) -> AbstractAsyncContextManager[tuple[Member, RawPeer]]:
    """Run a node that is connected to somebody who answers in his own way."""
    return answering.asking(SISTER_FILE, REQUEST, handler)


async def fetched(one: Member, peer: RawPeer) -> bytes:
    fetch = await open_fetch(one.node.host, peer.id, FILE_ID, 1_000_000)
    data = bytearray()
    try:
        while more := await fetch.read(1 << 20):
            data += more
    finally:
        await fetch.aclose()
    return bytes(data)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (encode_uvarint(1_000_001), TooLargeError),
        (encode_uvarint(2**62), TooLargeError),
        (b"\xff" * 9, GarbageError),
        (b"", EndedError),
        (b"\x80", EndedError),
        (b"\x0a" + b"short", EndedError),
    ],
    ids=["too large", "huge", "no length", "nothing", "half a length", "too short"],
)
def test_whoever_lies_is_noticed(said: bytes, error: type[Exception]) -> None:
    @trio_test
    async def scene() -> None:
        await answering.notices(SISTER_FILE, REQUEST, said, fetched, error)

    scene()


@trio_test
async def test_who_sends_without_end_is_heard_to_the_length() -> None:
    async def endless(stream: RawStream) -> None:
        await stream.write(encode_uvarint(100_000))
        with suppress(GoneError):
            while True:
                await stream.write(body(60_000))

    async with asking(endless) as (one, peer):
        assert len(await fetched(one, peer)) == 100_000
        stream = next(stream for stream in peer.streams.values() if stream.rst)
        assert stream.updates <= 2  # no more was taken than the length, and one window


@trio_test
async def test_silence_and_a_reset_end_a_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(stream: RawStream) -> None:
        await stream.wait_end()

    async def stops(stream: RawStream) -> None:
        await stream.write(encode_uvarint(100_000) + b"some")
        await stream.wait_end()

    async def resets(stream: RawStream) -> None:
        await stream.write(encode_uvarint(100_000) + b"some")
        await stream.abort()

    async with asking(resets) as (one, peer):
        with pytest.raises(EndedError):
            await fetched(one, peer)
    monkeypatch.setattr(limits, "FILE_SILENCE", 0.2)
    for handler in (silent, stops):
        async with asking(handler) as (one, peer):
            with pytest.raises(SilentError):
                await fetched(one, peer)
            await still_hears(one)


@trio_test
async def test_who_does_not_speak_the_protocol_is_told_apart() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        await until(lambda: peer.id in one.node.peers.records)
        with pytest.raises(NotSupportedError):
            await open_fetch(one.node.host, peer.id, FILE_ID)


@trio_test
async def test_a_fetch_can_be_cancelled() -> None:
    stalled, was_reset = trio.Event(), trio.Event()

    async def stall(stream: RawStream) -> None:
        await stream.write(encode_uvarint(100_000) + b"some")
        stalled.set()
        await until(lambda: stream.rst)
        was_reset.set()

    async with asking(stall) as (one, peer):
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fetched, one, peer)
                await stalled.wait()
                scope.cancel()
        await was_reset.wait()
