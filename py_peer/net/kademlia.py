"""Kademlia, when bootstrap peers are given: join the table and keep it alive.

Spec: https://github.com/libp2p/specs/blob/master/kad-dht/README.md
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, final

import trio
from libp2p.kad_dht.common import PROTOCOL_ID
from libp2p.kad_dht.kad_dht import DHTMode, KadDHT
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from libp2p.abc import IHost
    from libp2p.peer.id import ID

    from py_peer.net.counters import Counters
    from py_peer.net.node import Node

BOOTSTRAP_TIMEOUT: Final = 10.0
ADD_INTERVAL: Final = 0.5
"""Between two looks at who is connected: the library does not fill its table from connections (0.8.1)."""


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
                # Not find_peer, which knows where we are and asks nobody.
                await self._dht.peer_routing.find_closest_peers_network(self._dht.host.get_id().to_bytes())
        except Exception as error:  # noqa: BLE001 - a lookup that fails leaves the table as it is
            self._counters.caught("Kademlia lookup", error)


class _Lookups(KadDHT):
    """Kademlia that answers lookups but keeps nothing for strangers.

    The library takes records whatever `enable_values` and `enable_providers` say (kad_dht/kad_dht.py:803, 1149).
    """

    def __init__(self, host: IHost) -> None:
        super().__init__(host, DHTMode.SERVER, enable_providers=False, enable_values=False)
        values: Any = self.value_store
        values.put_record = self._refuse_record

    def _check_provider_rate_limit(self, peer_id: ID) -> bool:  # noqa: ARG002
        """Let nobody announce himself as a provider: the stream is reset."""
        return False

    def _refuse_record(self, key: bytes, record: object) -> None:  # noqa: ARG002
        """Make the handler of PUT_VALUE fail, so that the stream is reset."""
        msg = "no records are kept for others"
        raise ValueError(msg)

    async def add_connected(self) -> None:
        """Put who is connected and speaks Kademlia into the table, again and again."""
        peerstore = self.host.get_peerstore()
        while True:
            for peer_id in self.host.get_connected_peers():
                speaks_it = peerstore.supports_protocols(peer_id, [PROTOCOL_ID])
                if speaks_it and not self.routing_table.peer_in_table(peer_id):
                    await self.add_peer(peer_id)
            await trio.sleep(ADD_INTERVAL)


@asynccontextmanager
async def kademlia(node: Node) -> AsyncIterator[Kademlia]:
    """Run Kademlia as a server."""
    node.bans.library_dials = True  # whom a lookup asks is the library's choice
    dht = _Lookups(node.host)
    async with background_trio_service(dht), trio.open_nursery() as nursery:
        nursery.start_soon(dht.add_connected)
        yield Kademlia(dht, node.counters)
        nursery.cancel_scope.cancel()
