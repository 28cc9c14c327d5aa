"""Events of what is said, by others and by us."""

from typing import final

from py_peer.core.events.base import Event
from py_peer.core.frozen import frozen
from py_peer.core.topics import ROOM_TOPIC


@final
@frozen
class MessageReceived(Event):
    """A chat message of another peer. `nick` is the last eight characters of the ID unless a better one is known.

    `text` may hold line breaks; `timestamp` is the local time of arrival, seconds since 1970. Without `plain` the nick
    is shown with the short ID beside it: somebody else had it first. `topic` is where it was said.
    """

    peer_id: str
    nick: str
    text: str
    timestamp: float
    plain: bool = True
    topic: str = ROOM_TOPIC


@final
@frozen
class MessageSent(Event):
    """The text of command `ticket` was handed to `peers` peers of the room, or of the topic that it was for."""

    ticket: int
    text: str
    peers: int
    timestamp: float
    topic: str = ROOM_TOPIC


@final
@frozen
class MessageWaiting(Event):
    """The text of command `ticket` waits for a peer to come; `waiting` texts wait on its topic, this one included."""

    ticket: int
    waiting: int
    topic: str = ROOM_TOPIC


@final
@frozen
class MessageRefused(Event):
    """The text of command `ticket` was not taken; nothing of it was sent."""

    ticket: int
    text: str
    reason: str
    topic: str = ROOM_TOPIC


@final
@frozen
class SendProgress(Event):
    """A long paste is going out at the room's pace. At most one a second.

    `sent` texts are out, of `total` that the service has taken so far; more may still be read.
    """

    sent: int
    total: int
