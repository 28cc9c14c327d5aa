"""libp2p's TLS, for the peers that do not want Noise: each side shows a certificate that its key has signed.

The library's (security/tls/, 0.8.1) reaches into Python's memory for what Python's ssl cannot do, which is to ask a
caller for a certificate that nobody vouches for (openssl_verify.py:115). It gives a message up after 100 reads, takes
any error for the end (io.py:363), and its certificates are refused by js-libp2p, which looks at the first extension.
Here OpenSSL does the work through pyOpenSSL, on memory alone, and this carries its bytes, as `net/tls.py` does below a
WebSocket. Reading never writes, so that two sides who both send cannot wait for each other.

A message of 100 bytes takes 68 µs of the processor from one end to the other, and 36 with Noise; of 64 KiB, 128 and
115; a handshake 3.6 ms for both ends together, and 2.4. So Noise is what is asked for first.

Only "libp2p" is offered as what is spoken inside (ALPN), and no muxer: that would save one way there and back with who
speaks no Noise, which the other peers all do.

Spec: https://github.com/libp2p/specs/blob/master/tls/tls.md. Pinned by tests/net/test_libp2p_tls.py and
tests/net/test_libp2p_tls_bytes.py.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast, final

import trio
from libp2p.abc import ISecureTransport
from libp2p.io.exceptions import ConnectionClosedError, IncompleteReadError
from libp2p.peer.id import ID
from libp2p.security.exceptions import HandshakeFailure
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey
from OpenSSL import SSL, crypto

from py_peer.core import limits
from py_peer.net.certificates import CertificateError, make_certificate, peer_key
from py_peer.net.secured import Secured

if TYPE_CHECKING:
    from libp2p.abc import IRawConnection, ISecureConn
    from libp2p.crypto.keys import KeyPair, PublicKey

_ALPN: Final = b"libp2p"
_PART: Final = 16 * 1024
"""What one message of TLS holds."""


@final
class TLSTransport(ISecureTransport):
    """Shakes hands, with one certificate for as long as the node runs."""

    def __init__(self, keys: KeyPair) -> None:
        self._keys = keys
        own = make_certificate(keys.private_key)
        self._context = context = SSL.Context(SSL.TLS_METHOD)
        context.set_min_proto_version(SSL.TLS1_3_VERSION)
        context.use_certificate(own.certificate)
        context.use_privatekey(own.key)
        # Whatever OpenSSL has against a certificate that nobody vouches for: it is looked at after the handshake.
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.set_alpn_protos([_ALPN])
        context.set_alpn_select_callback(_choose)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)  # nobody goes on with a session; 20,000 would be kept
        context.set_options(SSL.OP_NO_TICKET)  # 1.2 kB for each caller
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # 34 kB of a connection on which nothing is said

    async def secure_inbound(self, conn: IRawConnection) -> ISecureConn:
        """Shake hands with who dialled us. Raises HandshakeFailure, or as the connection does."""
        tls = SSL.Connection(self._context)
        tls.set_accept_state()
        return await self._secured(conn, tls, None, by_caller=True)

    async def secure_outbound(self, conn: IRawConnection, peer_id: ID | None) -> ISecureConn:
        """Shake hands with whom we dialled; None: whoever that is. Raises HandshakeFailure, or as the connection does.

        It is a PeerIDMismatchesPubkey when it is somebody else, who is not told who we are.
        """
        tls = SSL.Connection(self._context)
        tls.set_connect_state()
        return await self._secured(conn, tls, peer_id, by_caller=False)

    async def _secured(
        self, conn: IRawConnection, tls: SSL.Connection, expected: ID | None, *, by_caller: bool
    ) -> TLSSession:
        try:
            await _shake(conn, tls)
            key = peer_key(_shown(tls, by_caller=by_caller))
        except (SSL.Error, CertificateError) as error:
            msg = f"no TLS with who is there: {_reason(error)}"
            raise HandshakeFailure(msg) from None
        peer_id = ID.from_pubkey(key)
        if expected not in (None, peer_id):
            raise PeerIDMismatchesPubkey("somebody else is there")
        await _send(conn, tls)  # our certificate, if we are the caller
        return TLSSession(conn, tls, self._keys, key)


async def _shake(conn: IRawConnection, tls: SSL.Connection) -> None:
    """Shake hands, but for our last word. Raises SSL.Error, HandshakeFailure, or as the connection does."""
    said = 0
    while True:
        try:
            tls.do_handshake()
        except SSL.WantReadError:
            await _send(conn, tls)
        except SSL.Error:
            with trio.move_on_after(limits.CLOSE_TIMEOUT), suppress(ConnectionClosedError):
                await _send(conn, tls)  # an alert, which tells the other side why
            raise
        else:
            return
        if said > limits.MAX_TLS_HANDSHAKE:
            raise HandshakeFailure("too long a handshake of TLS")
        if not (come := await conn.read()):
            raise HandshakeFailure("the connection ended before TLS began")
        said += tls.bio_write(come)


def _choose(_: SSL.Connection, offered: list[bytes]) -> bytes:
    """Return what is spoken inside. Raises SSL.Error, with which OpenSSL ends the handshake."""
    if _ALPN not in offered:
        raise SSL.Error("what is to be spoken inside is not libp2p")
    return _ALPN


def _shown(tls: SSL.Connection, *, by_caller: bool) -> list[bytes]:
    """Return the certificates of the other side, in DER."""
    chain = tls.get_peer_cert_chain() or []
    first = [tls.get_peer_certificate()] if by_caller else []  # OpenSSL counts a caller's own not to its chain
    return [crypto.dump_certificate(crypto.FILETYPE_ASN1, one) for one in (*first, *chain) if one is not None]


async def _send(conn: IRawConnection, tls: SSL.Connection) -> None:
    """Send what TLS has to send. Raises as the connection does.

    Nothing comes between the cipher, which counts messages, and the connection, which sends them in this order.
    """
    parts = []
    with suppress(SSL.WantReadError):
        while True:
            parts.append(tls.bio_read(4 * _PART))
    if parts:
        await conn.write(b"".join(parts))


def _reason(error: Exception) -> str:
    """Return what OpenSSL, or we ourselves, have against it, in a few words."""
    first = error.args[0] if error.args else ""
    return str(first[0][-1]) if isinstance(first, list) and first else str(first or type(error).__name__)


@final
class TLSSession(Secured):
    """A connection after its handshake."""

    def __init__(self, conn: IRawConnection, tls: SSL.Connection, keys: KeyPair, remote_key: PublicKey) -> None:
        super().__init__(
            local_peer=ID.from_pubkey(keys.public_key),
            local_private_key=keys.private_key,
            remote_peer=ID.from_pubkey(remote_key),
            remote_permanent_pubkey=remote_key,
            is_initiator=conn.is_initiator,
            conn=cast("Any", conn),  # what the library asks of it here a raw connection has, too
        )
        self._raw = conn
        self._tls = tls

    async def _next(self) -> bytes:
        while True:
            try:
                return self._tls.recv(_PART)
            except SSL.WantReadError:
                pass
            except SSL.ZeroReturnError:
                msg = "the connection has ended"
                raise IncompleteReadError(msg, 1, 0) from None
            except SSL.Error as error:
                msg = f"what came is no TLS: {_reason(error)}"
                raise ConnectionClosedError(msg, transport="tls") from None
            if not (come := await self._raw.read()):
                msg = "the connection has ended"
                raise IncompleteReadError(msg, 1, 0)
            self._tls.bio_write(come)

    async def write(self, data: bytes) -> None:
        """Write all of `data`, in as few messages as hold it. Raises ConnectionClosedError."""
        left = memoryview(data)
        try:
            while left:
                left = left[self._tls.send(left) :]
        except SSL.Error as error:
            msg = f"TLS has ended: {_reason(error)}"
            raise ConnectionClosedError(msg, transport="tls") from None
        await _send(self._raw, self._tls)

    async def close(self) -> None:
        """Say that this is the end, and close the connection below."""
        try:
            with suppress(SSL.Error):
                self._tls.shutdown()
            with trio.move_on_after(limits.CLOSE_TIMEOUT), suppress(ConnectionClosedError):
                await _send(self._raw, self._tls)
        finally:
            await self._raw.close()
