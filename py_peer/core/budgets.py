"""How often may be dialled on whose word: what strangers tell costs them, and the victim of a lie, a bounded number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, final

from py_peer.core import limits
from py_peer.core.addresses import short_id
from py_peer.core.findings import Source
from py_peer.core.rates import Buckets

if TYPE_CHECKING:
    from collections.abc import Iterator


_TOO_OFTEN: Final = "was dialled too often lately"
_TOO_MUCH: Final = "too much was dialled lately on the word of"

_Charge: TypeAlias = tuple[Buckets[str], str, str]


@final
@dataclass(frozen=True, slots=True)
class Word:
    """What a dial is made on: where it leads, the best source of that, the peers who told it."""

    where: str
    """Address and port, or the peer ID of a relay that is connected."""

    range: str
    """The range it lies in; "" for loopback: who tells of that is on this machine; and where nobody is dialled."""

    source: Source
    tellers: tuple[str, ...] = ()
    lookup: bool = False
    """Whether it is for a lookup in Kademlia, and not for ourselves."""

    here: bool = False
    """Whether it leads to this machine, at an address that others have a way to, too."""

    through: str = ""
    """Who is to be reached through a relay that is connected: that one bears it, and has limits of its own."""


@final
class Budgets:
    """The dials that are left. Time is an argument, in seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._near = _buckets(limits.NEAR_RATE, limits.NEAR_BURST)
        self._near_places = _buckets(limits.NEAR_PLACE_RATE, limits.NEAR_PLACE_BURST)
        self._memory = _buckets(limits.MEMORY_RATE, limits.MEMORY_BURST)
        self._told = _buckets(limits.TOLD_RATE, limits.TOLD_BURST)
        self._lookups = _buckets(limits.LOOKUP_RATE, limits.LOOKUP_BURST)
        self._tellers = _buckets(limits.TELLER_RATE, limits.TELLER_BURST)
        self._lookup_tellers = _buckets(limits.LOOKUP_TELLER_RATE, limits.LOOKUP_TELLER_BURST)
        self._ranges = _buckets(limits.RANGE_RATE, limits.RANGE_BURST)
        self._places = _buckets(limits.PLACE_RATE, limits.PLACE_BURST)
        self._this_machine = _buckets(limits.HERE_RATE, limits.HERE_BURST)

    def wait(self, word: Word, now: float) -> tuple[float, str]:
        """Return the seconds for which a dial has to wait at least, and what for; 0 and "" if it may be made now."""
        for allowances, key, reason in self._charges(word, now):
            if (wait := allowances.wait(key, now)) > 0:
                return wait, reason
        return 0.0, ""

    def wait_for_told(self, now: float) -> float:
        """Return the seconds until there is a dial on the word of strangers, whoever they are."""
        return self._told.wait("", now)

    def take(self, word: Word, now: float) -> None:
        """Charge one dial."""
        for allowances, key, _ in self._charges(word, now):
            allowances.take(key, now)

    def _charges(self, word: Word, now: float) -> Iterator[_Charge]:
        """Go through what is charged, to whom, and what is said when nothing is left."""
        where = word.where + word.through
        shown = "it" if word.through else word.where
        match word.source:
            case Source.MEMORY:
                yield self._memory, "", f"where peers have been {_TOO_OFTEN}"
            case Source.MDNS:
                yield self._near_places, where, f"{shown} {_TOO_OFTEN}"
                yield self._near, "", f"what mDNS told {_TOO_OFTEN}"
            case Source.KADEMLIA | Source.TOPIC | Source.ITSELF:
                yield self._places, where, f"{shown} {_TOO_OFTEN}"
                if word.here:
                    yield self._this_machine, "", f"this machine {_TOO_OFTEN}"
                if word.range:
                    yield self._ranges, word.range, f"{word.range} {_TOO_OFTEN}"
                if word.tellers:
                    # The one with most left: who tells of everybody first holds up nobody else's word.
                    tellers = self._lookup_tellers if word.lookup else self._tellers
                    teller = min(word.tellers, key=lambda teller: tellers.wait(teller, now))
                    yield tellers, teller, f"{_TOO_MUCH} {short_id(teller)}"
                yield self._lookups if word.lookup else self._told, "", f"{_TOO_MUCH} others"


def _buckets(rate: float, burst: float) -> Buckets[str]:
    return Buckets(rate, burst, limits.TRACKED_ALLOWANCES)
