"""What happens in the network, as events: who comes and goes, who they are, what was lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, final

import trio

from py_peer.chatroom import _log_system_message
from py_peer.core import limits
from py_peer.core.addresses import short_id
from py_peer.core.cleaning import clean_line
from py_peer.core.comings import Comings
from py_peer.core.events import (
    AddressesChanged,
    Dropped,
    Identified,
    Notice,
    PeerBanned,
    PeerConnected,
    PeerDisconnected,
    PeerJoined,
    PeerLeft,
    PeerMoved,
    Pinged,
)
from py_peer.core.topics import ROOM_TOPIC

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from libp2p.peer.id import ID

    from py_peer.core.events import Event
    from py_peer.net.connections import PeerRecord
    from py_peer.net.node import Node
    from py_peer.service.discovery import Discovery
    from py_peer.service.links import Links
    from py_peer.service.nicks import Nicks
    from py_peer.service.outgoing import Outgoing

LOSSES_SAID: Final = (
    "dropped: a slow peer's queue was full",
    "dropped: the room was busy",
)


class Part(Protocol):
    """Whom it concerns which peers are there. No method may block or raise."""

    def moved(self, peer_id: ID) -> None:
        """Take note that a peer has come or gone."""

    def identified(self, record: PeerRecord) -> None:
        """Take note of what a peer says it is."""


@final
class Witness:
    """Sees what happens (py_peer.net.node.Observer), tells it, and lets the parts know that it concerns."""

    def __init__(
        self,
        emit: Callable[[Event], None],
        links: Links,
        nicks: Nicks,
        outgoing: Outgoing,
        discovery: Discovery,
    ) -> None:
        self._emit = emit
        self._links = links
        self._nicks = nicks
        self._outgoing = outgoing
        self._discovery = discovery
        self.parts: Sequence[Part] = (discovery,)
        """Who is told who comes and goes."""

        self.on_topics_changed: Callable[[], None] = lambda: None
        """Called when somebody may have come to a topic beside the room, or left it."""

        self._losses: dict[str, int] = {}
        self._comings: Comings[ID] = Comings(limits.COMINGS_RATE, limits.COMINGS_BURST, limits.MAX_TRACKED_PEERS)
        self._there: frozenset[ID] = frozenset()
        """Who is in the room, told or not."""

        self.node: Node | None = None
        """The node, when it is up."""

        self.addresses: tuple[str, ...] = ()
        """Where we can be dialled, as it was told last."""

        self.leaving = False
        """Whether it is we who go, so that nobody is told to have left."""

    async def run(self, node: Node) -> None:
        """Say now and then what was lost, and who is where that came and went too fast to be told."""
        while True:
            for name in LOSSES_SAID:
                lost = node.counters[name] - self._losses.get(name, 0)
                if lost:
                    self._losses[name] = node.counters[name]
                    self._emit(Dropped(lost, name.removeprefix("dropped: ")))
            faults = node.counters["unexpected faults"]
            if faults != self._losses.get("unexpected faults", 0):
                self._losses["unexpected faults"] = faults
                _log_system_message(f"ERROR: {faults} unexpected faults so far, caught; --verbose shows them")
            if not self.leaving:
                self._tell_room(len(node.pubsub.room()))
                self.on_topics_changed()
            await trio.sleep(limits.COMINGS_TOLD_EVERY)

    def peer_up(self, record: PeerRecord) -> None:
        """Tell of the first connection to a peer."""
        self._moved(record.peer_id)
        _log_system_message(f"Connected to peer: {record.peer_id} via {record.address}")
        self._nicks.peer_up(str(record.peer_id))
        found = self._discovery.finder.found_by(str(record.peer_id))
        self._emit(PeerConnected(str(record.peer_id), record.address, record.inbound, found))

    def peer_moved(self, record: PeerRecord) -> None:
        """Tell that a peer is reached another way."""
        _log_system_message(f"Reached another way: {record.peer_id} via {record.address}")
        self._emit(PeerMoved(str(record.peer_id), record.address, record.inbound))

    def peer_down(self, record: PeerRecord) -> None:
        """Tell that the last connection to a peer is gone; not when it is we who leave."""
        self._nicks.peer_down(str(record.peer_id))
        if self.leaving:
            return
        self._moved(record.peer_id)
        _log_system_message(f"Disconnected from peer: {record.peer_id}")
        self._emit(PeerDisconnected(str(record.peer_id)))

    def _moved(self, peer_id: ID) -> None:
        self._links.moved(peer_id)
        for part in self.parts:
            part.moved(peer_id)

    def identified(self, record: PeerRecord) -> None:
        """Tell who a peer says it is."""
        for part in self.parts:
            part.identified(record)
        self._emit(
            Identified(
                str(record.peer_id),
                clean_line(record.protocol_version, limits.MAX_AGENT_CHARS),
                clean_line(record.agent_version, limits.MAX_AGENT_CHARS),
                tuple(clean_line(protocol, limits.MAX_AGENT_CHARS) for protocol in record.protocols),
            )
        )

    def pinged(self, record: PeerRecord) -> None:
        """Tell how far a peer is."""
        self._emit(Pinged(str(record.peer_id), record.rtt or 0.0))

    def silent(self, peer_id: ID, seconds: float) -> None:
        """Tell that what was said to a peer, or by it, before it was missed may not have arrived."""
        text = (
            f"Nothing has come from {short_id(str(peer_id))} for {seconds:.0f} s; what was said meanwhile may be lost"
        )
        if (left := int(limits.REPLAY_BEATS - seconds)) > 0:
            text += f" unless it is back within {left} s"
        _log_system_message(text)
        self._emit(Notice(text))

    def banned(self, peer_id: ID, reason: str) -> None:
        """Tell who is let go and refused for a while."""
        _log_system_message(f"Refused for {limits.BAN_SECONDS:.0f} s: {peer_id}: {reason}")
        self._emit(PeerBanned(str(peer_id), limits.BAN_SECONDS, reason))

    def addresses_changed(self, addresses: tuple[str, ...]) -> None:
        """Tell where we can be dialled now."""
        _log_system_message(f"The addresses have changed: listening on {', '.join(addresses)}")
        self._discovery.addresses_changed()
        previous, self.addresses = self.addresses, addresses
        self._emit(AddressesChanged(addresses, previous))

    def remarked(self, text: str) -> None:
        """Tell the user what he has to know about how we are reached."""
        _log_system_message(text)
        self._emit(Notice(clean_line(text, limits.MAX_ERROR_CHARS)))

    def room_changed(self, joined: frozenset[ID], left: frozenset[ID]) -> None:
        """Tell who came into the room and who left it; what waits can go when somebody is there."""
        self._there = (self._there | joined) - left
        size = len(self.node.pubsub.room()) if self.node else len(joined)
        if self.leaving:
            return
        for peer_id in joined:
            self._discovery.joined(peer_id)
        self._tell_room(size)
        self._outgoing.room_changed(size)

    def reported(self) -> None:
        """Take note that a report has told who is in the room."""
        self._comings.begin(ROOM_TOPIC, self._there)

    def _tell_room(self, size: int) -> None:
        connected = self.node.peers.records if self.node else ()
        joined, left = self._comings.news(ROOM_TOPIC, self._there, connected, trio.current_time())
        for peer_id in joined:
            self._emit(PeerJoined(str(peer_id), size))
        for peer_id in left:
            self._emit(PeerLeft(str(peer_id), size))

    def topics_changed(self) -> None:
        """Tell who came to another topic and who left it."""
        if not self.leaving:
            self.on_topics_changed()
