"""What is said of direct messages, so that none is taken for one of the room.

A line of the room begins with a bracket; what stands before the bracket here no nickname can put there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from py_peer.core.addresses import short_id
from py_peer.core.bars import duration
from py_peer.core.cleaning import clean_line, clean_text
from py_peer.core.direct_events import DirectReceived, DirectRefused, DirectSent, DirectWaiting
from py_peer.core.speakers import Name

if TYPE_CHECKING:
    from py_peer.core.events import Event, Stopped

SIGNS: Final[dict[type[Event], str]] = {DirectWaiting: "⚠️ ", DirectRefused: "❌"}
"""What a line begins with."""

MAX_LOST_CHARS: Final = 200
"""Of a text that is given up so much is shown."""

LATE: Final = 60.0
"""Seconds after which it is said how long a message has waited."""


def direct_message(event: Event) -> str:
    """Return a direct message as it is shown, its further lines not yet indented; "" for another event."""
    match event:
        case DirectReceived():
            stranger = "a stranger, " if event.stranger else ""
            return f"📩 [DM from {stranger}{_full_name(event)}]: {event.text}"
        case DirectSent():
            late = f", {duration(event.waited)} later" if event.waited >= LATE else ""
            return f"📨 [DM to {_full_name(event)}{late}]: {clean_text(event.text)}"
        case _:
            return ""


def direct_sentence(event: Event) -> str:
    """Return what became of a direct message, and of one that is given up the text; "" for another event."""
    match event:
        case DirectSent():
            late = f", {duration(event.waited)} later" if event.waited >= LATE else ""
            return f"Direct message delivered to {_name(event)}{late}"
        case DirectWaiting():
            more = f" ({event.waiting} wait for this peer)" if event.waiting > 1 else ""
            return f"Direct message to {_name(event)} not delivered yet: {event.reason}; it is tried again{more}"
        case DirectRefused():
            text = clean_line(event.text, MAX_LOST_CHARS)  # it is nowhere else
            return f"Direct message to {_name(event)} not delivered: {event.reason}{f'; it was: {text}' * bool(text)}"
        case _:
            return ""


def direct_end_lines(undelivered: int, waiting: int, stopped: Stopped | None) -> list[str]:
    """Return what is said at the end of direct messages that were not delivered; `waiting` of them may be kept.

    `stopped` says how many are; without it nobody knows.
    """
    lost = min(waiting, stopped.lost) if stopped else 0
    kept = min(waiting - lost, stopped.kept) if stopped else 0
    says = {
        "⚠️  Not delivered: {} direct message(s)": undelivered - kept - lost,
        "⚠️  Lost: {} direct message(s), neither delivered nor kept": lost,
        "📨 Not delivered yet: {} direct message(s); kept, and sent when py-peer runs and the peer is there": kept,
    }
    return [text.format(count) for text, count in says.items() if count]


def _name(event: DirectSent | DirectWaiting | DirectRefused) -> str:
    return Name(event.nick, event.plain).of(event.peer_id)


def _full_name(event: DirectReceived | DirectSent) -> str:
    id8 = short_id(event.peer_id)
    return id8 if event.nick == id8 else f"{event.nick}({id8})"
