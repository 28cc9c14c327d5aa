"""Events of a session: its beginning and its end, and how it is reached."""

from enum import Enum
from typing import final

from py_peer.core.events.base import Event
from py_peer.core.frozen import frozen


@final
@frozen
class Started(Event):
    """The peer ID is known; nothing listens yet."""

    peer_id: str


@final
@frozen
class Ready(Event):
    """The service listens and the room is joined.

    `addresses` are full multiaddrs with `/p2p/`, 0.0.0.0 and [::] expanded to the interfaces' own
    addresses; the first is the one to hand on.
    """

    peer_id: str
    nickname: str
    addresses: tuple[str, ...]


class FailureKind(Enum):
    """Why the service could not go on."""

    CANNOT_LISTEN = "cannot listen"
    BAD_IDENTITY = "bad identity"
    FAULT = "fault"


@final
@frozen
class Failed(Event):
    """The service ends by itself; `Stopped` follows."""

    kind: FailureKind
    reason: str


@final
@frozen
class Stopped(Event):
    """The last event. `unsent` texts were still waiting; `reached` tells whether anybody was ever in the room.

    `unread` peers have not confirmed in time that they have read all. (js-libp2p's never do.) `kept` direct messages
    are there for the next run; those that are neither delivered nor kept are `lost`, and among the unsent.
    """

    unsent: int
    reached: bool
    unread: int = 0
    kept: int = 0
    lost: int = 0


@final
@frozen
class AddressesChanged(Event):
    """An interface has come or gone; `addresses` are as in Ready, `previous` those that were told before."""

    addresses: tuple[str, ...]
    previous: tuple[str, ...] = ()


@final
@frozen
class ReachabilityChanged(Event):
    """How we are reached from outside of our network has become known, or another.

    `status` is "unknown", "public", "announced" (as the user says with --announce, and nobody has tried yet), "private"
    (nobody reaches us) or "relayed": through the peer `relay` alone.
    `addresses` are full multiaddrs that work from outside, the best first. `previous` is the status before.
    """

    status: str
    addresses: tuple[str, ...] = ()
    relay: str = ""
    previous: str = "unknown"


@final
@frozen
class KademliaBootstrap(Event):
    """The table was joined (or not: then `cause` says why). `peers` are in the routing table."""

    peers: int
    cause: str = ""


@final
@frozen
class Dropped(Event):
    """Something was lost: how many of what, and why."""

    count: int
    what: str


@final
@frozen
class Notice(Event):
    """A sentence for the user that has no type of its own."""

    text: str


@final
@frozen
class Answer(Event):
    """What became of request `ticket`, in a sentence; with `failed` nothing was done, and it says why."""

    ticket: int
    text: str
    failed: bool = False
