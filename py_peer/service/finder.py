"""The one who dials: all that is found comes here, is weighed, and is dialled or not."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, cast, final

import trio

from py_peer.core.addresses import short_id
from py_peer.core.events import DiscoveryReport, PeerFound
from py_peer.core.speakers import Name

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.peer.id import ID

    from py_peer.core.addresses import DialAddress
    from py_peer.core.events import Event
    from py_peer.core.findings import Finding, Source
    from py_peer.core.requests import RequestDiscovery
    from py_peer.net.node import Node


@final
class Finder:
    """Keeps the address book and dials from it. What needs a node waits until it runs."""

    def __init__(self, peer_id: str, emit: Callable[[Event], None]) -> None:
        """`peer_id` is our own."""
        self._peer_id = peer_id
        self._emit = emit
        self._known: dict[str, Finding] = {}
        self._nursery: trio.Nursery | None = None
        self.node: Node | None = None
        """The node, when it is up."""

        self.called: Callable[[str], Name] = lambda peer_id: Name(short_id(peer_id))
        """Returns what a peer is called."""

        self.ways: list[Callable[[], str]] = []
        """Of each way of finding that is in use, what says what it has come to: "mDNS: on eth0, 3 peers"."""

    def found(self, finding: Finding) -> None:
        """Take note of a finding; it must not block, and anything may be in it."""
        if finding.peer_id not in self._known and self._nursery is not None:
            self._known[finding.peer_id] = finding
            self._emit(PeerFound(finding.peer_id, finding.source.value, tuple(one.text for one in finding.addresses)))
            self._nursery.start_soon(self._try, finding)

    def lost(self, peer_id: str, source: Source) -> None:
        """Take note that a source says that a peer has gone."""

    async def dial(self, address: DialAddress, *, forgive: bool = False) -> ID:
        """Dial an address that the user named. Raises DialError. As `Node.dial`, and noted in the book."""
        return await cast("Node", self.node).dial(address, forgive=forgive)

    async def reach(self, finding: Finding) -> ID:
        """Dial, now, a peer that a lookup has to ask. Raises DialError, also when a rule forbids it.

        The rules are those for whatever else a stranger tells; the peer is not put into the book, nor dialled again.
        """
        from py_peer.net.dial import DialError  # noqa: PLC0415

        for address in finding.addresses:
            with suppress(DialError):
                return await cast("Node", self.node).dial(address)
        msg = "nobody answers there"
        raise DialError(msg)

    def moved(self, peer_id: ID) -> None:
        """Take note that a peer has come or gone."""

    def found_by(self, peer_id: str) -> str:
        """Return how we came to know a peer, as in PeerFound; "" for one of whom nobody told."""
        known = self._known.get(peer_id)
        return known.source.value if known else ""

    def report(self, request: RequestDiscovery) -> None:
        """Tell what is known, and why it was not dialled."""
        self._emit(DiscoveryReport(request.ticket, tuple(way() for way in self.ways), (), {}))

    async def run(self, node: Node) -> None:
        """Dial who is found, until cancelled."""
        self.node = node
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            await trio.sleep_forever()

    async def _try(self, finding: Finding) -> None:
        from py_peer.net.dial import DialError  # noqa: PLC0415

        for address in finding.addresses:
            try:
                await cast("Node", self.node).dial(address)
            except DialError:
                continue
            return
