"""Dialling back who asks whether he is reached: where, how often, and how (`py_peer.net.autonat`, and its version 2).

Only the IP address from which somebody asks is dialled, and within a budget for each range: nobody has us knock at
another's door. The socket is one of its own, and not the port that we listen on, which the asker's router may have
opened for our answers.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, final

import trio
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.addresses import TCP, leads_through_relay
from py_peer.core.hearsay import is_name
from py_peer.core.ranges import place, range_of
from py_peer.core.rates import Buckets, TokenBucket
from py_peer.net.connections import remote_ip, remote_multiaddr
from py_peer.net.multiaddrs import dialable
from py_peer.net.streams import EndedError, read_frame
from py_peer.net.tcp import TCPStream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from libp2p.abc import INetStream
    from libp2p.network.swarm import Swarm

    from py_peer.core.addresses import DialAddress


@final
class Turns:
    """The dials back that are left. They are the same for all who ask, however they do."""

    def __init__(self) -> None:
        self._all = TokenBucket(limits.NAT_SERVE_RATE, limits.NAT_SERVE_BURST)
        self._ranges: Buckets[str] = Buckets(limits.NAT_RANGE_RATE, limits.NAT_RANGE_BURST, limits.TRACKED_ALLOWANCES)
        self._under_way = 0

    @contextmanager
    def turn(self, ip: str) -> Iterator[bool]:
        """Take a turn for who asks from an IP address, to the end of the block; False is none."""
        now = trio.current_time()
        # What one range has too much of takes nothing from the others.
        free = self._under_way < limits.NAT_SERVED_AT_ONCE
        if not (free and self._ranges.take(range_of(ip), now) and self._all.take(now)):
            yield False
            return
        self._under_way += 1
        try:
            yield True
        finally:
            self._under_way -= 1


def dial_back_addresses(peer_id: ID, ip: str, told: Iterable[bytes]) -> tuple[DialAddress, ...]:
    """Return which of the addresses that a peer tells are dialled for it, when it speaks from `ip`; "" is a relay."""
    if not ip:
        return ()
    read = dialable(islice(told, limits.NAT_ADDRESSES), peer_id.to_bytes(), limits.NAT_ADDRESSES)
    own = (one for one in read if not is_name(one) and one.transport == TCP and place(one.host) == place(ip))
    return tuple(islice(own, limits.NAT_DIALS))


@asynccontextmanager
async def reaching(swarm: Swarm, address: DialAddress) -> AsyncIterator[Any]:
    """Connect to a peer, which proves that it is where its address says; give the connection, secured.

    Nobody else is told of it. Raises what the layers raise.
    """
    async with await trio.open_tcp_stream(address.host, address.port) as socket:
        raw = RawConnection(TCPStream(socket), initiator=True)
        yield await swarm.upgrader.security_multistream.secure_outbound(raw, ID.from_string(str(address.peer_id)))


def source_ip(stream: INetStream) -> str:
    """Return the IP address at the other end of a stream's connection; "" when it is gone, or a relay's."""
    address = remote_multiaddr(stream.muxed_conn)
    return "" if leads_through_relay(address) else remote_ip(address)


async def read_message(stream: INetStream, patience: float) -> bytes:
    """Return the next message of a stream. Raises EndedError, SilentError or GarbageError."""
    data = await read_frame(stream, limits.MAX_NAT_MESSAGE, patience)
    if data is None:
        raise EndedError("it hung up before it had said anything")
    return data
