"""The bytes of a kept key: libp2p's protobuf form, which the Go, Rust and JS peers read and write, Ed25519 only.

Spec: https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md, "Keys" and "Peer Ids". It wants every field,
in order and as short as can be, so each kind of key has one beginning, and the rest is the key itself.
"""

from __future__ import annotations

from typing import Final

from py_peer.core.addresses import peer_id_text

SEED: Final = 32
PUBLIC: Final = 32

_HEADS: Final = {
    b"\x08\x01\x12\x40": (SEED, PUBLIC),
    b"\x08\x01\x12\x60": (SEED, PUBLIC, PUBLIC),  # what was written years ago: the public key twice
}
_FOREIGN: Final = {
    b"\x08\x00": "an RSA key, where an Ed25519 key is needed",
    b"\x08\x02": "a secp256k1 key, where an Ed25519 key is needed",
    b"\x08\x03": "an ECDSA key, where an Ed25519 key is needed",
    b"CAES": "a key in base64: decode it first",
    b"-----BEGIN": "a key in PEM",
}
"""What other files that hold a key begin with."""

_PEER_ID_HEAD: Final = b"\x00\x24\x08\x01\x12\x20"
"""Of an Ed25519 key's peer ID: identity multihash, 36 bytes; then the protobuf of the public key."""


class KeyFileError(ValueError):
    """These bytes are not a key that we take; the text says what they are, as in "the file holds …"."""


def encode_key(seed: bytes, public: bytes) -> bytes:
    """Return the 68 bytes for the two halves of a key, of 32 bytes each."""
    return b"\x08\x01\x12\x40" + seed + public


def decode_key(data: bytes) -> tuple[bytes, bytes]:
    """Return the halves of a key, 32 bytes each. Raises KeyFileError.

    Whether the second is the first one's public half is for the caller to see.
    """
    sizes = _HEADS.get(data[:4])
    if sizes is None:
        foreign = (what for head, what in _FOREIGN.items() if data.startswith(head))
        raise KeyFileError(next(foreign, "no libp2p key" if data else "nothing"))
    if len(data) != 4 + sum(sizes):
        raise KeyFileError(f"{len(data)} bytes, where a key of this kind has {4 + sum(sizes)}")
    seed, public, again = data[4:36], data[36:68], data[68:]
    if again not in (b"", public):
        raise KeyFileError("two public keys that differ")
    return seed, public


def peer_id_of(public: bytes) -> str:
    """Return the peer ID of an Ed25519 public key, in base58."""
    return peer_id_text(_PEER_ID_HEAD + public)
