"""What a node does with relays: it is their client, serves others if it is asked to, and looks for direct ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from py_peer.net.dcutr import DCUTR, HolePuncher
from py_peer.net.relay import RelayClient
from py_peer.net.relay_messages import HOP, STOP

if TYPE_CHECKING:
    import trio

    from py_peer.net.node import Node


def open_relays(node: Node, nursery: trio.Nursery, *, serve: bool) -> HolePuncher:
    """Make a node a client of relays, `Node.relays`, and with `serve` a relay itself; return who finds direct ways."""
    host: Any = node.host
    swarm = host.get_network()
    node.relays = swarm.relays = RelayClient(host, swarm.admission, node.counters)
    host.set_stream_handler(STOP, node.relays.handle)
    if serve:
        from py_peer.net.relay_server import RelayServer  # noqa: PLC0415 - for few

        server = RelayServer(host, host.get_private_key(), node.counters, lambda: node.addresses)
        host.set_stream_handler(HOP, server.handle)
    puncher = HolePuncher(node, nursery)
    host.set_stream_handler(DCUTR, puncher.handle)
    return puncher
