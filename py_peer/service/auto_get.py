"""Files that are fetched without being asked for (--auto-get): small ones, and so many an hour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import anyio.to_thread
import trio
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.cleaning import clean_path
from py_peer.core.file_names import safe_name
from py_peer.core.rates import Buckets, TokenBucket
from py_peer.net.private_files import cause

if TYPE_CHECKING:
    from pathlib import Path

    from py_peer.core.offers import Offered
    from py_peer.net.node import Node
    from py_peer.service.sources import Sources
    from py_peer.service.transfers import Transfers

MOST_WAITING: Final = 64
"""Offers that wait until the folder was looked at, which a disk of the network may take its time for."""

_HOUR: Final = 3_600.0


@final
class AutoGet:
    """Decides what is fetched."""

    def __init__(self, most: int, downloads: Path | None, sources: Sources, transfers: Transfers) -> None:
        """Fetch files of at most `most` bytes into the `downloads`; 0, or no downloads, fetches none."""
        self._most = most
        self._downloads = downloads
        self._sources = sources
        self._transfers = transfers
        self._pace = TokenBucket(limits.AUTO_GETS / _HOUR, limits.AUTO_GETS)
        self._paces: Buckets[str] = Buckets(limits.AUTO_GETS_OF_ONE / _HOUR, limits.AUTO_GETS_OF_ONE, limits.OFFERS)
        wanted: tuple[trio.MemorySendChannel[Offered], trio.MemoryReceiveChannel[Offered]]
        wanted = trio.open_memory_channel(MOST_WAITING)
        self._wanted, self._next_wanted = wanted

    def consider(self, offer: Offered) -> None:
        """Fetch what is offered, if it is small enough; how large a file of another program is shows on the way."""
        if not self._most or not self._is_small(offer):
            return
        try:
            self._wanted.send_nowait(offer)
        except trio.WouldBlock:
            self._transfers.not_fetched()

    async def run(self, node: Node) -> None:
        """Fetch what is not there yet, until cancelled."""
        if self._downloads is None:
            return
        async for offer in self._next_wanted:
            path = self._downloads / (offer.name or safe_name(offer.file_id))
            with node.counters.catching("fetching what is offered"):
                try:
                    is_there = await anyio.to_thread.run_sync(path.exists, abandon_on_cancel=True)
                except OSError as error:  # nor could it be written there
                    self._transfers.not_fetched(f"{clean_path(self._downloads)} cannot be looked at: {cause(error)}")
                    continue
                if not is_there and self._hold_pace(offer.peer_id):
                    self._transfers.start(offer, "", 0, self._most)

    def _is_small(self, offer: Offered) -> bool:
        if offer.record is not None:
            return offer.record.size <= self._most
        peer_id = ID.from_string(offer.peer_id)
        return self._sources.is_here(peer_id) and not self._sources.speaks(peer_id)

    def _hold_pace(self, peer_id: str) -> bool:
        now = trio.current_time()
        return self._paces.take(peer_id, now) and self._pace.take(now)
