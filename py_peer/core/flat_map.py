"""A map of CBOR with nothing in it that could surprise: texts as keys; integers, bytes and texts as values.

That is all that an IPNS record has. Tags, nesting, and lengths that are not said are refused before a general decoder
sees them. Source: RFC 8949, https://www.rfc-editor.org/rfc/rfc8949#section-3.
"""

from __future__ import annotations

from typing import Final, TypeAlias

Value: TypeAlias = int | bytes | str

_MOST: Final = 32
"""Entries of a map; an IPNS record has five."""

_INTEGER, _NEGATIVE, _BYTES, _TEXT, _MAP = 0, 1, 2, 3, 5


class FlatMapError(ValueError):
    """Bytes that are no such map."""


def read_flat_map(data: bytes) -> dict[str, Value]:
    """Return what a map holds. Raises FlatMapError."""
    major, count, at = _head(data, 0)
    if major != _MAP or count > _MOST:
        raise FlatMapError("no small map")
    entries: dict[str, Value] = {}
    for _ in range(count):
        key, at = _item(data, at)
        value, at = _item(data, at)
        if not isinstance(key, str) or key in entries:
            raise FlatMapError("a key that is none")
        entries[key] = value
    if at != len(data):
        raise FlatMapError("more than a map")
    return entries


def _item(data: bytes, at: int) -> tuple[Value, int]:
    major, number, at = _head(data, at)
    if major == _INTEGER:
        return number, at
    if major == _NEGATIVE:
        return -1 - number, at
    if major not in (_BYTES, _TEXT) or number > len(data) - at:
        raise FlatMapError("neither an integer nor bytes nor a text")
    part, at = data[at : at + number], at + number
    if major == _BYTES:
        return part, at
    try:
        return part.decode(), at
    except UnicodeDecodeError as error:
        raise FlatMapError("no text") from error


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Return what an item is, the number that it begins with, and where it goes on."""
    if at >= len(data):
        raise FlatMapError("an end in the middle")
    major, low = data[at] >> 5, data[at] & 31
    if low < 24:
        return major, low, at + 1
    if low > 27:
        raise FlatMapError("a length that is not said")
    size = 1 << (low - 24)
    number = data[at + 1 : at + 1 + size]
    if len(number) < size:
        raise FlatMapError("an end in the middle")
    return major, int.from_bytes(number, "big"), at + 1 + size
