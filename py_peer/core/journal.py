"""The journal of a session: what the service tells and the user says, as the entries of a chat log.

What is about connections rather than people (dials, Kademlia, notices) is not in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from py_peer.core.addresses import short_id
from py_peer.core.cleaning import clean_text
from py_peer.core.commits import posted_id
from py_peer.core.entries import Delivery, Entry, Kind
from py_peer.core.events import (
    Dropped,
    IgnoreList,
    MessageReceived,
    MessageRefused,
    MessageSent,
    NickLearned,
    NicknameChanged,
    PeerJoined,
    PeerLeft,
    PeerMuted,
    PeerUnmuted,
    Ready,
    Started,
)
from py_peer.core.git_events import CommitPosted
from py_peer.core.gnostr_events import GnostrHeard
from py_peer.core.mentions import is_named
from py_peer.core.numbering import Numbering
from py_peer.core.speakers import Name, Speakers
from py_peer.core.topic_events import TopicPeerJoined, TopicPeerLeft
from py_peer.core.topics import ROOM_TOPIC
from py_peer.core.transcript import MESSAGES

if TYPE_CHECKING:
    from py_peer.core.events import Event


@final
@dataclass(slots=True)
class _Fold:
    """Comings and goings of peers that never spoke, which are one entry; `peer_id` came or went last."""

    entry: Entry
    peer_id: str = ""
    joined: int = 0
    left: int = 0
    spoken_after: bool = False

    @property
    def is_one(self) -> bool:
        """Whether it is about one peer, who can be named."""
        return self.joined + self.left == 1

    def text(self, name: str) -> str:
        """Return what the entry says; `name` is what who came or went last is called."""
        if self.is_one:
            return f"{name} {'joined' if self.joined else 'left'}"
        counts = ((self.joined, "joined"), (self.left, "left"))
        return ", ".join(f"{count} {word}" for count, word in counts if count)


@final
class Journal:
    """Makes entries. Those returned are new, or take the place of the one of the same number.

    `now` is the local time, seconds since 1970.
    """

    def __init__(self, nickname: str = "", peer_id: str = "", topic: str = "", names: Speakers | None = None) -> None:
        """Begin a session. What is not known yet of the user is taken from Started and Ready.

        It is of one `topic`, the room being one, or of what is said anywhere. `names` are those that are known already.
        """
        self._nickname = nickname
        self._peer_id = peer_id
        self._topic = topic
        self._numbering = Numbering()
        self._speakers = Speakers()
        self._names = names or Speakers()
        self._here: set[str] = set()
        self._ignored: tuple[str, ...] = ()
        self._fold: _Fold | None = None
        self._waiting: dict[int, Entry] = {}

    def tell(self, event: Event, now: float) -> list[Entry]:  # noqa: C901, PLR0911, PLR0912 - one for each type
        """Return the entries that an event makes, if any."""
        match event:
            case Started() | Ready():
                return self._introduce(event)
            case MessageReceived() | MessageSent() | CommitPosted() if self._topic not in ("", event.topic):
                return []
            case CommitPosted():
                return self.said(event.ticket, event.text, now, event.topic)
            case MessageReceived():
                return self._heard(event)
            case NickLearned():
                return self._learned(event, now)
            case IgnoreList():
                self._ignored = event.peer_ids
                return []
            case NicknameChanged():
                self._nickname = event.nickname
                return []
            case MessageSent():
                return self._sent(event)
            case MessageRefused():
                entry = self._waiting.pop(event.ticket, None)
                return [replace(entry, delivery=Delivery.REFUSED)] if entry is not None else []
            case PeerJoined() | PeerLeft() if self._topic in ("", ROOM_TOPIC):
                return self._moved(event.peer_id, now, joined=isinstance(event, PeerJoined))
            case TopicPeerJoined() | TopicPeerLeft() if self._topic == event.topic:
                return self._moved(event.peer_id, now, joined=isinstance(event, TopicPeerJoined))
            case GnostrHeard() if self._topic == event.topic:
                from py_peer.core.gnostr_words import gnostr_sentence  # noqa: PLC0415 - for those who talk so

                kind = {"Join": Kind.PRESENCE, "Leave": Kind.PRESENCE, "GitDiff": Kind.PATCH}.get(event.kind, Kind.NOTE)
                return self.note(gnostr_sentence(event, self._name), event.timestamp, kind)
            case PeerMuted():
                text = f"{self._name(event.peer_id)} is not shown for {event.seconds:.0f} s: too many messages at once"
                return self.note(text, now, Kind.WARNING)
            case PeerUnmuted():
                lost = f"{event.dropped} message(s) of this peer were not shown"
                return self.note(f"{self._name(event.peer_id)} is heard again; {lost}", now, Kind.WARNING)
            case Dropped():
                return self.note(f"Lost: {event.count} ({event.what})", now, Kind.WARNING)
            case _:
                return []

    def said(self, ticket: int, text: str, now: float, topic: str = ROOM_TOPIC) -> list[Entry]:
        """Return the entry of a text of the user's own, which waits until the service tells what became of it."""
        entries = self._add(self._own(text, now, Delivery.WAITING, topic))
        self._waiting[ticket] = entries[-1]
        return entries

    def note(self, text: str, now: float, kind: Kind = Kind.NOTE, command: str = "") -> list[Entry]:
        """Return an entry of the program itself; `text` has been cleaned. `command` is as in Entry."""
        return self._add(Entry(0, kind, now, text, command=command))

    def end_fold(self) -> None:
        """Make an entry of its own of who comes or goes next: the one before may be out of sight."""
        self._fold = None

    def _heard(self, event: MessageReceived) -> list[Entry]:
        name = Name(event.nick, event.plain)
        self._speakers.hear(event.peer_id, name)
        self._names.hear(event.peer_id, name)
        mention = is_named(event.text, self._nickname, short_id(self._peer_id))
        author = name.of(event.peer_id)
        opens = f"/show {commit}" if (commit := posted_id(event.text)) else ""
        entry = Entry(
            0, Kind.SAID, event.timestamp, event.text, author, event.peer_id, mention, topic=event.topic, command=opens
        )
        return self._add(entry)

    def _learned(self, event: NickLearned, now: float) -> list[Entry]:
        """Tell that somebody who is there is called something new; the first time it is put where he came."""
        if event.previous and event.peer_id in self._ignored:
            return []  # a name could be a message, when he comes or goes, too
        before = self._name(event.peer_id)
        self._names.hear(event.peer_id, Name(event.nick, event.plain))
        after = self._name(event.peer_id)
        fold = self._fold
        if not event.previous:
            if fold is None or not fold.is_one or fold.peer_id != event.peer_id:
                return []
            fold.entry = replace(fold.entry, text=fold.text(after))
            return [fold.entry]
        if before == after or (event.peer_id not in self._here and self._speakers.name(event.peer_id) is None):
            return []
        return self._add(Entry(0, Kind.PRESENCE, now, f"{before} is now called {after}{between(event.untold)}"))

    def _introduce(self, event: Started | Ready) -> list[Entry]:
        """Learn who the user is; what was typed before is signed now."""
        self._peer_id = event.peer_id
        if isinstance(event, Ready):
            self._nickname = event.nickname
        for ticket, entry in self._waiting.items():
            self._waiting[ticket] = replace(entry, author=self._nickname, peer_id=self._peer_id)
        return list(self._waiting.values())

    def _own(self, text: str, now: float, delivery: Delivery, topic: str) -> Entry:
        said = clean_text(text)
        return Entry(0, Kind.OWN, now, said, self._nickname, self._peer_id, delivery=delivery, topic=topic)

    def _sent(self, event: MessageSent) -> list[Entry]:
        entry = self._waiting.pop(event.ticket, None)
        if entry is not None:
            return [replace(entry, delivery=Delivery.SENT, peers=event.peers)]
        # The service has spoken by itself: it has introduced the user.
        return self._add(replace(self._own(event.text, event.timestamp, Delivery.SENT, event.topic), peers=event.peers))

    def _moved(self, peer_id: str, now: float, *, joined: bool) -> list[Entry]:
        (self._here.add if joined else self._here.discard)(peer_id)
        if self._speakers.name(peer_id) is not None:
            return self._add(Entry(0, Kind.PRESENCE, now, f"{self._name(peer_id)} {'joined' if joined else 'left'}"))
        entries = self._new_day(now)
        fold = self._fold
        if fold is None or fold.spoken_after:
            fold = self._fold = _Fold(self._numbering.numbered(Entry(0, Kind.PRESENCE, now, "")))
        fold.peer_id = peer_id
        fold.joined += joined
        fold.left += not joined
        fold.entry = replace(fold.entry, text=fold.text(self._name(peer_id)))
        return [*entries, fold.entry]

    def _add(self, entry: Entry) -> list[Entry]:
        """Return `entry` with its number, after the date if a new day has begun."""
        entries = self._new_day(entry.timestamp)
        if self._fold is not None and entry.kind in MESSAGES:
            self._fold.spoken_after = True
        return [*entries, self._numbering.numbered(entry)]

    def _new_day(self, now: float) -> list[Entry]:
        if entries := self._numbering.new_day(now):
            self._fold = None
        return entries

    def _name(self, peer_id: str) -> str:
        name = self._names.name(peer_id)
        return name.of(peer_id) if name is not None else short_id(peer_id)


def between(untold: int) -> str:
    """Return what is added to the telling of a new name when `untold` others were not told."""
    return f", after {untold} more names" if untold > 1 else ", after one more name" if untold else ""
