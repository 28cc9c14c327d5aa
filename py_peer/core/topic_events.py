"""What the service tells of topics beside the room; as in `py_peer.core.events`, every string has been cleaned.

What is said on a topic is told as what is said in the room is, with its name as `topic`.
"""

from typing import final

from py_peer.core.events import Event
from py_peer.core.frozen import frozen


@final
@frozen
class TopicJoined(Event):
    """We are on a topic, with `peers` others who are connected to us. Ticket 0: it was asked for at the start.

    The room, where we are anyway, is told so, too, when it is asked for, without `peer_ids`, who are on a topic. `wire`
    is what is spoken there: "raw" as in the room, or "gnostr" for its own chat.
    """

    ticket: int
    topic: str
    peers: int
    peer_ids: tuple[str, ...] = ()
    wire: str = "raw"


@final
@frozen
class TopicLeft(Event):
    """We are on a topic no more. `unsent` texts of the user's were waiting there, and are not sent."""

    ticket: int
    topic: str
    unsent: int = 0


@final
@frozen
class TopicPeerJoined(Event):
    """A connected peer has come to a topic of ours; `peers` are there now."""

    topic: str
    peer_id: str
    peers: int


@final
@frozen
class TopicPeerLeft(Event):
    """A peer is on a topic no more, or not connected; `peers` are there now."""

    topic: str
    peer_id: str
    peers: int
