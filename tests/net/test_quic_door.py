"""Who knocks on the UDP port: garbage, half handshakes, false proofs and crowds cost little, and lock nobody out."""

from __future__ import annotations

import os
import socket
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
import trio
from aioquic.buffer import Buffer, encode_uint_var  # type: ignore[attr-defined]
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import (
    QuicPacketType,
    QuicProtocolVersion,
    encode_quic_version_negotiation,
    pull_quic_header,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from libp2p.crypto.ed25519 import create_new_key_pair

from py_peer.core import limits
from py_peer.net.certificates import OwnCertificate, make_certificate
from py_peer.net.quic import QUICError
from py_peer.net.quic_door import Door
from py_peer.net.quic_engine import configuration
from tests.net.quic_pair import LOOPBACK, Side, deaf, packet, side
from tests.net.support import trio_test, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = ("192.0.2.1", 4001)


@pytest.fixture
def wire() -> Iterator[socket.socket]:
    """A plain socket of a stranger."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((LOOPBACK, 0))
        one.settimeout(5)
        yield one


def caller(**changes: Any) -> QuicConnection:
    """Return the state machine of one who has begun to call."""
    wishes = configuration(make_certificate(create_new_key_pair().private_key), dials=True)
    for name, value in changes.items():
        setattr(wishes, name, value)
    return QuicConnection(configuration=wishes)


def first_flight(one: QuicConnection, to: tuple[Any, ...]) -> bytes:
    """Return the first datagram of a call."""
    one.connect(to, 0.0)
    return one.datagrams_to_send(0.0)[0][0]


async def still_answers(b: Side) -> None:
    async with side() as honest:
        conn = await honest.quic.dial(LOOPBACK, b.port)
        assert conn.peer_id == b.id
        conn.end()


async def all_read(b: Side, wire: socket.socket) -> None:
    """Wait until what was sent before has been read: it is read in its order, and this is answered."""
    hello = bytearray(first_flight(caller(), NOBODY))
    hello[1:5] = b"\x0a\x0a\x0a\x0a"  # a version that nobody has
    wire.sendto(hello, (LOOPBACK, b.port))
    while True:
        answer = await trio.to_thread.run_sync(wire.recv, 65_535)
        if answer[1:5] == bytes(4):
            return


@trio_test
async def test_garbage_is_dropped_and_the_port_goes_on(wire: socket.socket) -> None:
    async with side() as b:
        hello = first_flight(caller(), NOBODY)
        for datagram in (
            b"",
            b"\x00",
            b"\xff" * 1_200,
            os.urandom(1_200),
            b"\x40" + os.urandom(40),  # a short header, for nobody
            hello[:1_000],
            hello[:30] + os.urandom(1_200),
            b"\xc0\x00\x00\x00\x01\xff" + bytes(1_300),  # a connection ID of 255 bytes
            b"\xc0\x00\x00\x00\x01\x00\x00" + bytes(1_300),  # one of none
            encode_quic_version_negotiation(b"x" * 8, b"y" * 8, [7] * 400),
        ):
            wire.sendto(datagram, (LOOPBACK, b.port))
        await all_read(b, wire)
        await still_answers(b)
        await until(lambda: b.books == [0, 0, 0])


@given(st.binary(max_size=1_400), st.booleans())
def test_no_datagram_of_nobody_raises(data: bytes, crowded: bool) -> None:
    door = DOOR.look(data, NOBODY, 0.0, crowded=crowded)
    assert not isinstance(door, bytes) or len(door) < len(data)


@given(st.integers(0, 1_199), st.binary(min_size=1, max_size=20), st.booleans())
def test_no_first_datagram_with_other_bytes_in_it_raises(at: int, other: bytes, crowded: bool) -> None:
    DOOR.look((HELLO[:at] + other + HELLO[at + len(other) :])[:1_232], NOBODY, 0.0, crowded=crowded)


DOOR = Door(create_new_key_pair().private_key)
HELLO = first_flight(caller(), NOBODY)


def test_another_version_is_told_ours_in_fewer_bytes_than_it_said() -> None:
    hello = bytearray(HELLO)
    hello[1:5] = b"\x0a\x0a\x0a\x0a"
    answer = DOOR.look(bytes(hello), NOBODY, 0.0, crowded=False)
    assert isinstance(answer, bytes)
    assert len(answer) < len(hello)
    header = pull_quic_header(Buffer(data=answer))
    assert header.supported_versions == [QuicProtocolVersion.VERSION_1]
    hello[1:5] = QuicProtocolVersion.VERSION_2.to_bytes(4, "big")  # libp2p's quic-v1 is version 1 alone
    assert isinstance(DOOR.look(bytes(hello), NOBODY, 0.0, crowded=False), bytes)


def test_a_crowd_is_asked_to_call_again_and_only_who_does_so_from_there_is_let_in() -> None:
    one = caller()
    hello = first_flight(one, NOBODY)
    retry = DOOR.look(hello, NOBODY, 0.0, crowded=True)
    assert isinstance(retry, bytes)
    assert len(retry) < len(hello)
    one.receive_datagram(retry, NOBODY, 0.0)
    again = one.datagrams_to_send(0.0)[0][0]
    assert callable(DOOR.look(again, NOBODY, 1.0, crowded=True))
    assert DOOR.look(again, ("192.0.2.2", 4001), 1.0, crowded=True) is None
    assert DOOR.look(again, NOBODY, 100.0, crowded=True) is None  # too late


@trio_test
async def test_a_crowd_that_finishes_nothing_is_let_go_and_locks_nobody_out(
    monkeypatch: pytest.MonkeyPatch, wire: socket.socket
) -> None:
    async with side() as b:
        for _ in range(3 * limits.QUIC_RETRY_FROM):
            wire.sendto(first_flight(caller(), NOBODY), (LOOPBACK, b.port))
        await all_read(b, wire)
        assert b.books[2] == limits.QUIC_RETRY_FROM  # the others were asked to call again: of them nothing is kept
        await still_answers(b)
        monkeypatch.setattr(limits, "HANDSHAKE_TIMEOUT", 0.2)
    async with side() as b:
        wire.sendto(first_flight(caller(), NOBODY), (LOOPBACK, b.port))
        await until(lambda: b.books[2] == 1)
        await until(lambda: b.books == [0, 0, 0])
        await until(lambda: b.counters["refused: no QUIC handshake"] == 1)


@trio_test
async def test_where_calls_fail_at_once_the_next_has_to_show_where_he_is(
    monkeypatch: pytest.MonkeyPatch, wire: socket.socket
) -> None:
    monkeypatch.setattr(limits, "QUIC_FAILURE_RATE", 1e-6)
    far = b"\x06" + encode_uint_var(2 * limits.MAX_TLS_MESSAGE) + b"\x01x"
    async with side() as b:
        for _ in range(3 * limits.QUIC_RETRY_FROM):
            one = caller()
            first_flight(one, NOBODY)
            wire.sendto(packet(one, far, QuicPacketType.INITIAL), (LOOPBACK, b.port))
            await all_read(b, wire)
            await until(lambda: b.books == [0, 0, 0])
        assert b.counters["refused: no QUIC handshake"] == limits.QUIC_RETRY_FROM
        await still_answers(b)


def another_certificate() -> OwnCertificate:
    """Return a certificate that says nothing of a peer."""
    own = make_certificate(create_new_key_pair().private_key)
    like = own.certificate
    begun = x509.CertificateBuilder(like.issuer, like.subject, own.key.public_key(), like.serial_number)
    dated = begun.not_valid_before(like.not_valid_before_utc).not_valid_after(like.not_valid_after_utc)
    return OwnCertificate(dated.sign(own.key, hashes.SHA256()), own.key)


def borrowed_certificate() -> OwnCertificate:
    """Return the certificate of a peer, without its key."""
    other = make_certificate(create_new_key_pair().private_key)
    return OwnCertificate(other.certificate, ec.generate_private_key(ec.SECP256R1()))


def show(one: Side, own: OwnCertificate | None) -> None:
    """Have a side show another certificate, or none."""
    door: Any = one.quic._door
    if own is None:
        door._calls.certificate = door._calls.private_key = None
    else:
        door._calls, door._answers = configuration(own, dials=True), configuration(own, dials=False)


@pytest.mark.parametrize("certificate", [another_certificate, borrowed_certificate])
@trio_test
async def test_who_proves_nothing_is_not_called(certificate: Callable[[], OwnCertificate]) -> None:
    async with side() as a, side() as b:
        show(b, certificate())
        with pytest.raises(QUICError):
            await a.quic.dial(LOOPBACK, b.port)
        await until(lambda: a.books == b.books == [0, 0, 0])
        assert b.guests.here == []


@pytest.mark.parametrize("certificate", [another_certificate, borrowed_certificate, lambda: None])
@trio_test
async def test_who_proves_nothing_is_not_let_in(certificate: Callable[[], OwnCertificate | None]) -> None:
    async with side() as a, side() as b:
        show(a, certificate())
        conn = await a.quic.dial(LOOPBACK, b.port)  # who calls has shaken hands before it is known what he shows
        await conn.event_closed.wait()
        await until(lambda: b.books == [0, 0, 0])
        assert b.guests.here == []
        await until(lambda: b.counters["refused: no QUIC handshake"] == 1)
        await still_answers(b)


@trio_test
async def test_a_caller_of_another_protocol_is_not_let_in(wire: socket.socket) -> None:
    async with side() as b:
        wire.sendto(first_flight(caller(alpn_protocols=["h3"]), NOBODY), (LOOPBACK, b.port))
        await until(lambda: b.counters["refused: no QUIC handshake"])
        assert b.books == [0, 0, 0]


@trio_test
async def test_what_comes_for_a_connection_from_somebody_else_does_it_no_harm(wire: socket.socket) -> None:
    async with side() as a, side() as b, trio.open_nursery() as nursery:
        conn: Any = await a.quic.dial(LOOPBACK, b.port)
        nursery.start_soon(conn.start)
        await until(lambda: b.guests.here)
        there: Any = b.guests.here[0]
        with deaf(conn):
            await all_read(b, wire)
            heard = there.heard
            for one, first in product(list(b.quic._by_id), (0x40, 0xC0, 0xE0, 0xF0)):  # all forms of a header
                head = bytes([first]) + b"\x00\x00\x00\x01\x08" * (first > 0x80)
                wire.sendto(head + one + os.urandom(1_200), (LOOPBACK, b.port))
            await all_read(b, wire)
            assert there.heard == heard  # no sign of life either
        stream = await conn.open_stream()
        await stream.write(b"still")
        assert await (await there.accept_stream()).read() == b"still"
        conn.end()


@trio_test
async def test_many_callers_at_once_are_all_let_in() -> None:
    async with side() as a, side() as b, trio.open_nursery() as nursery:
        for _ in range(3 * limits.QUIC_RETRY_FROM):
            nursery.start_soon(a.quic.dial, LOOPBACK, b.port)
        await until(lambda: len(b.guests.here) == 3 * limits.QUIC_RETRY_FROM)
