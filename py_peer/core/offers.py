"""The files that others offer, as far as we have heard: a bounded table. Time is an argument, in monotonic seconds.

Who offers an ID first has it: another who offers the same one has read it there. A peer has so many places in the
table, and when all are taken it is the one with the most whose oldest offer goes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from py_peer.core import limits
from py_peer.core.file_record import is_file_id
from py_peer.core.rates import Buckets

if TYPE_CHECKING:
    from collections.abc import Collection

    from py_peer.core.file_record import FileRecord

_TAKEN: Final = "another peer has offered it before"


class OfferError(ValueError):
    """An offer that is not taken; the text says why, and holds nothing of it."""


class TakenError(OfferError):
    """Another peer has offered that ID before."""


@final
@dataclass(slots=True)
class Offered:
    """A file that a peer offers."""

    file_id: str
    peer_id: str
    heard: float
    record: FileRecord | None = None
    """What its offerer says of it, signed; None where it has not been asked, or cannot be."""

    @property
    def name(self) -> str:
        """What the file is called, "" where that is not known."""
        return self.record.name if self.record is not None else ""


@final
class Offers:
    """The table. Peers are named by their IDs in base58."""

    def __init__(self, most: int = limits.OFFERS, most_of_one: int = limits.OFFERS_PER_PEER) -> None:
        """Keep at most `most` offers, and of one peer at most `most_of_one`."""
        self._most = most
        self._most_of_one = most_of_one
        self._offers: dict[str, Offered] = {}  # by file ID, the oldest first
        self._paces: Buckets[str] = Buckets(limits.OFFER_RATE, limits.OFFER_BURST, most)
        self.refused: Counter[str] = Counter()
        """How many offers were not taken, and how many were forgotten for others, by reason."""

    def hear(self, data: bytes, peer_id: str, now: float) -> Offered | None:
        """Take what a peer has said on the topic; return the offer if it was not known. Raises OfferError."""
        try:
            self._hold_pace(peer_id, now)
            return self._take(_parse(data), peer_id, now)
        except OfferError as error:
            self.refused[str(error)] += 1
            raise

    def listed(
        self, peer_id: str, records: Collection[FileRecord], known: Collection[Offered], now: float
    ) -> list[Offered]:
        """Take what a peer says that it offers, which is all that it does; return what was not known.

        Of `known`, what it had offered before it was asked, it does not offer any more what it does not say.
        """
        self._forget_old(now)
        told = {record.file_id for record in records}
        for offer in known:
            if offer.file_id not in told and offer in self:
                del self._offers[offer.file_id]
        news: list[Offered] = []
        for record in records:
            offered = self._offers.get(record.file_id)
            if offered is None:
                offered = self._add(record.file_id, peer_id, now)
                news.append(offered)
            if offered.peer_id == peer_id:
                offered.record = record
            else:
                self.refused[_TAKEN] += 1
        return news

    def offers(self, now: float) -> list[Offered]:
        """Return what is offered, the latest offer last."""
        self._forget_old(now)
        return list(self._offers.values())

    def __contains__(self, offer: Offered) -> bool:
        """Return whether an offer is still known."""
        return self._offers.get(offer.file_id) is offer

    def of(self, peer_id: str) -> list[Offered]:
        """Return what one peer offers."""
        return [offer for offer in self._offers.values() if offer.peer_id == peer_id]

    def _take(self, file_id: str, peer_id: str, now: float) -> Offered | None:
        self._forget_old(now)
        known = self._offers.get(file_id)
        if known is not None and known.peer_id != peer_id:
            raise TakenError(_TAKEN)
        if known is not None:
            known.heard = now
            self._offers[file_id] = self._offers.pop(file_id)
            return None
        return self._add(file_id, peer_id, now)

    def _add(self, file_id: str, peer_id: str, now: float) -> Offered:
        offer = self._offers[file_id] = Offered(file_id, peer_id, now)
        self._make_room(peer_id)
        return offer

    def _hold_pace(self, peer_id: str, now: float) -> None:
        if not self._paces.take(peer_id, now):
            raise OfferError("too many of one peer at once")

    def _make_room(self, peer_id: str) -> None:
        if len(self.of(peer_id)) > self._most_of_one:
            self._forget(peer_id)
        elif len(self._offers) > self._most:
            counts = Counter(offer.peer_id for offer in self._offers.values())
            self._forget(max(counts, key=lambda one: counts[one]))

    def _forget(self, peer_id: str) -> None:
        del self._offers[self.of(peer_id)[0].file_id]
        self.refused["forgotten for newer ones"] += 1

    def _forget_old(self, now: float) -> None:
        while (oldest := next(iter(self._offers.values()), None)) and now - oldest.heard > limits.OFFER_SECONDS:
            del self._offers[oldest.file_id]


def _parse(data: bytes) -> str:
    """Return the ID in an offer. Raises OfferError."""
    if len(data) > limits.MAX_FILE_ID_BYTES:
        raise OfferError("the ID is too long")
    try:
        file_id = data.decode()
    except UnicodeDecodeError:
        raise OfferError("the ID is no UTF-8") from None
    if not is_file_id(file_id):
        raise OfferError("the ID has characters that no ID has")
    return file_id
