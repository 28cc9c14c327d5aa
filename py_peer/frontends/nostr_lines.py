"""What is said of Nostr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from py_peer.core.addresses import short_id
from py_peer.core.nostr_events import NostrBound

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.events import Event


def nostr_sentence(event: Event, called: Callable[[str], str] = short_id) -> str:
    """Return what an event about Nostr says, or "" for another one; `called` is as for `lines.sentence`."""
    match event:
        case NostrBound(npub=""):
            return f"{called(event.peer_id)} has no Nostr key any more"
        case NostrBound():
            return f"{called(event.peer_id)} is {event.npub} on Nostr: both keys have signed it"
        case _:
            return ""
