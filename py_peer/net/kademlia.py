"""Kademlia, when bootstrap peers are given: join the table and keep it alive.

Spec: https://github.com/libp2p/specs/blob/master/kad-dht/README.md
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, final

import trio
from libp2p.kad_dht.kad_dht import DHTMode, KadDHT
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from libp2p.abc import IHost
    from libp2p.peer.id import ID

    from py_peer.net.counters import Counters

BOOTSTRAP_TIMEOUT: Final = 10.0


@final
class Kademlia:
    """The routing table of one host."""

    def __init__(self, dht: KadDHT, counters: Counters) -> None:
        self._dht = dht
        self._counters = counters

    @property
    def size(self) -> int:
        """Peers in the routing table."""
        return int(self._dht.get_routing_table_size())

    async def join(self, peer_id: ID, address: str) -> None:
        """Put a connected peer into the table and look for ourselves, which fills the buckets near us.

        The library does not fill its table from connections (0.8.1); `address` is where the peer was reached.
        """
        self._dht.host.get_peerstore().add_addrs(peer_id, [Multiaddr(address)], 3_600)
        await self._dht.add_peer(peer_id)
        try:
            with trio.fail_after(BOOTSTRAP_TIMEOUT):
                await self._dht.find_peer(self._dht.host.get_id())
        except Exception as error:  # noqa: BLE001 - a lookup that fails leaves the table as it is
            self._counters.caught("Kademlia lookup", error)


@asynccontextmanager
async def kademlia(host: IHost, counters: Counters) -> AsyncIterator[Kademlia]:
    """Run Kademlia as a server, which answers lookups but keeps no records for strangers."""
    dht = KadDHT(host, DHTMode.SERVER, enable_providers=False, enable_values=False)
    async with background_trio_service(dht):
        yield Kademlia(dht, counters)
