"""A stream over QUIC, as libp2p wants one: what is read and what is written end each on its own, or both by a reset.

What is written is the connection's from that moment: who gives up waiting takes nothing back, and leaves no half of a
part behind. Pinned by tests/net/test_quic.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self, final

import trio
from libp2p.abc import IMuxedStream
from libp2p.stream_muxer.exceptions import MuxedStreamClosed, MuxedStreamEOF, MuxedStreamError, MuxedStreamReset

from py_peer.core import limits

if TYPE_CHECKING:
    from py_peer.net.quic_connection import QUICConnection

_PART: Final = 65_536
"""Bytes that are handed to the connection at a time."""


@final
class QUICStream(IMuxedStream):
    """One stream. Its connection tells it what comes (`take_…`)."""

    def __init__(self, conn: QUICConnection, stream_id: int) -> None:
        self.muxed_conn: QUICConnection = conn
        self.stream_id = stream_id
        self.received = 0
        """Bytes that have come, read or not."""

        self.sent = 0
        """Bytes that the connection has taken off those who write."""

        self.read_over = False
        """Whether nothing more comes."""

        self.write_over = False
        """Whether nothing more can be written."""

        self.was_reset = False
        """Whether it ended in the middle, by either side or with its connection."""

        self._come = bytearray()
        self._window = limits.MAX_STREAM_WINDOW
        self._news = trio.Event()

    # --- Reading ----------------------------------------------------------------------------------

    async def read(self, n: int | None = -1) -> bytes:
        """Return up to `n` bytes, or all that is there, and do not pause for them.

        Raises MuxedStreamReset when the stream was reset or its connection has ended, MuxedStreamEOF at its end.
        """
        while not self._come:
            if self.was_reset:
                msg = "the stream was reset"
                raise MuxedStreamReset(msg)
            if self.read_over:
                msg = "the stream has ended"
                raise MuxedStreamEOF(msg)
            if self._news.is_set():
                self._news = trio.Event()
            await self._news.wait()
        data = bytes(self._come[: None if n is None or n < 0 else n])
        del self._come[: len(data)]
        self.muxed_conn.has_read(self, len(data))
        return data

    @property
    def window_end(self) -> int:
        """Up to which byte of the stream the other side may send."""
        return self.received - len(self._come) + self._window

    async def widen(self, window: int) -> None:
        """Let the other side send `window` bytes, and no fewer than before, ahead of what we have read."""
        self._window = max(window, self._window)
        self.muxed_conn.has_read(self, 0)

    def take_data(self, data: bytes) -> None:
        """Take what has come."""
        self.received += len(data)
        self._come += data
        self._news.set()

    def take_end(self) -> None:
        """Take that nothing more comes."""
        self.read_over = True
        self._news.set()

    def break_off(self) -> None:
        """Take that the stream is of no use any more; what has come can still be read."""
        self.was_reset = self.write_over = True
        self._news.set()

    def drop(self) -> int:
        """Forget what was not read, and return how many bytes that were."""
        count = len(self._come)
        self._come.clear()
        return count

    @property
    def unread(self) -> int:
        """Bytes that have come and were not read."""
        return len(self._come)

    # --- Writing ----------------------------------------------------------------------------------

    async def write(self, data: bytes) -> None:
        """Write all of `data`.

        Raises MuxedStreamClosed when we have closed the stream or the other side wants no more of it, MuxedStreamReset
        when it was reset or its connection has ended, MuxedStreamError when the other side takes nothing.
        """
        rest = memoryview(data)
        while rest:
            with trio.move_on_after(limits.WINDOW_PATIENCE) as waiting:
                while not self.write_over and self.muxed_conn.is_full(self):
                    await self.muxed_conn.progress()
            if self.was_reset:
                msg = "the stream was reset"
                raise MuxedStreamReset(msg)
            if self.write_over:
                msg = "the stream is closed"
                raise MuxedStreamClosed(msg)
            if waiting.cancelled_caught:
                msg = f"the other side took nothing for {limits.WINDOW_PATIENCE:.0f} s"
                raise MuxedStreamError(msg)
            self.muxed_conn.send(self, bytes(rest[:_PART]))
            self.sent += len(rest[:_PART])
            rest = rest[_PART:]

    async def close(self) -> None:
        """Say that nothing more is written. What comes can be read on. Nobody waits, and nothing is raised."""
        if not self.write_over:
            self.write_over = True
            self.muxed_conn.send(self, b"", end=True)

    async def reset(self) -> None:
        """End both sides at once: what is there and was not read is dropped. Nobody waits, and nothing is raised."""
        if not self.was_reset:
            self.break_off()
            self.muxed_conn.reset(self)

    def set_deadline(self, ttl: int) -> None:
        """Raise NotImplementedError: deadlines are trio's."""
        raise NotImplementedError

    def get_remote_address(self) -> tuple[str, int] | None:
        """Return host and port of the other end."""
        return self.muxed_conn.get_remote_address()

    async def __aenter__(self) -> Self:
        """Return the stream."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the stream."""
        await self.close()
