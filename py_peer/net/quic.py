"""QUIC's socket: one UDP port a family, from which we dial and on which we are called, so that a router sees one.

It knows which connection a datagram is for, and nothing of what is in it. Whatever comes, nothing is raised out of the
loop that reads: with a datagram that is for nobody `net/quic_door.py` deals, and `net/quic_connection.py` with all
others. aioquic is imported with the first datagram, or the first dial, in a thread.

Spec: RFC 9000, https://github.com/libp2p/specs/blob/master/quic/README.md. Pinned by tests/net/test_quic.py.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, final

import trio

from py_peer.core import limits
from py_peer.core.cleaning import clean_line
from py_peer.core.listening import ANY_IP4, ANY_IP6
from py_peer.core.ranges import Kind, kind_of, place
from py_peer.core.rates import TokenBucket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from libp2p.crypto.keys import PrivateKey
    from libp2p.peer.id import ID

    from py_peer.net.connections import Admission
    from py_peer.net.counters import Counters
    from py_peer.net.quic_connection import QUICConnection
    from py_peer.net.quic_door import Beginning, Door

_LARGEST: Final = 2_048
"""Bytes of a datagram: no path carries more of those that peers try. Of a longer one the rest is cut off."""

_NOISE: Final = 64
_LONG_HEADER: Final = 0x80
_OWN_ID: Final = 8
"""Bytes of our connection IDs: where they end, a short header does not tell."""

_BUFFER: Final = 1024 * 1024
"""Asked of the system, for what comes while we do something else; it gives what it likes."""


class QUICError(Exception):
    """There is no QUIC connection with who is there; the text says why."""


@asynccontextmanager
async def open_quic(
    host_key: PrivateKey, admission: Admission, refusal: Callable[[ID], str], counters: Counters
) -> AsyncIterator[QUICPort]:
    """Run QUIC until the block ends. `refusal` returns why a peer is not wanted, or ""."""
    quic = QUICPort(host_key, admission, refusal, counters)
    try:
        async with trio.open_nursery() as nursery:
            quic.nursery = nursery
            yield quic
            nursery.cancel_scope.cancel()
    finally:
        for one in quic.sockets:
            one.close()


@final
class QUICPort:
    """All QUIC connections of a node, and the sockets under them."""

    def __init__(
        self, host_key: PrivateKey, admission: Admission, refusal: Callable[[ID], str], counters: Counters
    ) -> None:
        self._host_key = host_key
        self._admission = admission
        self._refusal = refusal
        self._counters = counters
        self.nursery: trio.Nursery
        self.sockets: list[socket.socket] = []
        self._by_id: dict[bytes, QUICConnection] = {}
        self._ids: dict[QUICConnection, set[bytes]] = {}
        self._unfinished: set[QUICConnection] = set()
        """The inbound handshakes under way."""

        self._failures = TokenBucket(limits.QUIC_FAILURE_RATE, limits.QUIC_RETRY_FROM)
        """How many of them may fail before it is a crowd."""

        self._door: Door | None = None
        self._importing = trio.Lock()

    def listen(self, host: str, port: int) -> int:
        """Listen on a UDP port, 0 for a free one; return it. Raises OSError."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        one = socket.socket(family, socket.SOCK_DGRAM)
        try:
            one.setblocking(False)  # noqa: FBT003
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if sys.platform == "win32":
                one.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            for size in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                with suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, size, _BUFFER)
            one.bind((host, port))
        except OSError:
            one.close()
            raise
        self.sockets.append(one)
        self.nursery.start_soon(self._read, one)
        bound: int = one.getsockname()[1]
        return bound

    # --- Dialling ---------------------------------------------------------------------------------

    async def dial(self, host: str, port: int) -> QUICConnection:
        """Connect to an IP address, which may have a zone, and return the connection. Raises QUICError or OSError."""
        address = await _socket_address(host, port)
        door = await self._get_door()
        if not (local_ip := _local_ip(address)):
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        conn = self._begin(door.outward(), self._socket_to(address), address, local_ip)
        self._know(conn, conn.first_id, True)  # noqa: FBT003
        try:
            conn.connect()
            await conn.settled.wait()
        except BaseException:
            conn.end()
            raise
        if conn.is_closed:
            reason = clean_line(conn.failure, limits.MAX_ERROR_CHARS)
            raise QUICError(reason or "the other side ended the connection at once")
        return conn

    async def knock(self, host: str, port: int) -> None:
        """Send noise to an IP address, whence we shall be dialled: our router then lets in what comes from there."""
        with suppress(OSError):
            address = await _socket_address(host, port)
            self._socket_to(address).sendto(os.urandom(_NOISE), address)

    def _socket_to(self, address: tuple[Any, ...]) -> socket.socket:
        """Return the socket from which an address can be reached: one that we listen on, if possible."""
        is_ip6, is_near = ":" in address[0], kind_of(address[0]) is Kind.LOOPBACK
        for one in self.sockets:
            host = one.getsockname()[0]
            if (":" in host) == is_ip6 and (host in (ANY_IP4, ANY_IP6) or is_near == (kind_of(host) is Kind.LOOPBACK)):
                return one
        self.listen(ANY_IP6 if is_ip6 else ANY_IP4, 0)
        return self.sockets[-1]

    # --- What comes -------------------------------------------------------------------------------

    async def _read(self, one: socket.socket) -> None:
        while True:
            await trio.lowlevel.wait_readable(one)  # type: ignore[arg-type]
            door = await self._get_door()
            now = trio.current_time()
            touched: dict[QUICConnection, None] = {}
            for _ in range(limits.QUIC_BATCH):
                try:
                    data, address = one.recvfrom(_LARGEST)
                except BlockingIOError:
                    break
                except OSError:  # Windows tells so that somebody was not there whom we wrote to
                    continue
                with self._counters.catching("a datagram of nobody"):
                    if (conn := self._take(door, one, data, _plain(address), now)) is not None:
                        touched[conn] = None
                if trio.current_time() - now > limits.QUIC_BATCH_SECONDS:
                    break
            for conn in touched:
                conn.transmit()

    def _take(
        self, door: Door, one: socket.socket, data: bytes, address: tuple[Any, ...], now: float
    ) -> QUICConnection | None:
        """Take a datagram, and return the connection that it was for."""
        conn = self._by_id.get(_destination(data)) or self._at_the_door(door, one, data, address, now)
        if conn is not None:
            conn.receive(data, address, now)
        return conn

    def _at_the_door(
        self, door: Door, one: socket.socket, data: bytes, address: tuple[Any, ...], now: float
    ) -> QUICConnection | None:
        """Return the new connection that a datagram begins, if it does."""
        crowded = len(self._unfinished) >= limits.QUIC_RETRY_FROM or self._failures.wait(now) > 0
        found = door.look(data, address, now, crowded=crowded)
        if isinstance(found, bytes):
            _send(one, found, address)
            return None
        source = place(address[0])
        if found is None or self._admission.reason_to_refuse(source):
            return None
        conn = self._begin(found, one, address, _local_ip(address))
        self._unfinished.add(conn)
        for connection_id in (_destination(data), conn.first_id):
            self._know(conn, connection_id, True)  # noqa: FBT003
        self.nursery.start_soon(self._welcome, conn, source)
        return conn

    async def _welcome(self, conn: QUICConnection, source: str) -> None:
        try:
            await self._admission.take(conn, source, partial(self._is_welcome, conn))
        finally:
            conn.end()  # it may have had to make room

    async def _is_welcome(self, conn: QUICConnection) -> bool:
        """Wait for the handshake of who has called; say whether he is taken."""
        await conn.settled.wait()
        self._unfinished.discard(conn)
        if conn.is_closed:
            self._failures.take(trio.current_time())
            self._counters["refused: no QUIC handshake"] += 1
        elif self._refusal(conn.peer_id):
            self._counters["refused: by the peer's ID"] += 1
        else:
            return True
        return False

    # --- The books --------------------------------------------------------------------------------

    def _begin(
        self, beginning: Beginning, one: socket.socket, address: tuple[Any, ...], local_ip: str
    ) -> QUICConnection:
        """Make a connection, and let it run."""
        conn = beginning(
            address=address, local_ip=local_ip, send=partial(_send, one), on_id=self._know, on_over=self._forget
        )
        self._ids[conn] = set()
        self.nursery.start_soon(conn.run)
        return conn

    def _know(self, conn: QUICConnection, connection_id: bytes, holds: bool) -> None:  # noqa: FBT001
        if holds:  # one that was lost on its way is told of again
            self._by_id[connection_id] = conn
            self._ids[conn].add(connection_id)
        elif connection_id in self._ids[conn]:
            del self._by_id[connection_id]
            self._ids[conn].remove(connection_id)

    def _forget(self, conn: QUICConnection) -> None:
        for connection_id in self._ids.pop(conn, ()):
            del self._by_id[connection_id]
        self._unfinished.discard(conn)

    async def _get_door(self) -> Door:
        if self._door is None:
            async with self._importing:
                if self._door is None:
                    self._door = await trio.to_thread.run_sync(_import, self._host_key)
        return self._door


def _import(host_key: PrivateKey) -> Door:
    from py_peer.net.quic_door import Door  # noqa: PLC0415 - imports aioquic, not before it is used

    return Door(host_key)


def _send(one: socket.socket, data: bytes, address: tuple[Any, ...]) -> None:
    """Send a datagram. One that the system does not take is lost, as others are on the way."""
    with suppress(OSError):
        one.sendto(data, address)


def _destination(data: bytes) -> bytes:
    """Return the connection ID that a datagram is for (RFC 8999); b"" when it has none."""
    if not data:
        return b""
    if data[0] & _LONG_HEADER:
        return data[6 : 6 + data[5]] if len(data) > 6 else b""
    return data[1 : 1 + _OWN_ID]


def _plain(address: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the address of a socket in the one way in which it is compared: the zone is a number, at the end."""
    return address if len(address) == 2 else (address[0].partition("%")[0], address[1], 0, address[3])


async def _socket_address(host: str, port: int) -> tuple[Any, ...]:
    info = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    return _plain(info[0][4])


def _local_ip(address: tuple[Any, ...]) -> str:
    """Return our own IP address on the way to another, which nothing is sent to; "" where there is no way."""
    family = socket.AF_INET6 if len(address) > 2 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(address)
            return place(probe.getsockname()[0])
    except OSError:
        return ""
