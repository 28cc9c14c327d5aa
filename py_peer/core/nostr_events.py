"""What the service tells a front-end about Nostr."""

from __future__ import annotations

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
