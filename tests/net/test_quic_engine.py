"""aioquic as we use it: what it does by itself that we rely on or replace, and what a stranger may make it hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aioquic.quic import connection
from aioquic.quic.connection import QuicConnection
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.net.certificates import make_certificate, peer_key
from py_peer.net.quic_engine import Engine, configuration

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

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
