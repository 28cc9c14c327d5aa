"""Events of peers: who comes and goes, how each is called, and whom the user does not hear."""

from typing import final

from py_peer.core.events.base import Event
from py_peer.core.frozen import frozen


@final
@frozen
class PeerConnected(Event):
    """The first connection to a peer is up (said once a peer, not once a connection)."""

    peer_id: str
    address: str
    inbound: bool
    found: str = ""
    """As in PeerInfo."""


@final
@frozen
class PeerMoved(Event):
    """A connected peer is reached directly now, and not through a relay any more, or the other way round."""

    peer_id: str
    address: str
    inbound: bool


@final
@frozen
class PeerDisconnected(Event):
    """The last connection to a peer is gone."""

    peer_id: str


@final
@frozen
class PeerJoined(Event):
    """A connected peer subscribed to the room; from now on messages reach it."""

    peer_id: str
    room_size: int


@final
@frozen
class PeerLeft(Event):
    """A peer is no longer in the room."""

    peer_id: str
    room_size: int


@final
@frozen
class PeerFound(Event):
    """A peer that was not known is known now. `source` says how, as in "by mDNS" (`py_peer.core.findings.Source`)."""

    peer_id: str
    source: str
    addresses: tuple[str, ...]


@final
@frozen
class DialFailed(Event):
    """A dial to an address named by the user failed. `cause` is a sentence a person understands."""

    address: str
    cause: str


@final
@frozen
class Identified(Event):
    """A peer told its versions and protocols."""

    peer_id: str
    protocol_version: str
    agent_version: str
    protocols: tuple[str, ...]


@final
@frozen
class Pinged(Event):
    """A ping came back. `rtt` is in seconds."""

    peer_id: str
    rtt: float


@final
@frozen
class NickLearned(Event):
    """A peer is called something new.

    `plain` is as in MessageReceived. `previous` is the nickname that was told before, "" the first time; `untold` more
    came in between, faster than they are told.
    """

    peer_id: str
    nick: str
    plain: bool
    previous: str = ""
    untold: int = 0


@final
@frozen
class NicknameChanged(Event):
    """The user is called `nickname` from now on."""

    nickname: str


@final
@frozen
class PeerMuted(Event):
    """An author said more than a room can bear and is not shown for `seconds`. Said once a mute."""

    peer_id: str
    seconds: float


@final
@frozen
class PeerUnmuted(Event):
    """An author is heard again; `dropped` of its messages were not shown."""

    peer_id: str
    dropped: int


@final
@frozen
class PeerBanned(Event):
    """A peer broke the rules again and again; it was let go and is refused for `seconds`. `reason` is a sentence."""

    peer_id: str
    seconds: float
    reason: str


@final
@frozen
class IgnoreList(Event):
    """Whom the user ignores: told at the start if it is anybody, and after each change."""

    peer_ids: tuple[str, ...]
