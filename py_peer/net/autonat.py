"""AutoNAT, version 1: a peer dials us back on our word, and says whether it has reached us; we do the same for others.

A dial is over with the handshake, when it is known who is there, so that no peer comes and goes for it. What a peer
says of us is its word, and is weighed by who has asked (`py_peer.core.reachability`).

The library's own (0.8.1, host/autonat) says that it has dialled who is connected anyhow, and has neither a budget nor a
limit of time. Spec: https://github.com/libp2p/specs/blob/master/autonat/autonat-v1.md
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, cast, final

import trio
from libp2p.custom_types import TProtocol
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.core.addresses import without_peer_id
from py_peer.net.dial_back import dial_back_addresses, reaching, read_message, source_ip
from py_peer.net.multiaddrs import dialable
from py_peer.net.protobufs import declare
from py_peer.net.streams import GarbageError, StreamFaultError, close, open_stream, reset, write_frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from libp2p.abc import IHost, INetStream
    from libp2p.network.swarm import Swarm
    from libp2p.peer.id import ID

    from py_peer.core.addresses import DialAddress
    from py_peer.net.dial_back import Turns
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
        answer = Message.FromString(await read_message(stream, limits.NAT_PATIENCE_ASKED))
    except BaseException:
        await reset(stream)
        raise
    await close(stream)
    if answer.type != DIAL_RESPONSE:
        raise GarbageError("its answer is none")
    match answer.dialResponse.status:
        case 0:  # OK
            where = dialable([bytes(answer.dialResponse.addr)], host.get_id().to_bytes(), 1)
            return without_peer_id(where[0].text) if where else ""
        case 100:  # DIAL_ERROR
            return None
    raise RefusedError("it does not dial us")


@final
class DialBack:
    """Serves who wants to know whether he is reached."""

    def __init__(self, node: Node, turns: Turns) -> None:
        self._node = node
        self._turns = turns

    async def handle(self, stream: INetStream) -> None:
        """Serve one request. Raises what a stream does, and GarbageError."""
        request = Message.FromString(await read_message(stream, limits.HANDSHAKE_TIMEOUT))
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
        with self._turns.turn(ip) as granted:
            if not granted:
                return _refusal(DIAL_REFUSED, "not now")
            reached = await _first(cast("Swarm", self._node.host.get_network()), addresses)
        if reached is None:
            return _refusal(DIAL_ERROR, "nobody answers there")
        plain = without_peer_id(reached.text)
        return DialResponse(status=OK, statusText="", addr=Multiaddr(plain).to_bytes())


async def _first(swarm: Swarm, addresses: Iterable[DialAddress]) -> DialAddress | None:
    """Dial all at once; return the first where the peer is."""
    reached: list[DialAddress] = []

    async def try_one(address: DialAddress) -> None:
        try:
            async with reaching(swarm, address):
                reached.append(address)
                nursery.cancel_scope.cancel()
        except Exception as error:  # noqa: BLE001 - whatever is there instead of the peer
            log.debug("dialling back %s: %r", address.text, error)

    with trio.move_on_after(limits.NAT_DIAL_TIMEOUT):
        async with trio.open_nursery() as nursery:
            for address in addresses:
                nursery.start_soon(try_one, address)
    return reached[0] if reached else None


def _refusal(status: int, reason: str) -> Any:
    return DialResponse(status=status, statusText=reason)
