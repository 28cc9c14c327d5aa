"""The address book: who is said to be where, by whom, and what came of dialling there. It says whom to dial next.

What has been proved beats what is told, and what is near beats what is far. The word of a stranger is taken down, but
it costs a bounded number of dials (`py_peer.core.budgets`) and a bounded part of the book (`py_peer.core.shelves`), and
never leads into a network that the stranger is not in himself (`py_peer.core.hearsay`). Time is an argument, in seconds
of a monotonic clock.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, final

from py_peer.core import limits
from py_peer.core.addresses import QUIC, with_peer
from py_peer.core.budgets import Budgets, Word
from py_peer.core.events import KnownPeer
from py_peer.core.findings import Source
from py_peer.core.hearsay import OTHER_MACHINE, is_name, objection
from py_peer.core.ranges import Kind, kind_of, place
from py_peer.core.shelves import Rank, Shelves
from py_peer.core.spots import CLOSENESS, Known, Place, Spot, place_of, spot_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from py_peer.core.addresses import DialAddress
    from py_peer.core.findings import Finding
    from py_peer.core.ranges import Network
    from py_peer.core.speakers import Name

NEVER: Final = math.inf

REFUSED_LOOK: Final = 30.0
"""How often it is looked whether a peer is still refused, in seconds: that may end without a word."""

_PEER_ID: Final = re.compile("[1-9A-HJ-NP-Za-km-z]{40,64}")
"""What looks like one. Whether it is one, and of which key, a handshake shows; to decode it takes 0.2 ms."""

_RANKS: Final = {
    Source.NAMED: Rank.NAMED,
    Source.MDNS: Rank.NEAR,
    Source.MEMORY: Rank.MEMORY,
    Source.KADEMLIA: Rank.TOLD,
    Source.TOPIC: Rank.TOLD,
    Source.ITSELF: Rank.TOLD,
}


@final
@dataclass(frozen=True, slots=True)
class Dial:
    """Somebody to be dialled now."""

    peer_id: str
    address: DialAddress


@final
class AddressBook:
    """Who is said to be where. No method blocks, and none raises, whatever is told."""

    def __init__(
        self,
        peer_id: str,
        refusal: Callable[[str], str] = lambda _: "",
        lot: Callable[[], float] = random.random,
    ) -> None:
        """`peer_id` is our own; `refusal` returns why a peer is not wanted, or ""; `lot` draws a number below 1."""
        self._peer_id = peer_id
        self._refusal = refusal
        self._lot = lot
        self._peers: dict[str, Known] = {}
        self._shelves = Shelves()
        self._budgets = Budgets()
        self._here: dict[str, float] = {}
        self._lookups: set[str] = set()
        self._answered: dict[tuple[str, Place], None] = {}
        self._die_of_quic: set[str] = set()
        self._own: frozenset[Place] = frozenset()
        self._own_ips: frozenset[str] = frozenset()
        self._networks: tuple[Network, ...] = ()
        self.refused: Counter[str] = Counter()
        """Addresses that are not dialled, and peers that were not taken, as often as they were told, by reason."""

        self.forgotten = 0
        """Peers that made room for others."""

    def __len__(self) -> int:
        """Return how many peers are in the book."""
        return len(self._peers)

    # --- What is told -----------------------------------------------------------------------------

    def look_around(self, own: Iterable[DialAddress], networks: Iterable[Network], ips: Iterable[str] = ()) -> None:
        """Take note of where we listen, of the networks that we are in, and of all IP addresses of this machine."""
        # Where a relay brings others to us, it brings others to many.
        own = [one for one in own if one.via is None]
        self._own = frozenset(map(place_of, own))
        self._own_ips = frozenset(place(ip) for ip in [*ips, *(one.host for one in own if not is_name(one))])
        self._networks = tuple(networks)
        for peer in self._peers.values():
            for spot in peer.spots.values():
                spot.look_around(self._networks)
            peer.stir()

    def take(self, finding: Finding, now: float) -> bool:
        """Take a finding down; return whether it is news: of a peer not known, not connected, and that can be tried."""
        if finding.peer_id == self._peer_id:
            return False
        if (peer := self._peers.get(finding.peer_id)) is None:
            if not _PEER_ID.fullmatch(finding.peer_id):
                self.refused["not a peer ID"] += 1
                return False
            peer = Known(finding.peer_id, self._lot())
        if not self._shelve(peer, _RANKS[finding.source], finding.teller):
            self.refused["the address book is full"] += 1
            return False
        is_back = peer.left is not None and finding.source is not Source.KADEMLIA  # whose word outlives a peer by hours
        if finding.source in (Source.MDNS, Source.TOPIC) and (is_back or not peer.sources):
            # It has most likely found us at this moment, too, and two dials would cross.
            peer.not_before = now + limits.MEETING_PAUSE * (self._peer_id > peer.peer_id)
        peer.left = None if is_back else peer.left
        peer.sources += () if finding.source in peer.sources else (finding.source,)
        peer.when = now
        self._lookups.discard(peer.peer_id)
        reasons = [
            self._take_address(peer, address, finding, now) for address in finding.addresses[: limits.BOOK_ADDRESSES]
        ]
        # Loopback beside others is of no interest: every peer has it, and many tell it, again and again.
        ordinary = {"", OTHER_MACHINE} if "" in reasons else {""}
        self.refused.update(reason for reason in reasons if reason not in ordinary)
        if (more := len(finding.addresses) - limits.BOOK_ADDRESSES) > 0:
            self.refused["more addresses than are kept of one peer"] += more
        peer.stir()
        is_here = peer.peer_id in self._here
        if peer.said or not (is_here or any(not spot.refused for spot in peer.spots.values())):
            return False
        peer.said = True
        return not is_here

    def take_of_itself(self, finding: Finding, now: float) -> None:
        """Take down where a peer says that it is: one who is in the book, and is to be found when it has moved."""
        if finding.peer_id in self._peers:
            self.take(finding, now)

    def left(self, peer_id: str, now: float) -> None:
        """Take note that a peer says goodbye: it is not dialled until it is told of again.

        Anybody near can say it in its name. So it holds for who is gone already, or goes within limits.GOODBYE_SECONDS.
        """
        if peer := self._peers.get(peer_id):
            peer.left = now
            peer.stir()

    def _shelve(self, peer: Known, rank: Rank, teller: str = "") -> bool:
        """Put a peer where it belongs, and forget who has to go for it; say whether it is in the book."""
        gone = self._shelves.put(peer.peer_id, rank, teller, self._stays)
        if gone == peer.peer_id:
            return peer.peer_id in self._peers
        if gone is not None:
            del self._peers[gone]
            self.forgotten += 1
        self._peers[peer.peer_id] = peer
        return True

    def _stays(self, peer_id: str) -> bool:
        return peer_id in self._here or self._peers[peer_id].dials > 0

    def _take_address(self, peer: Known, address: DialAddress, finding: Finding, now: float) -> str:
        """Take an address down; return why it is not to be dialled, or ""."""
        if address.peer_id is None:
            address = with_peer(address, peer.peer_id)
        reason = objection(address, finding, self._own_ips)
        if address.peer_id != peer.peer_id:
            reason = "an address of another peer"
        try:
            newcomer = spot_at(address, finding.source, reason)
        except ValueError:
            return reason
        spot = peer.spots.get(newcomer.place)
        if spot is None:
            spot = newcomer
            if not _make_room(peer, spot):
                return reason
            spot.look_around(self._networks)
            peer.spots[spot.place] = spot
        elif reason:
            return reason
        spot.told(finding.source, finding.teller)
        if not reason:
            spot.told_again(finding.source, now)
        return reason

    # --- What happens -----------------------------------------------------------------------------

    def came(self, peer_id: str, now: float) -> None:
        """Take note that a peer is connected."""
        if peer_id in self._here:
            return
        self._here[peer_id] = now
        for peer in self._peers.values():
            if any(spot.relay == peer_id for spot in peer.spots.values()):
                peer.stir()

    def went(self, peer_id: str, now: float) -> None:
        """Take note that a peer is not connected any more: soon it is dialled again."""
        since = self._here.pop(peer_id, now)
        self._lookups.discard(peer_id)
        if (peer := self._peers.get(peer_id)) is None:
            return
        peer.stir()
        if peer.left is not None and now - peer.left > limits.GOODBYE_SECONDS:
            peer.left = None
        peer.not_before = now + limits.NEAR_PAUSE + peer.lot + limits.MEETING_PAUSE * (self._peer_id > peer_id)
        for spot in peer.spots.values():
            if spot.proved and now - since < limits.LASTING:
                spot.failed("it went at once", now)
            elif spot.proved:
                spot.failures = 0
                spot.again = now

    def begun(self, peer_id: str, address: DialAddress, now: float) -> None:
        """Take note that an address is being dialled; `ended` must follow."""
        if peer := self._peers.get(peer_id):
            peer.dials += 1
            if spot := peer.spots.get(place_of(address)):
                self._budgets.take(self._word(spot), now)
                spot.tries += 1
                spot.tried = now

    def ended(self, peer_id: str, address: DialAddress, now: float, cause: str = "", *, wrong: bool = False) -> None:
        """Take note how a dial has ended: well, or for a `cause`; with `wrong` another peer is there.

        Of an address that is named without an ID the cause is that of whoever was there before.
        """
        for absent in self._peers.values() if cause and not peer_id else ():
            spot = absent.spots.get(place_of(address))
            if spot is not None and Source.NAMED in spot.sources:
                spot.cause = cause
        if (peer := self._peers.get(peer_id)) is None:
            return
        peer.dials -= 1
        spot = peer.spots.get(place_of(address))
        if spot is not None and cause:
            spot.failed(cause, now)
            if wrong:
                spot.was_wrong()
        elif spot is not None:
            spot.reached()
            self._shelve(peer, Rank.PROVED)
        peer.stir()

    def given_up(self, peer_id: str, address: DialAddress) -> None:
        """Take note that a dial has ended, and nothing is to be learnt from it."""
        if peer := self._peers.get(peer_id):
            peer.dials -= 1
            if spot := peer.spots.get(place_of(address)):
                spot.given_up()
            peer.stir()

    def dies_of_quic(self, peer_id: str) -> None:
        """Take note that a peer is not to be dialled over QUIC when there is another way."""
        if len(self._die_of_quic) < limits.BOOK_PEERS:
            self._die_of_quic.add(peer_id)

    def asked(self, peer_id: str) -> None:
        """Take note that a peer was dialled for a lookup: it is none of those that we want to be connected to."""
        if peer_id in self._here and peer_id not in self._peers:
            self._lookups.add(peer_id)

    def answered(self, peer_id: str, address: DialAddress, *, wrong: bool = False) -> None:
        """Take note that a peer was reached where a lookup dialled it, or with `wrong` that another one is there."""
        where = peer_id, place_of(address)
        self._answered.pop(where, None)
        if not wrong:
            self._answered[where] = None
        if len(self._answered) > limits.LOOKUP_PLACES:
            del self._answered[next(iter(self._answered))]

    def stop_naming(self, address: DialAddress) -> None:
        """Take note that the user names an address no more."""
        peer = self._peers.get(address.peer_id or "")
        spot = peer.spots.get(place_of(address)) if peer else None
        if peer is None or spot is None or Source.NAMED not in spot.sources:
            return
        if len(spot.sources) > 1:
            spot.not_named()
        else:
            del peer.spots[spot.place]
        peer.stir()
        if not (peer.spots or self._stays(peer.peer_id)):
            self._shelves.drop(peer.peer_id)
            del self._peers[peer.peer_id]

    def wake(self, now: float) -> None:
        """End the pauses before addresses where somebody was, or that are near: much may have changed."""
        for peer in self._peers.values():
            peer.stir()
            peer.not_before = now
            for spot in peer.spots.values():
                if not spot.is_told:
                    spot.failures = 0
                    spot.again = now

    # --- Whom to dial -----------------------------------------------------------------------------

    def next(self, now: float, under_way: int = 0) -> tuple[Dial | None, float]:
        """Return whom to dial now, or None, and in how many seconds to ask again if nothing happens before.

        `under_way` are the peers whom this has led to, and whose dials have not ended.
        """
        if under_way >= limits.FOUND_DIALS or self._is_full(under_way):
            return None, NEVER
        best: tuple[int, float, Known, Spot] | None = None
        soonest = NEVER
        for_told = self._budgets.wait_for_told(now)
        for peer in self._peers.values():
            if peer.looked_at > now:
                soonest = min(soonest, peer.looked_at - now)
                continue
            if peer.dials or not peer.spots or peer.peer_id in self._here:
                continue
            if best is not None and (peer.closest, peer.lot) > best[:2]:
                continue
            if for_told > 0 and peer.closest >= CLOSENESS[Source.KADEMLIA]:
                soonest = min(soonest, for_told)
                continue
            wait, _, spot = self._best(peer, now)
            if wait > 0:
                peer.looked_at = now + wait  # what is left of a budget grows with time alone
                soonest = min(soonest, wait)
            elif best is None or (CLOSENESS[spot.source], peer.lot) < best[:2]:
                if self._refusal(peer.peer_id):
                    soonest = min(soonest, REFUSED_LOOK)
                else:
                    best = CLOSENESS[spot.source], peer.lot, peer, spot
        return (None, soonest) if best is None else (Dial(best[2].peer_id, best[3].address), 0.0)

    def another_way(self, peer_id: str, begun: Iterable[DialAddress], now: float) -> DialAddress | None:
        """Return where else to dial, now, a peer that is being dialled at the addresses `begun`, or None.

        That it may be dialling us is no reason to wait then.
        """
        if (peer := self._peers.get(peer_id)) is None:
            return None
        places = set(map(place_of, begun))
        due = [
            spot
            for spot in peer.spots.values()
            if not (spot.place in places or spot.is_named_only or spot.again > now or self._obstacle(peer, spot))
            and self._budgets.wait(self._word(spot), now)[0] <= 0
        ]
        return min(due, key=lambda spot: spot.order).address if due else None

    def for_lookup(self, finding: Finding, address: DialAddress, now: float) -> tuple[str, bool]:
        """Return why an address must not be dialled for a lookup now, and whether that passes with time.

        Without a reason ("") the dial is charged.
        """
        try:
            asked = spot_at(address, finding.source)
        except ValueError:
            return "no IP address", False
        if address.peer_id not in (None, finding.peer_id):
            return "an address of another peer", False
        peer = self._peers.get(finding.peer_id)
        spot = peer.spots.get(asked.place) if peer else None
        asked.told(finding.source, finding.teller)
        word = self._word(asked, lookup=True)
        if word.here and self._is_on_this_machine(finding.teller_ip):
            word = replace(word, here=False, range="")  # he can try its ports himself
        if spot is not None and not (spot.refused or spot.is_told):
            word = self._word(spot)
        elif (finding.peer_id, asked.place) in self._answered:
            word = replace(self._word(asked), source=Source.MEMORY)
        elif reason := objection(address, finding, self._own_ips):
            self.refused[reason] += 1
            return reason, False
        if self._is_own(asked):
            return "our own address", False
        if len(self._lookups) >= limits.LOOKUP_CONNECTIONS:
            return f"enough connections for lookups ({limits.LOOKUP_CONNECTIONS})", True
        _, reason = self._budgets.wait(word, now)
        if not reason:
            self._budgets.take(word, now)
        return reason, bool(reason)

    def _is_on_this_machine(self, ip: str) -> bool:
        return bool(ip) and (kind_of(ip) is Kind.LOOPBACK or place(ip) in self._own_ips)

    def ways_to(self, peer_id: str, now: float) -> tuple[tuple[DialAddress, ...], str]:
        """Return where to dial, now, a peer that the user asks for, the best first; or nothing, and why.

        No pause holds then, nor a goodbye, nor how often it was tried in vain. What the word of others may cost does.
        """
        peer = self._peers.get(peer_id)
        if peer is None or not peer.spots:
            return (), "nobody has told where it is"
        if reason := self._refusal(peer_id) or "it is being dialled" * bool(peer.dials):
            return (), reason
        ways: list[DialAddress] = []
        for spot in sorted(peer.spots.values(), key=lambda spot: (self._is_hopeless(spot), spot.order)):
            objection = self._wait(peer, spot, now)[1] if spot.is_named_only else self._no_way(peer, spot)
            objection = objection or self._budgets.wait(self._word(spot), now)[1]
            reason = reason or objection
            if not objection:
                ways.append(spot.address)
        return tuple(ways), "" if ways else reason

    def _is_full(self, under_way: int = 0) -> bool:
        return len(self._here) - len(self._lookups) + under_way >= limits.TARGET_CONNECTIONS

    def _best(self, peer: Known, now: float) -> tuple[float, str, Spot]:
        """Return which address of a peer to dial, in how many seconds, and what is waited for."""
        waits = ((*self._wait(peer, spot, now), spot) for spot in peer.spots.values())
        return min(waits, key=lambda one: (one[0], self._is_hopeless(one[2]), one[2].order))

    def _wait(self, peer: Known, spot: Spot, now: float) -> tuple[float, str]:
        if spot.is_named_only:
            return NEVER, f"dialled for as long as it is named{_because(spot.cause)}"
        if reason := self._obstacle(peer, spot):
            return NEVER, reason
        if (wait := max(spot.again, peer.not_before) - now) > 0:
            return wait, f"{'again ' * bool(spot.tries)}in {math.ceil(wait)} s{_because(spot.cause)}"
        return self._budgets.wait(self._word(spot), now)

    def _word(self, spot: Spot, *, lookup: bool = False) -> Word:
        if spot.relay in self._here:  # then nobody is dialled at its address
            return Word(spot.relay, "", spot.source, spot.tellers, lookup, through=spot.address.peer_id or "")
        here = spot.kind is not Kind.LOOPBACK and spot.place[0] in self._own_ips
        where = f"{spot.place[0]}:{spot.place[1]}"
        return Word(where, spot.range, spot.source, spot.tellers, lookup, here)

    def _is_hopeless(self, spot: Spot) -> bool:
        """Say whether an address cannot be dialled here at all: of several, another one's reason says more."""
        return bool(spot.refused) or spot.is_elsewhere or self._is_own(spot)

    def _is_own(self, spot: Spot) -> bool:
        """Say whether we are there ourselves, or are the relay."""
        if spot.address.via is None:
            return spot.place in self._own
        return spot.relay == self._peer_id or place_of(spot.address.via) in self._own

    def _obstacle(self, peer: Known, spot: Spot) -> str:
        """Return why an address is not dialled however long one waits, or ""."""
        if peer.left is not None and not spot.refused:
            return "it has said goodbye"
        if reason := self._no_way(peer, spot):
            return reason
        return _in_vain(spot) if spot.failures >= limits.FOUND_TRIES else ""

    def _no_way(self, peer: Known, spot: Spot) -> str:
        """Return why an address is not dialled even when the user asks for who is there, or ""."""
        if spot.refused:
            return spot.refused
        if self._is_own(spot):
            return "our own address"
        if spot.is_elsewhere:
            return "a private address of a network that we are not in now"
        if peer.peer_id in self._die_of_quic and _is_quic(spot) and not all(map(_is_quic, peer.spots.values())):
            return "the program that runs there dies of QUIC"
        return _in_vain(spot) if spot.is_told and spot.tries >= limits.TOLD_TRIES else ""

    # --- What is known ----------------------------------------------------------------------------

    def found_by(self, peer_id: str) -> Source | None:
        """Return how we came to know a peer."""
        peer = self._peers.get(peer_id)
        return peer.sources[0] if peer else None

    def known(self, now: float, called: Callable[[str], Name]) -> tuple[KnownPeer, ...]:
        """Return what is known, and why it is not dialled; `called` returns what a peer is called."""
        return tuple(self._known(peer, now, called(peer.peer_id)) for peer in self._peers.values())

    def _known(self, peer: Known, now: float, name: Name) -> KnownPeer:
        state, reason = self._state(peer, now)
        spots = sorted(peer.spots.values(), key=lambda spot: spot.worth, reverse=True)
        return KnownPeer(
            peer_id=peer.peer_id,
            nick=name.nick,
            sources=tuple(source.value for source in peer.sources),
            addresses=tuple(spot.address.text for spot in spots),
            state=state,
            reason=reason,
            seconds=now - peer.when,
            plain=name.plain,
        )

    def _state(self, peer: Known, now: float) -> tuple[str, str]:  # noqa: PLR0911 - one for each state and reason
        if peer.peer_id in self._here:
            return "connected", ""
        if peer.dials:
            return "dialling", ""
        if reason := self._refusal(peer.peer_id):
            return "not dialled", reason
        if not peer.spots:
            return "not dialled", "no address that can be dialled from here"
        wait, reason, spot = self._best(peer, now)
        if wait == NEVER:
            return "waiting" if spot.is_named_only else "not dialled", reason
        if self._is_full():
            return "not dialled", f"enough connections ({limits.TARGET_CONNECTIONS})"
        return "waiting", reason or "for its turn"


def _make_room(peer: Known, newcomer: Spot) -> bool:
    """Make room for one more address of a peer; what is worth as much as the newcomer stays."""
    if len(peer.spots) < limits.BOOK_ADDRESSES:
        return True
    where = min(peer.spots, key=lambda where: peer.spots[where].worth)
    if peer.spots[where].worth >= newcomer.worth:
        return False
    del peer.spots[where]
    return True


def _is_quic(spot: Spot) -> bool:
    return spot.address.transport == QUIC


def _in_vain(spot: Spot) -> str:
    return f"tried {spot.tries} times in vain{_because(spot.cause)}"


def _because(cause: str) -> str:
    return f": {cause}" if cause else ""
