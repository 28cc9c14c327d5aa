"""Who breaks the rules again and again is refused for a while. Time is an argument, in seconds of a monotonic clock."""

from __future__ import annotations

from typing import TypeVar, final

from py_peer.core.rates import TokenBucket

V = TypeVar("V")


@final
class Strikes:
    """Counts what peers do wrong: `burst` at once and `rate` a second are forgiven, one more is a ban of `seconds`.

    Of those who did wrong, and of those who are banned, at most `limit` are remembered; the oldest is forgotten.
    """

    def __init__(self, burst: float, rate: float, seconds: float, limit: int) -> None:
        self._burst = burst
        self._rate = rate
        self._seconds = seconds
        self._limit = limit
        self._struck: dict[bytes, TokenBucket] = {}
        self._banned: dict[bytes, float] = {}

    def strike(self, peer: bytes, now: float) -> bool:
        """Note that `peer` broke a rule; return whether it is banned for this one."""
        if self.left(peer, now):
            return False
        bucket = self._struck.pop(peer, None) or TokenBucket(self._rate, self._burst)
        if bucket.take(now):
            _put(self._struck, peer, bucket, self._limit)
            return False
        self._banned.pop(peer, None)
        _put(self._banned, peer, now + self._seconds, self._limit)
        return True

    def left(self, peer: bytes, now: float) -> float:
        """Return the seconds for which `peer` is still banned; 0.0 if it is not."""
        return max(0.0, self._banned.get(peer, 0.0) - now)

    def forgive(self, peer: bytes) -> None:
        """Forget what `peer` did."""
        self._struck.pop(peer, None)
        self._banned.pop(peer, None)

    def banned(self, now: float) -> list[bytes]:
        """Return who is banned now."""
        return [peer for peer, until in self._banned.items() if until > now]


def _put(table: dict[bytes, V], peer: bytes, value: V, limit: int) -> None:
    if len(table) >= limit:
        del table[next(iter(table))]
    table[peer] = value
