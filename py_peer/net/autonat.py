"""AutoNAT, version 1: a peer dials us back on our word, and says whether it has reached us; we do the same for others.

Only the IP address from which somebody asks is dialled, and within a budget for each range: nobody has us knock at
another's door. A dial is over with the handshake, when it is known who is there, so that no peer comes and goes for it.
Its socket is one of its own, and not the port that we listen on, which the asker's router may have opened for our
answers.

What a peer says of us is its word, and is weighed by who has asked (`py_peer.core.reachability`).

The library's own (0.8.1, host/autonat) says that it has dialled who is connected anyhow, and has neither a budget nor a
limit of time. Spec: https://github.com/libp2p/specs/blob/master/autonat/autonat-v1.md
"""

from __future__ import annotations

import logging
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast, final

import trio
from libp2p.custom_types import TProtocol
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.core.addresses import RELAY, TCP
from py_peer.core.hearsay import is_name
from py_peer.core.ranges import place, range_of
from py_peer.core.rates import Buckets, TokenBucket
from py_peer.net.connections import remote_ip, remote_multiaddr
from py_peer.net.multiaddrs import dialable
from py_peer.net.protobufs import declare
from py_peer.net.streams import (
    EndedError,
    GarbageError,
    StreamFaultError,
    close,
    open_stream,
    read_frame,
    reset,
    write_frame,
)
from py_peer.net.tcp import TCPStream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from libp2p.abc import IHost, INetStream
    from libp2p.network.swarm import Swarm

    from py_peer.core.addresses import DialAddress
    from py_peer.net.node import Node

log = logging.getLogger(__name__)

AUTONAT: Final = TProtocol("/libp2p/autonat/1.0.0")

_MESSAGES: Final = declare(
    "autonat.v1",
    PeerInfo=("optional bytes id = 1", "repeated bytes addrs = 2"),
    Dial=("PeerInfo peer = 1",),
    DialResponse=("optional int32 status = 1", "optional string statusText = 2", "optional bytes addr = 3"),
    Message=("optional int32 type = 1", "Dial dial = 2", "DialResponse dialResponse = 3"),
)
PeerInfo, Dial, DialResponse, Message = _MESSAGES.values()

DIAL, DIAL_RESPONSE = 0, 1
OK, DIAL_ERROR, DIAL_REFUSED, BAD_REQUEST = 0, 100, 101, 200
_WORDS: Final = {OK: "reached", DIAL_ERROR: "not reached", DIAL_REFUSED: "refused", BAD_REQUEST: "refused"}


class RefusedError(StreamFaultError):
    """The peer has not dialled us, so that its answer says nothing of us."""


async def ask(host: IHost, peer_id: ID, addresses: Iterable[str]) -> str | None:
    """Have a connected peer dial us; return the address where it has reached us, or None if it has not.

    `addresses` are multiaddrs, the best first. The one that comes back is any that the peer likes to name. Raises
    RefusedError, NotSupportedError, SilentError, EndedError, GarbageError, or DecodeError for an answer that is none.
    """
    told = PeerInfo(id=host.get_id().to_bytes(), addrs=[Multiaddr(one).to_bytes() for one in addresses])
    request = Message(type=DIAL, dial=Dial(peer=told))
    stream = await open_stream(host, peer_id, AUTONAT, limits.NAT_PATIENCE_ASKED)
    try:
        await write_frame(stream, request.SerializeToString(), limits.NAT_PATIENCE_ASKED)
        answer = Message.FromString(await _read(stream, limits.NAT_PATIENCE_ASKED))
    except BaseException:
        await reset(stream)
        raise
    await close(stream)
    if answer.type != DIAL_RESPONSE:
        raise GarbageError("its answer is none")
    match answer.dialResponse.status:
        case 0:  # OK
            where = dialable([bytes(answer.dialResponse.addr)], host.get_id().to_bytes(), 1)
            return where[0].text.removesuffix(f"/p2p/{host.get_id()}") if where else ""
        case 100:  # DIAL_ERROR
            return None
    raise RefusedError("it does not dial us")


async def _read(stream: INetStream, patience: float) -> bytes:
    data = await read_frame(stream, limits.MAX_NAT_MESSAGE, patience)
    if data is None:
        raise EndedError("it hung up before it had said anything")
    return data


@final
class DialBack:
    """Serves who wants to know whether he is reached."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._all = TokenBucket(limits.NAT_SERVE_RATE, limits.NAT_SERVE_BURST)
        self._ranges: Buckets[str] = Buckets(limits.NAT_RANGE_RATE, limits.NAT_RANGE_BURST, limits.TRACKED_ALLOWANCES)
        self._under_way = 0

    async def handle(self, stream: INetStream) -> None:
        """Serve one request. Raises what a stream does, and GarbageError."""
        request = Message.FromString(await _read(stream, limits.HANDSHAKE_TIMEOUT))
        response = await self._serve(stream.muxed_conn.peer_id, source_ip(stream), request)
        self._node.counters[f"dialled back: {_WORDS[response.status]}"] += 1
        answer = Message(type=DIAL_RESPONSE, dialResponse=response)
        await write_frame(stream, answer.SerializeToString(), limits.HANDSHAKE_TIMEOUT)
        await close(stream)

    async def _serve(self, peer_id: ID, ip: str, request: Any) -> Any:
        told = request.dial.peer
        if request.type != DIAL or told.id != peer_id.to_bytes():
            return _refusal(BAD_REQUEST, "a request to dial who asks is wanted")
        addresses = dial_back_addresses(peer_id, ip, map(bytes, told.addrs))
        if not addresses:
            return _refusal(DIAL_REFUSED, "no address that can be dialled leads to where you come from")
        if self._under_way >= limits.NAT_SERVED_AT_ONCE or not self._is_granted(range_of(ip)):
            return _refusal(DIAL_REFUSED, "not now")
        self._under_way += 1
        try:
            reached = await _first(cast("Swarm", self._node.host.get_network()), addresses)
        finally:
            self._under_way -= 1
        if reached is None:
            return _refusal(DIAL_ERROR, "nobody answers there")
        plain = reached.text.removesuffix(f"/p2p/{peer_id}")
        return DialResponse(status=OK, statusText="", addr=Multiaddr(plain).to_bytes())

    def _is_granted(self, source: str) -> bool:
        now = trio.current_time()
        # What one range has too much of takes nothing from the others.
        return self._ranges.take(source, now) and self._all.take(now)


def dial_back_addresses(peer_id: ID, ip: str, told: Iterable[bytes]) -> tuple[DialAddress, ...]:
    """Return which of the addresses that a peer tells are dialled for it, when it speaks from `ip`; "" is a relay."""
    if not ip:
        return ()
    read = dialable(islice(told, limits.NAT_ADDRESSES), peer_id.to_bytes(), limits.NAT_ADDRESSES)
    own = (one for one in read if not is_name(one) and one.transport == TCP and place(one.host) == place(ip))
    return tuple(islice(own, limits.NAT_DIALS))


async def _first(swarm: Swarm, addresses: Iterable[DialAddress]) -> DialAddress | None:
    """Dial all at once; return the first where the peer is."""
    reached: list[DialAddress] = []

    async def try_one(address: DialAddress) -> None:
        try:
            await _dial(swarm, address)
        except Exception as error:  # noqa: BLE001 - whatever is there instead of the peer
            log.debug("dialling back %s: %r", address.text, error)
            return
        reached.append(address)
        nursery.cancel_scope.cancel()

    with trio.move_on_after(limits.NAT_DIAL_TIMEOUT):
        async with trio.open_nursery() as nursery:
            for address in addresses:
                nursery.start_soon(try_one, address)
    return reached[0] if reached else None


async def _dial(swarm: Swarm, address: DialAddress) -> None:
    """Return when a peer has proved that it is where its address says. Raises what the layers raise."""
    async with await trio.open_tcp_stream(address.host, address.port) as socket:
        raw = RawConnection(TCPStream(socket), initiator=True)
        await swarm.upgrader.security_multistream.secure_outbound(raw, ID.from_string(str(address.peer_id)))


def source_ip(stream: INetStream) -> str:
    """Return the IP address at the other end of a stream's connection; "" when it is gone, or a relay's."""
    address = remote_multiaddr(stream.muxed_conn)
    return "" if f"/{RELAY}" in address else remote_ip(address)


def _refusal(status: int, reason: str) -> Any:
    return DialResponse(status=status, statusText=reason)
