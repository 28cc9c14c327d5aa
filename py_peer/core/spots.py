"""A peer of the address book and each address that it may have, with what came of dialling there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias, final

from py_peer.core import limits
from py_peer.core.addresses import transport_rank
from py_peer.core.findings import Source
from py_peer.core.hearsay import is_name
from py_peer.core.ranges import Kind, kind_of, lies_in, place, range_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from py_peer.core.addresses import DialAddress
    from py_peer.core.ranges import Network

CLOSENESS: Final = {source: number for number, source in enumerate(Source)}
"""The sources in the order in which their peers are dialled; `Source` has them so."""

_OF_NETWORKS: Final = frozenset({Source.MDNS, Source.MEMORY})
"""Whose word on a private address holds in the network alone in which it was heard."""

WRONG: Final = "somebody else answers there"

Place: TypeAlias = tuple[str, int, str]
"""An IP address, or a name, a port, and what goes over it: all ways to write an address that lead there have the same.

Behind a relay it is the relay's address, and which peer the relay is.
"""


def place_of(address: DialAddress) -> Place:
    """Return where an address leads. Raises ValueError when it is no IP address and no name."""
    over = address.transport if address.via is None else f"{address.transport}/{address.via.text}"
    return (address.host if is_name(address) else place(address.host)), address.port, over


def spot_at(address: DialAddress, source: Source, refused: str = "") -> Spot:
    """Return an address of which a source tells. Raises ValueError when it is no IP address and no name."""
    where = place_of(address)
    if is_name(address):
        return Spot(address, where, None, "", source, refused=refused)
    kind = kind_of(where[0])
    return Spot(address, where, kind, "" if kind is Kind.LOOPBACK else range_of(where[0]), source, refused=refused)


@final
@dataclass(slots=True)
class Spot:
    """One address of one peer."""

    address: DialAddress
    place: Place
    kind: Kind | None
    """What kind of place it is; None for a name."""

    range: str
    """The range it lies in, "" for a name and for this machine."""

    source: Source
    """The one whose word counts most; what has been proved we remember. The user's word counts only if it is alone."""

    sources: tuple[Source, ...] = ()
    tellers: tuple[str, ...] = ()
    """The peers who told of it, the first few of them."""

    refused: str = ""
    """Why it is not dialled, whatever happens; "" when it may be."""

    proved: bool = False
    """Whether we have reached the peer there."""

    near: bool = False
    """Whether it is in a network of ours."""

    heard: float = 0.0
    """When mDNS last told of it: of several, the peer has now those of the latest time."""

    tries: int = 0
    failures: int = 0
    """Dials ever, and those in vain since the peer was there or was told of anew."""

    tried: float = 0.0
    again: float = 0.0
    """When it was last dialled, and before when it is not dialled again."""

    cause: str = ""
    """Why the last dial failed."""

    @property
    def relay(self) -> str:
        """The peer ID of the relay through which it leads, "" for none."""
        return (self.address.via and self.address.via.peer_id) or ""

    @property
    def is_told(self) -> bool:
        """Whether there is nothing for it but the word of strangers."""
        return self.source.is_told

    @property
    def is_named_only(self) -> bool:
        """Whether it is the business of `py_peer.service.named` alone."""
        return self.source is Source.NAMED

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is of a network that we were in, and are not in now: there may be anybody, or no way."""
        if self.near or not _OF_NETWORKS.issuperset(self.sources):
            return False
        return self.kind not in (None, Kind.PUBLIC, Kind.LOOPBACK)

    @property
    def worth(self) -> tuple[bool, bool, int, int]:
        """What would be lost with it, the more the greater."""
        return self.proved, not self.refused, -CLOSENESS[self.source], -self.failures

    @property
    def order(self) -> tuple[bool, float, bool, bool, int, int]:
        """Which of several is dialled first: where the peer is now, then where it was, then what is near.

        Then what works best, then on whose word. Through a relay it is dialled last, whatever else is known.
        """
        is_relayed = self.address.via is not None
        where = -self.heard, not self.proved, not self.near
        return is_relayed, *where, transport_rank(self.address), CLOSENESS[self.source]

    def look_around(self, networks: Iterable[Network]) -> None:
        """Take note of the networks that we are in."""
        self.near = self.kind is not None and lies_in(self.address.host, networks)

    def told(self, source: Source, teller: str) -> None:
        """Take note of who tells of it."""
        if source not in self.sources:
            self.sources += (source,)
        if teller and teller not in self.tellers and len(self.tellers) < limits.BOOK_TELLERS:
            self.tellers += (teller,)
        self._weigh()

    def not_named(self) -> None:
        """Take note that the user names it no more; somebody else must have told of it."""
        self.sources = tuple(source for source in self.sources if source is not Source.NAMED)
        self._weigh()

    def _weigh(self) -> None:
        best = min(self.sources, key=lambda source: (source is Source.NAMED, CLOSENESS[source]))
        self.source = Source.MEMORY if self.proved and best.is_told else best

    def told_again(self, source: Source, now: float) -> None:
        """Try it sooner when it is said anew that somebody is there, if that says anything."""
        if self.refused == WRONG and (source is not Source.MDNS or now < self.tried + limits.PAUSE):
            return
        self.refused = ""
        if source is Source.MDNS:
            self.heard = now
            self.near = True  # just heard there, maybe on an interface that was not looked at yet
        if source is Source.MEMORY and self.near and not (self.heard or self.tries):
            self.again = now + limits.MEMORY_PAUSE
        if source is Source.MDNS or (source in (Source.TOPIC, Source.ITSELF) and self.proved):
            pause = limits.NEAR_PAUSE if source is Source.MDNS else limits.PAUSE
            self.failures = 0
            self.again = min(self.again, self.tried + pause)

    def failed(self, cause: str, now: float) -> None:
        """Take note that a dial was in vain, or led to nothing that lasted."""
        self.failures += 1
        self.cause = cause
        pause, longest = limits.PAUSE, limits.PAUSE_LONGEST
        if self.source is Source.MDNS:
            pause, longest = limits.NEAR_PAUSE, limits.NEAR_PAUSE_LONGEST
        self.again = now + min(longest, pause * 2.0 ** (self.failures - 1))

    def given_up(self) -> None:
        """Take note that a dial was ended before it came to anything: the peer was reached elsewhere, say."""
        self.tries -= 1

    def was_wrong(self) -> None:
        """Take note that another peer is there."""
        self.proved = False
        self.refused = WRONG
        self._weigh()

    def reached(self) -> None:
        """Take note that the peer was reached there."""
        self.proved = True
        self.cause = self.refused = ""
        self._weigh()


@final
@dataclass(slots=True)
class Known:
    """One peer of the book."""

    peer_id: str
    lot: float
    """From 0 to 1: which of several is dialled first, and a little of when."""

    spots: dict[Place, Spot] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    when: float = 0.0
    """When it was last told of."""

    not_before: float = 0.0
    """Until then it may be dialling us."""

    dials: int = 0
    """Dials under way."""

    said: bool = False
    """Whether the front-end was told, or need not be."""

    left: float | None = None
    """When it said goodbye, if it was not told of since."""

    looked_at: float = 0.0
    """Before that time there is nothing to look at, if nothing happens; 0 when something has."""

    closest: int = 0
    """The CLOSENESS of its best source."""

    def stir(self) -> None:
        """Take note that something has happened, so that it is looked at again."""
        self.looked_at = 0.0
        self.closest = min((CLOSENESS[spot.source] for spot in self.spots.values()), default=0)
