"""A map of CBOR with nothing in it that could surprise: texts as keys; integers, bytes and texts as values.

That is all that an IPNS record has. Tags, nesting, and lengths that are not said are refused before a general decoder
sees them. Source: RFC 8949, https://www.rfc-editor.org/rfc/rfc8949#section-3.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from py_peer.core.cbor import CborError, Major, read_head

Value: TypeAlias = int | bytes | str

_MOST: Final = 32
"""Entries of a map; an IPNS record has five."""


def read_flat_map(data: bytes) -> dict[str, Value]:
    """Return what a map holds. Raises CborError."""
    major, count, at = _head(data, 0)
    if major != Major.MAP or count > _MOST:
        raise CborError("no small map")
    entries: dict[str, Value] = {}
    for _ in range(count):
        key, at = _item(data, at)
        value, at = _item(data, at)
        if not isinstance(key, str) or key in entries:
            raise CborError("a key that is none")
        entries[key] = value
    if at != len(data):
        raise CborError("more than a map")
    return entries


def _item(data: bytes, at: int) -> tuple[Value, int]:
    major, number, at = _head(data, at)
    if major == Major.INTEGER:
        return number, at
    if major == Major.NEGATIVE:
        return -1 - number, at
    if major not in (Major.BYTES, Major.TEXT) or number > len(data) - at:
        raise CborError("neither an integer nor bytes nor a text")
    part, at = data[at : at + number], at + number
    if major == Major.BYTES:
        return part, at
    try:
        return part.decode(), at
    except UnicodeDecodeError as error:
        raise CborError("no text") from error


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    if (head := read_head(data, at)) is None:
        raise CborError("an end in the middle")
    return head
