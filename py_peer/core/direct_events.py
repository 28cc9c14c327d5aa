"""What the service tells of direct messages; as in `py_peer.core.events`, every string from outside has been cleaned.

`peer_id`, `nick` and `plain` are of the other side, `nick` and `plain` as in MessageReceived.
"""

from typing import final

from py_peer.core.events import Event
from py_peer.core.frozen import frozen


@final
@frozen
class DirectReceived(Event):
    """A message to the user alone. `timestamp` is the local time of arrival, seconds since 1970.

    `stranger` tells that the user neither has written to this peer nor has named it.
    """

    peer_id: str
    nick: str
    plain: bool
    text: str
    timestamp: float
    stranger: bool = False


@final
@frozen
class DirectSent(Event):
    """The peer has confirmed the text of request `ticket`; 0 for one of an earlier run. It `waited` so many seconds."""

    ticket: int
    peer_id: str
    nick: str
    plain: bool
    text: str
    timestamp: float
    waited: float = 0.0


@final
@frozen
class DirectWaiting(Event):
    """The text of request `ticket` could not be delivered, and why; it is kept, and tried again.

    `waiting` texts wait for this peer, this one included.
    """

    ticket: int
    peer_id: str
    nick: str
    plain: bool
    text: str
    reason: str
    waiting: int


@final
@frozen
class DirectRefused(Event):
    """The text of request `ticket` (0: of an earlier run) will not be delivered: why. It is not kept any more."""

    ticket: int
    peer_id: str
    nick: str
    plain: bool
    text: str
    reason: str
