"""What was said and what happened, as far back as memory is given for it."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, final

from py_peer.core.entries import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from py_peer.core.entries import Entry

MESSAGES: Final = (Kind.SAID, Kind.OWN)
"""The kinds of entry that somebody has said."""


@final
class Transcript:
    """Entries by number, the oldest first. Beyond either bound the oldest go; the newest always stays.

    `max_entries` counts entries, `max_chars` the characters of their texts. Each entry costs the same time, however
    many there are.
    """

    def __init__(self, max_entries: int, max_chars: int) -> None:
        self._max_entries = max_entries
        self._max_chars = max_chars
        # A dict would look for its oldest entry among the places of all those that went before it.
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._newest = -1
        self._chars = 0
        self.forgotten = 0
        """How many messages are no longer there."""

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def get(self, number: int) -> Entry | None:
        """Return the entry of this number, if it is there."""
        return self._entries.get(number)

    def put(self, entries: Iterable[Entry]) -> list[int]:
        """Append new entries, and replace those of a known number; one that replaces what is forgotten is left out.

        Return the numbers that were forgotten for it, the oldest first.
        """
        for entry in entries:
            known = self._entries.get(entry.number)
            if known is not None:
                self._chars -= _size(known)
            elif entry.number <= self._newest:
                continue
            self._entries[entry.number] = entry
            self._chars += _size(entry)
            self._newest = max(self._newest, entry.number)
        return self._forget()

    def last(self, count: int) -> list[Entry]:
        """Return the last `count` messages, the oldest first."""
        found: list[Entry] = []
        for entry in reversed(self._entries.values()):
            if len(found) >= count:
                break
            if entry.kind in MESSAGES:
                found.append(entry)
        return found[::-1]

    def find(self, query: str) -> list[int]:
        """Return the numbers of the entries whose author or text holds `query`, in capitals or not."""
        wanted = query.casefold()
        if not wanted:
            return []
        return [
            entry.number
            for entry in self._entries.values()
            if wanted in entry.text.casefold() or wanted in entry.author.casefold()
        ]

    def _forget(self) -> list[int]:
        gone: list[int] = []
        while len(self._entries) > 1 and (len(self._entries) > self._max_entries or self._chars > self._max_chars):
            number, entry = self._entries.popitem(last=False)
            self._chars -= _size(entry)
            self.forgotten += entry.kind in MESSAGES
            gone.append(number)
        return gone


def _size(entry: Entry) -> int:
    return len(entry.text) + len(entry.author)
