"""Our own file protocol: what a file is is signed, what comes is verified, and nobody can hold us up."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

import pytest
import trio
from Crypto.PublicKey import RSA
from libp2p.crypto import rsa
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.serialization import deserialize_public_key
from libp2p.peer.envelope import Envelope, make_unsigned, unmarshal_envelope
from libp2p.peer.id import ID
from libp2p.utils.varint import encode_uvarint, encode_varint_prefixed

from py_peer.core import limits, tree_hash
from py_peer.core.file_record import RecordError
from py_peer.net.file_exchange import RefusedError, Source, WrongHashError, open_source
from py_peer.net.file_messages import (
    DOMAIN,
    FILE_EXCHANGE,
    PAYLOAD_TYPE,
    Pieces,
    Records,
    Refusal,
    Request,
    open_envelope,
)
from py_peer.net.library import disarm
from py_peer.net.served import BLOCK, CHANGED, BusyError, Turns
from py_peer.net.streams import EndedError, GarbageError, NotSupportedError, SilentError
from tests.net.raw_peer import WINDOW, GoneError, RawPeer, RawStream, raw_peer
from tests.net.shelf import FILE_ID, PIECE, Shelf, body, leaves_of, record_of
from tests.net.support import Member, member, still_hears, trio_test, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEYS, OTHERS = create_new_key_pair(), create_new_key_pair()
BOB, MALLORY = (str(ID.from_pubkey(key_pair.public_key)) for key_pair in (KEYS, OTHERS))
SIZE = 3 * BLOCK + PIECE + 1
DATA = body(SIZE)
COUNT = SIZE // PIECE + 1


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


# --- Between two of our nodes ---------------------------------------------------------------------


@trio_test
async def test_a_file_is_described_and_its_pieces_come_in_the_order_in_which_they_were_asked(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, shelf), member() as two:
        await two.node.dial(one.address)
        shelf.put(KEYS, DATA)
        async with open_source(two.node.host, one.id) as source:
            record = await source.describe(FILE_ID)
            assert record == record_of(KEYS, DATA)
            assert (record.name, record.offerer, record.pieces) == ("photo.png", BOB, COUNT)
            assert await source.leaves(record) == leaves_of(DATA)
            await source.ask(record, 0, 4)
            await source.ask(record, 4, COUNT - 4)  # before anything of the first has come
            await source.ask(record, 2, 1)
            numbers = [*range(COUNT), 2]
            for number in numbers:
                piece = await source.piece(record.piece_length(number))
                assert piece == DATA[number * PIECE : (number + 1) * PIECE]
        await until(lambda: shelf.pieces == numbers)
        assert one.node.counters["strikes"] == two.node.counters["strikes"] == 0


@trio_test
async def test_an_empty_file_has_no_pieces_to_ask_for(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, shelf), member() as two:
        await two.node.dial(one.address)
        shelf.put(KEYS, b"")
        async with open_source(two.node.host, one.id) as source:
            record = await source.describe(FILE_ID)
            assert record is not None
            assert (record.pieces, await source.leaves(record)) == (0, b"")


@trio_test
async def test_who_serves_a_file_of_another_describes_it_in_its_offerers_words(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, shelf), member() as two:
        await two.node.dial(one.address)
        own = shelf.put(one_key := OTHERS, b"my own", "own")
        shelf.put(KEYS, b"of bob", "same", offered=False)
        shelf.put(one_key, b"of mallory", "same", offered=False)
        async with open_source(two.node.host, one.id) as source:
            assert await source.describe("unknown") is None
            assert await source.offers() == ()  # what it offers is not signed by it
            for offerer in (BOB, MALLORY):
                record = await source.describe("same", offerer)
                assert record is not None
                assert record.offerer == offerer
            assert await source.describe("same", str(two.id)) is None
            assert await source.describe("own") == own.record


@trio_test
async def test_what_a_peer_offers_itself_is_listed(tmp_path: Path) -> None:
    key_pair = create_new_key_pair()
    async with member(key_pair=key_pair) as one, member() as two:
        shelf = Shelf(one, tmp_path)
        await two.node.dial(one.address)
        mine = [shelf.put(key_pair, str(number).encode(), f"id-{number}") for number in range(limits.SHARED_FILES - 1)]
        shelf.put(KEYS, b"of bob", "fetched", offered=False)
        mine[3].fault = CHANGED
        async with open_source(two.node.host, one.id) as source:
            listed = await source.offers()
        assert [record.file_id for record in listed] == [f"id-{number}" for number in range(len(mine)) if number != 3]
        shelf.close()


@trio_test
async def test_a_refusal_says_why_and_the_next_request_is_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, shelf), member() as two:
        await two.node.dial(one.address)
        unknown, empty = record_of(KEYS, b"never shared"), shelf.put(KEYS, b"", "empty").record
        record = shelf.put(KEYS, DATA).record
        async with open_source(two.node.host, one.id) as source:
            for asked, first, count, why in (
                (unknown, 0, 1, "not shared here"),
                (empty, 0, 1, "empty"),
                (record, 0, 0, "0 pieces"),
                (record, 0, limits.PIECES_ASKED + 1, "65 pieces"),
                (record, 0, COUNT + 1, f"piece {COUNT} of a file of {COUNT}"),
                (record, 2**32 - 1, 1, "piece 4294967295"),
            ):
                await source.ask(asked, first, count)
                with pytest.raises(RefusedError, match=why):
                    await source.piece(PIECE)
            await source.ask(record, COUNT - 1, 1)
            assert await source.piece(1) == DATA[-1:]
            with pytest.raises(RefusedError, match="not shared here"):
                await source.leaves(unknown)
        assert one.counts("files: refused", "strikes") == [7, 0]


@trio_test
async def test_a_file_that_changes_is_refused_from_then_on_and_told(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, shelf), member() as two:
        await two.node.dial(one.address)
        file = shelf.put(KEYS, DATA)
        async with open_source(two.node.host, one.id) as source:
            await source.ask(file.record, 0, 1)
            await source.piece(PIECE)
            os.truncate(file.file.path, PIECE + 10)
            await source.ask(file.record, 1, 1)
            with pytest.raises(RefusedError, match=CHANGED):
                await source.piece(PIECE)
            assert await source.describe(FILE_ID) is None
        assert (shelf.faults, shelf.told) == ([CHANGED], [(two.id, FILE_ID, 0, CHANGED)])


@trio_test
async def test_a_file_that_is_deleted_is_still_served(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, shelf), member() as two:
        await two.node.dial(one.address)
        file = shelf.put(KEYS, DATA)
        file.file.path.unlink()
        async with open_source(two.node.host, one.id) as source:
            await source.ask(file.record, 0, 1)
            assert await source.piece(PIECE) == DATA[:PIECE]


# --- Whoever asks us ------------------------------------------------------------------------------


async def request(stream: RawStream, **fields: Any) -> None:
    await stream.write_frame(Request(**fields).SerializeToString())


@trio_test
async def test_garbage_is_a_strike_and_what_is_unknown_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, _), raw_peer(one.port) as peer:
        for garbage in (b"\x05\xff\xff\xff\xff\xff", b"\xff" * 9, encode_uvarint(limits.MAX_FILE_REQUEST + 1)):
            stream = await peer.open(FILE_EXCHANGE)
            await stream.write(garbage)
            await stream.wait_end()
            assert stream.rst
        assert one.counts("strikes") == [3]
        stream = await peer.open(FILE_EXCHANGE)
        for unknown in (b"", b"\x78\x01"):
            await stream.write_frame(unknown)
            assert await stream.read(1) == b"\x00"
            assert "not known here" in Refusal.FromString(await stream.read_frame()).reason
        await request(stream, describe="unknown")
        assert await stream.read_frame() == b""
        assert one.counts("strikes") == [3]
        await still_hears(one)


@trio_test
async def test_a_thousand_requests_are_answered_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FILE_REQUEST_BURST", 1_000)
    async with serving(tmp_path) as (one, _), raw_peer(one.port) as peer:
        stream = await peer.open(FILE_EXCHANGE)
        asked = encode_varint_prefixed(Request(leaves=bytes(32)).SerializeToString())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.write, asked * 1_000)
            for _ in range(1_000):
                assert await stream.read(1) == b"\x00"
                await stream.read_frame()
        assert one.counts("files: refused", "strikes") == [1_000, 0]


@trio_test
async def test_requests_beyond_the_pace_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FILE_REQUEST_BURST", 5)
    monkeypatch.setattr(limits, "FILE_REQUESTS_PER_SECOND", 20.0)
    async with serving(tmp_path) as (one, _), raw_peer(one.port) as peer:
        stream = await peer.open(FILE_EXCHANGE)
        start = trio.current_time()
        await stream.write(encode_varint_prefixed(Request(list=True).SerializeToString()) * 15)
        for _ in range(15):
            assert await stream.read_frame() == b""
        assert trio.current_time() - start > 0.4


@trio_test
async def test_a_peer_has_so_many_streams_and_the_next_is_reset(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, _), raw_peer(one.port) as peer:
        streams = [await peer.open(FILE_EXCHANGE) for _ in range(limits.FILE_STREAMS_PER_PEER)]
        for stream in streams:
            await request(stream, list=True)
            await stream.read_frame()
        with suppress(GoneError):
            await (await peer.open(FILE_EXCHANGE)).wait_end()
        assert one.counts("files: too many streams of one peer") == [1]
        await streams[0].finish()
        await streams[0].wait_end()
        stream = await peer.open(FILE_EXCHANGE)
        await request(stream, list=True)
        assert await stream.read_frame() == b""


@trio_test
async def test_a_stream_on_which_nothing_whole_is_asked_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FILE_IDLE_SECONDS", 0.1)
    async with serving(tmp_path) as (one, _), raw_peer(one.port) as peer:
        for part in (b"", b"\x10", b"\x10half"):
            stream = await peer.open(FILE_EXCHANGE)
            await stream.write(part)
            await stream.wait_end()
            assert stream.fin
        await still_hears(one)


@trio_test
async def test_who_takes_nothing_is_waited_for_holds_no_memory_and_is_reset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path) as (one, shelf), raw_peer(one.port) as peer:
        file = shelf.put(KEYS, DATA)
        stream = await peer.open(FILE_EXCHANGE)
        peer.stingy = frozenset({stream.id})
        await request(stream, pieces=Pieces(root=file.record.root, first=0, count=COUNT))
        assert (await stream.read(WINDOW - 100))[:3] == encode_uvarint(PIECE)
        assert shelf.pieces == []  # it has what the window holds, and no more was read than one block
        monkeypatch.setattr(limits, "FILE_SILENCE", 0.1)
        await stream.grant(BLOCK)
        await stream.wait_end()
        assert stream.rst
        assert shelf.told == [(peer.id, FILE_ID, 0, "it took nothing for 0 seconds")]
        assert len(shelf.turns) == 0
        await still_hears(one)


@trio_test
async def test_who_hangs_up_in_the_middle_leaves_nothing_behind(tmp_path: Path) -> None:
    async with serving(tmp_path) as (one, shelf), raw_peer(one.port) as peer:
        file = shelf.put(KEYS, DATA)
        for end in (RawStream.abort, RawStream.finish):
            stream = await peer.open(FILE_EXCHANGE)
            await request(stream, pieces=Pieces(root=file.record.root, first=0, count=COUNT))
            await stream.read(10)
            await end(stream)
        await until(lambda: len(shelf.turns) == 0)
        await still_hears(one)


# --- Whom we ask ----------------------------------------------------------------------------------


@asynccontextmanager
async def source_of(one: Member, handler: Any) -> AsyncIterator[tuple[Source, RawPeer]]:
    """Have a node ask somebody who answers in his own way."""
    async with raw_peer(one.port, handlers={FILE_EXCHANGE: handler}) as peer:
        await until(lambda: peer.id in one.node.peers.records)
        async with open_source(one.node.host, peer.id) as source:
            yield source, peer


def says(answer: bytes) -> Any:
    """Answer the first request so, and hang up."""

    async def handler(stream: RawStream) -> None:
        await stream.read_frame()
        await stream.write(answer)
        await stream.finish()

    return handler


def records(*envelopes: bytes) -> bytes:
    return encode_varint_prefixed(Records(records=envelopes).SerializeToString())


@trio_test
async def test_an_answer_that_is_no_signed_record_of_the_file_is_garbage() -> None:
    sound = record_of(KEYS, DATA)
    forged = unmarshal_envelope(sound.envelope)
    forged.public_key = OTHERS.public_key
    elsewhere = sealed(b"another-domain", PAYLOAD_TYPE)
    answers = (
        records(b"garbage"),
        records(b""),
        records(sound.envelope[:-1] + bytes([sound.envelope[-1] ^ 1])),
        records(forged.marshal_envelope()),
        records(elsewhere),
        records(sound.envelope + bytes(limits.MAX_FILE_RECORD)),
        records(record_of(KEYS, DATA, file_id="another").envelope),
        b"\x03\xff\xff\xff",
        encode_uvarint(2**40),
    )
    async with member() as one:
        for answer in answers:
            async with source_of(one, says(answer)) as (source, _):
                with pytest.raises(GarbageError):
                    await source.describe(FILE_ID)
        await still_hears(one)


def sealed(domain: bytes, payload_type: bytes) -> bytes:
    payload = unmarshal_envelope(record_of(KEYS, DATA).envelope).raw_payload
    signature = KEYS.private_key.sign(make_unsigned(domain.decode(), payload_type, payload))
    return Envelope(KEYS.public_key, payload_type, payload, signature).marshal_envelope()


def test_only_an_envelope_of_a_file_record_in_our_domain_is_opened() -> None:
    assert open_envelope(sealed(DOMAIN.encode(), PAYLOAD_TYPE)).file_id == FILE_ID
    for envelope in (sealed(b"libp2p-peer-record", PAYLOAD_TYPE), sealed(DOMAIN.encode(), b"\x03\x01")):
        with pytest.raises(RecordError):
            open_envelope(envelope)


def test_no_key_is_read_with_which_verifying_would_be_much_work() -> None:
    number = rsa.create_new_key_pair(2_048).private_key.impl.n  # type: ignore[attr-defined]
    for exponent, reads in ((65_537, True), (2**40 + 1, False)):
        key = rsa.RSAPublicKey(RSA.construct((number, exponent), consistency_check=False))
        envelope = Envelope(key, PAYLOAD_TYPE, b"", b"").marshal_envelope()
        with disarm(), nullcontext() if reads else pytest.raises(ValueError, match="exponent"):
            deserialize_public_key(key.serialize())
        with disarm(), nullcontext() if reads else pytest.raises(ValueError, match="exponent"):
            unmarshal_envelope(envelope)


@trio_test
async def test_pieces_are_exactly_as_long_as_expected_or_it_is_noticed() -> None:
    record = record_of(KEYS, DATA)
    scenes = (
        (encode_uvarint(PIECE + 1) + DATA, GarbageError),
        (encode_uvarint(PIECE - 1) + DATA, GarbageError),
        (encode_uvarint(PIECE) + b"short", EndedError),
        (b"", EndedError),
        (b"\x80", EndedError),
        (b"\x00", EndedError),
        (b"\x00\x02\xff\xff", GarbageError),
        (b"\x00" + encode_uvarint(2**30), GarbageError),
    )
    async with member() as one:
        for answer, error in scenes:
            async with source_of(one, says(answer)) as (source, _):
                await source.ask(record, 0, 1)
                with pytest.raises(error):
                    await source.piece(PIECE)
        await still_hears(one)


@trio_test
async def test_a_reason_is_cleaned_before_anybody_sees_it() -> None:
    refusal = encode_varint_prefixed(Refusal(reason="\x1b[2Jno\n" + 500 * "!").SerializeToString())
    async with member() as one, source_of(one, says(b"\x00" + refusal)) as (source, _):
        await source.ask(record_of(KEYS, DATA), 0, 1)
        with pytest.raises(RefusedError) as refused:
            await source.piece(PIECE)
        assert str(refused.value) == "no " + 296 * "!" + "…"


@trio_test
async def test_who_sends_a_byte_now_and_then_is_not_waited_for_as_long_as_it_would_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def trickle(stream: RawStream) -> None:
        await stream.write(encode_uvarint(PIECE))
        while True:
            await stream.write(b"!")
            await trio.sleep(0.05)

    async with member() as one, source_of(one, trickle) as (source, _):
        await source.ask(record_of(KEYS, DATA), 0, 1)
        monkeypatch.setattr(limits, "FILE_SILENCE", 0.5)
        monkeypatch.setattr(limits, "SLOWEST_SOURCE", PIECE)
        with pytest.raises(SilentError, match="it sends less than"):
            await source.piece(PIECE)


@trio_test
async def test_silence_ends_a_stream_on_which_answers_are_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(stream: RawStream) -> None:
        await stream.wait_end()

    async with member() as one, source_of(one, silent) as (source, peer):
        await source.ask(record_of(KEYS, DATA), 0, 1)
        monkeypatch.setattr(limits, "FILE_SILENCE", 0.2)
        with pytest.raises(SilentError):
            await source.piece(PIECE)
        await source.aclose()
        await until(lambda: any(stream.rst for stream in peer.streams.values()))


@trio_test
async def test_leaves_that_do_not_belong_to_the_root_are_noticed() -> None:
    record = record_of(KEYS, DATA)
    wrong = encode_varint_prefixed(bytes(COUNT * tree_hash.HASH_BYTES))
    async with member() as one, source_of(one, says(wrong)) as (source, _):
        with pytest.raises(WrongHashError):
            await source.leaves(record)


@trio_test
async def test_who_does_not_speak_the_protocol_is_told_apart() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        await until(lambda: peer.id in one.node.peers.records)
        with pytest.raises(NotSupportedError):
            async with open_source(one.node.host, peer.id):
                pass


# --- Turns ----------------------------------------------------------------------------------------


@trio_test
async def test_turns_are_given_in_order_and_nobody_takes_those_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SERVED_AT_ONCE", 3)
    monkeypatch.setattr(limits, "SERVED_TO_ONE", 2)
    monkeypatch.setattr(limits, "WAITING_SERVED", 3)
    monkeypatch.setattr(limits, "WAITING_TO_ONE", 2)
    turns, order, done = Turns(), list[str](), trio.Event()
    peers = {name: ID(name.encode()) for name in "abcd"}

    async def send(name: str, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        waits = not turns._has_room(peers[name])
        if waits:
            task_status.started()
        async with turns.turn(peers[name]):
            order.append(name)
            if not waits:
                task_status.started()
            await done.wait()

    async with trio.open_nursery() as nursery:
        for name in "aaab":  # the third of a waits for its own, b does not wait for it
            await nursery.start(send, name)
        await until(lambda: len(turns) == 4)
        assert order == ["a", "a", "b"]
        await nursery.start(send, "a")
        await until(lambda: len(turns) == 5)
        for busy in ("a", "a"):
            with pytest.raises(BusyError):
                async with turns.turn(peers[busy]):
                    pass
        await nursery.start(send, "c")
        await until(lambda: len(turns) == 6)
        with pytest.raises(BusyError):
            async with turns.turn(peers["d"]):
                pass
        done.set()
    assert (sorted(order), len(turns)) == (["a"] * 4 + ["b", "c"], 0)


@trio_test
async def test_who_gives_up_waiting_takes_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SERVED_AT_ONCE", 1)
    turns, one, two = Turns(), ID(b"1"), ID(b"2")
    async with turns.turn(one):
        with trio.move_on_after(0.01) as scope:
            async with turns.turn(two):
                pass
        assert scope.cancelled_caught
        monkeypatch.setattr(limits, "FILE_SILENCE", 0.02)
        with pytest.raises(BusyError):
            async with turns.turn(two):
                pass
        assert len(turns) == 1
    async with turns.turn(two):
        assert len(turns) == 1
