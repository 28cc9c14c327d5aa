"""Being reached through a relay, and reaching others through theirs: the client of circuit relay v2.

The library's (relay/circuit_v2/, 0.8.1) does not end when a relay is silent, loses a connection with a write that is
cancelled, and takes circuits that nobody asked for. Who is reached has a reservation at the relay, which holds as long
as the connection to it; who reaches him asks the relay for a circuit: a stream that goes on, at the relay, as another
one. The two then shake hands over it as over TCP, so that the relay reads and forges nothing.

Circuits are taken of relays alone at which we have reserved, and count as inbound connections, by relay and peer. The
limits that a relay tells are passed on to the user: it ends a circuit by them without another word.

Spec: https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md. Pinned by tests/net/test_relay.py.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast, final

import trio
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.core.addresses import RELAY, is_peer_id
from py_peer.core.bars import duration
from py_peer.core.hearsay import is_name
from py_peer.core.ranges import Kind, kind_of
from py_peer.core.sizes import shown_size
from py_peer.net import streams
from py_peer.net.connections import remote_multiaddr
from py_peer.net.direct_first import is_relayed
from py_peer.net.multiaddrs import dialable
from py_peer.net.relay_messages import HOP, Hop, HopMessage, Peer, Status, Stop, StopMessage, read_message
from py_peer.net.relayed_stream import RelayedStream
from py_peer.net.streams import GarbageError, StreamFaultError, write_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from libp2p.abc import IHost, INetStream

    from py_peer.core.addresses import DialAddress
    from py_peer.net.connections import Admission
    from py_peer.net.counters import Counters

_NO_LISTENER: Final = Multiaddr(f"/{RELAY}")

_FOR_EVER: Final = 30 * 86_400
_ENDLESS: Final = 10**12
"""Limits that are none: a month in seconds, and a TB."""

_REFUSALS: Final = {
    Status.RESERVATION_REFUSED: "it gives no more reservations now",
    Status.RESOURCE_LIMIT_EXCEEDED: "it carries no more connections now",
    Status.PERMISSION_DENIED: "it does not serve us",
    Status.CONNECTION_FAILED: "it does not reach this peer, or the peer refuses",
    Status.NO_RESERVATION: "the peer has no reservation there (any more)",
}


class RelayError(StreamFaultError):
    """A relay does not do what it was asked for; the text says why, as in "it …"."""


@final
@dataclass(frozen=True, slots=True)
class Reservation:
    """That a relay lets others reach us, for a while."""

    seconds: float
    """How long it holds from when it was given, by the relay's word; the connection to the relay may end before."""

    addresses: tuple[str, ...]
    """Multiaddrs, with our peer ID, under which others reach us."""

    limits: str = ""
    """When the relay ends each connection, as in "after …"; "" when it tells of no limit."""


@final
class RelayClient:
    """Asks relays for reservations and circuits, and takes the circuits that they bring."""

    def __init__(self, host: IHost, admission: Admission, counters: Counters) -> None:
        self._host = host
        self._admission = admission
        self._counters = counters
        self._reserved: set[ID] = set()

    # --- To be reached ----------------------------------------------------------------------------

    async def reserve(self, relay: DialAddress) -> tuple[Reservation, trio.Event]:
        """Reserve at a relay that we are connected to; also returned is what tells that it holds no more.

        Raises RelayError, or another StreamFaultError.
        """
        relay_id = _peer_id(relay)
        stream = await self._open(relay_id)
        try:
            answer = await _ask(stream, HopMessage(type=Hop.RESERVE))
        finally:
            await streams.close(stream)
        if not answer.HasField("reservation"):
            raise GarbageError("it gave a reservation without saying which")
        self._reserved.add(relay_id)
        reservation = Reservation(
            answer.reservation.expire - time.time(),
            self._addresses(relay, answer.reservation.addrs),
            _told_limits(answer.limit),
        )
        return reservation, stream.muxed_conn.event_closed  # type: ignore[attr-defined]

    def _addresses(self, relay: DialAddress, told: Iterable[bytes]) -> tuple[str, ...]:
        """Return where we are reached: where we reached the relay, and where on the Internet it says that it is."""
        own = {relay.text: None}
        for one in dialable(told, _peer_id(relay).to_bytes(), limits.RELAYED_ADDRESSES):
            if not is_name(one) and one.via is None and kind_of(one.host) is Kind.PUBLIC:
                own[one.text] = None
        return tuple(f"{text}/{RELAY}/p2p/{self._host.get_id()}" for text in own)[: limits.RELAYED_ADDRESSES]

    async def keep(self, relay: DialAddress, told: Callable[[Reservation], None]) -> None:
        """Reserve at a relay that we are connected to, and again before it is over; `told` is given each reservation.

        It ends when the relay is gone, or does not renew it: with RelayError, or another StreamFaultError.
        """
        relay_id = _peer_id(relay)
        try:
            while True:
                reservation, ended = await self.reserve(relay)
                told(reservation)
                seconds = min(max(reservation.seconds * 0.75, limits.RELAY_RENEW_LEAST), limits.RELAY_RENEW_LONGEST)
                with trio.move_on_after(seconds):
                    await ended.wait()
                    if all(conn.muxed_conn.is_closed for conn in self._host.get_network().get_connections(relay_id)):
                        raise RelayError("the connection to it has ended")
        finally:
            self._reserved.discard(relay_id)

    async def handle(self, stream: INetStream) -> None:
        """Take a circuit that a relay brings, until its end. It is the handler of STOP."""
        request = await read_message(stream, StopMessage)
        relay = stream.muxed_conn.peer_id
        if request.type != Stop.CONNECT or not is_peer_id(request.peer.id):
            await _answer(stream, Status.MALFORMED_MESSAGE)
            raise GarbageError("what a relay brought is no circuit")
        circuit = self._circuit(stream, ID(request.peer.id))
        if relay not in self._reserved:
            self._counters["refused: a circuit of a relay that we have not asked"] += 1
            await _answer(stream, Status.PERMISSION_DENIED)
        elif self._admission.reason_to_refuse(circuit.source):
            await _answer(stream, Status.RESOURCE_LIMIT_EXCEEDED)
        else:
            await _answer(stream, Status.OK)
            self._counters["relays: circuits taken"] += 1
            try:
                await self._admission.handle(circuit, _NO_LISTENER)
            finally:
                await circuit.aclose()
            return
        await streams.close(stream)

    # --- To reach others --------------------------------------------------------------------------

    async def connect(self, relay: DialAddress, peer: ID) -> RelayedStream:
        """Return a stream to a peer through a relay that we are connected to.

        Raises RelayError, or another StreamFaultError.
        """
        stream = await self._open(_peer_id(relay))
        try:
            await _ask(stream, HopMessage(type=Hop.CONNECT, peer=Peer(id=peer.to_bytes())))
        except BaseException:
            await streams.reset(stream)
            raise
        self._counters["relays: circuits asked for"] += 1
        return self._circuit(stream, peer)

    async def _open(self, relay: ID) -> INetStream:
        stream = await streams.open_stream(self._host, relay, HOP, limits.RELAY_PATIENCE)
        if is_relayed(stream.muxed_conn):
            await streams.reset(stream)
            raise RelayError("it is reached through a relay itself")
        return stream

    def _circuit(self, stream: INetStream, peer: ID) -> RelayedStream:
        return RelayedStream(stream, f"{_whence(stream)}/p2p/{stream.muxed_conn.peer_id}/{RELAY}", str(peer))


def _whence(stream: INetStream) -> str:
    return remote_multiaddr(stream.muxed_conn)


def _told_limits(limit: Any) -> str:
    """Return when a relay ends each connection; what nobody comes to is no limit. js-libp2p tells milliseconds."""
    told = [duration(limit.duration)] if 0 < limit.duration < _FOR_EVER else []
    told += [shown_size(limit.data)] if 0 < limit.data < _ENDLESS else []
    return f"after {' or '.join(told)}" * bool(told)


def _peer_id(relay: DialAddress) -> ID:
    return ID.from_string(cast("str", relay.peer_id))


async def _ask(stream: INetStream, request: Any) -> Any:
    """Return the answer of a relay that does what it was asked for. Raises RelayError, or another StreamFaultError."""
    await write_frame(stream, request.SerializeToString(), limits.RELAY_PATIENCE)
    answer = await read_message(stream, HopMessage)
    if answer.type != Hop.STATUS:
        raise GarbageError("it answered with something else than a status")
    if answer.status != Status.OK:
        raise RelayError(_REFUSALS.get(answer.status, f"it refused, with the status {answer.status}"))
    return answer


async def _answer(stream: INetStream, status: Status) -> None:
    answer = StopMessage(type=Stop.STATUS, status=status)
    await write_frame(stream, answer.SerializeToString(), limits.RELAY_PATIENCE)
