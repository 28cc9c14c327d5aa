"""Our own addresses follow the interfaces and what is known of the outside; others are told, and the dead is cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.core.hearsay import way_of
from py_peer.core.listening import expand_listen_addresses, first_of_each
from py_peer.net.closing import cut, local_ip
from py_peer.net.identify import PUSH, push_identify

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.net.node import Node


def set_addresses(node: Node, advertised: list[Multiaddr]) -> bool:
    """Work out the addresses of a node from its interfaces; return whether they have become others."""
    ips = [str(address.ip) for one in node.interfaces.now if one.up for address in one.addresses]
    certified = node.certificate.hosts if node.certificate else ()
    of_interfaces = expand_listen_addresses(ips, node.bound, node.peer_id, certified)
    told = [address for addresses in node.outside.values() for address in addresses]
    addresses = tuple(first_of_each([*told, *of_interfaces], limits.OWN_ADDRESSES, way_of))
    if addresses == node.addresses:
        return False
    node.addresses = addresses
    advertised[:] = [Multiaddr(address) for address in addresses]
    return True


async def follow(
    node: Node,
    advertised: list[Multiaddr],
    on_change: Callable[[tuple[str, ...]], None],
    on_remark: Callable[[str], None],
) -> None:
    """Keep the addresses of a node, and those that others are told, as its interfaces and its certificate are.

    `on_remark` is called with what the user has to know of the certificate from now on. Runs until cancelled.
    """
    async with trio.open_nursery() as nursery:
        if node.certificate is not None:
            nursery.start_soon(node.certificate.watch, node.stir, on_remark)
        own: set[str] = set()
        while True:
            changed = node.interfaces.changed
            before, own = own, _own_ips(node)
            if lost := before - own:  # no byte comes through any more, and nothing else tells so soon
                await cut(
                    [conn for conn in node.host.get_network().get_connections() if local_ip(conn.muxed_conn) in lost]
                )
            if set_addresses(node, advertised):
                on_change(node.addresses)
                takers = [record.peer_id for record in node.peers.records.values() if PUSH in record.protocols]
                # Nobody waits for it: to a peer that hangs it lasts until its connection is cut.
                nursery.start_soon(push_identify, node.host, takers, node.counters)
            moved = node.moved
            async with trio.open_nursery() as either:
                for event in (changed, moved):
                    either.start_soon(_end_after, event, either.cancel_scope)
            if changed.is_set():
                node.probe()  # an interface may have gone down, and kept its address


async def _end_after(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()


def _own_ips(node: Node) -> set[str]:
    return {str(address.ip) for one in node.interfaces.now for address in one.addresses}
