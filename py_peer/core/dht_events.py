"""What the service tells of the DHT; as in `py_peer.core.events`, every string from outside has been cleaned.

A key is text: its UTF-8 bytes are what stands on the wire. A request is answered by one of these with its ticket, by a
`LookupFailed`, or, when what it asks for can never be had, by an `Answer` that it failed.
"""

from typing import final

from py_peer.core.events import Event
from py_peer.core.frozen import frozen


@final
@frozen
class ValuePut(Event):
    """The value of request `ticket` is kept by `peers` others, of the `asked` who are closest to its key.

    With nobody there to ask, both are 0: it is kept here, and goes to others as soon as there are any.
    """

    ticket: int
    key: str
    peers: int
    asked: int


@final
@frozen
class ValueFound(Event):
    """The answer to `GetValue`. `peers` of the `asked` have said so, and it was put `seconds` ago.

    None: whoever has put it has not told when.
    """

    ticket: int
    key: str
    value: str
    peers: int
    asked: int
    seconds: float | None
    base64: str = ""
    """The bytes of the value, where `value` does not show all of them as they are: not UTF-8, or cleaned."""

    unasked: int = 0
    """Who should have been asked, too, and could not be dialled just now, as too much was dialled lately."""


@final
@frozen
class KeyProvided(Event):
    """It is written down at `peers` others, of the `asked` who are closest to it, that we provide a key."""

    ticket: int
    key: str
    peers: int
    asked: int


@final
@frozen
class ProvidersFound(Event):
    """The answer to `FindProviders`: the peer IDs of all who were found before the deadline, ours among them."""

    ticket: int
    key: str
    peer_ids: tuple[str, ...]
    asked: int


@final
@frozen
class LookupFailed(Event):
    """What request `ticket` looks for was not found. `asked` peers have answered; 0: there was nobody to ask."""

    ticket: int
    key: str
    asked: int
    reason: str
    unasked: int = 0
    """Who should have been asked, too, and could not be dialled just now: later the answer may be another."""
