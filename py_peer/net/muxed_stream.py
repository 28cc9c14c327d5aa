"""A stream of Yamux: its window opens in halves, and who waits for the other side's is woken.

The library's (stream_muxer/yamux/yamux.py, 0.8.1) sends a window update after every read, even of one byte, which costs
more than all cryptography together (yamux.py:410); here one is sent when half of the window has been used, as the
specification suggests. A writer looks only every 10 ms whether the window has opened, which is 25 MB/s at most, and
gives up after 5 s (yamux.py:280); here it is woken, and more patient. Reads and writes do without locks, each of which
is a trip through trio's scheduler. A reset looked like an end to a reader who waited (yamux.py:944, 1021, 1061), and
what had come on a stream that we reset was kept for a minute or two.

With it both ends of a message take 720 calls and 7 steps of the scheduler, without it 1,317 and 16; a megabyte on a
stream takes 4.0 ms of the processor, and 9.4 without (`python -m benchmarks.classes`). Given up are windows that grow
by the library's measurement of round-trip times: `widen` is asked for where it pays.

Spec: https://github.com/hashicorp/yamux/blob/master/spec.md. Pinned by tests/net/test_muxer.py and
tests/net/test_muxer_pressure.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio
from libp2p.stream_muxer.exceptions import MuxedStreamError, MuxedStreamReset
from libp2p.stream_muxer.yamux.yamux import FLAG_RST, HEADER_SIZE, TYPE_DATA, TYPE_WINDOW_UPDATE, YamuxStream

from py_peer.core import limits
from py_peer.net.header_gate import HEADER, VERSION

if TYPE_CHECKING:
    from py_peer.net.muxer import LimitedYamux

PART: Final = 65_519 - HEADER_SIZE
"""Bytes of one frame: with its header it is what one Noise message holds."""


class LimitedStream(YamuxStream):
    """A stream that gives its window back in halves, lets it grow only as told, and writes as soon as it may."""

    window: int = limits.MAX_STREAM_WINDOW
    """How many bytes the other side may send before we have read them."""

    sent: int = 0
    """How many bytes were taken off those who write; they go out even if who waits for it gives up."""

    _moved: trio.Event | None = None
    """Set when the other side has opened its window, or the stream has ended."""

    conn: LimitedYamux
    _send_window: int
    _closed: bool

    @property
    def send_window(self) -> int:
        """How many bytes the other side takes."""
        return self._send_window

    @send_window.setter
    def send_window(self, size: int) -> None:
        self._send_window = size
        self._wake_writer()

    @property
    def closed(self) -> bool:
        """Whether both sides have ended, or one of them has reset the stream."""
        return self._closed

    @closed.setter
    def closed(self, closed: bool) -> None:
        self._closed = closed
        self._wake_writer()

    async def read(self, n: int | None = -1) -> bytes:
        """Return up to `n` bytes, or all that is there, and do not pause for them.

        Raises MuxedStreamReset when the stream was reset or its connection has ended, MuxedStreamEOF at its end.
        """
        conn = self.conn
        most = None if n is None or n < 0 else n
        while not self.closed and self.stream_id in conn.streams:
            if buffer := conn.stream_buffers[self.stream_id]:
                with memoryview(buffer) as come:
                    data = bytes(come[:most])
                del buffer[: len(data)]
                await self._auto_tune_and_send_window_update(bytes_read=len(data))
                return data
            if self.recv_closed or conn.event_shutting_down.is_set():
                break
            # Its event is set for what has been read already. No await between look and change, so no lock.
            if conn.stream_events[self.stream_id].is_set():
                conn.stream_events[self.stream_id] = trio.Event()
            await conn.stream_events[self.stream_id].wait()
        if self.reset_received and not conn.stream_buffers.get(self.stream_id):
            msg = "the stream was reset"  # the library would call it the end, once it has forgotten the stream
            raise MuxedStreamReset(msg)
        return await super().read(n)  # which does not wait any more

    async def write(self, data: bytes) -> None:
        """Write all of `data`. Raises MuxedStreamError: the stream is closed, or the other side takes nothing."""
        rest = memoryview(data)
        while rest:
            if not (self._send_window or self.send_closed or self.closed):
                await self._wait_for_window()
            await self.conn.take_turn()
            try:
                rest = rest[await self._write_part(rest) :]
            finally:
                self.conn.end_turn()

    async def _write_part(self, rest: memoryview) -> int:
        if self.send_closed or self.closed:
            msg = "the stream is closed"
            raise MuxedStreamError(msg)
        if part := rest[: min(self._send_window, PART)]:
            self._send_window -= len(part)  # from here on it goes out, even if we are cancelled
            self.sent += len(part)
            header = HEADER.pack(VERSION, TYPE_DATA, 0, self.stream_id, len(part))
            await self.conn.secured_conn.write(header + part)
        return len(part)

    async def reset(self) -> None:
        """End both sides at once: what is there and was not read is dropped. Nobody waits, and nothing is raised."""
        conn = self.conn
        if not self.closed:
            conn.write_soon(HEADER.pack(VERSION, TYPE_WINDOW_UPDATE, FLAG_RST, self.stream_id, 0))
            self.closed = self.send_closed = self.recv_closed = self.reset_received = True
        if (event := conn.stream_events.get(self.stream_id)) is not None:
            event.set()
        conn.forget(self)

    async def _wait_for_window(self) -> None:
        if self._moved is None:
            self._moved = trio.Event()
        with trio.move_on_after(limits.WINDOW_PATIENCE) as waiting:
            await self._moved.wait()
        if waiting.cancelled_caught:
            msg = f"the other side took nothing for {limits.WINDOW_PATIENCE:.0f} s"
            raise MuxedStreamError(msg)

    def _wake_writer(self) -> None:
        if self._moved is not None:
            self._moved.set()
            self._moved = None

    async def widen(self, window: int) -> None:
        """Let the other side send `window` bytes, and no fewer than before, ahead of what we have read."""
        self.window = max(window, self.window)
        await self._auto_tune_and_send_window_update()

    async def _auto_tune_and_send_window_update(self, *, bytes_read: int = 0) -> None:
        """Send a window update once half of the window has been read, or it has been widened."""
        del bytes_read
        buffered = len(self.conn.stream_buffers.get(self.stream_id, b""))
        consumed = self.window - (self.recv_window + buffered)
        if consumed >= self.window // 2:
            self.recv_window += consumed  # no await between look and change, so no lock
            await self.send_window_update(consumed)
