"""Whether others reach us from outside: what each says of it, and what is believed.

Everybody can say what he likes, so that what counts is from how many ranges of addresses it is said: a range has one
voice, and its last word holds. Who believes wrongly that nobody reaches him takes a place at a relay that he does not
need; who believes wrongly that others do is reached by nobody. So the second wants more voices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, final

from py_peer.core import limits
from py_peer.core.interfaces import usable
from py_peer.core.ranges import Kind, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from py_peer.core.interfaces import Interface


@final
class Status(Enum):
    """How we are reached from outside. The value is what scripts read."""

    UNKNOWN = "unknown"
    PUBLIC = "public"
    ANNOUNCED = "announced"
    """The user says that we are reached, and nobody has tried yet."""

    PRIVATE = "private"
    RELAYED = "relayed"
    """Nobody reaches us but through a relay."""


SOMEWHERE: Final = ""
"""Said of us: reached, but not where."""


@final
@dataclass(frozen=True, slots=True)
class _Vote:
    address: str | None
    """Where we were reached; None: nowhere."""

    when: float


@final
@dataclass(frozen=True, slots=True)
class Verdict:
    """What is believed: PUBLIC, PRIVATE or UNKNOWN, and at which addresses we were reached."""

    status: Status
    addresses: tuple[str, ...] = ()


@final
class Votes:
    """What is said of us, from at most `limits.NAT_VOTES` ranges. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._votes: dict[str, _Vote] = {}  # by the range, the oldest first

    def take(self, voice: str, address: str | None, now: float) -> None:
        """Note that somebody in the range `voice` reaches us at an address (SOMEWHERE: anyhow), or (None) does not."""
        before = self._votes.pop(voice, None)
        if address == SOMEWHERE and before is not None and before.address:
            address = before.address
        self._votes[voice] = _Vote(address, now)
        if len(self._votes) > limits.NAT_VOTES:
            del self._votes[next(iter(self._votes))]

    def age(self, voice: str, now: float) -> float:
        """Return how many seconds ago the range has said something; infinity if it has not, or did not say where."""
        vote = self._votes.get(voice)
        return now - vote.when if vote and vote.address != SOMEWHERE else math.inf

    def is_reached(self, now: float) -> bool:
        """Say whether anybody reaches us at all, by his word."""
        return any(vote.address is not None for vote in self._live(now).values())

    def clear(self) -> None:
        """Forget all: we are somewhere else."""
        self._votes.clear()

    def verdict(self, now: float, *, patient: bool) -> Verdict:
        """Return what is believed; with `patient` it has been waited for long enough to believe few.

        What holds for IPv4 says nothing of IPv6: being reached over one of them is being reached.
        """
        live = self._live(now)
        kinds = [[vote.address for voice, vote in live.items() if (":" in voice) is six] for six in (False, True)]
        found = [_judge(votes, patient=patient) for votes in kinds]
        for status in (Status.PUBLIC, Status.PRIVATE):
            if any(one.status is status for one in found):
                return Verdict(status, tuple(address for one in found for address in one.addresses))
        return Verdict(Status.UNKNOWN)

    def _live(self, now: float) -> dict[str, _Vote]:
        return {voice: vote for voice, vote in self._votes.items() if now - vote.when < limits.NAT_VOTE_SECONDS}

    def __len__(self) -> int:
        """Return how many ranges have said something."""
        return len(self._votes)


def _judge(votes: list[str | None], *, patient: bool) -> Verdict:
    """Judge what is said of one version of IP."""
    reached = [address for address in votes if address is not None]
    failed = len(votes) - len(reached)
    if len(reached) >= limits.NAT_CONFIDENCE and len(reached) > failed:
        several = [one for one in dict.fromkeys(reached) if one and reached.count(one) >= limits.NAT_CONFIDENCE]
        return Verdict(Status.PUBLIC, tuple(several))
    if failed > len(reached) and (failed >= limits.NAT_CONFIDENCE or patient):
        return Verdict(Status.PRIVATE)
    return Verdict(Status.UNKNOWN)


def is_behind_a_router(interfaces: Iterable[Interface]) -> bool:
    """Say whether there is a private IPv4 address, and no public one: then a router may stand in front of it."""
    kinds = {kind_of(str(one.ip)) for there in usable(interfaces) for one in there.addresses if one.version == 4}
    return Kind.PRIVATE in kinds and Kind.PUBLIC not in kinds
