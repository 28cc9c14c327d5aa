"""aioquic as we use it: what it does by itself that we rely on or replace, and what a stranger may make it hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from aioquic import tls
from aioquic.buffer import encode_uint_var
from aioquic.quic import connection
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import QuicPacketType
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.net.certificates import make_certificate, peer_key
from py_peer.net.quic_engine import Engine, configuration
from tests.net.quic_pair import packet

if TYPE_CHECKING:
    from collections.abc import Callable

HERE: Final = ("192.0.2.1", 4001)
THERE: Final = ("192.0.2.2", 4001)


class Couple:
    """Two state machines, and a wire between them that loses nothing. `plain` are aioquic's own."""

    def __init__(self, *, plain: bool = False, prepare: Callable[[Any], None] = lambda _: None) -> None:
        self.now = 1_000.0
        self.keys = [create_new_key_pair() for _ in range(2)]
        make: Any = QuicConnection if plain else lambda **more: Engine(on_life=lambda: None, **more)
        calls, answers = (
            configuration(make_certificate(pair.private_key), dials=dials)
            for pair, dials in zip(self.keys, (True, False), strict=True)
        )
        prepare(calls)
        self.a: Any = make(configuration=calls)
        self.a.connect(THERE, self.now)
        hello, _ = self.a.datagrams_to_send(self.now)[0]
        self.b: Any = make(configuration=answers, original_destination_connection_id=hello[6 : 6 + hello[5]])
        self.b.receive_datagram(hello, HERE, self.now)
        self.exchange()

    def exchange(self) -> None:
        """Carry datagrams, and let time pass, until nobody says anything but that he has heard."""
        for _ in range(400):
            self.now += 0.005
            for one, other, whence in ((self.a, self.b, HERE), (self.b, self.a, THERE)):
                if (timer := one.get_timer()) is not None and timer <= self.now:
                    one.handle_timer(self.now)
                for datagram, _ in one.datagrams_to_send(self.now):
                    other.receive_datagram(datagram, whence, self.now)

    def sent(self, stream_id: int = 0) -> int:
        """Return how many bytes of a stream have been sent."""
        highest: int = self.a._streams[stream_id].sender.highest_offset
        return highest


def test_aioquic_opens_its_windows_as_bytes_arrive_and_ours_open_as_they_are_read() -> None:
    theirs, two = Couple(plain=True), Couple()
    for one, sent in ((theirs, 3_000_000), (two, limits.MAX_STREAM_WINDOW)):
        one.a.send_stream_data(0, bytes(3_000_000))
        one.exchange()
        assert one.sent() == sent
    assert not two.b.open_window(0, limits.MAX_STREAM_WINDOW + 1)  # by a byte: that would be more talk than bytes
    assert two.b.open_window(0, 2 * limits.MAX_STREAM_WINDOW)
    two.exchange()
    assert two.sent() == 2 * limits.MAX_STREAM_WINDOW


def test_the_window_of_a_connection_opens_as_bytes_are_read() -> None:
    two = Couple()
    streams = 2 * limits.QUIC_WINDOW // limits.MAX_STREAM_WINDOW
    for stream_id in range(0, 4 * streams, 4):
        two.a.send_stream_data(stream_id, bytes(limits.MAX_STREAM_WINDOW))
    two.exchange()
    assert sum(two.sent(stream_id) for stream_id in range(0, 4 * streams, 4)) == limits.QUIC_WINDOW
    assert two.b.has_read(limits.QUIC_WINDOW)
    two.exchange()
    assert sum(two.sent(stream_id) for stream_id in range(0, 4 * streams, 4)) == 2 * limits.QUIC_WINDOW


def test_aioquic_asks_no_caller_for_a_certificate_and_ours_does() -> None:
    assert Couple(plain=True).b.tls._peer_certificate is None
    two = Couple()
    for one, keys in zip((two.b, two.a), two.keys, strict=True):
        assert peer_key(one.chain) == keys.public_key
        assert ID.from_pubkey(peer_key(one.chain)) == ID.from_pubkey(keys.public_key)


def test_a_longer_chain_is_told_whole() -> None:
    two = Couple(prepare=lambda one: one.certificate_chain.append(one.certificate))
    assert len(two.b.chain) == 2


def test_a_tls_message_is_not_kept_beyond_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CRYPTO_BUFFER_SIZE", 4 * limits.MAX_TLS_MESSAGE)  # of who sends it
    count = limits.MAX_TLS_MESSAGE // 300
    two = Couple(prepare=lambda one: one.certificate_chain.extend([one.certificate] * count))
    assert two.b.why_over == "a TLS message too long"
    assert two.a.is_over


def test_a_stream_in_too_many_parts_ends_the_connection() -> None:
    two = Couple()
    two.a.send_stream_data(0, bytes(4 * limits.QUIC_HOLES))
    pending = two.a._streams[0].sender._pending
    for at in range(0, 4 * limits.QUIC_HOLES, 2):  # every second byte is held back
        pending.subtract(at, at + 1)
    two.exchange()
    assert two.b.why_over == "a stream in too many parts"


class Caller:
    """Who calls, and the machine that he calls, before a word was said."""

    def __init__(self) -> None:
        own = [make_certificate(create_new_key_pair().private_key) for _ in range(2)]
        self.a: Any = Engine(on_life=lambda: None, configuration=configuration(own[0], dials=True))
        self.a.connect(THERE, 1.0)
        hello: Any = self.a._crypto_streams[tls.Epoch.INITIAL].sender
        self.hello = bytes(hello._buffer)
        self.b: Any = Engine(
            on_life=lambda: None,
            configuration=configuration(own[1], dials=False),
            original_destination_connection_id=self.a._peer_cid.cid,
        )

    def send(self, *frames: bytes) -> None:
        self.b.receive_datagram(packet(self.a, b"".join(frames), QuicPacketType.INITIAL), HERE, 1.0)


def crypto(start: int, data: bytes = b"x") -> bytes:
    """Return a part of a handshake."""
    return b"\x06" + encode_uint_var(start) + encode_uint_var(len(data)) + data


def test_a_handshake_in_too_many_parts_is_over_before_they_are_kept() -> None:
    caller = Caller()
    for first in range(1, 1_001, 200):
        caller.send(*(crypto(at) for at in range(first, first + 200, 2)))
    assert caller.b.why_over == "a handshake in too many parts"
    assert len(caller.b._crypto_streams[tls.Epoch.INITIAL].receiver._ranges) <= limits.QUIC_TLS_HOLES + 1

    two = Couple()  # nor is it a way afterwards
    two.b.receive_datagram(packet(two.a, b"".join(crypto(at) for at in range(1, 201, 2))), HERE, two.now)
    assert two.b.why_over == "a handshake in too many parts"


def test_a_byte_of_a_handshake_far_away_takes_no_memory() -> None:
    caller = Caller()
    caller.send(crypto(limits.MAX_TLS_MESSAGE))
    assert caller.b.why_over == "a handshake in too many parts"
    assert not caller.b._crypto_streams[tls.Epoch.INITIAL].receiver._buffer


def test_a_handshake_in_some_parts_that_come_in_no_order_is_as_good_as_another() -> None:
    caller = Caller()
    part = len(caller.hello) // 20
    parts = [crypto(at, caller.hello[at : at + part]) for at in range(0, len(caller.hello), part)]
    caller.send(*parts[::-2])
    assert caller.b.tls.state is tls.State.SERVER_EXPECT_CLIENT_HELLO
    caller.send(*parts[-2::-2])
    assert caller.b.tls.state is not tls.State.SERVER_EXPECT_CLIENT_HELLO


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"\x01", id="PING"),
        pytest.param(b"\x01\x00", id="PING and PADDING"),
        pytest.param(b"\x02\x00\x00\x00\x00", id="ACK"),
        pytest.param(b"\x0a\x00\x00", id="STREAM without a byte"),
        pytest.param(b"\x10\x01", id="MAX_DATA"),
        pytest.param(b"\x1a12345678", id="PATH_CHALLENGE"),
    ],
)
def test_who_fills_packets_with_the_smallest_frames_is_let_go(frame: bytes) -> None:
    two = Couple()
    sent = 0
    while not two.b.is_over:
        two.b.receive_datagram(packet(two.a, frame * (1_000 // len(frame))), HERE, two.now)
        sent += 1
        assert sent <= 50
    assert two.b.why_over == "too many small frames"


def test_packets_with_many_frames_now_and_then_are_taken() -> None:
    two = Couple()
    for _ in range(10):
        two.b.receive_datagram(packet(two.a, b"\x01" * limits.QUIC_FRAMES_SPARE), HERE, two.now)
        for _ in range(limits.QUIC_FRAMES_SPARE // (limits.QUIC_FRAMES // 2)):
            two.b.receive_datagram(packet(two.a, b"\x01" * (limits.QUIC_FRAMES // 2)), HERE, two.now)
    assert not two.b.is_over


def test_who_acknowledges_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "QUIC_PACKETS", 40)
    two = Couple()
    assert not two.b.is_over
    for number in range(200):
        two.now += 0.05
        two.a.send_ping(number)
        for datagram, _ in two.a.datagrams_to_send(two.now):
            two.b.receive_datagram(datagram, HERE, two.now)
        two.now += 0.05
        two.b.datagrams_to_send(two.now)  # which are lost
    assert two.b.why_over == "too much is not acknowledged"


def test_streams_that_go_one_way_are_not_taken() -> None:
    two = Couple()
    two.a._remote_max_streams_uni = 1
    two.a.send_stream_data(2, b"x")
    two.exchange()
    assert two.b.is_over


def test_what_is_unsent_and_owed_is_told() -> None:
    two = Couple()
    two.a.send_stream_data(0, b"x" * 100)
    assert two.a.unsent(0) == 100
    assert two.a.owes
    two.exchange()
    assert two.a.unsent(0) == 0
    assert not two.a.owes
    two.a.send_stream_data(0, b"", end_stream=True)
    assert two.a.owes
    two.exchange()
    assert not two.a.owes
    two.a.send_stream_data(4, b"x")
    two.a.reset_stream(4, 0)
    assert not two.a.owes


def test_only_what_the_other_side_can_have_sent_is_a_sign_of_life() -> None:
    two = Couple()
    heard: list[None] = []
    two.b._on_life = lambda: heard.append(None)
    two.a.send_ping(1)
    datagram, _ = two.a.datagrams_to_send(two.now + 1)[0]
    two.b.receive_datagram(datagram[:-1] + bytes([datagram[-1] ^ 1]), HERE, two.now)
    assert not heard
    two.b.receive_datagram(datagram, HERE, two.now)
    two.b.receive_datagram(datagram, HERE, two.now)  # once more, as one can who has recorded it
    assert len(heard) == 1
