"""What stands between Yamux and its connection: each frame is judged by its header, before its body has memory.

The library's Yamux (0.8.1) reads up to 16 MiB because a header says so, and only logs it when a peer sends more than
its window (yamux.py:1266, 1293). Here who breaks a rule loses the connection, a stream beyond the limit is reset, and
frames that only bring bytes go to their stream without the library's locks. Given up is the library's minute for the
rest of such a frame (yamux.py:1179): who sends nothing more is cut by the muxer's ping long before.

The limits would be reason enough. Both ends of a message take 720 calls and 7 steps with it, and 864 and 8 without; a
megabyte on a stream takes 4.0 ms of the processor, and 7.3 without (`python -m benchmarks.classes`).

Pinned by tests/net/test_muxer.py and tests/net/test_muxer_bytes.py.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, final

import trio
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.stream_muxer.yamux.yamux import (
    FLAG_ACK,
    FLAG_RST,
    FLAG_SYN,
    HEADER_SIZE,
    TYPE_DATA,
    TYPE_GO_AWAY,
    TYPE_PING,
    TYPE_WINDOW_UPDATE,
)

from py_peer.core import limits

if TYPE_CHECKING:
    from libp2p.abc import ISecureConn
    from libp2p.stream_muxer.yamux.yamux import YamuxStream

    from py_peer.net.muxer import LimitedYamux

HEADER: Final = struct.Struct("!BBHII")
"""Version, type, flags, stream, length."""

VERSION: Final = 0
BROKE_THE_PROTOCOL: Final = "broke the protocol"

_NOTHING: Final = memoryview(b"")


@final
class HeaderGate:
    """Stands in for the secured connection: gives what the muxer asks for, and judges each frame header first."""

    def __init__(self, muxer: LimitedYamux, conn: ISecureConn) -> None:
        self._muxer = muxer
        self._conn = conn
        self._come = _NOTHING  # and not looked at yet: at most one Noise message
        self._taken = 0
        self._body = 0
        self._our_parity = 1 if muxer.is_initiator_value else 0
        self.write = conn.write
        self.close = conn.close

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)

    async def read(self, n: int | None = None) -> bytes:
        """Return body bytes, up to `n`, or one whole header (the muxer asks for 12 bytes then).

        Raises ConnectionClosedError when the peer broke the protocol; the muxer then ends the connection.
        """
        if self._body:
            data = await self._exactly(min(n or self._body, self._body))
            self._body -= len(data)
            return data
        while True:
            header = await self._next_header()
            _, kind, flags, stream_id, length = HEADER.unpack(header)
            if kind in (TYPE_PING, TYPE_GO_AWAY):
                return header
            body = length if kind == TYPE_DATA else 0
            stream = self._muxer.streams.get(stream_id)
            self._check_window(stream_id, stream, body)
            if opens := flags & FLAG_SYN:
                self._check_parity(stream_id)
            flags &= ~FLAG_ACK  # it tells us nothing, and the library forgets an end that comes with it (yamux.py:1389)
            if opens and stream is None and self._is_full():
                await self._reset(stream_id, body)
                continue
            if stream is not None and not opens and kind == TYPE_WINDOW_UPDATE:
                stream.send_window += length
                kind, length = TYPE_DATA, 0  # what is left of it is the same as of a frame that brings nothing
            if stream is not None and not flags:
                await self._deliver(stream_id, body)
                continue
            self._body = body
            return HEADER.pack(VERSION, kind, flags, stream_id, length)

    async def _next_header(self) -> bytes:
        while self._muxer.owes_much:
            await self._muxer.take_turn()
            self._muxer.end_turn()
        header = await self._exactly(HEADER_SIZE)
        if header[0] != VERSION:  # the other libraries end the connection, too
            self._refuse(f"version {header[0]}")
        if header[1] > TYPE_GO_AWAY:
            self._refuse(f"frame type {header[1]}")
        return header

    async def _exactly(self, count: int) -> bytes:
        """Return the next `count` bytes. Raises as the connection does, also at its end."""
        data = await self._some(count)
        if len(data) == count:
            return bytes(data)
        parts = bytearray(data)
        while len(parts) < count:
            parts += await self._some(count - len(parts))
        return bytes(parts)

    async def _some(self, most: int) -> memoryview:
        """Return what has come, up to `most` bytes and at least one. Raises as the connection does, also at its end."""
        self._taken += 1
        if not self._taken % limits.AT_ONCE:  # of 10,000 frames that come together none would be waited for
            await trio.lowlevel.checkpoint()
        come = self._come or memoryview(await self._conn.read())
        self._come = come[most:] or _NOTHING
        return come[:most]

    async def _deliver(self, stream_id: int, body: int) -> None:
        """Put the body of a frame where the stream's reader finds it, as the muxer does at greater length."""
        while body:
            data = await self._some(body)
            body -= len(data)
            if stream := self._muxer.streams.get(stream_id):
                self._muxer.stream_buffers[stream_id] += data
                stream.recv_window -= len(data)
                self._muxer.stream_events[stream_id].set()

    def _check_window(self, stream_id: int, stream: YamuxStream | None, body: int) -> None:
        window = limits.MAX_STREAM_WINDOW if stream is None else stream.recv_window
        if body > window:
            self._refuse(f"{body} bytes on stream {stream_id}, whose window is {window}")

    def _check_parity(self, stream_id: int) -> None:
        if stream_id % 2 == self._our_parity:
            self._refuse(f"stream {stream_id} opened with an ID that is ours to give")

    def _is_full(self) -> bool:
        inbound = sum(1 for stream_id in self._muxer.streams if stream_id % 2 != self._our_parity)
        return inbound >= limits.MAX_STREAMS_PER_PEER

    async def _reset(self, stream_id: int, body: int) -> None:
        self._muxer.write_soon(HEADER.pack(VERSION, TYPE_WINDOW_UPDATE, FLAG_RST, stream_id, 0))
        while body:
            body -= len(await self._some(body))

    def _refuse(self, what: str) -> None:
        self._muxer.ended = BROKE_THE_PROTOCOL
        msg = f"peer {self._muxer.peer_id} broke the yamux protocol: {what}"
        raise ConnectionClosedError(msg)
