"""The records that are kept of others and of our own, bounded: what one brings pushes out nobody else's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from py_peer.core import limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from py_peer.core.records import Record


@final
@dataclass(frozen=True, slots=True)
class Kept:
    """A record, and who has brought it first; "" is us. What is our own, nobody else's pushes out."""

    record: Record
    sender: str

    @property
    def is_own(self) -> bool:
        """Whether we have put it ourselves."""
        return not self.sender

    @property
    def weight(self) -> int:
        """What counts against the limits: its bytes, and as many more as keep the number of small ones down."""
        return len(self.record.key) + len(self.record.value) + limits.KAD_VALUE_WEIGHT


class FullError(Exception):
    """There is no room left for records of our own."""


@final
class ValueShelf:
    """Records by key. Where there are too many, those of whoever has brought most make room, the oldest first."""

    def __init__(self, *, in_all: int, per_sender: int) -> None:
        """Set the weight of all records of others, and that of one sender's, which our own may have beside."""
        self._in_all = in_all
        self._per_sender = per_sender
        self._kept: dict[bytes, Kept] = {}
        self._of_sender: dict[str, dict[bytes, None]] = {}  # the oldest first
        self._weights: dict[str, int] = {}
        self._strangers = 0
        self.on_gone: Callable[[bytes], None] = lambda _: None
        """Told of each key under which nothing is kept any more, or something else from now on."""

        self.changes = 0
        """Counts the changes, so that whoever writes them down knows whether there are any."""

    def get(self, key: bytes, now: int) -> Kept | None:
        """Return what is kept under a key and has not expired. A time that is far ahead by now is put right."""
        kept = self._kept.get(key)
        if kept is not None and (record := kept.record.in_bounds(now)) is not kept.record:
            kept = self._kept[key] = replace(kept, record=record)
            self.changes += 1
        return kept if kept is not None and now < kept.record.expires else None

    def own(self, key: bytes) -> Record | None:
        """Return what we have put under a key ourselves, though it may have expired since."""
        kept = self._kept.get(key)
        return kept.record if kept is not None and kept.is_own else None

    def put(self, record: Record, sender: str) -> int:
        """Keep a record in place of the one under its key, if any; return how many others had to make room.

        One that brings anew what another has brought has not made it his: it stays that one's, and for as long as that.
        Raises FullError when it is our own and there is no room for it.
        """
        old = self._kept.get(record.key)
        if old is not None and sender and old.record.value == record.value:
            sender = old.sender
            record = replace(record, expires=max(record.expires, old.record.expires))
        new = Kept(record, sender)
        before = old.weight if old is not None and old.sender == sender else 0
        if new.is_own and self._weights.get("", 0) - before + new.weight > self._per_sender:
            raise FullError
        self.drop(record.key)
        self._kept[record.key] = new
        self._of_sender.setdefault(sender, {})[record.key] = None
        self._weigh(sender, new.weight)
        self.changes += 1
        return self._make_room(sender) if sender else 0

    def drop(self, key: bytes) -> None:
        """Forget what is kept under a key."""
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        keys = self._of_sender[kept.sender]
        del keys[key]
        if not keys:
            del self._of_sender[kept.sender]
        self._weigh(kept.sender, -kept.weight)
        self.changes += 1
        self.on_gone(key)

    def expire(self, now: int) -> None:
        """Forget all of others that has expired; our own can be put anew."""
        for kept in self:
            if kept.record.expires <= now and not kept.is_own:
                self.drop(kept.record.key)

    def __contains__(self, key: bytes) -> bool:
        """Say whether anything is kept under a key."""
        return key in self._kept

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self._kept)

    def __iter__(self) -> Iterator[Kept]:
        """Give all of them, as they are now."""
        return iter(list(self._kept.values()))

    @property
    def own_count(self) -> int:
        """How many of them are our own."""
        return len(self._of_sender.get("", ()))

    @property
    def weight(self) -> int:
        """The weight of all that is kept of others."""
        return self._strangers

    def _weigh(self, sender: str, weight: int) -> None:
        self._weights[sender] = self._weights.get(sender, 0) + weight
        if not self._weights[sender]:
            del self._weights[sender]
        if sender:
            self._strangers += weight

    def _make_room(self, sender: str) -> int:
        gone = 0
        while self._weights.get(sender, 0) > self._per_sender:
            self._drop_oldest(sender)
            gone += 1
        while self._strangers > self._in_all:
            self._drop_oldest(max((one for one in self._weights if one), key=self._weights.__getitem__))
            gone += 1
        return gone

    def _drop_oldest(self, sender: str) -> None:
        self.drop(next(iter(self._of_sender[sender])))
