"""Who is forgotten when the address book is full: the oldest word of strangers first, and each has his share of it."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, final

from py_peer.core import limits

if TYPE_CHECKING:
    from collections.abc import Callable


@final
class Rank(IntEnum):
    """How much is known of a peer. A newcomer makes nobody of a higher rank go."""

    TOLD = 0
    """A stranger told of it."""

    MEMORY = 1
    NEAR = 2
    """mDNS told of it."""

    PROVED = 3
    """We have reached it at one of its addresses."""

    NAMED = 4


@final
class Shelves:
    """The peers of the book, each on one shelf, in the order in which they were last told of.

    There is a shelf for each rank above TOLD, and one for each stranger who told of somebody.
    """

    def __init__(self) -> None:
        self._told: dict[str, dict[str, None]] = {}
        self._others: dict[Rank, dict[str, None]] = {rank: {} for rank in Rank if rank is not Rank.TOLD}
        self._where: dict[str, tuple[Rank, str]] = {}

    def __len__(self) -> int:
        """Return how many peers there are."""
        return len(self._where)

    def put(self, peer_id: str, rank: Rank, teller: str, stays: Callable[[str], bool]) -> str | None:
        """Put a peer on its shelf, or further back on it; return who had to go, or None.

        `stays` says of a peer that it cannot go. When nobody can, it is `peer_id` itself that is returned: if it was
        there it is there still, on the shelf that it had, and else it is not taken.
        """
        where = (rank, teller if rank is Rank.TOLD else "")
        before = self._where.get(peer_id)
        gone = None
        if before != where:
            if before is not None and before[0] >= rank:
                return None
            shelf = self._shelf(*where)
            if len(shelf) >= (limits.BOOK_PROVED if rank is Rank.PROVED else limits.BOOK_SHARE):
                if (gone := _oldest(shelf, stays)) is None:
                    return peer_id
            elif before is not None or len(self._where) < limits.BOOK_PEERS:
                pass
            elif (gone := self._least(rank, stays)) is None:
                return peer_id
        if gone is not None:
            self.drop(gone)
        if before is not None:
            self.drop(peer_id)
        self._where[peer_id] = where
        if rank is Rank.TOLD:
            self._told.setdefault(teller, {})[peer_id] = None
        else:
            self._others[rank][peer_id] = None
        return gone

    def drop(self, peer_id: str) -> None:
        """Take a peer off its shelf."""
        rank, teller = self._where.pop(peer_id)
        shelf = self._shelf(rank, teller)
        del shelf[peer_id]
        if rank is Rank.TOLD and not shelf:
            del self._told[teller]

    def _shelf(self, rank: Rank, teller: str) -> dict[str, None]:
        return self._told.get(teller, {}) if rank is Rank.TOLD else self._others[rank]

    def _least(self, rank: Rank, stays: Callable[[str], bool]) -> str | None:
        """Return whom to forget for a newcomer of a rank: of those who tell, the one who told of most goes first."""
        fullest = max(self._told.values(), key=len, default={})
        if (gone := _oldest(fullest, stays)) is not None:
            return gone
        shelves = (
            *sorted(self._told.values(), key=len, reverse=True),
            *(self._others[one] for one in Rank if 0 < one <= rank),
        )
        return next(filter(None, (_oldest(shelf, stays) for shelf in shelves)), None)


def _oldest(shelf: dict[str, None], stays: Callable[[str], bool]) -> str | None:
    return next((peer_id for peer_id in shelf if not stays(peer_id)), None)
