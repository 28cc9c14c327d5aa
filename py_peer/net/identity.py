"""Our key and peer ID. One Ed25519 key a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID

if TYPE_CHECKING:
    from libp2p.crypto.keys import KeyPair


def new_key_pair() -> KeyPair:
    """Return a fresh Ed25519 key pair (the library's default is RSA)."""
    return create_new_key_pair()


def own_peer_id(key_pair: KeyPair) -> str:
    """Return the peer ID of a key, in base58."""
    return str(ID.from_pubkey(key_pair.public_key))
