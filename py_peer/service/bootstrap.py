"""Kademlia for a session: the bootstrap peers are reached, their table is joined, and it is told how that went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from py_peer.chatroom import _log_system_message
from py_peer.core.events import KademliaBootstrap
from py_peer.net.kademlia import kademlia

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.peer.id import ID

    from py_peer.core.events import Event
    from py_peer.net.node import Node
    from py_peer.service.named import Named


async def join_kademlia(node: Node, bootstrap: Named, emit: Callable[[Event], None]) -> None:
    """Join the table of the bootstrap peers, and stay in it until cancelled."""
    async with kademlia(node) as table:

        async def joined(peer_id: ID) -> None:
            if record := node.peers.records.get(peer_id):
                await table.join(peer_id, record.address)
            if table.size:
                _log_system_message(f"Kademlia bootstrap: {table.size} peers in the table")
                emit(KademliaBootstrap(table.size))

        bootstrap.on_reached = joined
        reached = await bootstrap.run(node)
        if not table.size:
            cause = "the peers that were reached speak no Kademlia" if reached else "no bootstrap peer was reached"
            _log_system_message(f"ERROR: Kademlia bootstrap: {cause}")
            emit(KademliaBootstrap(0, cause))
        await trio.sleep_forever()
