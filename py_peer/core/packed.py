"""How large an object of Git is, from the first bytes of it in a pack (gitformat-pack), before it is unpacked.

A pack may hold films. Its reader gives nothing but whole objects, so whoever wants the small ones looks here first.
"""

from __future__ import annotations

import zlib
from typing import Final

HEAD_BYTES: Final = 1_024
"""More than the head of an entry, the ID of what it is a difference to, and the packed sizes have together: before the
first byte zlib writes down its codes, which may take 600 (RFC 1951, 3.2.7)."""

_BY_OFFSET: Final = 6
_BY_ID: Final = 7
_SIZES: Final = 20
"""Bytes that two numbers take at most."""


def unpacked_size(head: bytes, id_bytes: int) -> int:
    """Return the size of an object whose entry in a pack begins with `head`; IDs have `id_bytes`.

    Of one that is kept as a difference it is that of the larger: of what it is, and of what it differs from. Raises
    ValueError for what is none.
    """
    try:
        kind = head[0] >> 4 & 7
        size, at = _number(head, 0, 4)
        if kind == _BY_OFFSET:
            _, at = _number(head, at)
        elif kind == _BY_ID:
            at += id_bytes
        else:
            return size
        sizes = zlib.decompressobj().decompress(head[at:], _SIZES)
        before, at = _number(sizes, 0)
        after, _ = _number(sizes, at)
    except (IndexError, zlib.error):
        raise ValueError("this is no entry of a pack") from None
    return max(before, after)


def _number(data: bytes, at: int, bits: int = 7) -> tuple[int, int]:
    """Return a number that has seven bits in each byte, or `bits` in the first, the lowest first; and where it ends."""
    number, shift = data[at] & (1 << bits) - 1, bits
    while data[at] & 0x80:
        at += 1
        number |= (data[at] & 0x7F) << shift
        shift += 7
    return number, at + 1
