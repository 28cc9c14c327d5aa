"""A peer that speaks TLS and no Noise is met, either way; whoever else comes with TLS is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.io.exceptions import ConnectionClosedError, IncompleteReadError
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.peer.id import ID
from libp2p.security.exceptions import HandshakeFailure
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey
from libp2p.security.tls.transport import TLSTransport as StockTLS
from OpenSSL import SSL

from py_peer.net import host
from py_peer.net.certificates import make_certificate
from py_peer.net.dial import SomebodyElseError
from py_peer.net.libp2p_tls import TLSSession, TLSTransport
from py_peer.net.tcp import TCPStream
from tests.net.pipes import Socket, Way
from tests.net.support import dial_address, member, still_hears, together, trio_test, until

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = create_new_key_pair(b"k" * 32)
SOMEBODY = ID.from_pubkey(create_new_key_pair(b"s" * 32).public_key)


def ends() -> tuple[Any, Any]:
    """Return both ends of a connection, the caller's first."""
    there, back = Way(), Way()
    return (
        RawConnection(TCPStream(Socket(back, there)), initiator=True),  # type: ignore[arg-type]
        RawConnection(TCPStream(Socket(there, back)), initiator=False),  # type: ignore[arg-type]
    )


# --- Nodes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dials", [True, False])
def test_a_room_with_a_peer_that_has_tls_alone(dials: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    @trio_test
    async def scene() -> None:
        async with member() as one:
            monkeypatch.setattr(host, "NOISE", "/a noise that nobody else speaks")
            async with member() as other:
                first, second = (one, other) if dials else (other, one)
                await first.dial(second)
                conn: Any = one.node.host.get_network().get_connections(other.id)[0]
                assert isinstance(conn.muxed_conn.secured_conn._conn, TLSSession)
                texts = [bytes([number % 256]) * (1 + 500 * number) for number in range(50)]
                for text in texts:
                    await one.say(text)
                    await other.say(text)
                await until(lambda: len(other.heard) == len(one.heard) == len(texts))
                assert other.texts() == one.texts() == texts
            await until(lambda: not one.node.peers.records)

    scene()


@trio_test
async def test_noise_comes_first_where_both_are_spoken() -> None:
    async with member() as one, member() as other:
        await one.dial(other)
        for node, peer in ((one, other), (other, one)):
            conn: Any = node.node.host.get_network().get_connections(peer.id)[0]
            assert conn.muxed_conn.negotiated_security_protocol == "/noise"


@trio_test
async def test_somebody_else_is_noticed_and_not_told_who_we_are(monkeypatch: pytest.MonkeyPatch) -> None:
    async with member() as one:
        monkeypatch.setattr(host, "NOISE", "/a noise that nobody else speaks")
        async with member() as other:
            with pytest.raises(SomebodyElseError):
                await one.node.dial(dial_address("127.0.0.1", other.port, str(SOMEBODY)))
            assert not other.node.peers.records
            await one.dial(other)
            await together(one, other)


@trio_test
async def test_garbage_where_tls_belongs_costs_a_node_nothing() -> None:
    async with member() as one:
        for garbage in (b"\0" * 100_000, b"\x16\x03\x01\xff\xff" + bytes(70_000), b"GET / HTTP/1.1\r\n\r\n"):
            async with await trio.open_tcp_stream("127.0.0.1", one.port) as stream:
                await stream.send_all(b"\x13/multistream/1.0.0\n\x0b/tls/1.0.0\n")
                heard = b""
                while not heard.endswith(b"/tls/1.0.0\n"):
                    heard += await stream.receive_some()
                try:
                    await stream.send_all(garbage)
                    while await stream.receive_some():
                        pass
                except trio.BrokenResourceError:
                    pass
        await still_hears(one)


# --- Transports -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kinds", [(TLSTransport, StockTLS), (StockTLS, TLSTransport)])
def test_we_and_the_library_understand_each_other(kinds: Any) -> None:
    @trio_test
    async def scene() -> None:
        near, far = ends()
        keys = [create_new_key_pair(), create_new_key_pair()]
        dialler, listener = (kind(pair) for kind, pair in zip(kinds, keys, strict=True))
        ids = [ID.from_pubkey(pair.public_key) for pair in keys]
        sessions: dict[str, Any] = {}

        async def listen() -> None:
            sessions["far"] = await listener.secure_inbound(far)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            sessions["near"] = await dialler.secure_outbound(near, ids[1])
        assert [sessions["near"].get_remote_peer(), sessions["far"].get_remote_peer()] == ids[::-1]
        for speaker, hearer in (("near", "far"), ("far", "near")):
            await sessions[speaker].write(b"said by " + speaker.encode() * 10_000)
            assert await sessions[hearer].read(8 + 10_000 * len(speaker)) == b"said by " + speaker.encode() * 10_000
        ours = next(one for one in sessions.values() if isinstance(one, TLSSession))
        await ours.close()

    scene()


@trio_test
async def test_a_handshake_that_is_too_long_is_not_waited_for_and_what_comes_behind_a_short_one_may_be_long() -> None:
    near, far = ends()
    await near.write(b"\x16\x03\x01\x3f\xff\x01\x01\x80\0" + bytes(16_379))  # the first of seven parts
    await near.write(b"\x16\x03\x01\x3f\xff" + bytes(1_000))
    with pytest.raises(HandshakeFailure, match="too long"):
        await TLSTransport(KEYS).secure_inbound(far)

    near, far = ends()

    async def talk() -> None:
        session = await TLSTransport(KEYS).secure_outbound(near, None)
        await session.write(bytes(100_000))  # it comes with the last of the handshake

    async with trio.open_nursery() as nursery:
        nursery.start_soon(talk)
        session = await TLSTransport(KEYS).secure_inbound(far)
        assert await session.read(100_000) == bytes(100_000)


@trio_test
async def test_an_end_is_said_and_noticed() -> None:
    near, far = ends()
    sessions: list[Any] = []

    async def listen() -> None:
        sessions.append(await TLSTransport(KEYS).secure_inbound(far))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        session = await TLSTransport(KEYS).secure_outbound(near, None)
    await session.write(b"the last word")
    await session.close()
    assert await sessions[0].read() == b"the last word"
    for _ in range(2):
        with pytest.raises(IncompleteReadError):
            await sessions[0].read()
    await sessions[0].close()
    with pytest.raises(ConnectionClosedError):
        await sessions[0].write(b"too late")


class Stranger:
    """TLS without libp2p, at one end of a connection."""

    def __init__(self, conn: Any, tls: Any) -> None:
        self._conn = conn
        self._tls = tls
        self.error = ""

    async def run(self) -> None:
        """Shake hands, then read to the end; note the error."""
        step: Callable[[], Any] = self._tls.do_handshake
        while True:
            try:
                step()
                step = lambda: self._tls.recv(100)  # noqa: E731
            except SSL.WantReadError:
                await self._pass_on()
                if not (come := await self._conn.read()):
                    return
                self._tls.bio_write(come)
            except (SSL.Error, StopIteration) as error:
                await self._pass_on()
                self.error = str(error)
                return

    async def _pass_on(self) -> None:
        try:
            while data := self._tls.bio_read(65_536):
                await self._conn.write(data)
        except (SSL.WantReadError, ConnectionClosedError):
            pass


def context(*, alpn: list[bytes] | None = None, shows: int = 1, newest: int = SSL.TLS1_3_VERSION) -> SSL.Context:
    """Return what a stranger speaks; `shows` is how many certificates he does."""
    one = SSL.Context(SSL.TLS_METHOD)
    one.set_max_proto_version(newest)
    one.set_verify(SSL.VERIFY_NONE)
    if alpn is not None:
        one.set_alpn_protos(alpn)
        one.set_alpn_select_callback(lambda _, offered: next(name for name in alpn if name in offered))
    if shows:
        own = make_certificate(KEYS.private_key)
        one.use_certificate(own.certificate)
        one.use_privatekey(own.key)
    for _ in range(shows - 1):
        one.add_extra_chain_cert(make_certificate(KEYS.private_key).certificate)
    return one


LIBP2P = [b"libp2p"]


@pytest.mark.parametrize(
    ("speaks", "taken"),
    [
        pytest.param(context(alpn=LIBP2P), True, id="all is well"),
        pytest.param(context(alpn=[b"/yamux/1.0.0", b"libp2p"]), True, id="it would agree on a muxer, too"),
        pytest.param(context(), True, id="it says nothing of what is spoken inside"),
        pytest.param(context(alpn=[b"h2", b"http/1.1"]), False, id="something else is to be spoken inside"),
        pytest.param(context(alpn=LIBP2P, shows=0), False, id="it shows no certificate"),
        pytest.param(context(alpn=LIBP2P, shows=2), False, id="it shows two"),
        pytest.param(context(alpn=LIBP2P, newest=SSL.TLS1_2_VERSION), False, id="it knows TLS 1.2 alone"),
    ],
)
@pytest.mark.parametrize("calls", [True, False])
def test_who_is_taken(speaks: SSL.Context, taken: bool, calls: bool) -> None:
    @trio_test
    async def scene() -> None:
        near, far = ends()
        tls = SSL.Connection(speaks)
        (tls.set_connect_state if calls else tls.set_accept_state)()
        stranger = Stranger(near if calls else far, tls)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stranger.run)
            ours = TLSTransport(create_new_key_pair())
            try:
                session = await (ours.secure_inbound(far) if calls else ours.secure_outbound(near, None))
            except HandshakeFailure:
                assert not taken
            else:
                assert taken
                assert session.get_remote_peer() == ID.from_pubkey(KEYS.public_key)
            nursery.cancel_scope.cancel()

    scene()


@trio_test
async def test_whom_we_do_not_look_for_learns_nothing_of_us() -> None:
    near, far = ends()
    tls = SSL.Connection(context(alpn=LIBP2P))
    tls.set_accept_state()
    tls.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Stranger(far, tls).run)
        with pytest.raises(PeerIDMismatchesPubkey):
            await TLSTransport(create_new_key_pair()).secure_outbound(near, SOMEBODY)
        nursery.cancel_scope.cancel()
    assert tls.get_peer_certificate() is None


@trio_test
async def test_a_stranger_is_told_why_he_is_not_taken() -> None:
    near, far = ends()
    tls = SSL.Connection(context(alpn=[b"h2"]))
    tls.set_connect_state()
    stranger = Stranger(near, tls)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stranger.run)
        with pytest.raises(HandshakeFailure):
            await TLSTransport(KEYS).secure_inbound(far)
    assert "alert" in stranger.error
