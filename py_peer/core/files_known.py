"""Which files there are, worked out from events alone; `py_peer.core.roster` does it for peers."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, TypeVar, final

from py_peer.core import limits
from py_peer.core.events import Answer
from py_peer.core.file_events import (
    FileOffered,
    FileProvided,
    FileShared,
    FilesReport,
    HashingProgress,
    TransferDone,
    TransferFailed,
    TransferProgress,
    TransferStarted,
    TransferState,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from py_peer.core.events import Event
    from py_peer.core.file_events import Offer, SharedFile, Transfer

T = TypeVar("T")

_NOT_STARTED = (TransferState.WAITING, TransferState.ASKING)
"""Of these no event about the transfer says that it has ended, where it was not cancelled."""


@final
class FilesKnown:
    """The offers of others, what we share and what is being fetched."""

    def __init__(self) -> None:
        self.offers: OrderedDict[str, Offer] = OrderedDict()
        """By file ID, the latest last."""

        self.shared: OrderedDict[str, SharedFile] = OrderedDict()
        """By file ID. What is unshared stays until the next report: at worst Tab completes it once more."""

        self.transfers: dict[int, Transfer] = {}
        """By number."""

        self.reading: dict[int, HashingProgress] = {}
        """What is read before it can be offered, by ticket."""

    def tell(self, event: Event) -> None:
        """Note what an event says."""
        match event:
            case FileOffered():
                _keep(self.offers, event.offer.file_id, event.offer, limits.OFFERS)
            case HashingProgress():
                self.reading[event.ticket] = event
            case Answer():
                self.reading.pop(event.ticket, None)
            case FileShared() | FileProvided():
                self.reading.pop(event.ticket, None)
                _keep(self.shared, event.file.file_id, event.file, limits.SHARED_FILES)
            case TransferStarted() | TransferProgress():
                self.transfers[event.transfer.number] = event.transfer
            case TransferDone() | TransferFailed():
                self.transfers.pop(event.number, None)
            case FilesReport():
                self.offers = OrderedDict((offer.file_id, offer) for offer in event.offers)
                self.shared = OrderedDict((file.file_id, file) for file in event.shared)
                self.transfers = {one.number: one for one in event.transfers if one.state not in _NOT_STARTED}

    def find_offers(self, word: str) -> list[str]:
        """Return the IDs of the offers that `word` may mean: the name of a file, its ID, or the beginning of that."""
        return [file_id for file_id, offer in self.offers.items() if word == offer.name or file_id.startswith(word)]

    def offer_words(self) -> list[str]:
        """Return all that offers may be called, for completion: names and IDs, the latest first."""
        return _words((offer.name, offer.file_id) for offer in reversed(self.offers.values()))

    def shared_words(self) -> list[str]:
        """Return the same of what we share."""
        return _words((file.name, file.file_id) for file in reversed(self.shared.values()))

    def transfer_words(self) -> list[str]:
        """Return the same of what is being fetched."""
        return _words((one.name, one.file_id) for one in reversed(self.transfers.values()))


def _keep(kept: OrderedDict[str, T], key: str, value: T, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)


def _words(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return names, then IDs, each once."""
    known = list(pairs)
    return list(dict.fromkeys(word for words in zip(*known, strict=True) for word in words if word))
