"""The one who dials: all that is found comes here, is weighed, and is dialled or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, final

import trio

from py_peer.core.events import DiscoveryReport, PeerFound

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

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._known: dict[str, Finding] = {}
        self._node: Node | None = None
        self._nursery: trio.Nursery | None = None

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
        return await cast("Node", self._node).dial(address, forgive=forgive)

    def report(self, request: RequestDiscovery) -> None:
        """Tell what is known, and why it was not dialled."""
        self._emit(DiscoveryReport(request.ticket, (), (), {}))

    async def run(self, node: Node) -> None:
        """Dial who is found, until cancelled."""
        self._node = node
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            await trio.sleep_forever()

    async def _try(self, finding: Finding) -> None:
        from py_peer.net.dial import DialError  # noqa: PLC0415

        for address in finding.addresses:
            try:
                await cast("Node", self._node).dial(address)
            except DialError:
                continue
            return
