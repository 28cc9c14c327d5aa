"""Yamux with limits: what a peer may make us hold, on one stream and on one connection.

The library's Yamux (0.8.1) reads a frame of up to 16 MiB because its header says so, only logs it when a peer
sends more than its window, and accepts any number of streams. Here each header is looked at before its body has
memory (`net/header_gate.py`): a frame beyond its window ends the connection, a stream beyond the limit is reset.

Frames that do nothing but bring bytes are taken out of the Noise message that they came in, and do without the
library's locks: each is a trip through trio's scheduler. Streams are `net/muxed_stream.py`'s.

What it answers it writes where it reads (yamux.py:1375): two sides that both send with all their might, and ask each
other, wait for each other for good. Here frames without a body go out before the next one with a body, and nobody waits
for them: nor can they be lost, half a window with them, with who gives up waiting. A stream whose opening is given up
was kept for good, and an end beside an acknowledgement looked like nothing at all.

And it never notices that the other side is gone without a word (yamux.py:719). Here a ping of Yamux's own is sent now
and then, and the connection is cut when nothing comes any more. Any byte is a sign of life: the answer itself may wait
behind a flood. Each connection is asked, not each peer: who has come back on a new one has a dead old one.

With it both ends of a message take 720 calls, 7 steps of the scheduler and 0.57 ms of the processor, without it 1,640,
21 and 1.07; a megabyte on a stream takes 4.0 ms, and 11.7 without (`python -m benchmarks.classes`). Given up is the
library's measurement of round-trip times.

Spec: https://github.com/hashicorp/yamux/blob/master/spec.md. Pinned by tests/net/test_muxer.py and
tests/net/test_muxer_pressure.py.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import trio
from libp2p.stream_muxer.exceptions import MuxedStreamError
from libp2p.stream_muxer.yamux.yamux import (
    FLAG_SYN,
    HEADER_SIZE,
    TYPE_GO_AWAY,
    TYPE_PING,
    TYPE_WINDOW_UPDATE,
    Yamux,
    YamuxStream,
)

from py_peer.core import limits
from py_peer.net.alive import LiveConn
from py_peer.net.carrier import Carrier
from py_peer.net.closing import bottom_of, layer_of
from py_peer.net.header_gate import HEADER, VERSION, HeaderGate
from py_peer.net.muxed_stream import PART, LimitedStream
from py_peer.net.tcp import lock

if TYPE_CHECKING:
    from libp2p.abc import ISecureConn
    from libp2p.connection_types import ConnectionType


class LimitedYamux(Yamux, LiveConn):
    """Yamux behind a `HeaderGate`, which is cut when the other side is silent."""

    def __init__(self, secured_conn: ISecureConn, *args: Any, **kwargs: Any) -> None:
        Yamux.__init__(self, secured_conn, *args, **kwargs)
        LiveConn.__init__(self)
        # It has all that the muxer asks of a connection, through __getattr__.
        self.secured_conn = cast("ISecureConn", HeaderGate(self, secured_conn))
        self._carrier = layer_of(secured_conn, Carrier)
        self._carrier.on_life = self.note_life
        self._headers = bytearray()
        """Frames without a body that are still to be written, in order."""

        self._has_headers = trio.Event()

    def get_connection_type(self) -> ConnectionType:
        """Say whether this is a relayed connection: new streams go over a direct one, if there is one."""
        return self._carrier.connection_type

    async def open_stream(self) -> LimitedStream:
        """Open a stream; who gives up waiting for it leaves nothing behind. Raises MuxedStreamError."""
        await self.stream_backlog_semaphore.acquire()
        if self.event_shutting_down.is_set():
            self.stream_backlog_semaphore.release()
            msg = "the connection has ended"
            raise MuxedStreamError(msg)
        stream_id = self.next_stream_id
        self.next_stream_id += 2
        stream = self.streams[stream_id] = LimitedStream(stream_id, self, is_initiator=True)
        stream._owns_backlog_slot = True  # noqa: SLF001
        self.stream_buffers[stream_id] = bytearray()
        self.stream_events[stream_id] = trio.Event()
        self.write_soon(HEADER.pack(VERSION, TYPE_WINDOW_UPDATE, FLAG_SYN, stream_id, 0))
        return stream

    def _finalize_stream_locked(self, stream: YamuxStream, *, fully_closed: bool) -> None:
        """Let go of a stream that has ended, with what has come before a reset, which nobody can read any more."""
        if stream.reset_received and not stream.recv_closed:
            self.stream_buffers.pop(stream.stream_id, None)
        super()._finalize_stream_locked(stream, fully_closed=fully_closed)

    def forget(self, stream: LimitedStream) -> None:
        """Let go of a stream that has been reset, and of what it holds."""
        self.stream_buffers.pop(stream.stream_id, None)
        self._finalize_stream_locked(stream, fully_closed=True)  # no await, so no lock

    # --- Writing ----------------------------------------------------------------------------------

    async def take_turn(self) -> None:
        """Wait until it is our turn to write, behind the frames without a body. `end_turn` must follow."""
        await lock(self._write_lock)
        try:
            if self._carrier.unsent:  # of who gave up: first it, so that there is never more of it than one message
                await self._carrier.write(b"")
            while self._headers:
                part = bytes(self._headers[:PART])
                del self._headers[:PART]  # it goes out whole even when the caller is cancelled
                await self.secured_conn.write(part)
        except BaseException:
            self.end_turn()
            raise

    def end_turn(self) -> None:
        """Let the next one write."""
        self._write_lock.release()

    def write_soon(self, header: bytes) -> None:
        """Write a frame without a body before anything else is written, and wait for nothing.

        Who reads answers with such frames: if it waited until they are out, and the other side did so, too, neither
        would read any more. And a window update or an end must not be lost with who is cancelled while he waits.
        """
        self._headers += header
        self._has_headers.set()

    @property
    def owes_much(self) -> bool:
        """Whether the other side wants more answers than it takes."""
        return len(self._headers) > limits.ANSWERS * HEADER_SIZE

    async def _write_frame(self, data: bytes) -> None:
        """Write a frame of the library's; only the farewell is waited for."""
        if data[1] == TYPE_GO_AWAY:
            await self.take_turn()
            try:
                await self.secured_conn.write(data)
            finally:
                self.end_turn()
        else:
            self.write_soon(data)

    async def _write_headers(self) -> None:
        with suppress(Exception):  # the connection has ended; its reader says so
            while True:
                await self._has_headers.wait()
                self._has_headers = trio.Event()
                await self.take_turn()
                self.end_turn()

    # --- Is it alive ------------------------------------------------------------------------------

    async def _measure_rtt_loop(self) -> None:
        """Ask for a sign of life now and then, and cut the connection when there is none.

        The library starts it when the connection starts. Its own loop measures what only its own windows use.
        """
        cast("trio.Nursery", self._nursery).start_soon(self._write_headers)
        await self.keep_alive(self._ask)
        await trio.aclose_forcefully(bottom_of(self))  # whoever reads from it does the rest

    def _ask(self) -> None:
        self._ping_id += 1
        self.write_soon(HEADER.pack(VERSION, TYPE_PING, FLAG_SYN, 0, self._ping_id))
