"""TLS on a TCP connection, as one more layer under a WebSocket: a page of the Web may ask for no other.

Python's ssl does the work, on memory alone (`ssl.MemoryBIO`), and this carries its bytes: no task, no queue, no lock,
like the layers above and below. libp2p trusts none of it, Noise goes on top: who is there is not proved by a
certificate, but by a key.

Spec: RFC 8446, https://github.com/libp2p/specs/tree/master/websockets. Pinned by tests/net/test_websocket.py.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, final

import trio
from libp2p.io.abc import ReadWriteCloser
from libp2p.io.exceptions import ConnectionClosedError

from py_peer.core import limits

if TYPE_CHECKING:
    from collections.abc import Callable

_PART: Final = 65_536


class TLSError(Exception):
    """There is no TLS with who is there; the text says why."""


async def connect(below: Any, host: str) -> TLSStream:
    """Begin TLS on a new connection to `host`, a name or an IP address. Raises TLSError."""
    context = ssl.create_default_context()
    stream = TLSStream(below, partial(context.wrap_bio, server_hostname=host))
    try:
        await stream.open()
    except TLSError as error:
        raise TLSError(_in_words(error.__cause__, host) or str(error)) from error
    return stream


async def accept(below: Any, context: ssl.SSLContext) -> TLSStream:
    """Answer who has begun TLS. Raises TLSError."""
    stream = TLSStream(below, partial(context.wrap_bio, server_side=True))
    await stream.open()
    return stream


def _in_words(error: object, host: str) -> str:
    """Return what a failure means, and what to do, or "" for one that is not common."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = _CERTIFICATES.get(error.verify_code, f"does not hold ({error.verify_message})")
        return f"the certificate of {host} {why}; or take another address of the peer, as over /tcp"
    if getattr(error, "reason", None) in _NO_TLS:
        return f"{host} answers there, but speaks no TLS: take the address without /tls"
    if isinstance(error, ssl.SSLEOFError | ConnectionClosedError):
        return f"{host} hangs up when TLS begins: it may speak none, then take the address without /tls"
    return ""


_CERTIFICATES: Final = {
    9: "is not valid yet: look whether the clock of this machine is right",
    10: "has expired: who runs that peer has to renew it",
    18: "is signed by itself alone: if you trust it, name its file in SSL_CERT_FILE",
    19: "is signed by somebody unknown here: if you trust him, name the file of his certificate in SSL_CERT_FILE",
    20: "is signed by somebody unknown here: if you trust him, name the file of his certificate in SSL_CERT_FILE",
    62: "is for another name: take the address with that name",
    64: "is for another IP address: take the address with the one, or with the name, that it is for",
}
"""Codes of X509_V_ERR_…, as OpenSSL's X509_STORE_CTX_get_error(3) has them."""

_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST", "UNSUPPORTED_PROTOCOL")


@final
class TLSStream(ReadWriteCloser):
    """What is read and written is what TLS protects."""

    def __init__(self, below: Any, wrap: Callable[[ssl.MemoryBIO, ssl.MemoryBIO], ssl.SSLObject]) -> None:
        self.stream = below
        self._come = ssl.MemoryBIO()
        self._go = ssl.MemoryBIO()
        self._tls = wrap(self._come, self._go)

    @property
    def where(self) -> str:
        """The other end as a multiaddr, without the ID of who is there; "" when it is gone already."""
        below: str = self.stream.where
        return below and f"{below}/tls"

    async def open(self) -> None:
        """Shake hands. Raises TLSError from its cause."""
        try:
            await self._try(self._tls.do_handshake)
            await self._send()
        except (ssl.SSLError, ConnectionClosedError) as error:
            await self._send_last()
            reason = getattr(error, "reason", "") or str(error)
            msg = f"no TLS with who is there: {reason}"
            raise TLSError(msg) from error

    async def read(self, n: int | None = None) -> bytes:
        """Return what has come, up to `n` bytes; b"" at the end. Raises ConnectionClosedError."""
        if n == 0:
            return b""
        try:
            data: bytes = await self._try(lambda: self._tls.read(min(n or _PART, _PART)))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            await self._send_last()
            msg = f"what came is no TLS: {error.reason}"
            raise ConnectionClosedError(msg, transport="tls") from error
        return data

    async def _try(self, do: Callable[[], Any]) -> Any:
        """Do something that may have to wait for bytes of the other side. Nothing is awaited once it is done."""
        while True:
            try:
                return do()
            except ssl.SSLWantReadError:
                await self._send()
                if come := await self.stream.read():
                    self._come.write(come)
                else:
                    self._come.write_eof()

    async def _send(self) -> None:
        if self._go.pending:
            await self.stream.write(self._go.read())

    async def _send_last(self) -> None:
        """Send an alert, which tells the other side why this ends, or that it does. It may have gone."""
        with trio.move_on_after(limits.CLOSE_TIMEOUT), suppress(ConnectionClosedError):
            await self._send()

    async def write(self, data: bytes) -> None:
        """Write `data`. Raises ConnectionClosedError."""
        try:
            if data:
                self._tls.write(data)
        except ssl.SSLError as error:
            msg = f"TLS has ended: {error.reason}"
            raise ConnectionClosedError(msg, transport="tls") from error
        await self._send()

    async def close(self) -> None:
        """Say that this is the end, and close the connection below."""
        with suppress(ssl.SSLError, ValueError):  # the other side need not answer
            self._tls.unwrap()
        await self._send_last()
        await self.stream.close()

    def get_remote_address(self) -> tuple[str, int] | None:
        """Return host and port of the other end."""
        address: tuple[str, int] | None = self.stream.get_remote_address()
        return address
