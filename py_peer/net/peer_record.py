"""What a peer says on the discovery topic: who it is, and where it can be dialled.

The key is libp2p's PublicKey, itself a protobuf; the addresses are binary multiaddrs, with /p2p or without.
Source: https://github.com/libp2p/js-libp2p-pubsub-peer-discovery/blob/main/src/peer.proto
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from google.protobuf.message import DecodeError
from libp2p.crypto.serialization import deserialize_public_key
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.net.protobufs import declare

if TYPE_CHECKING:
    from collections.abc import Iterable

    from libp2p.crypto.keys import PublicKey

_Peer: Final = declare("py_peer.discovery", Peer=("bytes publicKey = 1", "repeated bytes addrs = 2"))["Peer"]


class AnnouncedPeerError(ValueError):
    """A payload that announces no peer; the text says why, and holds nothing of it."""


@final
@dataclass(frozen=True, slots=True)
class AnnouncedPeer:
    """The bytes of a peer ID, and binary multiaddrs. Nothing of it has been proved, and no address was looked at."""

    peer_id: bytes
    addresses: tuple[bytes, ...]


def encode(key: PublicKey, addresses: Iterable[str]) -> bytes:
    """Return the payload that announces a peer.

    Raises AnnouncedPeerError rather than return what cannot be decoded: the Rust peer ends when it comes upon that.
    """
    try:
        peer = AnnouncedPeer(ID.from_pubkey(key).to_bytes(), tuple(Multiaddr(one).to_bytes() for one in addresses))
    except Exception as error:
        raise AnnouncedPeerError("one of the addresses is none") from error
    data: bytes = _Peer(publicKey=key.serialize(), addrs=peer.addresses).SerializeToString()
    if decode(data) != peer:
        raise AnnouncedPeerError("it would be read as something else")
    return data


def decode(
    data: bytes,
    max_bytes: int = limits.MAX_ANNOUNCED_PEER_BYTES,
    max_addresses: int = limits.MAX_ANNOUNCED_PEER_ADDRESSES,
    max_address_bytes: int = limits.MAX_ANNOUNCED_PEER_ADDRESS_BYTES,
) -> AnnouncedPeer:
    """Return whom a payload announces; fields that are not known are ignored. Raises AnnouncedPeerError."""
    if len(data) > max_bytes:
        raise AnnouncedPeerError("too large")
    try:
        peer = _Peer.FromString(data)
    except DecodeError as error:
        raise AnnouncedPeerError("no protobuf") from error
    if len(peer.addrs) > max_addresses:
        raise AnnouncedPeerError("too many addresses")
    addresses = tuple(peer.addrs)
    if any(len(address) > max_address_bytes for address in addresses):
        raise AnnouncedPeerError("an address that is too long")
    try:
        peer_id = ID.from_pubkey(deserialize_public_key(peer.publicKey)).to_bytes()
    except Exception as error:  # the libraries of the kinds of keys raise what they like
        raise AnnouncedPeerError("no public key") from error
    return AnnouncedPeer(peer_id, addresses)
