"""What we serve: the files that the user shares, and those that were fetched and that others may fetch here, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from libp2p.crypto.keys import PrivateKey
    from libp2p.custom_types import StreamHandlerFn, TProtocol

    from py_peer.core.file_events import SharedFile
    from py_peer.core.file_record import FileRecord
    from py_peer.net.counters import Counters


class ShareError(Exception):
    """A file is not shared; the text says why, as in "it is a folder"."""


@final
class Shared:
    """The files that we serve, by ID, and the two servers."""

    def __init__(self) -> None:
        self.streams: dict[TProtocol, StreamHandlerFn] = {}
        """What answers the streams of others, by protocol; there before the first peer is."""

        self.on_served: Callable[[str, SharedFile, int, str], None] = lambda _peer_id, _file, _sent, _reason: None
        """Called with a peer ID, the file, the bytes sent, and "" when it has all of it, else why it has not."""

        self.on_changed: Callable[[SharedFile], None] = lambda _file: None
        """Called once for a file that is not what was shared any more, and is not served for that; or only in part."""

    def start(self, key: PrivateKey, counters: Counters) -> None:
        """Sign with `key` from now on, and count into the node's counters."""
        raise NotImplementedError

    async def share(self, path: Path, progress: Callable[[int, int], None] = lambda _done, _size: None) -> SharedFile:
        """Read a file and serve it from now on under an ID of its own; `progress` gets the bytes read, and of how many.

        A file that is shared already and has not changed keeps its ID, and is not read again. Raises ShareError. May
        be cancelled.
        """
        raise NotImplementedError

    async def add(self, record: FileRecord, path: Path, leaves: bytes) -> SharedFile:
        """Serve a file that was fetched and verified, under its offerer's ID, on our own protocol. Raises ShareError."""
        raise NotImplementedError

    def unshare(self, file_id: str, offerer: str = "") -> bool:
        """Serve a file no more, ours or, with the peer ID of its `offerer`, another's; return whether there was one."""
        raise NotImplementedError

    def listing(self) -> tuple[SharedFile, ...]:
        """Return what we serve, the latest last."""
        raise NotImplementedError

    def close(self) -> None:
        """Close every file."""
        raise NotImplementedError
