"""The journal of one direct conversation: what is said in it and what becomes of that, as the entries of a log."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, final

from py_peer.core.cleaning import clean_text
from py_peer.core.entries import Delivery, Entry, Kind
from py_peer.core.numbering import Numbering
from py_peer.core.speakers import Name

if TYPE_CHECKING:
    from py_peer.core.direct_events import DirectReceived, DirectRefused, DirectSent, DirectWaiting


@final
class DirectJournal:
    """Makes entries. Those returned are new, or take the place of the one of the same number.

    `now` is the local time, seconds since 1970.
    """

    def __init__(self) -> None:
        self._numbering = Numbering()
        self._waiting: dict[int, Entry] = {}
        self._presence: Entry | None = None
        """The last entry, if it tells of coming and going."""

        self._told = ""
        """Why what waits was not delivered, as it was told last."""

        self._line: Entry | None = None
        """The entry that says so."""

    def heard(self, event: DirectReceived) -> list[Entry]:
        """Return the entry of a message."""
        author = Name(event.nick, event.plain).of(event.peer_id)
        return self._add(Entry(0, Kind.SAID, event.timestamp, event.text, author, event.peer_id))

    def said(self, ticket: int, text: str, now: float, author: str, peer_id: str) -> list[Entry]:
        """Return the entry of a text of the user's own, `author`; it waits until it is told what became of it."""
        entries = self._add(_own(text, now, author, peer_id, Delivery.WAITING))
        self._waiting[ticket] = entries[-1]
        return entries

    def waits(self, event: DirectWaiting, now: float) -> list[Entry]:
        """Return a line that says why a text is not delivered yet, unless it would say so again."""
        if event.reason == self._told:
            return []
        self._told = event.reason
        entries = self.note(f"Not delivered yet: {event.reason}; it is tried again", now)
        self._line = entries[-1]
        return entries

    def sent(self, event: DirectSent, author: str, peer_id: str) -> list[Entry]:
        """Return the entry of a text that has arrived; one of an earlier run is new here."""
        reason, line = self._told, self._line
        self._told, self._line = "", None
        over = [replace(line, text=f"Not delivered at once: {reason}")] if line is not None else []
        entry = self._waiting.pop(event.ticket, None)
        if entry is not None:
            return [replace(entry, delivery=Delivery.SENT), *over]
        return [*over, *self._add(_own(event.text, event.timestamp, author, peer_id, Delivery.SENT))]

    def refused(self, event: DirectRefused, now: float, author: str, peer_id: str) -> list[Entry]:
        """Return the entry of a text that will not arrive, and why."""
        entry = self._waiting.pop(event.ticket, None)
        if entry is not None:
            entries = [replace(entry, delivery=Delivery.REFUSED)]
        else:
            entries = self._add(_own(event.text, now, author, peer_id, Delivery.REFUSED))
        return [*entries, *self.note(f"Not delivered: {event.reason}", now, Kind.WARNING)]

    def moved(self, text: str, now: float) -> list[Entry]:
        """Return the line that the peer has come or gone; it takes the place of one right before it."""
        if self._presence is not None:
            entries = [replace(self._presence, text=text, timestamp=now)]
        else:
            entries = self._add(Entry(0, Kind.PRESENCE, now, text))
        self._presence = entries[-1]
        return entries

    def note(self, text: str, now: float, kind: Kind = Kind.NOTE) -> list[Entry]:
        """Return an entry of the program itself; `text` has been cleaned."""
        return self._add(Entry(0, kind, now, text))

    def _add(self, entry: Entry) -> list[Entry]:
        self._presence = None
        return self._numbering.add(entry)


def _own(text: str, now: float, author: str, peer_id: str, delivery: Delivery) -> Entry:
    return Entry(0, Kind.OWN, now, clean_text(text), author, peer_id, delivery=delivery)
