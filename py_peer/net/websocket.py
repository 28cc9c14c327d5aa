"""A libp2p connection in the binary messages of a WebSocket, on a TCP connection or one inside TLS.

The library's own transport (0.8.1, transport/websocket/) runs on trio-websocket, with a task for each connection that
reads ahead of it, and who is cancelled while he writes leaves half a message behind. Here the messages are wsproto's,
which does no input or output of its own: this stands between Noise and `TCPStream` as one more layer, with no task, no
queue and no lock. What was begun goes out whole, since that is what a `TCPStream` does.

No message is held whole: of a frame of 2^62 bytes what has come is handed on. Compression is not offered. One read may
bring 20,000 tiny frames, for which wsproto takes a third of a second: a few are taken in at a time, then others have
their turn.

Spec: RFC 6455, https://github.com/libp2p/specs/tree/master/websockets. Pinned by tests/net/test_websocket.py.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, final

import trio
from libp2p.io.abc import ReadWriteCloser
from libp2p.io.exceptions import ConnectionClosedError
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError, RemoteProtocolError

from py_peer.core import limits
from py_peer.core.addresses import WSS
from py_peer.net import tls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from py_peer.core.addresses import DialAddress


class WebSocketError(Exception):
    """There is no WebSocket with who is there; the text says why."""


async def connect(below: Any, address: DialAddress) -> WebSocketStream:
    """Ask for a WebSocket, or one inside TLS, on a new connection to `address`. Raises WebSocketError."""
    host = address.sni or address.host.partition("%")[0]
    if address.transport == WSS:
        try:
            below = await tls.connect(below, host)
        except tls.TLSError as error:
            raise WebSocketError(str(error)) from error
    stream = WebSocketStream(below, WSConnection(ConnectionType.CLIENT))
    name = f"[{host}]" if ":" in host else host
    await stream.open(Request(host=f"{name}:{address.port}", target="/"))
    return stream


async def accept(below: Any) -> WebSocketStream:
    """Answer who has asked for a WebSocket, whatever for. Raises WebSocketError."""
    stream = WebSocketStream(below, WSConnection(ConnectionType.SERVER))
    await stream.open()
    return stream


@final
class WebSocketStream(ReadWriteCloser):
    """What is read and written is the contents of binary messages, whose borders mean nothing."""

    def __init__(self, below: Any, connection: WSConnection) -> None:
        self.stream = below
        """The layer below: a TCP stream, or TLS on one."""

        self._connection = connection
        self._events: Iterator[Event] = iter(())
        """What has come, and was not taken in yet."""

        self._empty = 0
        """How many events in a row have brought nothing."""

        self._received = bytearray()
        self._is_open = False
        self._has_ended = False

    @property
    def where(self) -> str:
        """The other end as a multiaddr, without the ID of who is there; "" when it is gone already."""
        below: str = self.stream.where
        return below and f"{below}/ws"

    async def open(self, request: Request | None = None) -> None:
        """Shake hands, as who asks for it with `request` or as who is asked. Raises WebSocketError."""
        try:
            if request is not None:
                await self.stream.write(self._connection.send(request))
            while not self._is_open and not self._has_ended:
                await self._take()
        except (ProtocolError, ConnectionClosedError, ValueError) as error:  # a host in a header may be no name
            hint = getattr(error, "event_hint", None)
            if request is None and hint is not None:
                await self.stream.write(self._connection.send(hint))
            msg = f"no WebSocket is offered, or asked for, there ({error})"
            raise WebSocketError(msg) from error
        if self._has_ended:
            msg = "no WebSocket is offered there"
            raise WebSocketError(msg)

    async def read(self, n: int | None = None) -> bytes:
        """Return what has come, up to `n` bytes; b"" at the end. Raises ConnectionClosedError."""
        if n == 0:
            return b""
        while not self._received:
            if self._has_ended:
                return b""
            try:
                await self._take()
            except ProtocolError as error:
                msg = f"what came is no WebSocket message: {error}"
                raise ConnectionClosedError(msg, transport="websocket") from error
        data = bytes(self._received[:n])
        del self._received[: len(data)]
        return data

    async def _take(self) -> None:
        """Read once, or take in some of what was read, before anything is awaited: who reads may be cancelled."""
        if not (events := list(islice(self._events, limits.AT_ONCE))):
            if not (come := await self.stream.read()):
                self._has_ended = True
                return
            self._connection.receive_data(come)
            self._events = self._connection.events()
            return
        # Of many pings only the last has to be answered (RFC 6455, 5.5.3).
        answers = [answer for event in events if (answer := self._answer(event))]
        if answers:
            with suppress(ConnectionClosedError):  # who has gone needs no answer, and what he said is still to be read
                await self.stream.write(answers[-1])
        if len(events) == limits.AT_ONCE:
            await trio.lowlevel.checkpoint()

    def _answer(self, event: Event) -> bytes:
        """Take an event in; return what is to be written in answer to it. Raises RemoteProtocolError."""
        self._empty = 0 if isinstance(event, BytesMessage) and event.data else self._empty + 1
        if self._empty > limits.EMPTY_FRAMES:
            msg = "nothing but empty frames"
            raise RemoteProtocolError(msg)
        match event:
            case BytesMessage(data=data):
                self._received += data
            case Request():
                self._is_open = True
                return self._connection.send(AcceptConnection())
            case AcceptConnection():
                self._is_open = True
            case RejectConnection():
                self._has_ended = True
            case CloseConnection() if not self._has_ended:
                self._has_ended = True
                return self._connection.send(event.response())
            case Ping() if not self._has_ended:
                return self._connection.send(event.response())
            case TextMessage():
                msg = "a message of text, where bytes belong"
                raise RemoteProtocolError(msg)
        return b""

    async def write(self, data: bytes) -> None:
        """Write `data` as a message; nothing when either side has closed. Raises ConnectionClosedError."""
        if not self._has_ended:
            await self.stream.write(self._connection.send(BytesMessage(data)))

    async def close(self) -> None:
        """Say that this is the end, and close the connection below."""
        if self._is_open and not self._has_ended:
            self._has_ended = True
            with trio.move_on_after(limits.CLOSE_TIMEOUT), suppress(ConnectionClosedError):
                await self.stream.write(self._connection.send(CloseConnection(code=1000)))
        await self.stream.close()

    def get_remote_address(self) -> tuple[str, int] | None:
        """Return host and port of the other end."""
        address: tuple[str, int] | None = self.stream.get_remote_address()
        return address
