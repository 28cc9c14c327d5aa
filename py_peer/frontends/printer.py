"""Headless output: a line for each event, so that a script can wait for it. Standard input is not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from py_peer.core.bars import Steps
from py_peer.core.direct_events import DirectReceived
from py_peer.core.events import (
    Identified,
    IgnoreList,
    MessageReceived,
    NickLearned,
    PeerConnected,
    PeerDisconnected,
    PeerFound,
    PeerJoined,
    PeerLeft,
    Pinged,
    Ready,
    Started,
)
from py_peer.core.gnostr_events import GnostrHeard
from py_peer.core.nostr_events import NostrBound
from py_peer.core.topic_events import TopicPeerJoined, TopicPeerLeft
from py_peer.core.topics import ROOM_TOPIC, SIGN
from py_peer.frontends.front_end import FrontEnd
from py_peer.frontends.lines import message_lines, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from py_peer.core.events import Event
    from py_peer.frontends.front_end import Service
    from py_peer.frontends.leaving import Watchdog
    from py_peer.frontends.screen import Screen


@final
class Printer(FrontEnd):
    """Prints what happens, and nothing else."""

    def __init__(self, service: Service, screen: Screen, watchdog: Watchdog) -> None:
        super().__init__(service, screen, watchdog)
        self._ignored: tuple[str, ...] = ()
        self._steps = Steps()

    async def show(self, events: Sequence[Event]) -> None:
        """Print the lines of `events`; a new name of who is ignored could be a message, and is none of them."""
        columns = self.screen.columns()
        lines: list[str] = []
        for event in events:
            if isinstance(event, IgnoreList):
                self._ignored = event.peer_ids
            of_ignored = isinstance(event, NickLearned) and event.previous and event.peer_id in self._ignored
            if self._steps.tells(event) and not of_ignored:
                lines += headless_lines(event, columns)
        self.screen.show(lines)


def headless_lines(  # noqa: C901, PLR0911, PLR0912 - one for each type
    event: Event, columns: int | None = None
) -> list[str]:
    """Return the lines for one event."""
    match event:
        case Started():
            return [f"Local peer id: {event.peer_id}"]
        case Ready():
            return [f"Listening on: {address}" for address in event.addresses]
        case PeerConnected():
            return [f"Connected to: {event.peer_id} via {event.address}"]
        case PeerDisconnected():
            return [f"Disconnected from: {event.peer_id}"]
        case PeerJoined():
            return [f"Peer joined: {event.peer_id}"]
        case PeerLeft():
            return [f"Peer left: {event.peer_id}"]
        case PeerFound():
            return [f"Found: {event.peer_id} {event.source}"]
        case Identified():
            versions = f"protocol_version: {event.protocol_version}, agent_version: {event.agent_version}"
            return [f"Received identify from {event.peer_id}: {versions}, {len(event.protocols)} protocols"]
        case Pinged():
            return [f"Received a ping from {event.peer_id}, round trip time: {event.rtt * 1000:.0f} ms"]
        case MessageReceived():
            where = "chat message" if event.topic == ROOM_TOPIC else f"message on {SIGN}{event.topic}"
            return message_lines(f"Received {where} from {event.peer_id}: {event.text}", columns)
        case GnostrHeard():
            badge = f" ({event.badge})" if event.badge else ""
            what = f"Received {event.kind} on {SIGN}{event.topic} from {event.peer_id}{badge}"
            return message_lines(f"{what}: {event.text}" if event.text else what, columns)
        case TopicPeerJoined() | TopicPeerLeft():
            what = "joined" if isinstance(event, TopicPeerJoined) else "left"
            return [f"Peer {what} {SIGN}{event.topic}: {event.peer_id}"]
        case DirectReceived():
            return message_lines(f"Received direct message from {event.peer_id}: {event.text}", columns)
        case NickLearned():
            return [f"Nickname of {event.peer_id}: {event.nick}{f' (was {event.previous})' if event.previous else ''}"]
        case NostrBound():
            return [f"Nostr key of {event.peer_id}: {event.npub or 'none'}"]
        case _:
            return [text] if (text := sentence(event)) else []
