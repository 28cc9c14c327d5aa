"""What was seen, in bounded memory: the oldest entry goes first."""

from __future__ import annotations

from typing import final


@final
class SeenCache:
    """A set of byte strings that holds `limit` of them.

    It has the two methods that the library asks of `Pubsub.seen_messages`, whose own cache has no limit
    (py-libp2p 0.8.1: 120 s, at any rate).
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._keys: dict[bytes, None] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def has(self, key: bytes) -> bool:
        """Return whether `key` was added and not yet forgotten."""
        return key in self._keys

    def add(self, key: bytes) -> bool:
        """Remember `key`; False when it was known already."""
        if key in self._keys:
            return False
        if len(self._keys) >= self._limit:
            del self._keys[next(iter(self._keys))]
        self._keys[key] = None
        return True
