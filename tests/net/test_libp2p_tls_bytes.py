"""Any bytes, in any parts, in a handshake of TLS and after it: what was written comes, or an end, and nothing else."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.io.exceptions import ConnectionClosedError, IncompleteReadError
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.security.exceptions import HandshakeFailure

from py_peer.net.libp2p_tls import TLSTransport
from py_peer.net.tcp import TCPStream
from tests.net.pipes import ENDLESS, Socket, Way, settled
from tests.net.support import trio_test

MOST = 16_384
PARTS = st.lists(st.one_of(st.integers(1, 40), st.integers(1, 140_000)), max_size=6).filter(
    lambda parts: not parts or sum(parts) > 100 * len(parts)  # or a large message takes a minute
)
TEXTS = st.lists(st.sampled_from([1, 2, 40, MOST - 1, MOST, MOST + 1, 2 * MOST, 200_000]), min_size=1, max_size=4)
DIALLER, LISTENER = (TLSTransport(create_new_key_pair(name * 32)) for name in (b"a", b"b"))


def text(size: int) -> bytes:
    return (hashlib.sha512(size.to_bytes(4, "big")).digest() * (size // 64 + 1))[:size]


class Talk:
    """Two ends over two ways, sessions after `shake`: a dialler's and a listener's."""

    def __init__(self, parts: list[int] | None = None) -> None:
        self.there, self.back = Way(parts=parts or []), Way(parts=parts or [])
        self.near: Any = RawConnection(TCPStream(Socket(self.back, self.there)), initiator=True)  # type: ignore[arg-type]
        self.far: Any = RawConnection(TCPStream(Socket(self.there, self.back)), initiator=False)  # type: ignore[arg-type]

    async def shake(self) -> None:
        async def listen() -> None:
            self.far = await LISTENER.secure_inbound(self.far)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            self.near = await DIALLER.secure_outbound(self.near, None)


async def talking(parts: list[int] | None = None) -> Talk:
    talk = Talk(parts)
    await talk.shake()
    return talk


async def read_all(session: Any, sizes: list[int | None]) -> tuple[bytes, Exception]:
    """Read in parts of these sizes, the last one again and again, until there is an error."""
    data = bytearray()
    sizes = list(sizes)
    while True:
        size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
        try:
            part = await session.read(size)
        except (ConnectionClosedError, IncompleteReadError) as error:
            return bytes(data), error
        assert part
        assert size is None or len(part) <= size
        data += part


@settings(max_examples=25)
@given(TEXTS, PARTS, st.lists(st.one_of(st.none(), st.integers(1, 70_000)), min_size=1, max_size=4))
@example([MOST, 1], [65_537], [None])
@example([2, 40], [1], [1])
def test_what_is_written_comes_however_it_is_split_and_merged_and_read(
    lengths: list[int], parts: list[int], sizes: list[int | None]
) -> None:
    if min(sizes, key=lambda size: size or ENDLESS) in range(1, 1_000):
        lengths = [min(length, 1_000) for length in lengths]

    @trio_test
    async def run() -> None:
        talk = await talking(parts)
        for writer, reader, way in ((talk.near, talk.far, talk.there), (talk.far, talk.near, talk.back)):
            for length in lengths:
                await writer.write(text(length))
            way.end()
            data, error = await read_all(reader, sizes)
            assert data == b"".join(map(text, lengths))
            assert isinstance(error, IncompleteReadError)
            assert error.is_clean_close

    run()


DAMAGES = st.lists(
    st.tuples(
        st.sampled_from(["turn a bit", "cut off", "repeat", "leave out", "put in"]),
        st.integers(0, 40),
        st.one_of(st.sampled_from([0, 1, 5, 21, 22, 65_535]), st.integers(0, 70_000)),
    ),
    min_size=1,
    max_size=3,
)


def wire_of(messages: list[bytes], damages: list[tuple[str, int, int]]) -> bytes:
    """Return messages of the wire, some of them other than they were written."""
    messages = list(messages)
    for damage, index, value in damages:
        at = index % len(messages)
        one = messages[at]
        if damage == "turn a bit":
            place = value % len(one)
            messages[at] = one[:place] + bytes([one[place] ^ 1 << value % 8]) + one[place + 1 :]
        elif damage == "cut off":
            messages[at] = one[: value % len(one)]
        elif damage == "repeat":
            messages.insert(at, one)
        elif damage == "leave out":
            messages[at] = b""
        else:
            messages.insert(at, b"\x17\x03\x03" + (value % 65_536).to_bytes(2, "big") + bytes(index))
        messages = [one for one in messages if one] or [b"\0\0"]
    return b"".join(messages)


@settings(max_examples=60)
@given(DAMAGES, PARTS)
@example([("put in", 1, 0)], [])
@example([("put in", 0, 65_535)], [1])
@example([("turn a bit", 2, 20)], [])
@example([("repeat", 1, 0)], [])
@example([("cut off", 3, 5)], [])
def test_what_is_damaged_is_an_end_behind_what_came_before_it(
    damages: list[tuple[str, int, int]], parts: list[int]
) -> None:
    @trio_test
    async def run() -> None:
        talk = await talking(parts)
        messages = []
        for number in range(4):
            await talk.near.write(text(50 + number))
            messages.append(bytes(talk.there.held))
            talk.there.held.clear()
        talk.there.held += wire_of(messages, damages)
        talk.there.end()
        data, _ = await read_all(talk.far, [None])
        assert b"".join(text(50 + number) for number in range(4)).startswith(data)
        assert (await read_all(talk.far, [None]))[0] == b"", "something was read behind an error"

    run()


def record(body: bytes) -> bytes:
    return b"\x16\x03\x01" + len(body).to_bytes(2, "big") + body


@settings(max_examples=60)
@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(record)), PARTS, st.booleans())
@example(b"", [], False)
@example(b"\x16\x03\x01\xff\xff" + bytes(65_535), [], False)
@example(record(b"\x01\xff\xff\xff" + bytes(16_000)), [], True)
@example(b"\x14\x03\x03\0\x01\x01" * 1_000, [], False)
def test_a_handshake_with_somebody_who_says_anything_fails_and_does_nothing_else(
    wire: bytes,
    parts: list[int],
    dials: bool,
) -> None:
    @trio_test
    async def run() -> None:
        talk = Talk(parts)
        talk.back.held += wire
        talk.back.end()
        talk.near.is_initiator = dials
        with pytest.raises(HandshakeFailure, match=r"\w"):
            await (DIALLER.secure_outbound(talk.near, None) if dials else DIALLER.secure_inbound(talk.near))

    run()


@settings(max_examples=25)
@given(TEXTS, st.lists(st.integers(5_000, 70_000), min_size=1, max_size=6))
@example([200_000, 1], [65_536, 30_000])
@example([40, 40, 40], [3, 57, 60])
def test_who_is_cancelled_while_he_reads_or_writes_tears_nothing(lengths: list[int], rooms: list[int]) -> None:
    """The connection takes and gives some bytes at a time; in between both sides are cancelled, and begin again."""

    @trio_test
    async def run() -> None:
        talk = await talking()
        read = bytearray()
        there = talk.there

        async def read_some(count: int | None) -> None:
            read.extend(await talk.far.read(count))

        for number, length in enumerate(lengths):
            there.room = len(there.held) + rooms[number % len(rooms)]
            async with trio.open_nursery() as nursery:
                nursery.start_soon(talk.near.write, text(length))
                nursery.start_soon(read_some, None if number % 2 else 100_000)
                await settled()
                nursery.cancel_scope.cancel()
        there.open_wide()
        await talk.near.write(b".")
        there.end()
        data, error = await read_all(talk.far, [None])
        assert bytes(read) + data == b"".join(map(text, lengths)) + b"."
        assert isinstance(error, IncompleteReadError)

    run()
