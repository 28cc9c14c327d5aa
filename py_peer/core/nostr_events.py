"""What the service tells of Nostr; as in `py_peer.core.events`, every string from outside has been cleaned."""

from typing import final

from py_peer.core.events import Event
from py_peer.core.frozen import frozen


@final
@frozen
class NostrBound(Event):
    """A peer and a Nostr key are one person's: both keys have signed it, and that was checked.

    `npub` is the key, as NIP-19 writes it; "" when the peer announces none any more, or one that it has not.
    """

    peer_id: str
    npub: str


@final
@frozen
class NostrHeard(Event):
    """A relay has brought an event whose ID and signature hold; each event is told once.

    `relay` is the URL of the first that has brought it. `npub` is whose key has signed it, and `created_at` when, in
    seconds since 1970, as its author says; he says what he likes. `standing` is "verified", or "derived": signed by the
    key that everybody can make from the commit's ID. `badge` says the same in words.
    """

    relay: str
    event_id: str
    npub: str
    kind: int
    created_at: int
    text: str
    standing: str
    badge: str
    commit: str = ""
    """The ID of the commit that its tag names."""

    peer_id: str = ""
    nick: str = ""
    plain: bool = True
    """The peer to whom the key is bound (NostrBound), and what it is called; "" if it is nobody's here, as a derived
    key always is. `plain` is as in MessageReceived."""


@final
@frozen
class NostrRelayUp(Event):
    """A relay has answered, and is asked for events; `again` after it was gone."""

    relay: str
    again: bool = False


@final
@frozen
class NostrRelayDown(Event):
    """A relay cannot be reached, or has gone; it is tried again, with growing pauses. Said once, until it is back.

    `cause` is a sentence; `seconds` are left to the next try.
    """

    relay: str
    cause: str
    seconds: float


@final
@frozen
class NostrRelayInfo:
    """One relay, as `/nostr` shows it. `heard` events of it were told; of others it was not the first."""

    relay: str
    connected: bool
    heard: int = 0
    cause: str = ""
    """Why there is no connection; "" while there is one, or while the first is begun."""


@final
@frozen
class NostrReport(Event):
    """The answer to `WatchNostr` and to `RequestNostr`: whether relays are watched, and how each is doing."""

    ticket: int
    on: bool
    relays: tuple[NostrRelayInfo, ...]
