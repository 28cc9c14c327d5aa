"""How peers are found, put together: each way is a part of its own that tells the finder, who alone dials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import trio

from py_peer.chatroom import PUBSUB_DISCOVERY_TOPIC
from py_peer.core.requests import RequestDiscovery
from py_peer.service.announcements import Announcements
from py_peer.service.bootstrap import KademliaWay
from py_peer.service.finder import Finder

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.peer.id import ID

    from py_peer.core.events import Event
    from py_peer.core.requests import Request
    from py_peer.core.settings import Settings
    from py_peer.net.connections import PeerRecord
    from py_peer.net.node import Node
    from py_peer.net.pubsub import Board
    from py_peer.service.named import Named


@final
class Discovery:
    """The ways that the settings ask for, and the finder."""

    def __init__(self, settings: Settings, peer_id: str, emit: Callable[[Event], None]) -> None:
        """`peer_id` is our own."""
        self._settings = settings
        self._emit = emit
        self.finder = Finder(peer_id, emit)
        self.boards: dict[str, Board] = {}
        """Topics that have a board here (`py_peer.net.pubsub.Board`)."""

        self._announcements = Announcements(self.finder.found, loopback=settings.loopback)
        if settings.announce:
            self.boards[PUBSUB_DISCOVERY_TOPIC] = self._announcements
            self.finder.ways.append(self._announcements.way)
        self._kademlia = KademliaWay(self.finder, emit)
        self.handlers: dict[type[Request], Callable[[Any], None]] = {RequestDiscovery: self.finder.report}

    def moved(self, peer_id: ID) -> None:
        """Take note that a peer has come or gone."""
        self.finder.moved(peer_id)
        self._kademlia.moved(peer_id)

    def identified(self, record: PeerRecord) -> None:
        """Take note of what a peer says it is."""
        self._kademlia.identified(record)

    async def run(self, node: Node, bootstrap: Named) -> None:
        """Find peers, and dial them, until cancelled. `bootstrap` are the peers that were named for Kademlia."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.finder.run, node)
            if bootstrap.addresses or self._settings.kademlia:
                nursery.start_soon(self._kademlia.run, node, bootstrap)
            if self._settings.announce:
                nursery.start_soon(self._announcements.run, node)
