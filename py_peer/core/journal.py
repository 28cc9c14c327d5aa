"""The journal of a session: what the service tells and the user says, as the entries of a chat log.

What is about connections rather than people (dials, Kademlia, notices) is not in it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, final

from py_peer.core.addresses import short_id
from py_peer.core.cleaning import clean_text
from py_peer.core.entries import Delivery, Entry, Kind
from py_peer.core.events import (
    Dropped,
    MessageReceived,
    MessageRefused,
    MessageSent,
    PeerJoined,
    PeerLeft,
    PeerMuted,
    PeerUnmuted,
    Ready,
    Started,
)
from py_peer.core.mentions import is_named
from py_peer.core.speakers import Speakers
from py_peer.core.transcript import MESSAGES

if TYPE_CHECKING:
    from py_peer.core.events import Event

ONE_DAY: Final = timedelta(days=1)


@final
@dataclass(slots=True)
class _Fold:
    """Comings and goings of peers that never spoke, which are one entry."""

    entry: Entry
    joined: int = 0
    left: int = 0
    spoken_after: bool = False

    def text(self, peer_id: str) -> str:
        """Return what the entry says; `peer_id` came or went last."""
        if self.joined + self.left == 1:
            return f"{short_id(peer_id)} {'joined' if self.joined else 'left'}"
        counts = ((self.joined, "joined"), (self.left, "left"))
        return ", ".join(f"{count} {word}" for count, word in counts if count)


@final
class Journal:
    """Makes entries. Those returned are new, or take the place of the one of the same number.

    `now` is the local time, seconds since 1970. A clock that goes back makes no entry of a day that was there before.
    """

    def __init__(self, nickname: str = "", peer_id: str = "") -> None:
        """Begin a session. What is not known yet of the user is taken from Started and Ready."""
        self._nickname = nickname
        self._peer_id = peer_id
        self._number = 0
        self._day: date | None = None
        self._speakers = Speakers()
        self._fold: _Fold | None = None
        self._waiting: dict[int, Entry] = {}

    def tell(self, event: Event, now: float) -> list[Entry]:  # noqa: PLR0911 - one for each type
        """Return the entries that an event makes, if any."""
        match event:
            case Started() | Ready():
                return self._introduce(event)
            case MessageReceived():
                self._speakers.hear(event.peer_id, event.nick)
                mention = is_named(event.text, self._nickname, short_id(self._peer_id))
                return self._add(Entry(0, Kind.SAID, event.timestamp, event.text, event.nick, event.peer_id, mention))
            case MessageSent():
                return self._sent(event)
            case MessageRefused():
                entry = self._waiting.pop(event.ticket, None)
                return [replace(entry, delivery=Delivery.REFUSED)] if entry is not None else []
            case PeerJoined() | PeerLeft():
                return self._moved(event.peer_id, now, joined=isinstance(event, PeerJoined))
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

    def said(self, ticket: int, text: str, now: float) -> list[Entry]:
        """Return the entry of a text of the user's own, which waits until the service tells what became of it."""
        entries = self._add(self._own(text, now, Delivery.WAITING))
        self._waiting[ticket] = entries[-1]
        return entries

    def note(self, text: str, now: float, kind: Kind = Kind.NOTE) -> list[Entry]:
        """Return an entry of the program itself; `text` has been cleaned."""
        return self._add(Entry(0, kind, now, text))

    def end_fold(self) -> None:
        """Make an entry of its own of who comes or goes next: the one before may be out of sight."""
        self._fold = None

    def _introduce(self, event: Started | Ready) -> list[Entry]:
        """Learn who the user is; what was typed before is signed now."""
        self._peer_id = event.peer_id
        if isinstance(event, Ready):
            self._nickname = event.nickname
        for ticket, entry in self._waiting.items():
            self._waiting[ticket] = replace(entry, author=self._nickname, peer_id=self._peer_id)
        return list(self._waiting.values())

    def _own(self, text: str, now: float, delivery: Delivery) -> Entry:
        return Entry(0, Kind.OWN, now, clean_text(text), self._nickname, self._peer_id, delivery=delivery)

    def _sent(self, event: MessageSent) -> list[Entry]:
        entry = self._waiting.pop(event.ticket, None)
        if entry is not None:
            return [replace(entry, delivery=Delivery.SENT, peers=event.peers)]
        # The service has spoken by itself: it has introduced the user.
        return self._add(replace(self._own(event.text, event.timestamp, Delivery.SENT), peers=event.peers))

    def _moved(self, peer_id: str, now: float, *, joined: bool) -> list[Entry]:
        if nick := self._speakers.nick(peer_id):
            return self._add(Entry(0, Kind.PRESENCE, now, f"{nick} {'joined' if joined else 'left'}"))
        entries = self._new_day(now)
        fold = self._fold
        if fold is None or fold.spoken_after:
            fold = self._fold = _Fold(self._numbered(Entry(0, Kind.PRESENCE, now, "")))
        fold.joined += joined
        fold.left += not joined
        fold.entry = replace(fold.entry, text=fold.text(peer_id))
        return [*entries, fold.entry]

    def _add(self, entry: Entry) -> list[Entry]:
        """Return `entry` with its number, after the date if a new day has begun."""
        entries = self._new_day(entry.timestamp)
        if self._fold is not None and entry.kind in MESSAGES:
            self._fold.spoken_after = True
        return [*entries, self._numbered(entry)]

    def _new_day(self, now: float) -> list[Entry]:
        day = date(*time.localtime(now)[:3])
        before = self._day
        # A clock that is put right may go back over midnight; only one that was days ahead is followed back.
        if before is not None and before - ONE_DAY <= day <= before:
            return []
        self._day = day
        if before is None:
            return []
        self._fold = None
        return [self._numbered(Entry(0, Kind.DATE, now, f"{day:%A}, {day.day} {day:%B} {day.year}"))]

    def _numbered(self, entry: Entry) -> Entry:
        self._number += 1
        return replace(entry, number=self._number)

    def _name(self, peer_id: str) -> str:
        return self._speakers.nick(peer_id) or short_id(peer_id)
