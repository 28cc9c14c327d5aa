"""A relay for others: reservations for who is to be reached, and circuits between them and who reaches them.

A circuit is a stream from each end, and what comes on one is written to the other, 64 kB at a time: who does not read
holds up who sends, and nothing piles up here. Nobody relays through who is reached through a relay himself.

Spec: https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md. Pinned by tests/net/test_relay.py.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, final

import trio
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.core.addresses import is_of_this_machine, is_peer_id, leads_through_relay
from py_peer.core.rates import Buckets
from py_peer.core.relay_slots import RelaySlots
from py_peer.net import streams
from py_peer.net.connections import remote_ip, remote_multiaddr
from py_peer.net.direct_first import is_relayed
from py_peer.net.muxed_stream import PART
from py_peer.net.relay_messages import (
    STOP,
    Hop,
    HopMessage,
    Peer,
    Reservation,
    Status,
    Stop,
    StopMessage,
    read_message,
    voucher,
)
from py_peer.net.streams import GarbageError, SilentError, StreamFaultError, read_some, write, write_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from libp2p.abc import IHost, INetStream
    from libp2p.crypto.keys import PrivateKey

    from py_peer.net.counters import Counters


@final
class RelayServer:
    """Serves others, within `limits.RELAY_...`."""

    def __init__(
        self, host: IHost, key: PrivateKey, counters: Counters, addresses: Callable[[], Iterable[str]]
    ) -> None:
        """`addresses` gives the multiaddrs, with our peer ID, at which we are reached."""
        self._slots = RelaySlots()
        self._host = host
        self._key = key
        self._counters = counters
        self._addresses = addresses
        self._requests: Buckets[bytes] = Buckets(
            limits.RELAY_REQUEST_RATE, limits.RELAY_REQUEST_BURST, limits.MAX_TRACKED_PEERS
        )

    async def handle(self, stream: INetStream) -> None:
        """Answer what a peer asks for, and carry its circuit until it ends. It is the handler of HOP."""
        request = await read_message(stream, HopMessage)
        asker = stream.muxed_conn.peer_id
        where = remote_multiaddr(stream.muxed_conn)
        if request.type not in (Hop.RESERVE, Hop.CONNECT) or (
            request.type == Hop.CONNECT and not is_peer_id(request.peer.id)
        ):
            await _refuse(stream, Status.MALFORMED_MESSAGE)
            raise GarbageError("what it asked a relay for is nothing that a relay does")
        if not where or is_relayed(stream.muxed_conn):
            self._count_refused("asked through a relay")
            await _refuse(stream, Status.PERMISSION_DENIED)
        elif not self._requests.take(asker.to_bytes(), trio.current_time()):
            self._count_refused("asked too often")
            await _refuse(stream, Status.RESOURCE_LIMIT_EXCEEDED)
        elif request.type == Hop.RESERVE:
            await self._reserve(stream, asker, where)
        else:
            await self._connect(stream, asker, ID(request.peer.id), where)

    def _count_refused(self, reason: str) -> None:
        self._counters[f"relay: refused: {reason}"] += 1

    # --- Reservations -----------------------------------------------------------------------------

    async def _reserve(self, stream: INetStream, asker: ID, where: str) -> None:
        self._forget_who_has_gone()
        if reason := self._slots.reserve(asker.to_bytes(), remote_ip(where), trio.current_time()):
            self._count_refused(reason)
            await _refuse(stream, Status.RESERVATION_REFUSED)
            return
        self._counters["relay: reservations"] += 1
        expire = int(time.time() + limits.RELAY_RESERVATION_SECONDS)
        reservation = Reservation(
            expire=expire,
            addrs=[Multiaddr(one).to_bytes() for one in self._told(where)],
            voucher=voucher(self._key, self._host.get_id(), asker, expire),
        )
        await _answer(stream, HopMessage(type=Hop.STATUS, status=Status.OK, reservation=reservation))
        await streams.close(stream)

    def _told(self, where: str) -> list[str]:
        """Return our addresses for who is at `where`; those of this machine are for who is on it."""
        own = [one for one in self._addresses() if not leads_through_relay(one)]
        if not is_of_this_machine(where):
            own = [one for one in own if not is_of_this_machine(one)]
        return own[: limits.RELAYED_ADDRESSES]

    def _forget_who_has_gone(self) -> None:
        conns = [conn.muxed_conn for conn in self._host.get_network().get_connections()]
        self._slots.keep({conn.peer_id.to_bytes() for conn in conns if not is_relayed(conn)})

    # --- Circuits ---------------------------------------------------------------------------------

    async def _connect(self, stream: INetStream, source: ID, target: ID, where: str) -> None:
        self._forget_who_has_gone()
        if not self._slots.has_reserved(target.to_bytes(), trio.current_time()):
            self._count_refused("no reservation")
            await _refuse(stream, Status.NO_RESERVATION)
            return
        ends = source.to_bytes(), target.to_bytes(), remote_ip(where)
        if reason := self._slots.open(*ends):
            self._count_refused(reason)
            await _refuse(stream, Status.RESOURCE_LIMIT_EXCEEDED)
            return
        try:
            await self._connect_them(stream, source, target)
        finally:
            self._slots.close(*ends)

    async def _connect_them(self, stream: INetStream, source: ID, target: ID) -> None:
        other: INetStream | None = None
        try:
            try:
                other = await streams.open_stream(self._host, target, STOP, limits.RELAY_PATIENCE)
                await _offer(other, source)
            except StreamFaultError as error:
                self._counters.caught(f"a circuit to {target}", error)
                self._count_refused("its other end was not reached")
                await _refuse(stream, Status.CONNECTION_FAILED)
                return
            await _answer(stream, HopMessage(type=Hop.STATUS, status=Status.OK))
            self._counters["relay: circuits"] += 1
            await self._carry(stream, other)
        finally:
            if other is not None:
                await streams.reset(other)

    async def _carry(self, one: INetStream, other: INetStream) -> None:
        """Carry what comes on either stream to the other, until both have ended or one is reset, or a limit is hit."""
        with trio.move_on_after(limits.RELAY_CIRCUIT_SECONDS) as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._copy, one, other, nursery.cancel_scope)
                nursery.start_soon(self._copy, other, one, nursery.cancel_scope)
        if scope.cancelled_caught:
            self._counters["relay: circuits ended: too long"] += 1
        await streams.reset(one)

    async def _copy(self, source: INetStream, target: INetStream, circuit: trio.CancelScope) -> None:
        left = limits.RELAY_CIRCUIT_BYTES
        try:
            while left and (data := await read_some(source, min(PART, left), limits.RELAY_CIRCUIT_SILENCE)):
                await write(target, data, limits.WINDOW_PATIENCE)
                self._counters["relay bytes"] += len(data)
                left -= len(data)
                del data
        except StreamFaultError as error:  # of either end; the other one has no use any more
            if isinstance(error, SilentError):
                self._counters["relay: circuits ended: nothing came, or was taken"] += 1
            circuit.cancel()
        else:
            if not left:
                self._counters["relay: circuits ended: too much"] += 1
                circuit.cancel()
            await streams.close_write(target)
            circuit.deadline = min(circuit.deadline, trio.current_time() + limits.RELAY_LINGER)


async def _offer(stream: INetStream, source: ID) -> None:
    """Have who has reserved take a circuit. Raises StreamFaultError."""
    request = StopMessage(type=Stop.CONNECT, peer=Peer(id=source.to_bytes()))
    await write_frame(stream, request.SerializeToString(), limits.RELAY_PATIENCE)
    answer = await read_message(stream, StopMessage)
    if answer.type != Stop.STATUS or answer.status != Status.OK:
        raise StreamFaultError(f"it does not take the circuit ({answer.status})")


async def _answer(stream: INetStream, answer: Any) -> None:
    await write_frame(stream, answer.SerializeToString(), limits.RELAY_PATIENCE)


async def _refuse(stream: INetStream, status: Status) -> None:
    await _answer(stream, HopMessage(type=Hop.STATUS, status=status))
    await streams.close(stream)
