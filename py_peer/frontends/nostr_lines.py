"""What is said of Nostr: pure functions from events to sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from py_peer.core.addresses import short_id
from py_peer.core.commit_words import commit_words
from py_peer.core.nostr_events import NostrBound, NostrHeard, NostrRelayDown, NostrRelayUp, NostrReport

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from py_peer.core.events import Event
    from py_peer.core.nostr_events import NostrRelayInfo

SIGN: Final = "🟣"
SIGNS: Final[dict[type[Event], str]] = dict.fromkeys((NostrHeard, NostrRelayUp, NostrReport), SIGN) | {
    NostrRelayDown: "⚠️ "
}
"""What a line begins with."""


def nostr_sentence(  # noqa: PLR0911 - one for each type
    event: Event, called: Callable[[str], str] = short_id
) -> str:
    """Return what an event about Nostr says, or "" for another one; `called` is as for `lines.sentence`.

    Some have several lines.
    """
    match event:
        case NostrBound(npub=""):
            return f"{called(event.peer_id)} has no Nostr key any more"
        case NostrBound():
            return f"{called(event.peer_id)} is {event.npub} on Nostr: both keys have signed it"
        case NostrHeard():
            whose = f", that is {called(event.peer_id)}" if event.peer_id else ""
            return f"[{event.badge}{whose}] {commit_words(event.text, event.commit)}"
        case NostrRelayUp(again=again):
            return f"{event.relay} is {'back' if again else 'connected'}"
        case NostrRelayDown():
            return f"{event.relay}: {event.cause}; it is tried again in {event.seconds:.0f} s"
        case NostrReport():
            return _report(event)
        case _:
            return ""


def not_shown(counters: Counter[str]) -> list[str]:
    """Return the line that says what of all that relays have brought was not shown, or none."""
    from py_peer.net.nostr_relay import REFUSED  # noqa: PLC0415 - for those who watch relays

    refused = {f"refused, {name.removeprefix(REFUSED)}": name for name in counters if name.startswith(REFUSED)}
    kinds = {"not about Git (--all shows them)": "nostr passed over", "known already": "nostr duplicates"} | refused
    said = [f"{counters[name]} {words}" for words, name in kinds.items() if counters[name]]
    return [f"py-peer: Not shown: {'; '.join(said)}"] if said else []


def _report(report: NostrReport) -> str:
    if not report.relays:
        return "No relay of Nostr is named; --nostr-relay names one"
    head = "Relays of Nostr are watched:" if report.on else "Relays of Nostr are not watched; /nostr on does:"
    return "\n".join([head, *(f"  - {_relay(relay, on=report.on)}" for relay in report.relays)])


def _relay(relay: NostrRelayInfo, *, on: bool) -> str:
    if not on:
        return relay.relay
    state = "connected" if relay.connected else relay.cause or "not reached yet"
    return f"{relay.relay}  {state}  {relay.heard} event(s)"
