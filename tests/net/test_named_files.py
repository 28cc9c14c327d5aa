"""Files by name, as the original asks and answers; whoever lies, is silent or has no end costs a deadline at most."""

from __future__ import annotations

import gc
import os
import tracemalloc
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair

from py_peer.core import limits
from py_peer.core.addresses import parse_dial_address
from py_peer.core.cbor import array_head, encode_text, numbers
from py_peer.core.settings import Transports
from py_peer.net.named_files import NAMED_FILE, NotThereError, TooLargeError, open_named
from py_peer.net.served import CHANGED
from py_peer.net.streams import EndedError, GarbageError, NotSupportedError, SilentError
from tests.net import answering
from tests.net.raw_peer import WINDOW, GoneError, RawPeer, RawStream, raw_peer
from tests.net.shelf import Shelf, body
from tests.net.support import Member, member, still_hears, trio_test, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

KEYS = create_new_key_pair()
NEAR = Transports(loopback=True, quic=True)
NAME = "a.txt"
ASKED = "65 61 2e 74 78 74"
HELLO = "85 18 68 18 65 18 6c 18 6c 18 6f"


@asynccontextmanager
async def serving(folder: Path, transports: Transports | None = None) -> AsyncIterator[tuple[Member, Shelf]]:
    """Run a node that serves files."""
    async with member(transports=transports) as one:
        shelf = Shelf(one, folder)
        try:
            yield one, shelf
        finally:
            shelf.close()
            assert one.counts("unexpected faults") == [0]


async def asked(peer: RawPeer, request: bytes) -> RawStream:
    """Open a stream and ask, and say no more."""
    stream = await peer.open(NAMED_FILE)
    await stream.write(request)
    await stream.finish()
    return stream


async def answer(stream: RawStream) -> bytes:
    """Return all that comes, up to an orderly end."""
    await stream.wait_end()
    assert (stream.fin, stream.rst) == (True, False)
    return await stream.read(len(stream._buffer))


async def fetched(one: Member, peer: Any, name: str = NAME) -> bytes:
    fetch = await open_named(one.node.host, peer.id, name, 1_000_000)
    data = bytearray()
    try:
        while more := await fetch.read(1_000):
            assert len(more) <= 1_000
            data += more
    finally:
        await fetch.aclose()
    assert len(data) == fetch.size
    return bytes(data)


# --- Who asks us ----------------------------------------------------------------------------------


@trio_test
async def test_the_request_of_the_original_is_answered_byte_for_byte(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, shelf), raw_peer(one.port) as peer:
        shelf.put(KEYS, b"hello", NAME)
        shelf.put(KEYS, b"", "empty")
        shelf.put(KEYS, bytes([0, 23, 24, 255]), "ж" * 12)
        assert await answer(await asked(peer, bytes.fromhex(ASKED))) == bytes.fromhex(HELLO)
        assert await answer(await asked(peer, bytes.fromhex("65 65 6d 70 74 79"))) == b"\x80"
        assert await answer(await asked(peer, bytes.fromhex("45 65 6d 70 74 79"))) == b"\x80"
        assert await answer(await asked(peer, b"\x78\x18" + b"\xd0\xb6" * 12)) == bytes.fromhex("84 00 17 1818 18ff")
        await until(lambda: len(shelf.told) == 4)
        assert [told[1:] for told in shelf.told] == [(NAME, 5, ""), *[("empty", 0, "")] * 2, ("ж" * 12, 4, "")]


@trio_test
async def test_a_request_in_parts_whose_sender_never_closes_his_side_is_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, shelf), raw_peer(one.port) as peer:
        shelf.put(KEYS, b"hello", NAME)
        stream = await peer.open(NAMED_FILE)
        for byte in bytes.fromhex(ASKED):
            await stream.write(bytes([byte]))
        assert await answer(stream) == bytes.fromhex(HELLO)


@trio_test
async def test_files_of_all_sizes_come_whole_between_two_of_ours(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, shelf), member() as two:
        await two.node.dial(one.address)
        for size in (0, 1, 23, 24, 256, 65_536, 999_999):
            shelf.put(KEYS, body(size), str(size))
            assert await fetched(two, one, str(size)) == body(size)
        shelf.put(KEYS, os.urandom(500_000), "random")
        assert await fetched(two, one, "random") == shelf.files[-1].file.path.read_bytes()
        assert two.node.counters["strikes"] == one.node.counters["strikes"] == 0


@trio_test
async def test_over_quic_the_end_of_the_request_is_not_that_of_the_answer(tmp_path: Path) -> None:
    async with serving(tmp_path, NEAR) as (one, shelf), member(transports=NEAR) as two:
        await two.node.dial(parse_dial_address(f"/ip4/127.0.0.1/udp/{one.port}/quic-v1"))
        data = shelf.put(KEYS, os.urandom(300_000), NAME).file.path.read_bytes()
        assert await fetched(two, one) == data
        with pytest.raises(NotThereError):
            await fetched(two, one, "unknown")


@trio_test
async def test_what_is_not_there_is_answered_with_nothing_and_an_orderly_end(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, shelf), raw_peer(one.port) as peer:
        there = shelf.put(KEYS, b"secret", NAME).file.path
        for name in (
            "unknown",
            "",
            ".",
            "../a.txt",
            str(there),
            "A.TXT",
            "a.txt\0",
            "x" * 255,
            "x" * 256,
            "x" * 70_000,
        ):
            assert await answer(await asked(peer, encode_text(name))) == b""
        assert shelf.told == []
        assert one.node.counters["files: by name, not given, unknown"] == 10
        assert one.counts("strikes") == [0]
        await still_hears(one)


@trio_test
async def test_what_the_other_side_would_not_read_is_answered_with_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_NAMED_ANSWER", 1_003)  # a head of three bytes
    async with serving(tmp_path) as (one, shelf), raw_peer(one.port) as peer:
        fitting, large = bytes(1_000), bytes(999) + b"\x18"
        for name, data in (("fits", fitting), ("no", large), ("fits_too", b"\xff" * 500), ("large", b"\xff" * 501)):
            shelf.put(KEYS, data, name)
        assert await answer(await asked(peer, encode_text("fits"))) == array_head(1_000) + fitting
        assert len(await answer(await asked(peer, encode_text("fits_too")))) == 1_003
        for name in ("no", "large"):
            assert await answer(await asked(peer, encode_text(name))) == b""
        assert one.node.counters["files: by name, not given, too large"] == 2


@trio_test
async def test_a_file_that_has_changed_is_not_given_and_one_that_changes_breaks_off(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, shelf), raw_peer(one.port) as peer:
        shelf.put(KEYS, body(1_000), "grown").file.path.write_bytes(body(1_001))
        assert await answer(await asked(peer, encode_text("grown"))) == b""
        file = shelf.put(KEYS, bytes(5_000_000), "shrinks")
        stream = await peer.open(NAMED_FILE)
        peer.stingy = frozenset({stream.id})
        await stream.write(encode_text("shrinks"))
        await stream.read(1_000)
        os.truncate(file.file.path, 10)
        for _ in range(5_000_000 // WINDOW):
            await stream.grant(WINDOW)
        await stream.wait_end()
        assert stream.rst
        await until(lambda: shelf.told)
        ((_, _, sent, reason),) = shelf.told
        assert sent < 5_000_000
        assert reason == CHANGED


@pytest.mark.parametrize(
    "said", ["9f", "f6", "a0", "80", "00", "81 61 61", "7f 61 61 ff", "c0 61 61", "62 ff fe", "7c", "ff" * 40]
)
def test_what_is_no_text_is_a_breach_of_the_protocol(said: str, tmp_path: Path) -> None:
    @trio_test
    async def scene() -> None:
        async with serving(tmp_path) as (one, _), raw_peer(one.port) as peer:
            stream = await asked(peer, bytes.fromhex(said))
            await stream.wait_end()
            assert stream.rst
            assert one.counts("strikes") == [1]
            await still_hears(one)

    scene()


@trio_test
async def test_a_text_of_a_huge_size_is_not_waited_for(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, _), raw_peer(one.port) as peer:
        for head in ("7a 00100000", "7b 7fffffffffffffff", "7b ffffffffffffffff"):
            assert await answer(await asked(peer, bytes.fromhex(head))) == b""
        stream = await peer.open(NAMED_FILE)
        with suppress(GoneError):
            await stream.write(bytes.fromhex("7a 00100000") + b"x" * 2_000_000)
        assert stream.ended
        await still_hears(one)


@trio_test
async def test_who_asks_nothing_and_who_takes_nothing_is_reset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FILE_SILENCE", 0.2)
    async with serving(tmp_path) as (one, shelf), raw_peer(one.port) as peer:
        shelf.put(KEYS, body(2_000_000), NAME)
        for part in ("", "65", "65 61"):
            stream = await peer.open(NAMED_FILE)
            await stream.write(bytes.fromhex(part))
            await stream.wait_end()
            assert stream.rst
        stream = await peer.open(NAMED_FILE)
        peer.stingy = frozenset({stream.id})
        await stream.write(bytes.fromhex(ASKED))
        await stream.wait_end()
        assert stream.rst
        ((_, _, sent, reason),) = shelf.told
        assert sent < 2_000_000
        assert reason == "it took nothing for 0 seconds"
        assert one.node.counters["files: by name, took nothing and were let go"] == 4
        await still_hears(one)


@trio_test
async def test_who_says_a_byte_now_and_then_is_reset_at_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FILE_SILENCE", 0.3)
    async with serving(tmp_path) as (one, _), raw_peer(one.port) as peer:
        stream = await peer.open(NAMED_FILE)
        await stream.write(b"\x78\xff")
        with suppress(GoneError):
            while not stream.ended:
                await stream.write(b"x")
                await trio.sleep(0.02)  # each of them far within the patience for one; 255 of them are not
        assert stream.rst


@trio_test
async def test_who_hangs_up_costs_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, _), raw_peer(one.port) as peer:
        for part in ("", "65 61"):
            await (await asked(peer, bytes.fromhex(part))).wait_end()
            stream = await peer.open(NAMED_FILE)
            await stream.write(bytes.fromhex(part))
            await stream.abort()
        await until(lambda: one.node.counters["files: by name, broken off by who fetched"] == 4)
        assert one.counts("strikes") == [0]
        await still_hears(one)


@trio_test
async def test_so_many_are_served_at_once_and_of_the_others_so_many_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WAITING_TO_ONE", 2)
    async with serving(tmp_path) as (one, shelf), raw_peer(one.port) as peer:
        data = bytes(1_000_000)
        shelf.put(KEYS, data, NAME)
        peer.stingy = frozenset(range(1, 1_000))
        request = bytes.fromhex(ASKED)
        served = [await asked(peer, request) for _ in range(limits.SERVED_TO_ONE)]
        for stream in served:
            await stream.read(1)
        waiting = [await asked(peer, request) for _ in range(2)]
        await until(lambda: len(shelf.turns) == limits.SERVED_TO_ONE + 2)
        refused = await asked(peer, request)
        await refused.wait_end()
        assert refused.rst
        assert one.node.counters["files: by name, too many at once"] == 1
        idle = [await peer.open(NAMED_FILE) for _ in range(limits.FILE_STREAMS_PER_PEER - len(served + waiting) + 1)]
        await until(lambda: any(stream.rst for stream in idle))
        assert one.node.counters["files: by name, too many streams of one peer"] == 1
        for stream in served + waiting:
            await stream.grant(len(data))
        await served[0].read(len(data))
        await waiting[1].read(len(data))
        await until(lambda: not len(shelf.turns))


@trio_test
async def test_many_requests_are_all_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, _), raw_peer(one.port) as peer:
        for _ in range(100):
            assert await answer(await asked(peer, bytes.fromhex(ASKED))) == b""


@pytest.mark.timeout(120)
@trio_test
async def test_the_largest_answer_is_given_whole_and_never_held_by_either_side(tmp_path: Path) -> None:
    most = limits.MAX_NAMED_ANSWER
    async with serving(tmp_path) as (one, shelf), member() as two:
        await two.node.dial(one.address)
        largest = shelf.put(KEYS, b"\x18" * ((most - 5) // 2), "largest").record.size
        shelf.put(KEYS, b"\x18" * (largest + 1), "larger")
        with pytest.raises(NotThereError):
            await open_named(two.node.host, one.id, "larger")
        gc.collect()
        tracemalloc.start()
        try:
            fetch = await open_named(two.node.host, one.id, "largest")
            digest, length = sha256(), 0
            while data := await fetch.read(1 << 20):
                digest.update(data)
                length += len(data)
            await fetch.aclose()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert (length, digest.hexdigest()) == (largest, sha256(b"\x18" * largest).hexdigest())
        assert peak < most / 2


# --- Whom we ask ----------------------------------------------------------------------------------


def asking(handler: Any) -> AbstractAsyncContextManager[tuple[Member, RawPeer]]:
    """Run a node that is connected to somebody who answers in his own way."""
    return answering.asking(NAMED_FILE, bytes.fromhex(ASKED), handler)


@trio_test
async def test_our_side_is_closed_before_an_answer_is_waited_for() -> None:
    async def when_closed(stream: RawStream) -> None:
        while not stream.fin:
            async with stream.news:
                await stream.news.wait()
        await stream.write(bytes.fromhex(HELLO))
        await stream.finish()

    async with asking(when_closed) as (one, peer):
        assert await fetched(one, peer) == b"hello"


@pytest.mark.parametrize("said", [HELLO, "45 68 65 6c 6c 6f", "58 05 68 65 6c 6c 6f", "9a 00000005" + HELLO[2:]])
def test_an_array_of_integers_and_a_byte_string_are_read_in_any_parts(said: str) -> None:
    async def honest(stream: RawStream) -> None:
        for byte in bytes.fromhex(said):
            await stream.write(bytes([byte]))
        await stream.finish()

    @trio_test
    async def scene() -> None:
        async with asking(honest) as (one, peer):
            assert await fetched(one, peer) == b"hello"

    scene()


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("", NotThereError),
        ("85", EndedError),
        ("9a 0000", EndedError),
        ("85 18 68 18", EndedError),
        ("9a 000f4241", TooLargeError),
        ("9a 00a00000", TooLargeError),
        ("9b ffffffffffffffff", TooLargeError),
        ("5b 7fffffffffffffff", TooLargeError),
        ("65 68 65 6c 6c 6f", GarbageError),
        ("82 00 19 0100", GarbageError),
        ("82 00 18 05", GarbageError),
        ("82 00 20", GarbageError),
        ("82 00 81 00", GarbageError),
        ("81" * 5_000, GarbageError),
        ("c1" * 5_000, GarbageError),
        ("9f 00 ff", GarbageError),
        ("a1 00 00", GarbageError),
        ("82 00 01 02", GarbageError),
        ("f6", GarbageError),
    ],
    ids=lambda value: value[:16] or "nothing" if isinstance(value, str) else value.__name__,
)
def test_whoever_lies_is_noticed(said: str, error: type[Exception]) -> None:
    @trio_test
    async def scene() -> None:
        await answering.notices(NAMED_FILE, bytes.fromhex(ASKED), bytes.fromhex(said), fetched, error)

    scene()


@trio_test
async def test_who_sends_without_end_is_heard_to_the_size() -> None:
    ended = trio.Event()

    async def endless(stream: RawStream) -> None:
        await stream.write(array_head(100_000))
        with suppress(GoneError):
            while not stream.rst:
                await stream.write(bytes(60_000))
        ended.set()

    async with asking(endless) as (one, peer):
        with pytest.raises(GarbageError, match="more than it had announced"):
            await fetched(one, peer)
        await ended.wait()
        await still_hears(one)


@trio_test
async def test_who_makes_an_answer_longer_than_allowed_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_NAMED_ANSWER", 150_000)

    async def long(stream: RawStream) -> None:
        with suppress(GoneError):
            await stream.write(array_head(100_000) + numbers(b"\xff" * 100_000))
            await stream.finish()

    async with asking(long) as (one, peer):
        with pytest.raises(TooLargeError):
            await fetched(one, peer)


@trio_test
async def test_silence_and_a_reset_end_a_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(stream: RawStream) -> None:
        await stream.wait_end()

    async def stops(stream: RawStream) -> None:
        await stream.write(bytes.fromhex("85 18 68"))
        await stream.wait_end()

    async def resets(stream: RawStream) -> None:
        await stream.write(bytes.fromhex("85 18 68"))
        await stream.abort()

    async def refuses(stream: RawStream) -> None:
        await stream.abort()

    for handler in (resets, refuses):
        async with asking(handler) as (one, peer):
            with pytest.raises(EndedError):
                await fetched(one, peer)
    monkeypatch.setattr(limits, "FILE_SILENCE", 0.2)
    for handler in (silent, stops):
        async with asking(handler) as (one, peer):
            with pytest.raises(SilentError):
                await fetched(one, peer)
            await still_hears(one)


@trio_test
async def test_who_sends_a_byte_now_and_then_is_given_up_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NAMED_FETCH_SECONDS", 0.5)

    async def drips(stream: RawStream) -> None:
        await stream.write(array_head(100_000))
        with suppress(GoneError):
            while not stream.ended:
                await stream.write(b"\x00")
                await trio.sleep(0.01)

    async with asking(drips) as (one, peer):
        with pytest.raises(SilentError, match="not all of it"):
            await fetched(one, peer)


@trio_test
async def test_who_does_not_speak_the_protocol_is_told_apart() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        await until(lambda: peer.id in one.node.peers.records)
        with pytest.raises(NotSupportedError):
            await open_named(one.node.host, peer.id, NAME)


@pytest.mark.parametrize("given_up", [True, False], ids=["given up", "cancelled"])
def test_a_fetch_can_be_given_up_and_cancelled(given_up: bool) -> None:
    reset = trio.Event()

    async def stall(stream: RawStream) -> None:
        await stream.write(bytes.fromhex("85 18 68"))
        await until(lambda: stream.rst)
        reset.set()

    @trio_test
    async def scene() -> None:
        async with asking(stall) as (one, peer):
            fetch = await open_named(one.node.host, peer.id, NAME)
            with trio.CancelScope() as scope:
                assert await fetch.read(1) == b"h"
                if not given_up:
                    scope.cancel()
                    await fetch.read(1)
            await fetch.aclose()
            await reset.wait()

    scene()
