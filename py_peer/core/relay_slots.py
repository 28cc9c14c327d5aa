"""What a relay has given away: reservations and circuits, all of them counted and bounded. Time is an argument.

Spec: https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from py_peer.core import limits
from py_peer.core.ranges import Kind, kind_of, range_of

if TYPE_CHECKING:
    from collections.abc import Container


@final
@dataclass(frozen=True, slots=True)
class _Reservation:
    until: float
    range: str
    """Where its peer is; "" on this machine, where there is no limit to a range."""


@final
class RelaySlots:
    """The reservations of peers, and the circuits that are open. A peer is its binary ID."""

    def __init__(self) -> None:
        self._reservations: dict[bytes, _Reservation] = {}
        self._circuits: Counter[object] = Counter()
        self.circuits = 0
        """How many are open."""

    def reserve(self, peer: bytes, ip: str, now: float) -> str:
        """Give a peer at an IP address a reservation, or renew it; return "", or why it gets none."""
        where = _range(ip)
        for name in [name for name, one in self._reservations.items() if one.until <= now or name == peer]:
            del self._reservations[name]
        if len(self._reservations) >= limits.RELAY_RESERVATIONS:
            return "there are too many reservations"
        if where and self._of_range(where) >= limits.RELAY_RESERVATIONS_OF_ONE_RANGE:
            return "there are too many reservations from one network"
        self._reservations[peer] = _Reservation(now + limits.RELAY_RESERVATION_SECONDS, where)
        return ""

    def _of_range(self, where: str) -> int:
        return sum(1 for one in self._reservations.values() if one.range == where)

    def has_reserved(self, peer: bytes, now: float) -> bool:
        """Say whether a peer has a reservation."""
        one = self._reservations.get(peer)
        return one is not None and now < one.until

    def keep(self, connected: Container[bytes]) -> None:
        """Take back the reservations of those who have gone: a reservation is for as long as one is connected."""
        self._reservations = {peer: one for peer, one in self._reservations.items() if peer in connected}

    def open(self, source: bytes, target: bytes, ip: str) -> str:
        """Take note of a circuit to a peer from another one, at an IP address; return "", or why there is none.

        `close` must follow.
        """
        if self.circuits >= limits.RELAY_CIRCUITS:
            return "there are too many circuits"
        shares = _shares(source, target, ip)
        for share, most, of_whom in shares:
            if self._circuits[share] >= most:
                return f"there are too many circuits {of_whom}"
        self.circuits += 1
        self._circuits.update(share for share, _, _ in shares)
        return ""

    def close(self, source: bytes, target: bytes, ip: str) -> None:
        """Take note of the end of a circuit, as it was opened."""
        self.circuits -= 1
        self._circuits.subtract(share for share, _, _ in _shares(source, target, ip))
        self._circuits = +self._circuits


def _range(ip: str) -> str:
    return "" if kind_of(ip) is Kind.LOOPBACK else range_of(ip)


def _shares(source: bytes, target: bytes, ip: str) -> list[tuple[object, int, str]]:
    """Return in whose shares a circuit is, how many there may be in each, and whose it is."""
    where = _range(ip)
    return [
        (source, limits.RELAY_CIRCUITS_OF_ONE, "of one peer"),
        (target, limits.RELAY_CIRCUITS_OF_ONE, "of one peer"),
        ((source, target), limits.RELAY_CIRCUITS_OF_TWO, "between two peers"),
        *([(where, limits.RELAY_CIRCUITS_OF_ONE_RANGE, "from one network")] if where else []),
    ]
