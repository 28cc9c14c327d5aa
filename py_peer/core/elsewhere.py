"""Which topics others are in that we are not: who joins one later has to know who is there already.

A peer says what it subscribes to when it connects, and then what changes; nobody says it again to who joins a topic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, final

if TYPE_CHECKING:
    from collections.abc import Hashable

Peer = TypeVar("Peer", bound="Hashable")


@final
class Elsewhere(Generic[Peer]):
    """Remembers `max_topics` topics of each of `max_peers` peers, whose names have at most `max_bytes` bytes.

    Of more peers the one is forgotten that was noted first; `max_peers` is to be as many as can be connected, at least.
    """

    def __init__(self, max_peers: int, max_topics: int, max_bytes: int) -> None:
        self._max_peers = max_peers
        self._max_topics = max_topics
        self._max_bytes = max_bytes
        self._topics: dict[Peer, set[str]] = {}

    def note(self, peer: Peer, topic: str) -> None:
        """Note that a peer is in a topic. Above the limit it is not remembered: no other topic is pushed out."""
        topics = self._topics.setdefault(peer, set())
        if len(topics) < self._max_topics and len(topic.encode()) <= self._max_bytes:
            topics.add(topic)
        if len(self._topics) > self._max_peers:
            del self._topics[next(iter(self._topics))]

    def left(self, peer: Peer, topic: str) -> None:
        """Note that a peer has left a topic."""
        self._topics.get(peer, set()).discard(topic)

    def take(self, topic: str) -> list[Peer]:
        """Return who is in a topic, which is not elsewhere any more."""
        there = [peer for peer, topics in self._topics.items() if topic in topics]
        for peer in there:
            self._topics[peer].discard(topic)
        return there

    def forget(self, peer: Peer) -> None:
        """Forget a peer that has gone."""
        self._topics.pop(peer, None)
