"""A stream through a relay, as what the layers of a connection stand on: as a TCP connection is, at the bottom.

Pinned by tests/net/test_relay.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, final

import trio
from libp2p.connection_types import ConnectionType
from libp2p.io.abc import ReadWriteCloser
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.network.stream.exceptions import StreamEOF, StreamError

from py_peer.net import streams
from py_peer.net.carrier import Carrier
from py_peer.net.closing import local_ip
from py_peer.net.tcp import lock

if TYPE_CHECKING:
    from libp2p.abc import INetStream
    from libp2p.network.stream.net_stream import NetStream


@final
class RelayedStream(ReadWriteCloser, Carrier, trio.abc.AsyncResource):
    """A stream to a relay, where it goes on to somebody else. One reads and one writes at a time."""

    connection_type = ConnectionType.RELAYED

    def __init__(self, stream: INetStream, where: str, peer: str) -> None:
        """`where` is the multiaddr of the relay's place for us to speak to `peer` at."""
        self._stream = cast("NetStream", stream)
        self._where = where
        self._unsent = bytearray()  # what is being written, and what is left of who was cancelled
        self._writing = trio.Lock()
        self._has_ended = False
        self.source = f"{where}/p2p/{peer}"
        """What it counts as where connections from one place are counted."""

        self.on_life = lambda: None

    @property
    def where(self) -> str:
        """The multiaddr of the relay, and that it goes on from there."""
        return self._where

    @property
    def local_ip(self) -> str:
        """Our end of the connection to the relay."""
        return local_ip(self._stream.muxed_conn)

    async def read(self, n: int | None = None) -> bytes:
        """Return what has come, up to `n` bytes; b"" at the end, also at ours. Raises ConnectionClosedError."""
        if n == 0 or self._has_ended:
            return b""
        try:
            data = await self._stream.read(n)
        except StreamEOF:
            return b""
        except StreamError as error:
            if self._has_ended:
                return b""
            raise _broken() from error
        self.on_life()
        return data

    @property
    def unsent(self) -> int:
        """How many bytes are left of who was cancelled; `write(b"")` sends them."""
        return len(self._unsent)

    async def write(self, data: bytes) -> None:
        """Write `data` behind what is still unsent; nothing when we have closed. Raises ConnectionClosedError."""
        if self._has_ended:
            return
        self._unsent += data
        await lock(self._writing)
        # What a stream has taken goes out, even if we are cancelled while we wait for it.
        muxed: Any = self._stream.muxed_stream
        before = muxed.sent
        try:
            if self._unsent:
                await self._stream.write(bytes(self._unsent))
        except StreamError as error:
            if not self._has_ended:
                raise _broken() from error
        finally:
            del self._unsent[: muxed.sent - before]
            self._writing.release()

    async def close(self) -> None:
        """Close the stream: what was written comes, and then the end; who waits for something to read hears of it."""
        if not self._has_ended:
            self._has_ended = True
            await streams.close(self._stream)
            await streams.reset(self._stream)

    async def aclose(self) -> None:
        """End the stream at once, whatever is still to come."""
        self._has_ended = True
        await streams.reset(self._stream)
        await trio.lowlevel.checkpoint()

    def get_remote_address(self) -> tuple[str, int] | None:
        """Return host and port of the relay."""
        return self._stream.get_remote_address()


def _broken() -> ConnectionClosedError:
    return ConnectionClosedError("the relay has ended the stream", transport="relay")
