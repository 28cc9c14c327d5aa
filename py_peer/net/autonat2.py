"""AutoNAT, version 2: one address is dialled back, and a number comes over that connection, which nobody can make up.

Both sides keep to addresses at which who asks is seen: for any other he would first have to send as much as a dial
costs, which is neither asked for here nor sent. A dial back ends when the number has been taken; it is none of the
swarm's connections.

Spec: https://github.com/libp2p/specs/blob/master/autonat/autonat-v2.md
"""

from __future__ import annotations

import logging
import secrets
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast, final

import trio
from libp2p.custom_types import TProtocol
from libp2p.protocol_muxer.multiselect_client import MultiselectClient
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.net.autonat import RefusedError
from py_peer.net.dial_back import dial_back_addresses, reaching, read_message, source_ip
from py_peer.net.protobufs import declare
from py_peer.net.streams import GarbageError, close, open_stream, reset, write_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from libp2p.abc import IHost, INetStream
    from libp2p.network.swarm import Swarm
    from libp2p.peer.id import ID

    from py_peer.core.addresses import DialAddress
    from py_peer.net.dial_back import Turns
    from py_peer.net.node import Node

DIAL_REQUEST: Final = TProtocol("/libp2p/autonat/2/dial-request")
DIAL_BACK: Final = TProtocol("/libp2p/autonat/2/dial-back")

_MESSAGES: Final = declare(
    "autonat.v2",
    Message=("DialRequest dialRequest = 1", "DialResponse dialResponse = 2", "DialDataRequest dialDataRequest = 3"),
    DialRequest=("repeated bytes addrs = 1", "fixed64 nonce = 2"),
    DialResponse=("int32 status = 1", "uint32 addrIdx = 2", "int32 dialStatus = 3"),
    DialDataRequest=("uint32 addrIdx = 1", "uint64 numBytes = 2"),
    DialBack=("fixed64 nonce = 1",),
    DialBackResponse=("int32 status = 1",),
)
Message, DialRequest, DialResponse, DialDataRequest, DialBack, DialBackResponse = _MESSAGES.values()

OK, REJECTED, REFUSED = 200, 100, 101
"""The status of a response."""

DIAL_ERROR, DIAL_BACK_ERROR = 100, 101
"""How a dial went, or OK."""

_WORDS: Final = {OK: "reached", DIAL_ERROR: "not reached", DIAL_BACK_ERROR: "not reached"}

log = logging.getLogger(__name__)


@final
class Asker:
    """Asks, and takes the numbers that come back."""

    def __init__(self) -> None:
        self._waiting: dict[int, bool] = {}

    async def ask(self, host: IHost, peer_id: ID, addresses: Sequence[str]) -> str | None:
        """Have a connected peer dial the first of the addresses that it likes.

        Return that address, or None if it has not reached us there. Raises as `py_peer.net.autonat.ask` does.
        """
        nonce = secrets.randbits(64)
        request = DialRequest(addrs=[Multiaddr(one).to_bytes() for one in addresses], nonce=nonce)
        stream = await open_stream(host, peer_id, DIAL_REQUEST, limits.NAT_PATIENCE_ASKED)
        self._waiting[nonce] = False
        try:
            await write_frame(stream, Message(dialRequest=request).SerializeToString(), limits.NAT_PATIENCE_ASKED)
            answer = Message.FromString(await read_message(stream, limits.NAT_PATIENCE_ASKED))
        except BaseException:
            await reset(stream)
            raise
        finally:
            has_come = self._waiting.pop(nonce)
        await reset(stream)  # also of who wants to be sent something first
        response = answer.dialResponse
        match response.status, response.dialStatus:
            case 200, 200 if has_come and response.addrIdx < len(addresses):
                return addresses[int(response.addrIdx)]
            case 200, 200:
                raise GarbageError("it says that it has reached us, and has not")
            case 200, 100:
                return None
        raise RefusedError("it does not dial us")

    async def handle(self, stream: INetStream) -> None:
        """Take a number. It is the handler of DIAL_BACK, which anybody may open."""
        nonce = DialBack.FromString(await read_message(stream, limits.HANDSHAKE_TIMEOUT)).nonce
        if nonce in self._waiting:
            self._waiting[nonce] = True
        await write_frame(stream, DialBackResponse().SerializeToString(), limits.HANDSHAKE_TIMEOUT)
        await close(stream)


@final
class Server:
    """Serves who wants to know whether he is reached."""

    def __init__(self, node: Node, turns: Turns) -> None:
        self._node = node
        self._turns = turns

    async def handle(self, stream: INetStream) -> None:
        """Serve one request. Raises what a stream does, and GarbageError."""
        message = Message.FromString(await read_message(stream, limits.HANDSHAKE_TIMEOUT))
        if not message.HasField("dialRequest"):
            raise GarbageError("a request to be dialled was expected")
        response = await self._serve(stream.muxed_conn.peer_id, source_ip(stream), message.dialRequest)
        word = _WORDS[response.dialStatus] if response.status == OK else "refused"
        self._node.counters[f"dialled back: {word}"] += 1
        await write_frame(stream, Message(dialResponse=response).SerializeToString(), limits.HANDSHAKE_TIMEOUT)
        await close(stream)

    async def _serve(self, peer_id: ID, ip: str, request: Any) -> Any:
        own = (
            (index, address)
            for index, told in enumerate(islice(request.addrs, limits.NAT_ADDRESSES))
            for address in dial_back_addresses(peer_id, ip, [bytes(told)])
        )
        index, address = next(own, (0, None))
        if address is None:
            return DialResponse(status=REFUSED)
        with self._turns.turn(ip) as granted:
            if not granted:
                return DialResponse(status=REJECTED)
            swarm = cast("Swarm", self._node.host.get_network())
            return DialResponse(status=OK, addrIdx=index, dialStatus=await _dial_back(swarm, address, request.nonce))


async def _dial_back(swarm: Swarm, address: DialAddress, nonce: int) -> int:
    """Bring a number to where a peer says that it is; return how that went."""
    status = DIAL_ERROR
    with trio.move_on_after(limits.NAT_DIAL_TIMEOUT):
        try:
            async with reaching(swarm, address) as secured:
                status = DIAL_BACK_ERROR
                muxed: Any = await swarm.upgrader.upgrade_connection(secured, secured.get_remote_peer())
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(muxed.start)
                    stream: Any = await muxed.open_stream()
                    await MultiselectClient().select_one_of([DIAL_BACK], MultiselectCommunicator(stream))
                    data = DialBack(nonce=nonce).SerializeToString()
                    await write_frame(stream, data, limits.NAT_DIAL_TIMEOUT)
                    await read_message(stream, limits.NAT_DIAL_TIMEOUT)
                    status = OK
                    nursery.cancel_scope.cancel()
        except Exception as error:  # noqa: BLE001 - whatever is there instead of the peer
            log.debug("dialling back %s: %r", address.text, error)
    return status
