"""What is said of keys and values in the DHT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from py_peer.core.addresses import short_id
from py_peer.core.bars import duration
from py_peer.core.dht_events import KeyProvided, LookupFailed, ProvidersFound, ValueFound, ValuePut

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.events import Event

SIGN: Final = "🔑"
SIGNS: Final[dict[type[Event], str]] = {
    **dict.fromkeys((ValuePut, ValueFound, KeyProvided, ProvidersFound), SIGN),
    LookupFailed: "❌",
}
"""What a line begins with."""

MOST_LISTED: Final = 20
"""Providers that are listed; --json has them all."""


def key_sentence(  # noqa: PLR0911 - one for each
    event: Event, called: Callable[[str], str] = short_id
) -> str:
    """Return what an event about a key says, or "" for another one; `called` is as for `lines.sentence`.

    A value may have several lines.
    """
    match event:
        case ValuePut(key=key, asked=0):
            return f"Put {key}: it is kept here alone; nobody is there to take it"
        case ValuePut(key=key, peers=0):
            return f"Put {key}: it is kept here alone; none of {event.asked} peer(s) has taken it"
        case ValuePut(key=key):
            return f"Put {key}: {_of(event.peers, event.asked)} keep it"
        case ValueFound(key=key):
            return f"{key} ({origin(event)}): {event.value}"
        case KeyProvided(key=key, asked=0):
            return f"You provide {key}; nobody is there to write it down"
        case KeyProvided(key=key):
            return f"You provide {key}: {_of(event.peers, event.asked)} have been told"
        case ProvidersFound(key=key, peer_ids=peer_ids):
            more = len(peer_ids) - MOST_LISTED
            named = [*map(called, peer_ids[:MOST_LISTED]), *([f"{more} more"] if more > 0 else [])]
            return f"{key} is provided by {len(peer_ids)} peer(s): {', '.join(named)}"
        case LookupFailed():
            return f"Not found: {event.key}: {event.reason}"
        case _:
            return ""


def origin(found: ValueFound) -> str:
    """Return where a value comes from, and of when it is."""
    where = f"from {_of(found.peers, found.asked)}" if found.peers else "kept here"
    when = f"{duration(found.seconds)} ago" if found.seconds is not None else "nobody says when"
    unasked = f"; {found.unasked} more could not be asked just now" if found.unasked else ""
    return f"{where}, put {when}{unasked}"


def _of(peers: int, asked: int) -> str:
    return f"{peers} of {asked} peer(s)"
