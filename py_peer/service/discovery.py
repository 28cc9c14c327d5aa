"""How peers are found, put together: each way is a part of its own that tells the finder, who alone dials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import trio
from libp2p.peer.id import ID

from py_peer.chatroom import PUBSUB_DISCOVERY_TOPIC, _log_system_message
from py_peer.core import limits
from py_peer.core.events import Notice
from py_peer.core.requests import RequestDiscovery
from py_peer.service.announcements import Announcements
from py_peer.service.bootstrap import KademliaWay
from py_peer.service.finder import Finder
from py_peer.service.remembered import RememberedPeers

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.events import Event
    from py_peer.core.requests import Request
    from py_peer.core.settings import Settings
    from py_peer.net.connections import PeerRecord
    from py_peer.net.kademlia import Kademlia
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
        self._met = trio.Event()
        self._look_until = 0.0
        self.finder = Finder(peer_id, emit)
        self.boards: dict[str, Board] = {}
        """Topics that have a board here (`py_peer.net.pubsub.Board`)."""

        self._announcements = Announcements(self.finder.found, loopback=settings.transports.loopback)
        if settings.announce:
            self.boards[PUBSUB_DISCOVERY_TOPIC] = self._announcements
            self.finder.ways.append(self._announcements.way)
        self.kademlia = KademliaWay(settings, self.finder, emit)
        self._remembered: RememberedPeers | None = None
        if settings.remember and settings.data is not None:
            self._remembered = RememberedPeers(
                settings.data, self.finder.found, emit, loopback=settings.transports.loopback
            )
            self.finder.ways.append(self._remembered.way)
        self.handlers: dict[type[Request], Callable[[Any], None]] = {RequestDiscovery: self.finder.report}

    def moved(self, peer_id: ID) -> None:
        """Take note that a peer has come or gone."""
        self._met.set()
        self.finder.moved(peer_id)
        self.kademlia.moved(peer_id)
        self._announcements.moved(peer_id)

    def identified(self, record: PeerRecord) -> None:
        """Take note of what a peer says it is."""
        self.finder.identified(record)
        self.kademlia.identified(record)
        if self._remembered is not None:
            self._remembered.identified(record)

    def addresses_changed(self) -> None:
        """Take note that we are elsewhere."""
        self.finder.look_around()
        self.finder.wake()
        self.kademlia.addresses_changed()

    def reached_from_outside(self) -> None:
        """Take note that others reach us."""
        self.kademlia.reached_from_outside()

    def joined(self, peer_id: ID) -> None:
        """Take note that a peer has come into the room."""
        if self._remembered is not None:
            self._remembered.joined(peer_id)

    def may_find(self) -> bool:
        """Say whether there was not the time yet in which somebody near, or who was here before, is found."""
        return trio.current_time() < self._look_until

    async def somebody_to_ask(self, is_dialling: Callable[[], bool]) -> Kademlia:
        """Wait until Kademlia has somebody to ask, or nobody is to be expected; return our part in it.

        `is_dialling` says whether a peer that was named is still worth waiting for.
        """
        return await self.kademlia.somebody_to_ask(lambda: is_dialling() or self.may_find())

    async def run(self, node: Node, bootstrap: Named) -> None:
        """Find peers, and dial them, until cancelled. `bootstrap` are the peers that were named for Kademlia."""
        if self._settings.mdns or self._remembered is not None:
            self._look_until = trio.current_time() + limits.LOOK_WAIT
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.finder.run, node)
            if bootstrap.addresses or self._settings.kademlia:
                nursery.start_soon(self.kademlia.run, node, bootstrap)
            if self._settings.mdns and not self._settings.transports.loopback:
                from py_peer.net.mdns import Mdns  # noqa: PLC0415 - zeroconf's 32 modules, after Ready is told

                wanted = self._settings.mdns_interfaces
                mdns = Mdns(node, found=self.finder.found, left=self._left, notice=self._notice, wanted=wanted)
                self.finder.ways.insert(0, mdns.summary)  # what is nearest first
                nursery.start_soon(mdns.run)
                nursery.start_soon(self._tell_alone)
            if self._settings.announce:
                nursery.start_soon(self._announcements.run, node)
            if self._remembered is not None:
                nursery.start_soon(self._remembered.run, node)

    def _left(self, peer_id: str) -> None:
        """Take note that somebody near says goodbye, or is said to."""
        self.finder.left(peer_id)
        self._announcements.moved(ID.from_string(peer_id))

    async def _tell_alone(self) -> None:
        """Say what may be the matter, once, when there was nobody at all for a while."""
        with trio.move_on_after(limits.ALONE_SECONDS):
            await self._met.wait()
            return
        self._notice(
            f"Nobody has been met for {limits.ALONE_SECONDS:.0f} s. A firewall or the Wi-Fi may keep back multicast, "
            "by which peers of the local network are found: py-peer doctor looks into it. "
            "A peer elsewhere is named with --connect."
        )

    def _notice(self, text: str) -> None:
        _log_system_message(text)
        self._emit(Notice(text))
