"""Files: what we share, what others offer, and what is being fetched, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from py_peer.core.addresses import short_id
from py_peer.core.events import Answer
from py_peer.core.file_events import FilesReport
from py_peer.core.requests import CancelTransfer, GetFile, RequestFiles, ShareFile, UnshareFile
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
    from py_peer.net.pubsub import Board

FILE_TOPIC: Final = "universal-connectivity-file"


@final
class Files:
    """The user's wishes about files, and the topic on which they are offered."""

    def __init__(self, settings: Settings, peer_id: str, emit: Callable[[Event], None]) -> None:
        """`peer_id` is our own."""
        self._settings = settings
        self._peer_id = peer_id
        self._emit = emit
        self.called: Callable[[str], Name] = lambda peer_id: Name(short_id(peer_id))
        """Returns what a peer is called."""

        self.is_ignored: Callable[[str], bool] = lambda _peer_id: False
        """Returns whether the user wants nothing of a peer."""

        self.boards: dict[str, Board] = {}
        self.streams: dict[TProtocol, StreamHandlerFn] = {}
        """What answers the streams of others, by protocol; there before the first peer is."""

        self.handlers: dict[type[Request], Callable[[Any], None]] = {
            ShareFile: self._not_yet,
            UnshareFile: self._not_yet,
            RequestFiles: self._report,
            GetFile: self._not_yet,
            CancelTransfer: self._not_yet,
        }

    async def run(self, node: Node) -> None:
        """Offer, serve and fetch, until cancelled."""

    def identified(self, record: PeerRecord) -> None:
        """Take note of what a peer says it is."""

    def moved(self, peer_id: ID) -> None:
        """Take note that a peer has come or gone."""

    def _not_yet(self, request: Request) -> None:
        self._emit(Answer(request.ticket, "not built yet", failed=True))

    def _report(self, request: RequestFiles) -> None:
        self._emit(FilesReport(request.ticket, (), (), (), str(self._settings.downloads or ""), {}))
