"""Texts that wait for a peer, in memory, bounded in number and in bytes."""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, final

from py_peer.core.topics import ROOM_TOPIC

if TYPE_CHECKING:
    from collections.abc import Iterable


class Waiting(NamedTuple):
    """A text that waits on a topic, with the ticket of the request that brought it; `number` rises with each."""

    number: int
    ticket: int
    text: str


@final
class Outbox:
    """A first-in, first-out queue of texts for each topic. The bounds are for all of them together."""

    def __init__(self, max_texts: int, max_bytes: int) -> None:
        self._max_texts = max_texts
        self._max_bytes = max_bytes
        self._queues: dict[str, deque[Waiting]] = {}
        self._numbers = itertools.count()
        self._texts = 0
        self._bytes = 0

    def __len__(self) -> int:
        return self._texts

    @property
    def bytes(self) -> int:
        """The size of all texts, as UTF-8."""
        return self._bytes

    def put(self, ticket: int, text: str, topic: str = ROOM_TOPIC) -> bool:
        """Append a text; False, and nothing taken, when it does not fit."""
        size = _size(text)
        if self._texts >= self._max_texts or self._bytes + size > self._max_bytes:
            return False
        self._queues.setdefault(topic, deque()).append(Waiting(next(self._numbers), ticket, text))
        self._texts += 1
        self._bytes += size
        return True

    def oldest(self, topics: Iterable[str]) -> str | None:
        """Return on which of `topics` the oldest text waits, or None if there is none on any of them."""
        heads = [(self._queues[topic][0].number, topic) for topic in topics if topic in self._queues]
        return min(heads)[1] if heads else None

    def count(self, topic: str) -> int:
        """Return how many texts wait on a topic."""
        return len(self._queues.get(topic, ()))

    def peek(self, topic: str = ROOM_TOPIC) -> Waiting:
        """Return the oldest text of a topic and leave it there. Raises LookupError when there is none."""
        return self._queues[topic][0]

    def pop(self, topic: str = ROOM_TOPIC) -> Waiting:
        """Take the oldest text of a topic out. Raises LookupError when there is none."""
        queue = self._queues[topic]
        waiting = queue.popleft()
        if not queue:
            del self._queues[topic]
        self._texts -= 1
        self._bytes -= _size(waiting.text)
        return waiting


def _size(text: str) -> int:
    # A lone surrogate (a terminal's bytes that are no UTF-8) is for the sender to refuse, not a reason to fall here.
    return len(text.encode("utf-8", "surrogatepass"))
