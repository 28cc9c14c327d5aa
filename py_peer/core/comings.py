"""Who is told to have come and gone. Time is an argument, in seconds of a monotonic clock."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Generic, TypeVar, final

from py_peer.core.rates import Buckets

if TYPE_CHECKING:
    from collections.abc import Container
    from collections.abc import Set as AbstractSet

Peer = TypeVar("Peer", bound=Hashable)


@final
class Comings(Generic[Peer]):
    """Tells of each peer `burst` comings and goings at once and `rate` a second, in all its topics together.

    What comes faster is not told; where the peer is when the next one may be told is told then, if that is another
    place than was told last. So whoever asks for `news` now and then, too, ends with what is true.
    """

    def __init__(self, rate: float, burst: float, most: int) -> None:
        """Of more than `most` peers the one that has not moved for longest has its allowance anew."""
        self._allowed: Buckets[Peer] = Buckets(rate, burst, most)
        self._told: dict[str, frozenset[Peer]] = {}

    def begin(self, topic: str, there: frozenset[Peer]) -> None:
        """Note that it is told otherwise who is on a topic."""
        self._told[topic] = self._told.get(topic, frozenset()) | there

    def end(self, topic: str) -> None:
        """Forget a topic."""
        self._told.pop(topic, None)

    def news(
        self, topic: str, there: AbstractSet[Peer], connected: Container[Peer], now: float
    ) -> tuple[list[Peer], list[Peer]]:
        """Return who is to be told to have joined a topic, and who to have left it.

        That a peer has left which is not connected is told at once, before it is told that it has gone.
        """
        told = self._told.get(topic, frozenset())
        joined = [peer for peer in there - told if self._allowed.take(peer, now)]
        left = [peer for peer in told - there if peer not in connected or self._allowed.take(peer, now)]
        self._told[topic] = told.union(joined).difference(left)
        return joined, left
