"""What is asked, answered and heard by mDNS on one interface, in one IP version. No sockets; time is an argument.

RFC 6762: questions at growing pauses (5.2), answers after a short random pause, so that not all answer at once, and
the same not again within a second (6), to one asker alone where that is wished (5.4, 6.7), ourselves told unasked twice
(8.3), and a goodbye (10.1).
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Final, NamedTuple, final

from py_peer.core import limits
from py_peer.core.mdns_text import is_believable
from py_peer.core.rates import Buckets, TokenBucket
from py_peer.net.mdns_packets import PORT, SERVICES, concerns_us, question

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.addresses import DialAddress
    from py_peer.core.interfaces import IP, Interface
    from py_peer.net.counters import Counters
    from py_peer.net.mdns_packets import Packet, Records

FIRST_PAUSES: Final = (0.25, 1.0, 4.0, 15.0)
UNASKED: Final = 2
SHORT_PAUSE: Final = (0.02, 0.12)
AGAIN: Final = 1.0
"""The same answer is not given to all again within this many seconds."""

LISTEN_AGAIN: Final = limits.MDNS_TTL / 4
"""Who asks for an answer to him alone is answered before all when that was not done for so long (RFC 6762, 5.4)."""

ASK: Final = "ask"
TELL: Final = "tell"
DROPPED: Final = "mDNS dropped: "


class Heard(NamedTuple):
    """A peer that was heard, and where it is; nowhere when it said goodbye."""

    peer_id: str
    addresses: tuple[DialAddress, ...]


@final
class Guard:
    """Says which packets are looked into: some of each sender, and some of all, on all interfaces together."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._all = TokenBucket(limits.MDNS_RATE, limits.MDNS_BURST)
        self._each: Buckets[IP] = Buckets(limits.MDNS_SOURCE_RATE, limits.MDNS_SOURCE_BURST, limits.MDNS_SOURCES)
        self.own: frozenset[IP] = frozenset()
        """The IP addresses of this machine, on all interfaces."""

    def admits(self, data: bytes, source: IP, interface: Interface, now: float) -> bool:
        """Say whether a packet is looked into, and count it if it is not."""
        if not (interface.is_on_link(source) or interface.is_own(source)):
            self.drop("from another network")
        elif len(data) > limits.MDNS_PACKET:
            self.drop("larger than a packet may be")
        elif not (self._each.take(source, now) and self._all.take(now)):
            self.drop("more than are looked into")
        else:
            return True
        return False

    def drop(self, reason: str, count: int = 1) -> None:
        """Count something that was dropped."""
        if count:
            self._counters[DROPPED + reason] += count

    def caught(self, error: Exception) -> None:
        """Note a fault that a packet has caused."""
        self._counters.caught("mDNS packet", error)


@final
class Link:
    """Asks and answers. `send` puts out a packet: to one address and port, or to the group where there is None."""

    def __init__(
        self, interface: Interface, records: Records, guard: Guard, send: Callable[[bytes, tuple[IP, int] | None], None]
    ) -> None:
        self._interface = interface
        self._records = records
        self._guard = guard
        self._send = send
        self._alone = TokenBucket(limits.MDNS_UNICAST_RATE, limits.MDNS_UNICAST_BURST)
        self._due: dict[tuple[str, str], float] = {}
        self._asked = dict.fromkeys(SERVICES, 0)
        self._unasked = dict.fromkeys(SERVICES, 0)
        self._told = dict.fromkeys(SERVICES, -math.inf)

    def begin(self, now: float) -> None:
        """Begin, or begin anew: the first question, and our first word, come after a short pause."""
        for service in SERVICES:
            self._asked[service] = 0
            self._unasked[service] = UNASKED
            self._due[ASK, service] = now + _short_pause()
            self._due[TELL, service] = now + _short_pause()

    def next_due(self) -> float:
        """Return when something is to be sent next."""
        return min(self._due.values())

    def speak(self, now: float) -> bool:
        """Send what is due; return whether anything was."""
        due = [key for key, when in self._due.items() if when <= now]
        for what, service in due:
            if what == ASK:
                self._send(question(service), None)
                self._asked[service] += 1
                self._due[ASK, service] = now + self._pause(service)
            else:
                del self._due[TELL, service]
                self._tell(service, now)
        return bool(due)

    def _tell(self, service: str, now: float) -> None:
        self._send(self._records.answer(service), None)
        self._told[service] = now
        if self._unasked[service] > 0:
            self._unasked[service] -= 1
        if self._unasked[service]:
            self._due[TELL, service] = now + AGAIN

    def _pause(self, service: str) -> float:
        asked = self._asked[service]
        if asked <= len(FIRST_PAUSES):
            return FIRST_PAUSES[asked - 1]
        return limits.MDNS_ASK_INTERVAL + random.uniform(0, limits.MDNS_ASK_JITTER)

    def leave(self) -> None:
        """Say goodbye."""
        for service in SERVICES:
            self._send(self._records.answer(service, ttl=0), None)

    def hear(self, data: bytes, source: tuple[IP, int], now: float) -> list[Heard]:
        """Take one packet, whatever is in it; return the peers that it tells of. What it asks is answered in time."""
        if not (concerns_us(data) and self._guard.admits(data, source[0], self._interface, now)):
            return []
        packet = self._records.read(data, self._interface.zone)
        if packet is None:
            self._guard.drop("cannot be read")
            return []
        for service in packet.asked:
            self._answer(service, packet, source, now)
        if packet.wants_services and self._alone.take(now):
            self._send(self._records.services(), None)
        return self._heard(packet, from_here=source[0] in self._guard.own or source[0].is_loopback)

    def _answer(self, service: str, packet: Packet, source: tuple[IP, int], now: float) -> None:
        is_plain_dns = source[1] != PORT
        is_alone = service in packet.asked_alone and not is_plain_dns
        if (is_plain_dns or is_alone) and self._alone.take(now):
            plain = packet.query if is_plain_dns else None
            self._send(self._records.answer(service, plain=plain), source)
        # Rust asks from another port, too, but hears what is said to all.
        if not is_alone or now - self._told[service] >= LISTEN_AGAIN:
            when = max(now + _short_pause(), self._told[service] + AGAIN)
            self._due[TELL, service] = min(when, self._due.get((TELL, service), when))
        if packet.is_open and not is_alone and self._asked[service] > len(FIRST_PAUSES):
            self._due[ASK, service] = now + self._pause(service)  # everybody answers him, and we hear it

    def _heard(self, packet: Packet, *, from_here: bool) -> list[Heard]:
        us, own = self._records.peer_id, self._guard.own
        heard = [Heard(peer_id, ()) for peer_id in packet.gone if peer_id != us]
        for peer_id, addresses in packet.found.items():
            if peer_id == us:
                continue
            near = tuple(one for one in addresses if is_believable(one, self._interface, own, from_here=from_here))
            self._guard.drop("addresses of other networks", len(addresses) - len(near))
            if near:
                heard.append(Heard(peer_id, near))
        return heard


def _short_pause() -> float:
    return random.uniform(*SHORT_PAUSE)
