"""Which conversations there are: the room, other topics, and with whom the user speaks alone. Worked out from events.

A topic is there for as long as the user is on it. Each peer that writes, or is written to, has a conversation of its
own. Anybody can write, so strangers get a few of them, until the user answers; the others are gathered in one, where
each message says who wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

from py_peer.core import limits
from py_peer.core.direct_events import DirectReceived, DirectRefused, DirectSent, DirectWaiting
from py_peer.core.direct_journal import DirectJournal
from py_peer.core.entries import Kind
from py_peer.core.events import (
    IgnoreList,
    MessageReceived,
    MessageRefused,
    MessageSent,
    NickLearned,
    NicknameChanged,
    PeerConnected,
    PeerDisconnected,
    Ready,
    Started,
)
from py_peer.core.git_events import CommitPosted
from py_peer.core.gnostr_events import GnostrHeard
from py_peer.core.journal import Journal
from py_peer.core.speakers import Name, Speakers
from py_peer.core.topic_events import TopicPeerJoined, TopicPeerLeft
from py_peer.core.topics import shown_topic, topic_key, topic_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from py_peer.core.entries import Entry
    from py_peer.core.events import Event

ROOM: Final = ""
STRANGERS: Final = "strangers"
"""In the place of a peer ID: the conversation of everybody, and the one that gathers strangers."""

MANY_STRANGERS: Final = (
    "More peers write to you than have a tab, and you have neither written to them nor named them. /msg PEER answers "
    "one of them, in a tab of its own; /ignore PEER or /strangers off ends this."
)

OF_TOPICS: Final = (
    *(Started, Ready, NicknameChanged, IgnoreList, NickLearned),
    *(MessageReceived, MessageSent, MessageRefused, CommitPosted, TopicPeerJoined, TopicPeerLeft, GnostrHeard),
)
"""The events that say something of what is said on topics."""

Told = tuple[str, "list[Entry]"]
"""Entries, and the key of the conversation that they are for."""


@final
@dataclass(slots=True, eq=False)
class Conversation:
    """One conversation. `key` is the peer's ID, or ROOM, or STRANGERS, or that of a topic (`core.topics.topic_key`)."""

    key: str
    name: Name
    seen: float = 0.0
    """When something was said in it last, or when it was begun: seconds since 1970."""

    stranger: bool = False
    """Whether somebody has written whom the user has neither named nor answered."""

    told: bool = False
    """Whether it was said there that this is a stranger."""

    is_open: bool = True
    unread: int = 0
    """Messages that came while the user was elsewhere."""

    called: bool = False
    """Whether one of them is for the user alone, or names him."""

    draft: str = ""
    """What is typed there, while the user is elsewhere."""

    journal: DirectJournal = field(default_factory=DirectJournal)
    talk: Journal | None = None
    """What is said on a topic, in the place of `journal`."""

    @property
    def title(self) -> str:
        """What it is called."""
        return self.name.nick if self.talk or self.key in (ROOM, STRANGERS) else self.name.of(self.key)


@final
class Conversations:
    """Keeps the conversations. Those that are open are counted from 0, the room first, in the order they were opened.

    `now` is the local time, seconds since 1970.
    """

    def __init__(self, nickname: str) -> None:
        self._nickname = nickname
        self._peer_id = ""
        self._room = Conversation(ROOM, Name("Room"))
        self._ignored: tuple[str, ...] = ()
        self._known: dict[str, Conversation] = {ROOM: self._room}
        """In the order in which they were opened."""

        self._names = Speakers()
        """What everybody is called, for topics that are joined later."""

        self.current = self._room

    def __iter__(self) -> Iterator[Conversation]:
        """Yield those that are open."""
        return (known for known in self._known.values() if known.is_open)

    @property
    def known(self) -> Mapping[str, Conversation]:
        """All that are kept, by their keys, closed ones too."""
        return self._known

    # --- What is told -----------------------------------------------------------------------------

    def tell(self, event: Event, now: float) -> list[Told]:
        """Return the entries that an event makes in conversations other than the room."""
        told = self._on_topics(event, now) if isinstance(event, OF_TOPICS) else []
        if isinstance(event, MessageReceived | NickLearned):
            self._names.hear(event.peer_id, Name(event.nick, event.plain))
        return told + self._in_direct(event, now)

    def _in_direct(self, event: Event, now: float) -> list[Told]:
        match event:
            case Started() | Ready():
                self._peer_id = event.peer_id
            case NicknameChanged():
                self._nickname = event.nickname
            case IgnoreList():
                self._ignored = event.peer_ids
            case DirectReceived():
                return self._heard(event, now)
            case DirectSent() | DirectWaiting() | DirectRefused():
                return self._became(event, now)
            case NickLearned():
                return self._renamed(event, now)
            case PeerConnected():
                return self._moved(event.peer_id, "is here", now)
            case PeerDisconnected():
                return self._moved(event.peer_id, "has gone", now)
            case _:
                pass
        return []

    def said(self, ticket: int, text: str, now: float) -> Told:
        """Return the entries of a text that the user has said in the current conversation, which is not the room."""
        self.current.stranger = False
        self.current.seen = now
        if self.current.talk is not None:
            return self.current.key, self.current.talk.said(ticket, text, now, topic_of(self.current.key))
        return self.current.key, self.current.journal.said(ticket, text, now, self._nickname, self._peer_id)

    def heard_in_room(self, count: int, *, called: bool) -> None:
        """Note that `count` messages came in the room; `called`: one of them names the user."""
        if self.current is not self._room:
            self._mark(self._room, count, called=called)

    # --- What the user does -----------------------------------------------------------------------

    def open(self, peer_id: str, name: Name, now: float) -> Conversation:
        """Go to the conversation with a peer that the user has named."""
        known = self._known.get(peer_id) or self._begin(peer_id, name, now)
        known.stranger = False
        self._show(known)
        return self.go_to(known)

    def join(self, topic: str, now: float) -> Conversation:
        """Go to a topic beside the room, or to the room."""
        key = topic_key(topic)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Conversation(key, Name(shown_topic(topic)), now)
            known.talk = Journal(self._nickname, self._peer_id, topic, self._names.copy())
        return self.go_to(known)

    def leave(self, topic: str) -> None:
        """Forget a topic; if it is shown, the room takes its place."""
        known = self._known.get(topic_key(topic))
        if known is not None and known is not self._room:
            if known is self.current:
                self.go_to(self._room)
            del self._known[known.key]

    def close(self) -> bool:
        """Close the current conversation and go to the one before it; return False in the room, which stays."""
        closed = self.current
        if closed is self._room:
            return False
        before = list(self)[self.index - 1]
        closed.is_open = False
        self.go_to(before)
        return True

    def turn(self, step: int) -> Conversation:
        """Go to the next conversation, or the one before; after the last comes the first."""
        shown = list(self)
        return self.go_to(shown[(self.index + step) % len(shown)])

    def go_to(self, conversation: Conversation) -> Conversation:
        """Go to a conversation: what was unread in it is read."""
        self.current = conversation
        conversation.unread, conversation.called = 0, False
        return conversation

    @property
    def index(self) -> int:
        """Which of those that are open is the current one."""
        return list(self).index(self.current)

    # --- Behind it --------------------------------------------------------------------------------

    def _on_topics(self, event: Event, now: float) -> list[Told]:
        told: list[Told] = []
        for known in self._known.values():
            if known.talk is None or not (entries := known.talk.tell(event, now)):
                continue
            told.append((known.key, entries))
            heard = sum(entry.kind is Kind.SAID for entry in entries)
            if heard:
                known.seen = now
                self._mark(known, heard, called=any(entry.mention for entry in entries))
        return told

    def _heard(self, event: DirectReceived, now: float) -> list[Told]:
        name = Name(event.nick, event.plain)
        known = self._known.get(event.peer_id)
        if known is None and event.stranger and self._strangers() >= limits.STRANGERS_TABS:
            return self._gather(event, now)
        entries: list[Entry] = []
        if known is None:
            known = self._begin(event.peer_id, name, now)
            known.stranger = event.stranger
        elif not known.is_open and known.stranger and self._strangers() >= limits.STRANGERS_TABS:
            return self._gather(event, now)
        self._show(known)
        known.name, known.seen = name, now
        if event.stranger and not known.told:
            known.told = True
            entries += known.journal.note(stranger_line(known.title), event.timestamp)
        self._mark(known, 1, called=True)
        return [(known.key, [*entries, *known.journal.heard(event)])]

    def _gather(self, event: DirectReceived, now: float) -> list[Told]:
        known = self._known.get(STRANGERS)
        entries: list[Entry] = []
        if known is None:
            known = self._begin(STRANGERS, Name("Strangers"), now)
            entries += known.journal.note(MANY_STRANGERS, event.timestamp)
        self._show(known)
        self._mark(known, 1, called=False)
        return [(STRANGERS, [*entries, *known.journal.heard(event)])]

    def _became(self, event: DirectSent | DirectWaiting | DirectRefused, now: float) -> list[Told]:
        """Tell what became of a text; one of an earlier run begins a conversation when it has come to its end."""
        known = self._known.get(event.peer_id)
        if isinstance(event, DirectWaiting):
            return [(known.key, known.journal.waits(event, now))] if known is not None else []
        is_news = known is None or isinstance(event, DirectRefused)
        known = known or self._begin(event.peer_id, Name(event.nick, event.plain), now)
        if is_news:
            self._show(known)
            self._mark(known, 1, called=False)
        if isinstance(event, DirectSent):
            return [(known.key, known.journal.sent(event, self._nickname, self._peer_id))]
        return [(known.key, known.journal.refused(event, now, self._nickname, self._peer_id))]

    def _renamed(self, event: NickLearned, now: float) -> list[Told]:
        known = self._known.get(event.peer_id)
        if known is None or event.peer_id in self._ignored:
            return []  # of who is ignored a name could be a message, too
        before = known.title
        known.name = Name(event.nick, event.plain)
        if before == known.title:
            return []
        return [(known.key, known.journal.note(f"{before} is now called {known.title}", now, Kind.PRESENCE))]

    def _moved(self, peer_id: str, how: str, now: float) -> list[Told]:
        known = self._known.get(peer_id)
        return [(peer_id, known.journal.moved(f"{known.title} {how}", now))] if known is not None else []

    def _mark(self, known: Conversation, count: int, *, called: bool) -> None:
        if known is not self.current:
            known.unread += count
            known.called = known.called or called

    def _strangers(self) -> int:
        return sum(known.stranger for known in self)

    def _show(self, known: Conversation) -> None:
        """Open a conversation behind the others if it is closed."""
        if not known.is_open:
            known.is_open = True
            self._known[known.key] = self._known.pop(known.key)

    def _begin(self, key: str, name: Name, now: float) -> Conversation:
        """Add a conversation; of too many the one that would be missed least is forgotten."""
        others = [known for known in self._known.values() if not (known.talk or known in (self._room, self.current))]
        if len(others) >= limits.CONVERSATIONS:
            least = min(others, key=lambda known: (known.is_open, bool(known.draft), not known.stranger, known.seen))
            del self._known[least.key]
        known = self._known[key] = Conversation(key, name, now)
        return known


def stranger_line(name: str) -> str:
    """Return what is said before the first message of a stranger."""
    return f"You have neither written to {name} nor named it. /ignore {name} or /strangers off ends this."
