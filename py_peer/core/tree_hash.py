"""The tree hash of a file: pieces, their hashes, and one hash that stands for all of them.

With the root and the hashes of the pieces each piece can be verified by itself, whoever it came from.
Source: https://www.rfc-editor.org/rfc/rfc6962#section-2.1 (a Merkle tree of SHA-256, whose inputs are the pieces).
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from py_peer.core import limits

HASH_BYTES: Final = 32
EMPTY: Final = sha256().digest()
"""The root of a file of no bytes, which has no pieces."""


def piece_size(size: int) -> int:
    """Return the bytes of each piece, the last one apart, of a file of `size` bytes: the same for everybody.

    Raises ValueError for a size that no file has that we share.
    """
    if not 0 <= size <= limits.MAX_FILE_BYTES:
        raise ValueError(f"a file of {size} bytes")
    length = limits.SMALLEST_PIECE
    while pieces(size, length) > limits.MAX_PIECES:
        length *= 2
    return length


def pieces(size: int, length: int) -> int:
    """Return how many pieces of `length` bytes a file of `size` bytes has."""
    return -(-size // length)


def piece_length(size: int, length: int, number: int) -> int:
    """Return the bytes of piece `number`, counted from 0: `length`, or what is left for the last one."""
    return min(length, size - number * length)


def leaf(data: bytes | memoryview) -> bytes:
    """Return the hash of a piece."""
    hashed = sha256(b"\x00")
    hashed.update(data)
    return hashed.digest()


def root(leaves: bytes) -> bytes:
    """Return the root over the hashes of the pieces, which stand one after the other in `leaves`.

    Takes linear time, and memory for one hash on each level of the tree. Raises ValueError where the last hash is not
    whole.
    """
    if len(leaves) % HASH_BYTES:
        raise ValueError("a hash that is not whole")
    whole: list[bytes] = []  # roots of whole trees, the larger ones first: one for each bit that is set in `count`
    for count in range(len(leaves) // HASH_BYTES):
        node = leaves[count * HASH_BYTES : (count + 1) * HASH_BYTES]
        while count & 1:
            node = _join(whole.pop(), node)
            count >>= 1  # noqa: PLW2901 - the next level
        whole.append(node)
    if not whole:
        return EMPTY
    node = whole.pop()
    while whole:
        node = _join(whole.pop(), node)
    return node


def _join(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
