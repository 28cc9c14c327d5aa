"""Our own addresses follow the interfaces; who is connected is told of it, and what an old address carried is cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio
from multiaddr import Multiaddr

from py_peer.core.addresses import expand_listen_addresses
from py_peer.core.ranges import place
from py_peer.net.closing import cut, socket_of
from py_peer.net.identify import PUSH, push_identify

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.net.node import Node


def set_addresses(node: Node, advertised: list[Multiaddr]) -> bool:
    """Work out the addresses of a node from its interfaces; return whether they have become others."""
    ips = [str(address.ip) for one in node.interfaces.now if one.up for address in one.addresses]
    addresses = tuple(expand_listen_addresses(ips, node.port, node.peer_id, node.has_ip6))
    if addresses == node.addresses:
        return False
    node.addresses = addresses
    advertised[:] = [Multiaddr(address) for address in addresses]
    return True


async def follow(node: Node, advertised: list[Multiaddr], on_change: Callable[[tuple[str, ...]], None]) -> None:
    """Keep the addresses of a node, and those that others are told, as its interfaces are. Runs until cancelled."""
    async with trio.open_nursery() as nursery:
        own: set[str] = set()
        while True:
            changed = node.interfaces.changed
            before, own = own, _own_ips(node)
            if lost := before - own:  # no byte comes through any more, and nothing else tells so soon
                await cut([conn for conn in node.host.get_network().get_connections() if _local_ip(conn) in lost])
            if set_addresses(node, advertised):
                on_change(node.addresses)
                takers = [record.peer_id for record in node.peers.records.values() if PUSH in record.protocols]
                # Nobody waits for it: to a peer that hangs it lasts until its connection is cut.
                nursery.start_soon(push_identify, node.host, takers, node.counters)
            await changed.wait()
            node.probe()  # an interface may have gone down, and kept its address


def _own_ips(node: Node) -> set[str]:
    return {str(address.ip) for one in node.interfaces.now for address in one.addresses}


def _local_ip(conn: Any) -> str:
    """Return the IP address that is our end of a connection; "" when it is closed already."""
    try:
        return place(socket_of(conn.muxed_conn).socket.getsockname()[0])
    except OSError:
        return ""
