"""Noise with short ways: one read of the connection and one call of the cipher for a message that has come whole.

The library's session (security/secure_session.py and security/noise/io.py, 0.8.1) reads each message in two goes
through five layers, copies it twice, and writes a message for each 64 kB through as many; a log line is made up on the
way. Here the handshake is the library's, and what comes after it goes between the cipher and the connection. On the
wire it is the same.

Both ends of a message take 720 calls with it, and 755 without (`python -m benchmarks.classes`). Given up is nothing
that is used: the session is not asked for early data, and does not change its keys, which libp2p has no word for.

Spec: https://github.com/libp2p/specs/blob/master/noise/README.md. Pinned by tests/net/test_noise.py and
tests/net/test_noise_bytes.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast, final

from libp2p.io.exceptions import ConnectionClosedError, IncompleteReadError
from libp2p.security.noise.transport import Transport

from py_peer.net.secured import Secured

if TYPE_CHECKING:
    from libp2p.abc import IRawConnection, ISecureConn
    from libp2p.peer.id import ID
    from libp2p.security.secure_session import SecureSession

_LENGTH: Final = 2
"""Bytes before each message that say how long it is."""

_MOST: Final = 65_535 - 16
"""Bytes that one message holds beside its tag."""


@final
class NoiseTransport(Transport):
    """The library's Noise transport, whose connections are NoiseSessions."""

    async def secure_inbound(self, conn: IRawConnection) -> ISecureConn:
        """Shake hands with who dialled us. Raises as the library does."""
        return NoiseSession(await super().secure_inbound(conn))

    async def secure_outbound(self, conn: IRawConnection, peer_id: ID) -> ISecureConn:
        """Shake hands with whom we dialled. Raises as the library does, also when it is somebody else."""
        return NoiseSession(await super().secure_outbound(conn, peer_id))


@final
class NoiseSession(Secured):
    """A connection after its handshake, of which one reads and one writes at a time."""

    def __init__(self, session: ISecureConn) -> None:
        """Take over from a session of the library, which nobody has read from or written to."""
        fresh = cast("SecureSession", session)
        super().__init__(
            local_peer=fresh.local_peer,
            local_private_key=fresh.local_private_key,
            remote_peer=fresh.remote_peer,
            remote_permanent_pubkey=fresh.remote_permanent_pubkey,
            is_initiator=fresh.is_initiator,
            conn=fresh.conn,
        )
        noise: Any = fresh.conn
        self._raw: IRawConnection = noise.read_writer.read_write_closer
        self._encrypt = noise.noise_state.noise_protocol.cipher_state_encrypt.encrypt_with_ad
        self._decrypt = noise.noise_state.noise_protocol.cipher_state_decrypt.decrypt_with_ad
        self._received = memoryview(b"")  # what has come of messages, at most one read and a part of a message

    async def _next(self) -> bytes:
        """Return what the next message holds, which is not nothing."""
        while True:
            received = self._received
            end = _LENGTH + int.from_bytes(received[:_LENGTH])
            if len(received) >= max(end, _LENGTH):
                break
            more = await self._raw.read()
            if not more:
                msg = "the connection ended within a message" if received else "the connection has ended"
                raise IncompleteReadError(msg, end, len(received))
            self._received = memoryview(b"".join((received, more)) if received else more)
        plain: bytes = self._decrypt(None, received[_LENGTH:end])
        self._received = received[end:]
        if not plain:
            msg = "an empty message is an end"  # the library takes it so, and nobody sends one
            raise ConnectionClosedError(msg)
        return plain

    async def write(self, data: bytes) -> None:
        """Write all of `data`, in as few messages as hold it. Raises ConnectionClosedError.

        Nothing comes between the cipher, which counts messages, and the connection, which sends them in this order.
        """
        out = []
        for start in range(0, len(data) or 1, _MOST):
            body = self._encrypt(None, data[start : start + _MOST])
            out += [len(body).to_bytes(_LENGTH), body]
        await self._raw.write(b"".join(out))
