"""A relay of Nostr, as its client: one connection, what is said on it, and what is asked in one go.

A relay is a stranger. What it sends is paced and bounded (`py_peer.net.nostr_stream`), what it says to people is
cleaned, and events are handed on as they came: whoever takes them reads and checks them. What is not looked at is
counted in `counters`, where there are any.

trio-websocket is imported with the first connection. Spec: NIP-01. Pinned by tests/net/test_nostr_relay.py.
"""

from __future__ import annotations

import os
import secrets
import socket
import ssl
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, cast, final

import trio

from py_peer.core import limits_nostr
from py_peer.core.cleaning import clean_line
from py_peer.core.nostr import NostrError
from py_peer.core.nostr_messages import (
    EventHeard,
    EventTaken,
    RequestClosed,
    StoredEnd,
    event_message,
    read_relay_message,
    request_message,
)
from py_peer.net.nostr_stream import PacedStream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from trio.abc import Stream
    from trio_websocket import WebSocketConnection

    from py_peer.core.nostr import NostrEvent
    from py_peer.core.nostr_messages import Filter, RelayMessage, RelayURL
    from py_peer.net.nostr_stream import Pace

REFUSED: Final = "nostr refused: "
"""What the counters of what was not taken begin with."""


class RelayError(Exception):
    """There is no connection to a relay, or it does not do what it was asked for; a sentence without its end."""


@final
class Relay:
    """An open connection. One task may read, and any may send."""

    def __init__(self, connection: WebSocketConnection, stream: PacedStream, counters: Counter[str]) -> None:
        self._connection = connection
        self._stream = stream
        self.counters = counters

    async def send(self, message: str) -> None:
        """Say something. Raises RelayError."""
        from trio_websocket import ConnectionClosed  # noqa: PLC0415 - see above

        try:
            with trio.fail_after(limits_nostr.RELAY_TIMEOUT):
                await self._connection.send_message(message)
        except trio.TooSlowError:
            raise RelayError("it reads nothing of what it is sent") from None
        except ConnectionClosed:
            raise RelayError(self._end()) from None

    async def receive(self) -> RelayMessage:
        """Return what the relay says next, of what can be read. Raises RelayError when the connection has ended."""
        from trio_websocket import ConnectionClosed  # noqa: PLC0415 - see above

        while True:
            try:
                data = await self._connection.get_message()
            except ConnectionClosed:
                raise RelayError(self._end()) from None
            self._stream.taken()
            if isinstance(data, bytes):
                self.refuse("no text")
                continue
            try:
                return read_relay_message(data)
            except NostrError:
                self.refuse("no message of a relay" if len(data) <= limits_nostr.MAX_RELAY_MESSAGE else "too large")

    @property
    def heard_at(self) -> float:
        """When something has come, in seconds since 1970."""
        return self._stream.heard_at

    def refuse(self, why: str) -> None:
        """Count what is not taken."""
        self.counters[REFUSED + why] += 1

    async def keep_alive(self) -> None:
        """Ping a relay that says nothing; return when it says nothing to that either."""
        from trio_websocket import ConnectionClosed  # noqa: PLC0415 - see above

        while True:
            await trio.sleep_until(self._stream.heard + limits_nostr.RELAY_PING_EVERY)
            before = self._stream.heard
            if trio.current_time() - before < limits_nostr.RELAY_PING_EVERY:
                continue
            with trio.move_on_after(limits_nostr.RELAY_PONG_TIMEOUT):
                try:
                    await self._connection.ping()
                except ConnectionClosed:
                    return
            if self._stream.heard == before:
                seconds = limits_nostr.RELAY_PING_EVERY + limits_nostr.RELAY_PONG_TIMEOUT
                self._stream.fault = f"nothing has come of it for {seconds:.0f} s"
                await trio.aclose_forcefully(self._stream)
                return

    def _end(self) -> str:
        """Return why the connection has ended."""
        reason = self._connection.closed
        if self._stream.fault or reason is None or reason.code == _GONE:
            return self._stream.fault or "the connection has ended"
        if reason.code == _TOO_LARGE and (reason.reason or "").startswith(_EXCEEDED):
            self.refuse("too large")
            return f"it has sent a message of more than {limits_nostr.MAX_RELAY_FRAME:,} bytes"
        said = clean_line(reason.reason or "", limits_nostr.RELAY_WORDS_CHARS)
        return f"it has closed the connection: {said}" if said else "it has closed the connection"


_TOO_LARGE: Final = 1009
_EXCEEDED: Final = "Exceeded maximum message size"
"""How trio-websocket itself ends a connection (0.12.2); a relay that says the same has ended it."""

_GONE: Final = 1006
"""No code of the other side: it has said nothing (RFC 6455, 7.1.5)."""


@asynccontextmanager
async def open_relay(url: RelayURL, counters: Counter[str] | None = None, *together: Pace) -> AsyncIterator[Relay]:
    """Connect to a relay, for as long as the block runs. Raises RelayError.

    `together`: the pace at which it is read with others, beside its own.
    """
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        reader = _Reader(nursery)
        try:
            connection, stream = await _open(url, reader, *together)
            relay = Relay(connection, stream, Counter() if counters is None else counters)
            nursery.start_soon(relay.keep_alive)
            yield relay
            with trio.move_on_after(limits_nostr.RELAY_CLOSE_TIMEOUT):
                await connection.aclose()
        except Exception as error:  # noqa: BLE001 - it is raised again, outside of the nursery
            failure = error
        finally:
            nursery.cancel_scope.cancel()
            await reader.close()
    if failure is not None:
        raise failure


async def _open(url: RelayURL, reader: _Reader, *together: Pace) -> tuple[WebSocketConnection, PacedStream]:
    from trio_websocket import wrap_client_stream  # noqa: PLC0415 - see above

    try:
        with trio.fail_after(limits_nostr.RELAY_TIMEOUT):
            reader.stream = stream = PacedStream(await _connected(url), *together)
            with reader.opening:
                connection = await wrap_client_stream(
                    cast("trio.Nursery", reader),
                    cast("trio.SocketStream", stream),
                    url.authority,
                    url.resource,
                    max_message_size=limits_nostr.MAX_RELAY_FRAME,
                    receive_buffer_size=limits_nostr.RELAY_READ_BYTES,
                )
                return connection, stream
    except trio.TooSlowError:
        raise RelayError(f"no answer within {limits_nostr.RELAY_TIMEOUT:g} s") from None
    raise RelayError(_refusal(reader.failure))


@final
class _Reader:
    """Stands where trio-websocket wants a nursery for the task that reads.

    In a nursery that task ends all the others, and the block with them, when the handshake is refused; and whoever
    waits for a handshake that cannot come any more waits for ever (0.12.2).
    """

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self.stream: PacedStream | None = None
        self.opening = trio.CancelScope()
        self.failure: Exception | None = None

    def start_soon(self, read: Callable[[], Awaitable[None]]) -> None:
        """Start the task."""
        self._nursery.start_soon(self._run, read)

    async def _run(self, read: Callable[[], Awaitable[None]]) -> None:
        try:
            await read()
        except Exception as error:  # noqa: BLE001 - whatever a stranger's bytes have brought about
            self.failure = error
        self.opening.cancel()
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        if self.stream is not None:
            await trio.aclose_forcefully(self.stream)


def _refusal(failure: Exception | None) -> str:
    """Return what it means that there was no handshake."""
    if (status := getattr(failure, "status_code", None)) is not None:
        return f"it answers with HTTP {status:d}: it is no relay, or not under that path"
    return "what is there hangs up, or speaks no WebSocket"


async def _connected(url: RelayURL) -> Stream:
    """Return a connection, inside TLS where that is asked for. Raises RelayError."""
    try:
        stream = await trio.open_tcp_stream(url.host, url.port)
    except OSError as error:
        raise RelayError(_cause(error)) from error
    if not url.secure:
        return stream
    try:
        context = await trio.to_thread.run_sync(ssl.create_default_context)  # reads the system's certificates
        secured = trio.SSLStream(stream, context, server_hostname=url.host, https_compatible=True)
        await secured.do_handshake()
    except trio.BrokenResourceError as error:
        await trio.aclose_forcefully(stream)
        raise RelayError(_tls_cause(error.__cause__)) from error
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return secured


def _cause(error: OSError) -> str:
    """Return why there is no connection. What trio raises has the causes behind it, one for each address."""
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved ({error.strerror})"
    causes = getattr(error.__cause__, "exceptions", None) or [error.__cause__ or error]
    return "; ".join(dict.fromkeys(os.strerror(one.errno) if one.errno else str(one) for one in causes))


def _tls_cause(error: BaseException | None) -> str:
    """Return why there is no TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        advice = "; if you trust it, name its file in SSL_CERT_FILE" if error.verify_code in _UNKNOWN else ""
        return f"its certificate does not hold: {error.verify_message}{advice}"
    return "there is no TLS: take ws:// if it has none"


_UNKNOWN: Final = (18, 19, 20)
"""Who has signed it is nobody known here, in OpenSSL's X509_STORE_CTX_get_error(3)."""


# --- What is asked in one go, for as long as the caller has time ----------------------------------


async def publish(relay: Relay, event: NostrEvent) -> str:
    """Have a relay take an event; return what it says to that, often "". Raises RelayError, also when it does not."""
    await relay.send(event_message(event))
    while True:
        match await relay.receive():
            case EventTaken(event.id, accepted, reason):
                if not accepted:
                    raise RelayError(f"it refuses the event: {reason or 'and says no reason'}")
                return reason


async def fetch(relay: Relay, filters: Sequence[Filter], heard: Callable[[dict[str, Any]], object]) -> None:
    """Hand on what a relay has stored that passes one of the filters. Raises RelayError.

    `heard` gets the fields of each event, of which nothing has been looked at.
    """
    subscription = secrets.token_hex(8)
    await relay.send(request_message(subscription, *filters))
    while True:
        match await relay.receive():
            case EventHeard(of, fields) if of == subscription:
                heard(fields)
            case StoredEnd(of) if of == subscription:
                return
            case RequestClosed(of, reason) if of == subscription:
                raise RelayError(f"it does not answer the question: {reason or 'and says no reason'}")
