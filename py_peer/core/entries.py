"""The entries of a chat log, as a full-screen front-end keeps them.

An entry is frozen. What changes in it (a text that waited has been sent) comes as another entry of the same number,
which takes the first one's place.
"""

from dataclasses import dataclass
from enum import Enum
from typing import final

from py_peer.core.topics import ROOM_TOPIC


class Kind(Enum):
    """What an entry is, and so how it looks."""

    SAID = "said"
    """A message of another peer."""

    OWN = "own"
    """A message of the user's own."""

    PRESENCE = "presence"
    """Who came and who went; of those who never spoke, folded into one entry."""

    DATE = "date"
    """The day has changed; `text` is the date."""

    NOTE = "note"
    """A line of the program itself."""

    PATCH = "patch"
    """A commit as the program shows it, with its patch, whose lines are coloured."""

    WARNING = "warning"
    """A line of the program that the user should not miss: something failed, or was lost."""


class Delivery(Enum):
    """How far a text of the user's own has come."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"


@final
@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. Every string in it has been cleaned; `text` may hold line breaks.

    `timestamp` is the local time of arrival, seconds since 1970. `number` rises with each new entry of one log.
    """

    number: int
    kind: Kind
    timestamp: float
    text: str
    author: str = ""
    """The nickname that was shown when the entry came; of SAID and OWN."""

    peer_id: str = ""
    """The author's peer ID, of SAID and OWN: what the colour of the nickname is made from."""

    mention: bool = False
    """Whether the user is named in it."""

    delivery: Delivery | None = None
    """Of OWN only."""

    peers: int = 0
    """How many peers a text that is SENT was handed to; 0 where its one peer has confirmed it."""

    topic: str = ROOM_TOPIC
    """Where it was said, of SAID and OWN in the room and on topics."""

    command: str = ""
    """What a click on it puts into the input; it stands in the text, or at least its last word does."""
