"""aioquic's state machine of one QUIC connection, held to our limits. Bytes in, bytes out: no socket, no task.

aioquic (1.7.2) is used through what it documents, and through the few names below, each for a reason:

- It opens its windows as bytes arrive, so that who sends fast and is read slowly fills the memory. Here they open as
  bytes are read.
- It takes 128 streams of each kind at once. Here it takes as many as over Yamux, and none that go one way: libp2p has
  no use for them.
- It asks no client for a certificate ("for test purposes only"), which in libp2p is how a peer says who it is.
- It keeps a TLS message of up to 16 MiB of a stranger until it is whole, any number of holes between the bytes of a
  stream or of a handshake, which it goes through for each part that comes, and what it has sent until it is
  acknowledged, which for acknowledgements may be never.
- It takes a packet with 1,200 frames of a byte each, which keeps it busy for 20 times as long as a usual one.
- It buffers what is written without an end, and does not tell how much. Here it does.

Spec: RFC 9000, RFC 9001. Pinned by tests/net/test_quic_engine.py.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, final

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import END_STATES, QuicConnection, QuicConnectionError, QuicConnectionState
from aioquic.quic.packet import QuicErrorCode, QuicProtocolVersion
from cryptography.hazmat.primitives.serialization import Encoding

from py_peer.core import limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aioquic.buffer import Buffer  # type: ignore[attr-defined]

    from py_peer.net.certificates import OwnCertificate

# It would log what strangers give as their reasons, as it comes.
logging.getLogger("quic").setLevel(logging.CRITICAL)

ALPN: Final = "libp2p"
VERSIONS: Final = [QuicProtocolVersion.VERSION_1]
CONNECTION_ID: Final = 8
"""Bytes of the connection IDs that we give out."""


def configuration(own: OwnCertificate, *, dials: bool) -> QuicConfiguration:
    """Return what both sides of a connection of ours are set to."""
    return QuicConfiguration(
        is_client=dials,
        alpn_protocols=[ALPN],
        supported_versions=list(VERSIONS),
        connection_id_length=CONNECTION_ID,
        certificate=own.certificate,
        private_key=own.key,
        verify_mode=0,  # no authority vouches for a peer: its certificate is looked at by `certificates.peer_key`
        idle_timeout=limits.QUIC_IDLE,
        max_data=limits.QUIC_WINDOW,
        max_stream_data=limits.MAX_STREAM_WINDOW,
        max_datagram_size=limits.QUIC_DATAGRAM,
    )


@final
class Engine(QuicConnection):
    """One connection."""

    def __init__(self, *, on_life: Callable[[], None], **arguments: Any) -> None:
        """`on_life` is called for each packet that only the other side can have sent."""
        super().__init__(**arguments)
        self._on_life = on_life
        for limit, streams in (
            (self._local_max_streams_bidi, limits.MAX_STREAMS_PER_PEER),
            (self._local_max_streams_uni, 0),
        ):
            limit.value = limit.sent = streams
        handlers: dict[int, tuple[Any, Any]] = self._QuicConnection__frame_handlers  # type: ignore[attr-defined]
        for kind, (handle, epochs) in handlers.items():
            handlers[kind] = (partial(self._counted, handle), epochs)
        self._spare_frames = limits.QUIC_FRAMES_SPARE
        self._read = 0
        self._next_of_theirs = int(self._is_client)
        self._unheard: set[int] = set()
        """Streams that are open because a later one is, and of which nothing has come."""

    # --- What it knows ----------------------------------------------------------------------------

    @property
    def has_begun(self) -> bool:
        """Whether a packet has come that could be read."""
        return self._state != QuicConnectionState.FIRSTFLIGHT

    @property
    def is_over(self) -> bool:
        """Whether nothing more is taken off it, nor sent, except the farewell."""
        return self._state in END_STATES or self._close_pending

    @property
    def refuses(self) -> bool:
        """Whether aioquic is about to end it, because what came breaks the protocol."""
        return self._close_pending

    @property
    def why_over(self) -> str:
        """Why it is over, in the words of who ended it: not cleaned."""
        return self._close_event.reason_phrase if self._close_event else ""

    @property
    def idle_timeout(self) -> float:
        """After how many seconds of silence the connection is over; the other side may want fewer than we."""
        return self._idle_timeout()

    @property
    def chain(self) -> list[bytes]:
        """The certificates of the other side, in DER; none if it has shown none."""
        first = self.tls._peer_certificate  # noqa: SLF001 - nothing else tells
        return [one.public_bytes(Encoding.DER) for one in (first, *self.tls._peer_certificate_chain) if one]  # noqa: SLF001

    @property
    def may_open(self) -> bool:
        """Whether the other side takes one more stream of ours."""
        return self.get_next_available_stream_id() // 4 < self._remote_max_streams_bidi

    @property
    def waits_for_much(self) -> bool:
        """Whether so many packets are to be acknowledged that no more should be written."""
        return any(space.ack_eliciting_in_flight > limits.QUIC_PACKETS // 2 for space in self._loss.spaces)

    def unsent(self, stream_id: int) -> int:
        """Return how many bytes of a stream of ours the other side has not acknowledged."""
        stream = self._streams.get(stream_id)
        return stream.sender._buffer_stop - stream.sender._buffer_start if stream else 0  # noqa: SLF001

    @property
    def owes(self) -> bool:
        """Whether anything that was written, the end of a stream included, is not acknowledged yet."""
        senders = [stream.sender for stream in self._streams.values()]
        return any(
            one._buffer_stop > one._buffer_start or (one._buffer_fin is not None and not one.is_finished)  # noqa: SLF001
            for one in senders
            if one._reset_error_code is None  # noqa: SLF001
        )

    def is_new(self, stream_id: int) -> bool:
        """Say, once, whether the other side has opened a stream; all of it may have come already."""
        if stream_id % 2 == self._is_client:
            for one in range(self._next_of_theirs, stream_id + 4, 4):
                self._unheard.add(one)
                self._next_of_theirs = one + 4
        if stream_id not in self._unheard:
            return False
        self._unheard.remove(stream_id)
        return True

    # --- Windows ----------------------------------------------------------------------------------

    def lost(self, stream_id: int, received: int) -> int:
        """Return how many bytes of a stream will never come, of which `received` did: it was reset before them."""
        stream = self._streams.get(stream_id)
        return stream.receiver.highest_offset - received if stream else 0

    def open_window(self, stream_id: int, end: int) -> bool:
        """Let the other side send on a stream up to the byte `end`, counted from its first; return whether to say so.

        That is done in halves of the window.
        """
        stream = self._streams.get(stream_id)
        if stream is None or stream.receiver.is_finished:
            return False
        if end - stream.max_stream_data_local < limits.MAX_STREAM_WINDOW // 2:
            return False
        stream.max_stream_data_local = end
        return True

    def has_read(self, count: int) -> bool:
        """Let `count` more bytes come on the connection, for those that were read; return whether to say so."""
        self._read += count
        end = self._read + limits.QUIC_WINDOW
        if end - self._local_max_data.value < limits.QUIC_WINDOW // 2:
            return False
        self._local_max_data.value = end
        return True

    def _write_connection_limits(self, builder: Any, space: Any) -> None:
        limits_told = (self._local_max_data, self._local_max_streams_bidi, self._local_max_streams_uni)
        if all(one.value == one.sent for one in limits_told):
            return
        with _zero(self._local_max_data, "used"):  # it would double what is half used
            super()._write_connection_limits(builder, space)

    def _write_stream_limits(self, builder: Any, space: Any, stream: Any) -> None:
        if stream.max_stream_data_local_sent != stream.max_stream_data_local:
            with _zero(stream.receiver, "highest_offset"):
                super()._write_stream_limits(builder, space, stream)

    # --- What a stranger may make us hold ---------------------------------------------------------

    def _initialize(self, peer_cid: bytes) -> None:
        super()._initialize(peer_cid)
        self.tls._request_client_certificate = True  # noqa: SLF001

    def _payload_received(self, context: Any, plain: bytes, crypto_frame_required: bool = False) -> tuple[bool, bool]:  # noqa: FBT001, FBT002
        self._on_life()
        self._spare_frames = min(self._spare_frames, limits.QUIC_FRAMES_SPARE) + limits.QUIC_FRAMES
        told = super()._payload_received(context, plain, crypto_frame_required)
        if len(self.tls._receive_buffer) > limits.MAX_TLS_MESSAGE:  # noqa: SLF001
            raise QuicConnectionError(QuicErrorCode.CRYPTO_BUFFER_EXCEEDED, 0, "a TLS message too long")
        if any(len(space.sent_packets) > limits.QUIC_PACKETS for space in self._loss.spaces):
            raise QuicConnectionError(QuicErrorCode.PROTOCOL_VIOLATION, 0, "too much is not acknowledged")
        return told

    def _counted(self, handle: Callable[..., None], context: Any, frame_type: int, buf: Buffer) -> None:
        self._spare_frames -= 1
        if self._spare_frames < 0:
            raise QuicConnectionError(QuicErrorCode.PROTOCOL_VIOLATION, frame_type, "too many small frames")
        handle(context, frame_type, buf)

    def _handle_crypto_frame(self, context: Any, frame_type: int, buf: Buffer) -> None:
        receiver = self._crypto_streams[context.epoch].receiver
        start = buf.tell()
        end = buf.pull_uint_var() + buf.pull_uint_var()
        buf.seek(start)
        is_far = end - receiver.starting_offset() > limits.MAX_TLS_MESSAGE
        if is_far or len(receiver._ranges) > limits.QUIC_TLS_HOLES:  # noqa: SLF001
            raise QuicConnectionError(QuicErrorCode.CRYPTO_BUFFER_EXCEEDED, frame_type, "a handshake in too many parts")
        super()._handle_crypto_frame(context, frame_type, buf)

    def _get_or_create_stream(self, frame_type: int, stream_id: int) -> Any:
        stream = super()._get_or_create_stream(frame_type, stream_id)
        if len(stream.receiver._ranges) > limits.QUIC_HOLES:  # noqa: SLF001
            raise QuicConnectionError(QuicErrorCode.PROTOCOL_VIOLATION, frame_type, "a stream in too many parts")
        return stream


@contextmanager
def _zero(owner: Any, name: str) -> Iterator[None]:
    value = getattr(owner, name)
    setattr(owner, name, 0)
    try:
        yield
    finally:
        setattr(owner, name, value)
