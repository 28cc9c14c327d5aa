"""The conversations on the screen: each has its log, its draft and its place in the row above the room."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, final

from py_peer.core.conversations import ROOM, STRANGERS, Conversations
from py_peer.core.direct_events import DirectReceived
from py_peer.core.entries import Kind
from py_peer.core.speakers import Name
from py_peer.core.topic_events import TopicLeft
from py_peer.core.topics import ROOM_TOPIC, shown_topic, topic_key, topic_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from py_peer.core.entries import Entry
    from py_peer.core.events import Event
    from py_peer.ui.app import ChatUI

NOBODY: Final = "Here speak several; /msg PEER answers one of them"
ROOM_STAYS: Final = "/close is for a topic or the conversation with one peer; the room stays, /quit leaves"


@final
class Tabs:
    """What the conversations come to on the screen."""

    def __init__(self, ui: ChatUI, nickname: str) -> None:
        self._ui = ui
        self.conversations = Conversations(nickname)

    @property
    def peer_id(self) -> str:
        """Whom what is typed goes to; ROOM for everybody, STRANGERS for nobody, the key of a topic for those on it."""
        return self.conversations.current.key

    @property
    def topic(self) -> str:
        """The topic that is shown, the room's or another; "" for a conversation with one peer."""
        return topic_of(self.peer_id)

    # --- What is told -----------------------------------------------------------------------------

    def tell(self, events: Sequence[Event], now: float) -> None:
        """Show what events say of the conversations; call the user when one is for them alone."""
        calls: list[DirectReceived] = []
        named: list[Entry] = []
        before = self.conversations.current.title
        changed = False
        for event in events:
            for key, entries in self.conversations.tell(event, now):
                changed = True
                self._ui.logs.put(key, entries)
                if isinstance(event, DirectReceived) and self._calls(key):
                    calls.append(event)
                named += [entry for entry in entries if entry.mention]
            if isinstance(event, TopicLeft):
                changed = True
                self.leave(event.topic)
        if named:
            self._ui.attention.named(len(named), named[-1].author, named[-1].text)
        if calls:
            who = Name(calls[-1].nick, calls[-1].plain).of(calls[-1].peer_id)
            self._ui.attention.named(len(calls), who, calls[-1].text)
        if self.conversations.current.title != before:
            self._name()
        if changed:
            self._show()

    def heard_in_room(self, entries: Sequence[Entry]) -> None:
        """Count what was said in the room while the user was elsewhere."""
        heard = [entry for entry in entries if entry.kind is Kind.SAID]
        if heard and self.peer_id != ROOM:
            self.conversations.heard_in_room(len(heard), called=any(entry.mention for entry in heard))
            self._show()

    def said(self, ticket: int, text: str) -> None:
        """Show what the user has said to one peer, or on a topic."""
        key, entries = self.conversations.said(ticket, text, time.time())
        self._ui.logs.put(key, entries)

    def refused(self, text: str, reason: str, topic: str = ROOM_TOPIC) -> None:
        """Give back a text that the room, or a topic, was to get and has not got."""
        place = self.conversations.known.get(topic_key(topic))
        if place is self.conversations.current:
            self._ui.composer.refuse(text, reason)
            return
        if place is not None:
            place.draft = place.draft if place.draft.strip() else text
        self._ui.tell([f"Not sent to {shown_topic(topic) or 'the room'}: {reason}"], Kind.WARNING)

    # --- What the user does -----------------------------------------------------------------------

    def open(self, peer_id: str, name: Name) -> None:
        """Go to the conversation with a peer."""
        self._go(lambda: self.conversations.open(peer_id, name, time.time()))

    def join(self, topic: str) -> None:
        """Go to a topic, or to the room."""
        self._go(lambda: self.conversations.join(topic, time.time()))

    def leave(self, topic: str) -> None:
        """Forget a topic; if it is shown, the room takes its place."""
        self._go(lambda: self.conversations.leave(topic))

    def turn(self, step: int) -> None:
        """Go to the conversation before or after."""
        self._go(lambda: self.conversations.turn(step))

    def go_to(self, index: int) -> None:
        """Go to a conversation, counted from 0, if there are so many."""
        there = list(self.conversations)
        if index < len(there):
            self._go(lambda: self.conversations.go_to(there[index]))

    def close(self) -> str:
        """Close the conversation that is shown; return why not, or ""."""
        if self.peer_id == ROOM:
            return ROOM_STAYS
        self._go(self.conversations.close)
        return ""

    def drafts(self) -> list[str]:
        """Return what is typed and was not sent, of each conversation."""
        self.conversations.current.draft = self._ui.composer.draft
        return [
            f"Your draft{'' if known.key == ROOM else f' to {known.title}'} was not sent: {known.draft}"
            for known in self.conversations.known.values()
            if known.draft.strip()
        ]

    # --- Behind it --------------------------------------------------------------------------------

    def _calls(self, key: str) -> bool:
        """Return whether a message there calls the user, who may be reading it."""
        return key != STRANGERS and not (key == self.peer_id and self._ui.attention.looking)

    def _go(self, change: Callable[[], object]) -> None:
        before = self.conversations.current
        before.draft = self._ui.composer.draft
        change()
        current = self.conversations.current
        if current is not before:
            self._ui.composer.exchange(current.draft)
            self._ui.show_conversation(current.key)
            self._name()
        self._show()

    def _name(self) -> None:
        current = self.conversations.current
        title = "" if current.key == ROOM else current.title
        self._ui.logs.call(f"{'Topic' if current.talk else 'Direct'}: {title}" if title else "")
        self._ui.composer.address(title, NOBODY if current.key == STRANGERS else "")

    def _show(self) -> None:
        self._ui.logs.keep(self.conversations.known)
        self._ui.tab_bar.put(self.conversations, self.conversations.current)
