"""A Nostr key that is one person's with a peer: what is announced beside a nickname, and how it is checked.

Both keys sign. The peer's signs the gossip message, which names the Nostr key; the Nostr key signs an event of NIP-01
that names the peer and the time of the announcement. Of that event only key and signature are sent, and the reader
makes it anew: so a signature that is copied into another's announcement, or into a later one, does not hold, and who
comes by a peer's key has not its npub with it. docs/nicknames.md has the same for those who write another peer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from py_peer.core.nostr import NostrError, check_event, event_id, read_event, sign_event

BINDING_KIND: Final = 30_078
"""Data of an application (NIP-78); on a relay the newest holds of each key and "d" tag."""

_UNKNOWN: Final = "0" * 64


def make_claim(secret: bytes, peer_id: str, at: int) -> dict[str, str]:
    """Return what an announcement of the time `at`, in milliseconds since 1970, says of the Nostr key `secret`."""
    tags, content = _said(peer_id)
    event = sign_event(secret, at // 1000, BINDING_KIND, tags, content)
    return {"pubkey": event.pubkey, "sig": event.sig}


def check_claim(claim: object, peer_id: str, at: int) -> str:
    """Return the public key, in hex, that a claim shows to be bound to a peer. Costs some 0.1 ms.

    `claim` is what came as JSON, whatever it is. Raises NostrError, of which the text holds nothing of what came.
    """
    if not isinstance(claim, dict):
        raise NostrError("it is no object")
    tags, content = _said(peer_id)
    fields = {"id": _UNKNOWN, "created_at": at // 1000, "kind": BINDING_KIND, "tags": tags, "content": content}
    event = read_event(fields | {name: claim.get(name) for name in ("pubkey", "sig")})
    check_event(replace(event, id=event_id(event)))
    return event.pubkey


def _said(peer_id: str) -> tuple[tuple[tuple[str, ...], ...], str]:
    """Return tags and content of the event, in words that a person reads who is asked to sign it."""
    return (("d", f"py-peer:{peer_id}"),), f"I am {peer_id} in Universal Connectivity"
