"""Direct messages: to one peer alone, confirmed by it, kept while it is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from py_peer.core.addresses import short_id
from py_peer.core.events import Answer
from py_peer.core.requests import SendDirect, TakeStrangers
from py_peer.core.speakers import Name

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.custom_types import StreamHandlerFn, TProtocol
    from libp2p.peer.id import ID

    from py_peer.core.events import Event
    from py_peer.core.requests import Request
    from py_peer.core.settings import Settings
    from py_peer.net.connections import PeerRecord
    from py_peer.net.node import Node


@final
class Direct:
    """Sends and takes direct messages."""

    def __init__(self, settings: Settings, peer_id: str, emit: Callable[[Event], None]) -> None:
        """`peer_id` is our own."""
        self._settings = settings
        self._peer_id = peer_id
        self._emit = emit
        self.called: Callable[[str], Name] = lambda peer_id: Name(short_id(peer_id))
        """Returns what a peer is called."""

        self.is_ignored: Callable[[str], bool] = lambda _peer_id: False
        """Returns whether the user wants nothing of a peer."""

        self.streams: dict[TProtocol, StreamHandlerFn] = {}
        """What answers the streams of others, by protocol; there before the first peer is."""

        self.handlers: dict[type[Request], Callable[[Any], None]] = {
            SendDirect: self._not_yet,
            TakeStrangers: self._not_yet,
        }

    async def run(self, node: Node) -> None:
        """Take messages, and deliver what waits, until cancelled."""

    def identified(self, record: PeerRecord) -> None:
        """Take note of what a peer says it is."""

    def moved(self, peer_id: ID) -> None:
        """Take note that a peer has come or gone."""

    def _not_yet(self, request: Request) -> None:
        self._emit(Answer(request.ticket, "not built yet", failed=True))
