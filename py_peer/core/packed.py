"""How large an object of Git is, from the first bytes of it in a pack (gitformat-pack), before it is unpacked.

A pack may hold films. Its reader gives nothing but whole objects, so whoever wants the small ones looks here first.
"""

from __future__ import annotations

import zlib
from typing import Final, final

from py_peer.core.frozen import frozen

HEAD_BYTES: Final = 1_024
"""More than the head of an entry, the ID of what it is a difference to, and the packed sizes have together: before the
first byte zlib writes down its codes, which may take 600 (RFC 1951, 3.2.7)."""

_BY_OFFSET: Final = 6
_BY_ID: Final = 7
_SIZES: Final = 20
"""Bytes that two numbers take at most."""


@final
@frozen
class Entry:
    """What the head of an entry tells, in bytes."""

    size: int
    """Of the object."""

    delta: int = 0
    """Of what is kept instead of it: how it differs from another one."""

    base: int | bytes | None = None
    """That other one: how far before this one it begins, or its ID; None: the object is kept whole."""


def read_entry(head: bytes, id_bytes: int) -> Entry:
    """Return what is told by `head`, with which an entry in a pack begins; IDs have `id_bytes`.

    Raises ValueError for what is none.
    """
    base: int | bytes
    try:
        kind = head[0] >> 4 & 7
        size, at = _number(head, 0, 4)
        if kind == _BY_OFFSET:
            base, at = _offset(head, at)
        elif kind == _BY_ID:
            base, at = head[at : at + id_bytes], at + id_bytes
        else:
            return Entry(size)
        sizes = zlib.decompressobj().decompress(head[at:], _SIZES)
        _, at = _number(sizes, 0)  # of the other one, whose own entry tells it
        return Entry(_number(sizes, at)[0], size, base)
    except (IndexError, zlib.error):
        raise ValueError("this is no entry of a pack") from None


def _number(data: bytes, at: int, bits: int = 7) -> tuple[int, int]:
    """Return a number that has seven bits in each byte, or `bits` in the first, the lowest first; and where it ends."""
    number, shift = data[at] & (1 << bits) - 1, bits
    while data[at] & 0x80:
        at += 1
        number |= (data[at] & 0x7F) << shift
        shift += 7
    return number, at + 1


def _offset(data: bytes, at: int) -> tuple[int, int]:
    """Return a number that has the highest bits first, each byte but the last one more; and where it ends."""
    number = data[at] & 0x7F
    while data[at] & 0x80:
        at += 1
        number = (number + 1 << 7) + (data[at] & 0x7F)
    return number, at + 1
