"""Rates: how fast we may speak, and who speaks too fast. Time is an argument, in seconds of a monotonic clock."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar, final

K = TypeVar("K", bound=Hashable)

_ALMOST_ONE = 1 - 1e-6
"""Counts as a token: else rounding makes who slept for `wait` seconds come back in vain, and sleep no time at all."""


@final
class TokenBucket:
    """`burst` at once, then `rate` a second. A clock that goes back adds nothing and takes nothing away."""

    __slots__ = ("_burst", "_rate", "_tokens", "_when")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._when: float | None = None

    def take(self, now: float) -> bool:
        """Take one token if there is one."""
        self._refill(now)
        if self._tokens < _ALMOST_ONE:
            return False
        self._tokens -= 1
        return True

    def wait(self, now: float) -> float:
        """Return the seconds until there will be a token."""
        self._refill(now)
        return 0.0 if self._tokens >= _ALMOST_ONE else (1 - self._tokens) / self._rate

    def _refill(self, now: float) -> None:
        if self._when is not None and now > self._when:
            self._tokens = min(self._burst, self._tokens + (now - self._when) * self._rate)
        if self._when is None or now > self._when:
            self._when = now


@final
class Buckets(Generic[K]):
    """A bucket for each key, all alike. Of more than `most` the one not used for longest is forgotten, and so full."""

    def __init__(self, rate: float, burst: float, most: int) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._buckets: dict[K, TokenBucket] = {}  # in the order in which they were last used

    def take(self, key: K, now: float) -> bool:
        """Take one token of `key` if there is one."""
        bucket = self._buckets.pop(key, None) or TokenBucket(self._rate, self._burst)
        self._buckets[key] = bucket
        if len(self._buckets) > self._most:
            del self._buckets[next(iter(self._buckets))]
        return bucket.take(now)

    def wait(self, key: K, now: float) -> float:
        """Return the seconds until there will be a token for `key`."""
        bucket = self._buckets.get(key)
        return 0.0 if bucket is None else bucket.wait(now)

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._buckets)


class Verdict(Enum):
    """What becomes of one message of an author."""

    HEARD = "heard"
    MUTED_NOW = "muted now"
    MUTED = "muted"


@final
@dataclass(slots=True)
class _Author:
    bucket: TokenBucket
    muted_until: float = 0.0
    dropped: int = 0


@final
class FloodGuard:
    """Mutes each author who says more than `burst` at once or `rate` a second, for `mute_seconds`.

    An author who goes on flooding stays muted: the time counts from the last message beyond the rate. At most
    `max_authors` are tracked; of those the one longest silent and not muted is forgotten first, and when all of
    them are muted all newcomers share one allowance, so that strangers can neither push a mute out by being many
    nor flood the room from behind a full table. `due_unmutes` must be called now and then: it ends mutes.
    """

    def __init__(self, burst: float, rate: float, mute_seconds: float, max_authors: int) -> None:
        self._burst = burst
        self._rate = rate
        self._mute_seconds = mute_seconds
        self._max_authors = max_authors
        self._quiet: dict[bytes, _Author] = {}  # in the order in which they last spoke
        self._muted: dict[bytes, _Author] = {}
        self._crowd = TokenBucket(rate, burst)

    def hear(self, author: bytes, now: float) -> Verdict:
        """Judge one message of `author`."""
        muted = self._muted.get(author)
        if muted is not None:
            muted.dropped += 1
            if not muted.bucket.take(now):
                muted.muted_until = now + self._mute_seconds
            return Verdict.MUTED
        state = self._quiet.pop(author, None) or self._new()
        if state is None:
            return Verdict.HEARD if self._crowd.take(now) else Verdict.MUTED
        if state.bucket.take(now):
            self._quiet[author] = state
            return Verdict.HEARD
        state.muted_until = now + self._mute_seconds
        state.dropped = 1
        self._muted[author] = state
        return Verdict.MUTED_NOW

    def due_unmutes(self, now: float) -> list[tuple[bytes, int]]:
        """Return the authors whose mute is over, with how many messages each lost by it; each is told once."""
        due = [(author, state) for author, state in self._muted.items() if state.muted_until <= now]
        for author, state in due:
            del self._muted[author]
            self._quiet[author] = state
        return [(author, state.dropped) for author, state in due]

    def muted(self) -> list[bytes]:
        """Return the authors who are muted now."""
        return list(self._muted)

    def __len__(self) -> int:
        """Return how many authors are tracked."""
        return len(self._quiet) + len(self._muted)

    def _new(self) -> _Author | None:
        if len(self) >= self._max_authors:
            if not self._quiet:
                return None
            del self._quiet[next(iter(self._quiet))]
        return _Author(TokenBucket(self._rate, self._burst))
