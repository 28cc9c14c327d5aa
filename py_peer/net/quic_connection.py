"""A QUIC connection as libp2p's swarm wants one: secured and multiplexed already, a sign of life now and then.

The library's (transport/quic, 0.8.1, 8,000 lines) goes deaf after 30 s of silence, does not notice who hangs, and holds
whatever a stranger sends. This stands on the state machine of aioquic (`net/quic_engine.py`) and does what that leaves
to others: who is there, streams, who waits for what, and when the time of something has come. One task for each
connection waits for that; its datagrams are `net/quic.py`'s.

Spec: RFC 9000, https://github.com/libp2p/specs/blob/master/quic/README.md. Pinned by tests/net/test_quic.py.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any, Final, final

import trio
from aioquic.quic import events
from aioquic.quic.packet import QuicErrorCode
from libp2p.abc import IMuxedConn
from libp2p.connection_types import ConnectionType
from libp2p.peer.id import ID
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable, MuxedStreamError
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.core.addresses import QUIC, socket_multiaddr
from py_peer.net.alive import SILENT, LiveConn
from py_peer.net.certificates import CertificateError, peer_key
from py_peer.net.header_gate import BROKE_THE_PROTOCOL
from py_peer.net.interfaces import host_and_port
from py_peer.net.quic_stream import QUICStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.net.quic_engine import Engine

log = logging.getLogger(__name__)

_BAD_CERTIFICATE: Final = QuicErrorCode.CRYPTO_ERROR + 42
"""TLS's alert bad_certificate."""


@final
class QUICConnection(LiveConn, IMuxedConn, trio.abc.AsyncResource):
    """One connection, from its first datagram to its last."""

    peer_id: ID
    """Who is there. Not before `settled`, and only then when it is not over."""

    def __init__(  # noqa: PLR0913 - each is another part of the world around it
        self,
        new_engine: Callable[..., Engine],
        address: tuple[Any, ...],
        local_ip: str,
        send: Callable[[bytes, tuple[Any, ...]], None],
        on_id: Callable[[QUICConnection, bytes, bool], None],
        on_over: Callable[[QUICConnection], None],
    ) -> None:
        """`address` is the other end's, as a socket has it, and `send` sends a datagram there.

        `on_id` is told the connection IDs under which datagrams come for us: True when one begins to hold, False when
        it does not any more. `on_over` is told of the end.
        """
        super().__init__()
        self.event_started = trio.Event()
        self.event_closed = trio.Event()
        self.settled = trio.Event()
        """Set when the handshake is done, or over."""

        self.failure = ""
        """Why there was no handshake: a sentence for the user, in which other's words are not cleaned."""

        self.local_ip = local_ip
        self.address = address
        self._engine = new_engine(on_life=self.note_life)
        self._send = send
        self._on_id = on_id
        self._on_over = on_over
        self._streams: dict[int, QUICStream] = {}
        self._offer, self._offered = trio.open_memory_channel[QUICStream](limits.MAX_STREAMS_PER_PEER)
        self._moved = trio.Event()
        self._alarm = trio.CancelScope()
        self._deadline = self._due = trio.current_time() + limits.HANDSHAKE_TIMEOUT
        self._asked = math.inf

    # --- What the swarm asks ----------------------------------------------------------------------

    @property
    def first_id(self) -> bytes:
        """The connection ID under which the first datagrams come for us."""
        return self._engine.host_cid

    @property
    def is_initiator(self) -> bool:
        """Whether we have dialled."""
        return self._engine.configuration.is_client

    @property
    def is_established(self) -> bool:
        """Whether the handshake is done."""
        return self.settled.is_set() and not self.is_closed

    @property
    def is_closed(self) -> bool:
        """Whether the connection is over."""
        return self.event_closed.is_set()

    @property
    def where(self) -> str:
        """The other end as a multiaddr."""
        return socket_multiaddr(self.get_remote_address(), QUIC)

    def get_remote_address(self) -> tuple[str, int]:
        """Return host and port of the other end, which may have moved."""
        return host_and_port(self._engine.get_peer_address() or self.address)

    def get_transport_addresses(self) -> list[Multiaddr]:
        """Return where the other end is."""
        return [Multiaddr(self.where)]

    def get_connection_type(self) -> ConnectionType:
        """Return that nobody is between."""
        return ConnectionType.DIRECT

    async def start(self) -> None:
        """Ask for signs of life until the end, which comes when there are none."""
        self.event_started.set()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch)
            await self.event_closed.wait()
            nursery.cancel_scope.cancel()

    async def _watch(self) -> None:
        await self.keep_alive(self._ask)
        self.end()

    def _ask(self) -> None:
        self._asked = trio.current_time()
        self._engine.send_ping(0)
        self.transmit()

    async def open_stream(self) -> QUICStream:
        """Open a stream, when the other side takes one more. Raises MuxedStreamError."""
        while not (self.is_closed or self._engine.may_open):
            await self.progress()
        if self.is_closed:
            msg = "the connection has ended"
            raise MuxedStreamError(msg)
        stream_id = self._engine.get_next_available_stream_id()
        self._engine.send_stream_data(stream_id, b"")  # it is taken from now on
        stream = self._streams[stream_id] = QUICStream(self, stream_id)
        return stream

    async def accept_stream(self) -> QUICStream:
        """Return the next stream that the other side opens. Raises MuxedConnUnavailable at the end."""
        try:
            return await self._offered.receive()
        except trio.EndOfChannel:
            msg = "the connection has ended"
            raise MuxedConnUnavailable(msg) from None

    async def close(self) -> None:
        """End the connection when what was written has come, or after a moment; the other side is told."""
        if self.ended != SILENT:
            with trio.move_on_after(limits.CLOSE_TIMEOUT):
                while not self.is_closed and self._engine.owes:
                    await self.progress()
        await self.aclose()

    async def aclose(self) -> None:
        """End the connection now; the other side is told, if it hears it."""
        self.end()
        await trio.lowlevel.checkpoint()

    # --- What its streams ask ---------------------------------------------------------------------

    async def progress(self) -> None:
        """Wait until something has come, or the connection is over."""
        if self._moved.is_set():
            self._moved = trio.Event()
        await self._moved.wait()

    def is_full(self, stream: QUICStream) -> bool:
        """Say whether a stream has to wait before more is written."""
        return self._engine.waits_for_much or self._engine.unsent(stream.stream_id) >= limits.QUIC_UNSENT

    def send(self, stream: QUICStream, data: bytes, *, end: bool = False) -> None:
        """Send bytes of a stream, and with `end` that they were the last."""
        if not self.is_closed:
            self._engine.send_stream_data(stream.stream_id, data, end_stream=end)
            self._forget_what_is_over(stream)
            self.transmit()

    def reset(self, stream: QUICStream) -> None:
        """Tell the other side that both ends of a stream are over."""
        self._reset(stream)
        self.transmit()

    def _reset(self, stream: QUICStream) -> None:
        unread = stream.drop()
        if stream.stream_id in self._streams:
            self._engine.has_read(unread)
            self._engine.reset_stream(stream.stream_id, 0)
            if not stream.read_over:
                self._engine.stop_stream(stream.stream_id, 0)
            self._forget_what_is_over(stream)

    def has_read(self, stream: QUICStream, count: int) -> None:
        """Let more come, on a stream and on the connection, for so many bytes that were read."""
        if stream.stream_id in self._streams and not self.is_closed:
            opened = self._engine.has_read(count)
            if self._engine.open_window(stream.stream_id, stream.window_end) or opened:
                self.transmit()

    def _forget_what_is_over(self, stream: QUICStream) -> None:
        """Let go of a stream that is over both ways. What is unread of it takes nothing of the window any more."""
        if stream.read_over and stream.write_over and stream.stream_id in self._streams:
            del self._streams[stream.stream_id]
            self._engine.has_read(stream.unread)

    # --- What comes, and when ---------------------------------------------------------------------

    async def run(self) -> None:
        """Do what has its time, until the connection is over."""
        while not self.is_closed:
            with trio.CancelScope(deadline=self._due) as self._alarm:
                await trio.sleep_forever()
            if trio.current_time() >= self._due:  # it may have been put off
                self._do(self._do_what_is_due, trio.current_time())
                self.transmit()

    def _do_what_is_due(self, now: float) -> None:
        if not self.settled.is_set() and now >= self._deadline:
            self.failure = f"no handshake within {limits.HANDSHAKE_TIMEOUT:g} s"
            self.end()
        elif now >= self._ask_at:
            self._ask()  # the other side may end the connection sooner than we ask for signs of life
        else:
            self._engine.handle_timer(now)

    def receive(self, data: bytes, address: tuple[Any, ...], now: float) -> None:
        """Take a datagram. Nothing is raised, whatever it holds. `transmit` has to follow."""
        self._do(self._engine.receive_datagram, data, address, now)
        if not (self._engine.has_begun or self.is_initiator):
            self.end()  # it looked like the first packet of a call, and is none: nobody need wait for more
        self._moved.set()

    def transmit(self) -> None:
        """Send what is to be sent now."""
        if not self.is_closed:
            self._do(self._send_all, trio.current_time())
            self._alarm.deadline = min(self._alarm.deadline, self._due)

    def _send_all(self, now: float) -> None:
        for datagram, address in self._engine.datagrams_to_send(now):
            self._send(datagram, address)
        timer = self._engine.get_timer()
        other = self._ask_at if self.settled.is_set() else self._deadline
        self._due = other if timer is None else min(timer, other)

    @property
    def _ask_at(self) -> float:
        return self._asked + max(self._engine.idle_timeout / 3, limits.QUIC_LEAST_PAUSE)

    def connect(self) -> None:
        """Begin the handshake, as who dials."""
        self._do(self._engine.connect, self.address, trio.current_time())
        self.transmit()

    def _do(self, step: Callable[..., Any], *arguments: Any) -> None:
        """Have the state machine do a step, and take what it tells."""
        try:
            step(*arguments)
            while (event := self._engine.next_event()) is not None:
                self._take(event)
        except Exception as error:  # a stranger's bytes: what they do to aioquic nobody knows
            log.debug("a QUIC connection broke off: %r", error, exc_info=error)
            self.failure = self.failure or f"what came broke it off ({type(error).__name__})"
            self.end()
        if self._engine.is_over:
            if self._engine.refuses and self.settled.is_set():
                self.ended = self.ended or BROKE_THE_PROTOCOL
            self.failure = self.failure or self._engine.why_over
            self.end()

    def _take(self, event: events.QuicEvent) -> None:
        match event:
            case events.StreamDataReceived() | events.StreamReset() | events.StopSendingReceived():
                self._take_of_stream(event)
            case events.HandshakeCompleted():
                self._prove()
            case events.ConnectionIdIssued(connection_id=connection_id):
                self._on_id(self, connection_id, True)  # noqa: FBT003
            case events.ConnectionIdRetired(connection_id=connection_id):
                self._on_id(self, connection_id, False)  # noqa: FBT003

    def _take_of_stream(
        self, event: events.StreamDataReceived | events.StreamReset | events.StopSendingReceived
    ) -> None:
        if (stream := self._stream(event.stream_id)) is None:
            return
        match event:
            case events.StreamDataReceived(data=data, end_stream=end):
                self._take_data(stream, data, end=end)
            case events.StreamReset():
                self._take_reset(stream)
            case events.StopSendingReceived():  # the other side reads no more of it, and aioquic has stopped
                stream.write_over = True
        self._forget_what_is_over(stream)

    def _prove(self) -> None:
        """Find out who is there."""
        try:
            self.peer_id = ID.from_pubkey(peer_key(self._engine.chain))
        except CertificateError as error:
            self.failure = f"its certificate proves nothing: {error}"
            self._engine.close(_BAD_CERTIFICATE, 0, "bad certificate")
        else:
            self.settled.set()

    def _take_data(self, stream: QUICStream, data: bytes, *, end: bool) -> None:
        stream.take_data(data)
        if stream.was_reset:
            self._engine.has_read(stream.drop())
        if end:
            stream.take_end()

    def _take_reset(self, stream: QUICStream) -> None:
        """Take that the other side has ended a stream. In libp2p that is for both ways."""
        self._engine.has_read(self._engine.lost(stream.stream_id, stream.received))
        if not stream.write_over:
            self._engine.reset_stream(stream.stream_id, 0)
        stream.break_off()
        stream.take_end()

    def _stream(self, stream_id: int) -> QUICStream | None:
        """Return a stream, which the other side may just have opened; None when it is over and forgotten."""
        stream = self._streams.get(stream_id)
        if stream is None and self._engine.is_new(stream_id):
            stream = self._streams[stream_id] = QUICStream(self, stream_id)
            try:
                self._offer.send_nowait(stream)
            except trio.WouldBlock:  # more come and go than are looked at
                stream.break_off()
                self._reset(stream)
        return stream

    # --- The end ----------------------------------------------------------------------------------

    def end(self) -> None:
        """End the connection, once, whatever state it is in."""
        if self.is_closed:
            return
        self.event_closed.set()
        self.settled.set()
        try:
            self._engine.close()
            for datagram, address in self._engine.datagrams_to_send(trio.current_time()):
                self._send(datagram, address)
        except Exception as error:  # noqa: BLE001 - it may have ended because it is broken
            log.debug("no farewell: %r", error)
        self._offer.close()
        for stream in self._streams.values():
            stream.break_off()
        self._streams.clear()
        self._moved.set()
        self._alarm.cancel()
        self._on_over(self)
