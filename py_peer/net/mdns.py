"""mDNS: peers on the local network find us, and we them. Interfaces come and go, and it follows.

Nothing is believed but that it was heard nearby: packets from another network are dropped, and so are addresses that
are not on the link of the interface (`py_peer.core.mdns_text.is_believable`).
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

import trio

from py_peer.core import limits
from py_peer.core.findings import Finding, Source
from py_peer.core.interfaces import usable
from py_peer.core.listening import told_on
from py_peer.net.mdns_link import DROPPED, Guard
from py_peer.net.mdns_packets import Records
from py_peer.net.mdns_socket import LinkSocket
from py_peer.net.multicast import in_words, open_socket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from py_peer.core.addresses import DialAddress
    from py_peer.core.interfaces import Interface
    from py_peer.net.mdns_link import Heard
    from py_peer.net.node import Node

TOLD_APART: Final = 1.0
"""A peer whose addresses change again and again is told of this often, in seconds."""

SWEEP: Final = 30.0


@final
@dataclass(slots=True)
class _Peer:
    places: dict[tuple[str, int], tuple[DialAddress, ...]] = field(default_factory=dict)
    """Its addresses, by the interface and the IP version in which they were heard."""

    heard: float = 0.0
    told: float = -math.inf
    has_moved: bool = True
    """Since it was last told of."""


@final
class Mdns:
    """Asks, answers, and tells of the peers that are heard.

    `found` and `left`, which is called with the ID of a peer that says goodbye, must not block; `notice` takes a
    sentence for the user. `wanted` are the names of the interfaces to use; none, all that are fit for it.
    """

    def __init__(
        self,
        node: Node,
        *,
        found: Callable[[Finding], None],
        left: Callable[[str], None],
        notice: Callable[[str], None],
        wanted: Sequence[str] = (),
    ) -> None:
        self._node = node
        self._found = found
        self._left = left
        self._notice = notice
        self._wanted = frozenset(wanted)
        self._guard = Guard(node.counters)
        self._peers: dict[str, _Peer] = {}  # the one longest not heard first
        self._links: dict[tuple[Interface, int], trio.CancelScope] = {}
        self._records: dict[Interface, Records] = {}
        self._faults: dict[tuple[str, int], str] = {}
        self._missing: frozenset[str] = frozenset()

    def summary(self) -> str:
        """Return in a line where it runs, and what it has come to."""
        names = _listed(dict.fromkeys(interface.name for interface, _ in self._links))
        count = len(self._peers)
        parts = [f"mDNS: on {names or 'no interface'}, {count} peer{'s' * (count != 1)}"]
        parts += [f"waits for {_listed(sorted(self._missing))}"] * bool(self._missing)
        parts += [f"not on {name} (IPv{version}): {why}" for (name, version), why in self._faults.items()]
        dropped = Counter(
            {name.removeprefix(DROPPED): n for name, n in self._node.counters.items() if name.startswith(DROPPED)}
        )
        if dropped:
            parts.append("dropped: " + ", ".join(f"{n:,} {reason}" for reason, n in dropped.most_common()))
        return "; ".join(parts)

    async def run(self) -> None:
        """Follow the interfaces until cancelled; say goodbye at the end."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._forget_silent)
            while True:
                changed = self._node.interfaces.changed
                there = usable(self._node.interfaces.now, tuple(self._wanted))
                self._guard.own = frozenset(ip.ip for one in self._node.interfaces.now for ip in one.addresses)
                wanted = {(one, version): None for one in there for version in one.versions()}
                # One name for each interface, and a new one when it has changed, else Go takes nothing new of it.
                self._records = {one: self._records.get(one) or self._records_on(one) for one in there}
                for key in [key for key in self._links if key not in wanted]:
                    self._links.pop(key).cancel()
                self._leave_places({one.name for one in there})
                self._note_missing({one.name for one in self._node.interfaces.now})
                for key in wanted:
                    if key not in self._links:
                        self._open(*key, nursery)
                # What did not open is tried again.
                with trio.move_on_after(math.inf if len(self._links) == len(wanted) else limits.INTERFACE_INTERVAL):
                    await changed.wait()

    def _open(self, interface: Interface, version: int, nursery: trio.Nursery) -> None:
        try:
            made = open_socket(interface, version)
        except OSError as error:
            self._note_fault(interface, version, error)
            return

        def on_heard(heard: Heard, now: float) -> None:
            self._hear((interface.name, version), heard, now)

        def on_fault(error: OSError | None) -> None:
            self._note_fault(interface, version, error)

        scope = self._links[interface, version] = trio.CancelScope()
        link = LinkSocket(interface, version, made, self._records[interface], self._guard)
        nursery.start_soon(link.run, scope, on_heard, on_fault)

    def _records_on(self, interface: Interface) -> Records:
        return Records(self._node.peer_id, self._node.port, told_on(interface, self._node.bound))

    def _note_fault(self, interface: Interface, version: int, error: OSError | None) -> None:
        """Say, once, why there is no mDNS on an interface; None: there is now."""
        where = (interface.name, version)
        if error is None:
            self._faults.pop(where, None)
        elif self._faults.get(where) != (why := in_words(error)):
            self._faults[where] = why
            self._notice(f"No mDNS on {interface.name} (IPv{version}): {why}. It is tried again and again.")

    def _note_missing(self, there: set[str]) -> None:
        missing = self._wanted - there
        if missing - self._missing:
            text = f"mDNS waits for {_listed(sorted(missing))}: there is no such interface now"
            self._notice(f"{text}. There are {_listed(sorted(there))}." if there else f"{text}.")
        self._missing = missing

    # --- Peers ------------------------------------------------------------------------------------

    def _hear(self, place: tuple[str, int], heard: Heard, now: float) -> None:
        peer = self._peers.pop(heard.peer_id, None) or _Peer()
        if not heard.addresses:
            if not self._stays(heard.peer_id, peer, {place[0]}):
                self._left(heard.peer_id)  # also one that was not heard before: others may have told of it
            return
        self._peers[heard.peer_id] = peer
        if len(self._peers) > limits.MDNS_PEERS:
            del self._peers[next(iter(self._peers))]
            self._guard.drop("peers, for later ones")
        peer.heard = now
        peer.has_moved |= peer.places.get(place) != heard.addresses
        peer.places[place] = heard.addresses
        if now - peer.told >= (TOLD_APART if peer.has_moved else limits.MDNS_TELL_INTERVAL):
            peer.told = now
            peer.has_moved = False
            addresses = dict.fromkeys(address for places in peer.places.values() for address in places)
            self._found(Finding(heard.peer_id, tuple(addresses), Source.MDNS))

    def _stays(self, peer_id: str, peer: _Peer, gone: set[str]) -> bool:
        """Take a peer that is not in the table off some interfaces; put it back, and say so, if it is on others."""
        peer.places = {place: addresses for place, addresses in peer.places.items() if place[0] not in gone}
        if peer.places:
            self._peers[peer_id] = peer
        return bool(peer.places)

    def _leave_places(self, there: set[str]) -> None:
        """Forget what was heard on interfaces that are gone. Nobody has left by that, but we."""
        for peer_id in list(self._peers):
            peer = self._peers.pop(peer_id)
            self._stays(peer_id, peer, {name for name, _ in peer.places} - there)

    async def _forget_silent(self) -> None:
        while True:
            await trio.sleep(SWEEP)
            before = trio.current_time() - limits.MDNS_FORGET
            for peer_id in [peer_id for peer_id, peer in self._peers.items() if peer.heard < before]:
                del self._peers[peer_id]


def _listed(names: Iterable[str]) -> str:
    """Return names as one says them."""
    *most, last = [*names] or [""]
    return f"{', '.join(most)} and {last}" if most else last
