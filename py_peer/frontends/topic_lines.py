"""What the chat prints about topics beside the room: pure functions from events to sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from py_peer.core.addresses import short_id
from py_peer.core.topic_events import TopicJoined, TopicLeft, TopicPeerJoined, TopicPeerLeft
from py_peer.core.topics import ROOM_TOPIC, SIGN, shown_topic
from py_peer.core.wrapping import wrap_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.events import StatusReport

_WIRES: Final = {"gnostr": "gnostr's own wire"}
TopicEvent: TypeAlias = TopicJoined | TopicLeft | TopicPeerJoined | TopicPeerLeft


def on_topic(topic: str) -> str:
    """Return where something was said, to be put behind a sentence; "" for the room."""
    return f" on {shown_topic(topic)}" if topic != ROOM_TOPIC else ""


def topic_sentence(event: TopicEvent, called: Callable[[str], str] = short_id) -> str:
    """Return what an event says in one sentence. `called` returns the short ID of a peer, and its nickname."""
    where = shown_topic(event.topic)
    match event:
        case TopicJoined():
            wire = f", in {_WIRES[event.wire]}" if event.wire in _WIRES else ""
            return f"{f'On {SIGN}{event.topic}' if where else 'In the room'}, with {event.peers} peer(s){wire}"
        case TopicLeft():
            return f"Left {where}" + (f"; {event.unsent} message(s) there were not sent" if event.unsent else "")
        case TopicPeerJoined():
            return f"Peer joined {where}: {called(event.peer_id)}"
        case TopicPeerLeft():
            return f"Peer left {where}: {called(event.peer_id)}"


def topics_lines(report: StatusReport, current: str, columns: int | None = None) -> list[str]:
    """Return the answer to /topic alone; what is typed goes to `current`."""
    lines = [f"📡 Topics ({len(report.joined)}):"]
    for topic in report.joined:
        parts = [f"the room ({ROOM_TOPIC})" if topic.name == ROOM_TOPIC else f"{SIGN}{topic.name}"]
        parts += [f"{len(topic.peer_ids)} peer(s)"]
        parts += [f"{topic.waiting} message(s) wait"] * bool(topic.waiting)
        parts += [_WIRES[topic.wire]] if topic.wire in _WIRES else []
        parts += ["what you type goes here"] * (topic.name == current)
        lines.append(f"  - {'  '.join(parts)}")
    return lines if columns is None else [row for line in lines for row in wrap_lines(line, columns, "    ")]
