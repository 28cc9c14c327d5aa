"""Topics on which people talk: what one may be called, how that is shown, and which are joined.

The room is one of them. Beside it a user joins others by name, and texts go out on them as they do in the room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from py_peer.core import limits
from py_peer.core.cleaning import clean_line
from py_peer.core.frozen import frozen
from py_peer.core.wrapping import cut_in_the_middle

if TYPE_CHECKING:
    from collections.abc import Collection

ROOM_TOPIC: Final = "universal-connectivity"
"""The topic of the room, which all peers of Universal Connectivity are in."""

SIGN: Final = "#"
"""What a topic's name is shown with, and may be typed with."""

HEAD: Final = "HEAD"
"""Stands for the ID of the commit that is checked out: those who have the same meet on it, as in gnostr."""

LONGEST_SHOWN: Final = 24
"""Columns. A longer name, such as the ID of a commit, is shown by its two ends."""

_HEAD: Final = 12
_TAIL: Final = 8


@final
@frozen
class TopicInfo:
    """A topic that is joined: which of the connected peers are on it, and how many texts of the user's wait for one."""

    name: str
    peer_ids: tuple[str, ...]
    waiting: int
    wire: str = "raw"
    """What is spoken there, raw UTF-8 or "gnostr"."""


def read_topic(typed: str) -> str:
    """Return the topic that the user means: it may be typed as it is shown, with one sign before it."""
    return typed.strip().removeprefix(SIGN)


def is_head(typed: str) -> bool:
    """Return whether the commit is meant that HEAD is in the repository of this folder; `#HEAD` is but a name."""
    return typed.strip() == HEAD


def topic_problem(name: str) -> str:
    """Return why a topic of this name cannot be joined, or ""."""
    size = len(name.encode("utf-8", "surrogatepass"))
    if not name.strip():
        return "say which topic"
    if size > limits.MAX_TOPIC_BYTES:
        return f"the name of a topic has at most {limits.MAX_TOPIC_BYTES} bytes, and this one {size:,}"
    if clean_line(name, limits.MAX_TOPIC_BYTES) != name:
        return "the name of a topic has neither control characters nor others that cannot be shown"
    if name.startswith(f"{ROOM_TOPIC}-"):
        return f"what is said on '{name}' is for programs, and a text there would disturb them"
    return ""


def shown_topic(name: str) -> str:
    """Return how a topic is shown where there is little room; "" for the room, which needs no name."""
    if name == ROOM_TOPIC:
        return ""
    return f"{SIGN}{cut_in_the_middle(name, LONGEST_SHOWN, _HEAD, _TAIL)}"


def topic_key(name: str) -> str:
    """Return what the conversation on a topic is called by where others are called by peer IDs; "" for the room."""
    return "" if name == ROOM_TOPIC else f"{SIGN}{name}"


def topic_of(key: str) -> str:
    """Return the topic of a conversation, or "" for a conversation with one peer."""
    return key.removeprefix(SIGN) if key.startswith(SIGN) else "" if key else ROOM_TOPIC


def full_problem(joined: Collection[str]) -> str:
    """Return why no topic can be joined beside those that are `joined`, or ""."""
    if len(joined) < limits.MAX_TOPICS:
        return ""
    return f"you are on {len(joined)} topics beside the room already, and no more can be joined; /leave one first"


@final
class Topics:
    """Which topics a front-end has asked for, and where what is typed goes."""

    def __init__(self, names: Collection[str] = ()) -> None:
        """`names` are joined when the session starts; what is typed goes to the last."""
        self.joined = list(dict.fromkeys(name for name in names if name != ROOM_TOPIC))
        """Those beside the room, in the order in which they were joined."""

        self.current = [ROOM_TOPIC, *names][-1]

    def join(self, name: str) -> str:
        """Join a topic, if it is not joined, and have what is typed go there; return why not, or ""."""
        if name not in (ROOM_TOPIC, *self.joined):
            if reason := topic_problem(name) or full_problem(self.joined):
                return reason
            self.joined.append(name)
        self.current = name
        return ""

    def refuse(self, name: str) -> None:
        """Take note that a topic was not joined. What is typed for it still goes there, where nobody takes it."""
        if name in self.joined:
            self.joined.remove(name)

    def leave(self, name: str) -> str:
        """Leave a topic; what is typed goes to the room if it went there. Return why not, or ""."""
        if name == ROOM_TOPIC:
            return "the room stays; /quit leaves the program"
        if not name:
            return "say which topic"
        if name not in (*self.joined, self.current):
            return f"you are not on {shown_topic(clean_line(name, limits.MAX_TOPIC_BYTES))}"
        self.refuse(name)
        if self.current == name:
            self.current = ROOM_TOPIC
        return ""
