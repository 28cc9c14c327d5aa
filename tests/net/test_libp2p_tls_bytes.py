"""Any bytes, in any parts, in a handshake of TLS and after it: what was written comes, or an end, and nothing else."""

from __future__ import annotations

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
from tests.net.pipes import ENDLESS, Socket, Way
from tests.net.support import trio_test
from tests.net.talks import PARTS, damages_at, read_all, said_while_cancelled, text, texts_around, wire_of

MOST = 16_384
TEXTS = texts_around(MOST)
ENDS = (ConnectionClosedError, IncompleteReadError)
DIALLER, LISTENER = (TLSTransport(create_new_key_pair(name * 32)) for name in (b"a", b"b"))


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


def header(length: int) -> bytes:
    """Return what a record of TLS begins with."""
    return b"\x17\x03\x03" + length.to_bytes(2, "big")


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
            data, error = await read_all(reader, sizes, ENDS)
            assert data == b"".join(map(text, lengths))
            assert isinstance(error, IncompleteReadError)
            assert error.is_clean_close

    run()


DAMAGES = damages_at(0, 1, 5, 21, 22, 65_535)


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
        talk.there.held += wire_of(messages, damages, header)
        talk.there.end()
        data, _ = await read_all(talk.far, [None], ENDS)
        assert b"".join(text(50 + number) for number in range(4)).startswith(data)
        assert (await read_all(talk.far, [None], ENDS))[0] == b"", "something was read behind an error"

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
    @trio_test
    async def run() -> None:
        talk = await talking()
        written, read = await said_while_cancelled(talk, lengths, rooms)
        data, error = await read_all(talk.far, [None], ENDS)
        assert read + data == written
        assert isinstance(error, IncompleteReadError)

    run()
