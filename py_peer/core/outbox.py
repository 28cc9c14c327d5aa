"""Texts that wait for a peer, in memory, bounded in number and in bytes."""

from __future__ import annotations

from collections import deque
from typing import final


@final
class Outbox:
    """A first-in, first-out queue of texts, each with the ticket of the request that brought it."""

    def __init__(self, max_texts: int, max_bytes: int) -> None:
        self._max_texts = max_texts
        self._max_bytes = max_bytes
        self._texts: deque[tuple[int, str]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._texts)

    @property
    def bytes(self) -> int:
        """The size of all texts, as UTF-8."""
        return self._bytes

    def put(self, ticket: int, text: str) -> bool:
        """Append a text; False, and nothing taken, when it does not fit."""
        size = _size(text)
        if len(self._texts) >= self._max_texts or self._bytes + size > self._max_bytes:
            return False
        self._texts.append((ticket, text))
        self._bytes += size
        return True

    def peek(self) -> tuple[int, str]:
        """Return the oldest text and leave it there. Raises IndexError when there is none."""
        return self._texts[0]

    def pop(self) -> tuple[int, str]:
        """Take the oldest text out. Raises IndexError when there is none."""
        ticket, text = self._texts.popleft()
        self._bytes -= _size(text)
        return ticket, text


def _size(text: str) -> int:
    # A lone surrogate (a terminal's bytes that are no UTF-8) is for the sender to refuse, not a reason to fall here.
    return len(text.encode("utf-8", "surrogatepass"))
