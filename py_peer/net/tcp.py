"""A TCP connection that is read in large parts, and that survives a write which is given up.

Replaces the library's TrioTCPStream (io/trio.py, 0.8.1), which asks the system twice for each Noise message. And who is
cancelled while he writes leaves half a message behind, after which the other side can read nothing any more: one
transfer that is ended, or one deadline, would end the connection. Here what was begun goes out before what comes next.
A lock that is free is taken without a trip through trio's scheduler. Given up is nothing.

Both ends of a message take 720 calls and 7 steps of the scheduler with it, and 816 and 9 without (`python -m
benchmarks.classes`); both ends of a file's stream 4,460 calls a megabyte, and 6,920 without.

Pinned by tests/net/test_tcp.py.
"""

from __future__ import annotations

from collections import deque
from typing import Final, final

import trio
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.io.trio import TrioTCPStream

from py_peer.core.addresses import socket_multiaddr
from py_peer.net.carrier import Carrier

_RECEIVED: Final = 2 * (2 + 65_535)
"""Bytes taken from the system at a time: two Noise messages of the largest, so that of a file they come whole."""


@final
class TCPStream(TrioTCPStream, Carrier):
    """A TCP stream under libp2p's layers, of which one reads and one writes at a time."""

    def __init__(self, stream: trio.SocketStream) -> None:
        super().__init__(stream)
        self._received = memoryview(b"")
        self._unsent: deque[memoryview] = deque()  # what is being written, and what is left of who was cancelled
        self.on_life = lambda: None

    async def read(self, n: int | None = None) -> bytes:
        """Return what has come, up to `n` bytes; b"" at the end, also at ours. Raises ConnectionClosedError."""
        if n == 0:
            return b""
        if not self._received:
            await lock(self.read_lock)
            try:
                come = bytes(await self.stream.receive_some(_RECEIVED))
            except trio.BrokenResourceError as error:
                raise _broken(error) from error
            except trio.ClosedResourceError:
                return b""
            finally:
                self.read_lock.release()
            self.on_life()
            if n is None:
                return come
            self._received = memoryview(come)
        data, self._received = bytes(self._received[:n]), self._received[n:] if n else memoryview(b"")
        return data

    async def peek(self) -> bytes:
        """Return what has come and leave it there; b"" at the end. Raises ConnectionClosedError."""
        self._received = memoryview(await self.read())
        return bytes(self._received)

    @property
    def unsent(self) -> int:
        """How many bytes are left of who was cancelled; `write(b"")` sends them."""
        return sum(map(len, self._unsent))

    @property
    def where(self) -> str:
        """The other end as a multiaddr, without the ID of who is there; "" when it is gone already."""
        return socket_multiaddr(self.get_remote_address())

    async def write(self, data: bytes) -> None:
        """Write `data` behind what is still unsent; nothing when we have closed. Raises ConnectionClosedError."""
        if data:
            self._unsent.append(memoryview(data))
        await lock(self.write_lock)
        try:
            while self._unsent:
                sent = await self.stream.socket.send(self._unsent[0])
                self._unsent[0] = self._unsent[0][sent:]
                if not self._unsent[0]:
                    self._unsent.popleft()
        except trio.ClosedResourceError:
            self._unsent.clear()
        except OSError as error:
            self._unsent.clear()
            if self.stream.socket.fileno() >= 0:
                raise _broken(error) from error
        finally:
            self.write_lock.release()


async def lock(one: trio.Lock) -> None:
    """Acquire a lock in its turn; without a pause when it is free. Whoever does so has to pause elsewhere."""
    try:
        one.acquire_nowait()
    except trio.WouldBlock:
        await one.acquire()


def _broken(error: Exception) -> ConnectionClosedError:
    return ConnectionClosedError(f"TCP connection reset by remote peer: {error}", transport="tcp")
