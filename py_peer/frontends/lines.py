"""What the chat prints for each event: pure functions from events to lines.

The texts are the reference's own, so that its users and their scripts recognise them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from py_peer.core.addresses import is_of_this_machine, leads_through_relay, short_id, without_peer_id
from py_peer.core.bars import Steps
from py_peer.core.cleaning import indent_lines
from py_peer.core.commands import commands_line
from py_peer.core.dht_events import ValueFound
from py_peer.core.direct_events import DirectReceived, DirectSent
from py_peer.core.events import (
    AddressesChanged,
    Answer,
    DialFailed,
    Dropped,
    KademliaBootstrap,
    MessageReceived,
    MessageRefused,
    MessageSent,
    MessageWaiting,
    NickLearned,
    Notice,
    PeerBanned,
    PeerConnected,
    PeerDisconnected,
    PeerFound,
    PeerJoined,
    PeerLeft,
    PeerMuted,
    PeerUnmuted,
    ReachabilityChanged,
    Ready,
    SendProgress,
)
from py_peer.core.git_events import CommitShown
from py_peer.core.gnostr_events import GnostrHeard
from py_peer.core.journal import between
from py_peer.core.nostr_events import NostrBound, NostrHeard, NostrReport
from py_peer.core.roster import Roster
from py_peer.core.speakers import Name
from py_peer.core.topic_events import TopicJoined, TopicLeft, TopicPeerJoined, TopicPeerLeft
from py_peer.core.topics import ROOM_TOPIC, shown_topic
from py_peer.core.wrapping import limit_lines, wrap_lines
from py_peer.frontends.direct_lines import SIGNS as DIRECT_SIGNS
from py_peer.frontends.direct_lines import direct_message, direct_sentence
from py_peer.frontends.file_lines import SIGNS as FILE_SIGNS
from py_peer.frontends.file_lines import file_sentence
from py_peer.frontends.git_lines import SIGNS as GIT_SIGNS
from py_peer.frontends.git_lines import git_sentence, painted_lines, shown_lines
from py_peer.frontends.key_value_lines import SIGNS as KEY_SIGNS
from py_peer.frontends.key_value_lines import key_sentence
from py_peer.frontends.nostr_lines import SIGNS as NOSTR_SIGNS
from py_peer.frontends.nostr_lines import nostr_sentence
from py_peer.frontends.topic_lines import on_topic, topic_sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from py_peer.core.events import Event

INDENT: Final = "    "
SIGNS: Final = FILE_SIGNS | DIRECT_SIGNS | KEY_SIGNS | GIT_SIGNS | NOSTR_SIGNS
"""What a line of the program's own begins with, where that is not a satellite dish."""

MOST_MEANT: Final = 10
"""Peers that are listed when a name may mean several."""

MOST_PLACES: Final = 3
"""Addresses that are told when several come or go at once; /status has them all."""

NO_NETWORK: Final = "The network has gone; no address leads here now. Only peers of the same link may find you, by mDNS"
_OUTSIDE: Final = {
    "unknown": "It is not known any more whether others on the Internet reach you",
    "public": "Others on the Internet reach you",
    "announced": "Others are told the address that you announce; nobody has tried yet whether it leads to you",
    "private": "Nobody on the Internet reaches you: a router or a firewall is in between",
    "relayed": "Others on the Internet reach you through the relay ",
}

HERE_ALONE: Final = "The address is for this machine alone; there is none to hand on now"


@final
class Narrator:
    """Tells events as lines. It remembers whose coming into the room was told, so that nobody leaves twice.

    `columns` returns how wide a line may be, or None where lines are not broken; `roster` knows what peers are called.
    """

    def __init__(self, columns: Callable[[], int | None] = lambda: None, roster: Roster | None = None) -> None:
        self._columns = columns
        self._roster = roster or Roster()
        self._steps = Steps()
        self._told: dict[str, str] = {}
        """Who has joined, and the name under which it was told."""

    def lines(self, events: Iterable[Event]) -> list[str]:
        """Return the lines for `events`, in their order; of several texts that wait, only the last is told."""
        lines: list[str] = []
        waiting: MessageWaiting | None = None
        for event in events:
            if isinstance(event, MessageWaiting) and (waiting is None or waiting.topic == event.topic):
                waiting = event
                continue
            if waiting is not None:
                lines += event_lines(waiting, self._columns())
                waiting = None
            lines += self._lines(event)
        return lines + event_lines(waiting, self._columns()) if waiting is not None else lines

    def _lines(self, event: Event) -> list[str]:
        if not self._steps.tells(event):
            return []
        match event:
            case PeerJoined():
                self._told[event.peer_id] = self._roster.nick(event.peer_id)
            case PeerDisconnected() if self._told.pop(event.peer_id, None) is not None:
                return []  # "Peer left" says it
            case NickLearned(previous=""):
                if self._told.get(event.peer_id, event.nick) == event.nick:
                    return []  # it was told so, or is not here
                self._told[event.peer_id] = event.nick
            case NickLearned() | NostrBound() if not self._roster.is_told_of(event.peer_id):
                return []  # of who is ignored a name could be a message
        return event_lines(event, self._columns(), self._roster.called)


def event_lines(  # noqa: C901, PLR0911 - one for each type
    event: Event, columns: int | None = None, called: Callable[[str], str] = short_id
) -> list[str]:
    """Return the lines for one event; none for those that a chat does not mention. `called` is as for `sentence`."""
    match event:
        case Ready():
            return banner(event, columns)
        case MessageReceived():
            said = f"[{event.nick}({short_id(event.peer_id)})]: {event.text}"
            return message_lines(f"{shown_topic(event.topic)} {said}".lstrip(), columns)
        case MessageSent():
            return broken(f"✓ Message sent to {event.peers} peer(s){on_topic(event.topic)}", columns)
        case MessageWaiting():
            nobody = "No peers connected" if event.topic == ROOM_TOPIC else f"Nobody is{on_topic(event.topic)}"
            return broken(f"⚠️  {nobody} - {event.waiting} message(s) will be sent when one comes", columns)
        case MessageRefused():
            return broken(f"❌ Message not sent: {event.reason}", columns)
        case Answer():
            return broken(f"{'❌' if event.failed else '📡'} {event.text}", columns)
        case Notice():
            return broken(event.text if event.text.startswith("❌") else f"📡 {event.text}", columns)
        case DirectReceived() | DirectSent():
            return message_lines(direct_message(event), columns)
        case ValueFound() | GnostrHeard() | NostrHeard() | NostrReport():
            return _from_others(event, columns, called)
        case CommitShown():
            return shown_lines(event, columns, called)
        case _:
            sign = SIGNS.get(type(event), "📡")
            return broken(f"{sign} {text}", columns) if (text := sentence(event, called)) else []


def _from_others(
    event: ValueFound | GnostrHeard | NostrHeard | NostrReport, columns: int | None, called: Callable[[str], str]
) -> list[str]:
    if not isinstance(event, GnostrHeard):
        return message_lines(f"{SIGNS[type(event)]} {sentence(event, called)}", columns)
    from py_peer.core.gnostr_words import gnostr_sentence  # noqa: PLC0415 - for those who talk so

    said = f"📡 {shown_topic(event.topic)} {gnostr_sentence(event, called)}"
    if event.kind != "GitDiff":
        return message_lines(said, columns)
    first, head, *patch = said.split("\n")
    return painted_lines([first, *(f"{INDENT}{line}".rstrip() for line in (head, *patch))], patch, columns)


def broken(line: str, columns: int | None) -> list[str]:
    """Return a line of the program's own, broken between words where a terminal would break it anywhere."""
    return [line] if columns is None else wrap_lines(line, columns, INDENT)


def message_lines(text: str, columns: int | None) -> list[str]:
    """Return what somebody said, its further lines indented, broken where a terminal would break it at column 0."""
    text = limit_lines(text)
    return [indent_lines(text, INDENT)] if columns is None else wrap_lines(text, columns, INDENT)


def sentence(  # noqa: C901, PLR0911, PLR0912 - one for each type
    event: Event, called: Callable[[str], str] = short_id
) -> str:
    """Return what an event says in one sentence, or "" for one that has no sentence.

    `called` returns the short ID of a peer, and its nickname behind it if one is known.
    """
    match event:
        case PeerConnected():
            return f"Connected to peer: {called(event.peer_id)}"
        case PeerDisconnected():
            return f"Disconnected from peer: {called(event.peer_id)}"
        case PeerJoined():
            return f"Peer joined: {called(event.peer_id)}"
        case PeerLeft():
            return f"Peer left: {called(event.peer_id)}"
        case NickLearned(previous=""):
            return f"{short_id(event.peer_id)} is called {event.nick}"
        case NickLearned():
            after = Name(event.nick, event.plain).of(event.peer_id)
            return f"{event.previous}({short_id(event.peer_id)}) is now called {after}{between(event.untold)}"
        case DialFailed():
            return f"Failed to connect to {event.address}: {event.cause}"
        case SendProgress():
            return f"Sending: {event.sent} message(s) are out, {event.total - event.sent} wait for their turn"
        case PeerMuted():
            return f"Muted for {event.seconds:.0f} s for saying too much at once: {called(event.peer_id)}"
        case PeerUnmuted():
            return f"Heard again: {called(event.peer_id)}; {event.dropped} message(s) of this peer were not shown"
        case PeerBanned():
            minutes = f"{event.seconds / 60:.0f} min"
            return f"Let go and refused for {minutes}: {called(event.peer_id)}, because {event.reason}"
        case Dropped():
            return f"Lost: {event.count} ({event.what})"
        case KademliaBootstrap(cause=""):
            return f"Kademlia bootstrap done: {event.peers} peer(s) in the routing table"
        case KademliaBootstrap():
            return f"Kademlia bootstrap failed: {event.cause}"
        case PeerFound():
            return f"Found {called(event.peer_id)} {event.source}"
        case AddressesChanged():
            return _addresses_sentence(event)
        case ReachabilityChanged() if event.status == event.previous:
            return ""  # at other addresses
        case ReachabilityChanged():
            return f"{_OUTSIDE[event.status]}{called(event.relay) if event.relay else ''}"
        case Notice() | Answer():
            return event.text
        case TopicJoined() | TopicLeft() | TopicPeerJoined() | TopicPeerLeft():
            return topic_sentence(event, called)
        case _:
            words = file_sentence(event, called) or direct_sentence(event) or key_sentence(event, called)
            return words or nostr_sentence(event, called) or git_sentence(event, called)


def _addresses_sentence(event: AddressesChanged) -> str:
    """Return what has changed in where others reach us; "" when that is nothing, or a relay, which is said else."""
    now, before = _for_others(event.addresses), _for_others(event.previous)
    new = [address for address in now if address not in before]
    gone = [address for address in before if address not in now]
    if not now and before:
        return NO_NETWORK
    if now[:1] != before[:1]:
        says = [f"others reach you at {now[0]}"]
    else:
        says = [f"others reach you at {_places(new)}, too"] if new else []
        says += [f"no longer at {_places(gone)}"] if gone else []
    if not says:
        return ""
    by_name = all(address.startswith("/dns") for address in (*new, *gone))  # a certificate has other names
    what = "Your certificate is for other names" if by_name else "The network has changed"
    return f"{what}; {', and '.join(says)}"


def _for_others(addresses: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(address for address in addresses if not (is_of_this_machine(address) or leads_through_relay(address)))


def _places(addresses: Sequence[str]) -> str:
    """Return where addresses lead, without our ID, which is the same in all; of many, how many more there are."""
    places = tuple(map(without_peer_id, addresses))
    return some(places, MOST_PLACES)


def remark(addresses: tuple[str, ...]) -> str:
    """Return what is to be said of the first address: that it is of no use to others, or ""."""
    return HERE_ALONE if addresses and is_of_this_machine(addresses[0]) else ""


def remarks(addresses: tuple[str, ...], columns: int | None = None) -> list[str]:
    """Return the line of what `remark` says, broken; none if it says nothing."""
    return broken(f"📡 {text}", columns) if (text := remark(addresses)) else []


def banner(ready: Ready, columns: int | None = None) -> list[str]:
    """Return what is shown when the room is open. The ID and the address are not broken: they are copied from here."""
    return [
        "=== Universal Connectivity Chat ===",
        f"Nickname: {ready.nickname}",
        f"Peer ID: {ready.peer_id}",
        f"Multiaddr: {first_address(ready.addresses, ready.peer_id)}",
        *broken("Type messages and press Enter to send. Type 'quit' to exit.", columns),
        *broken(commands_line(), columns),
        *broken(f"📡 Joined chat room as '{ready.nickname}'", columns),
        *remarks(ready.addresses, columns),
    ]


def some(names: tuple[str, ...], most: int = MOST_MEANT) -> str:
    """Return names in a line; of many, how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def unsent_line(count: int, *, reached: bool, topic: str = ROOM_TOPIC) -> str:
    """Return what is said when the program leaves with texts that did not go out. `reached`: somebody was there."""
    nobody = f" - nobody was{on_topic(topic) or ' there'}"
    return f"⚠️  Not sent: {count} message(s){'' if reached else nobody}"


def first_address(addresses: tuple[str, ...], peer_id: str) -> str:
    """Return the address to hand on."""
    """Return the address to hand on."""
    return addresses[0] if addresses else f"unknown/{peer_id}"
