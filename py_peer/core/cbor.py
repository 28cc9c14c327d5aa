"""What `/file-exchange/1` needs of CBOR: a text, and bytes as an array of integers. Bytes in, bytes out; no stream.

Source: RFC 8949, https://www.rfc-editor.org/rfc/rfc8949. Rust writes a `Vec<u8>` as an array of integers, 0 to 23 in
one byte and 24 to 255 in two, and reads nothing else. A general decoder, as cbor2, has to have all of the largest
answer, and makes a list of ten million integers of it; here it is read as it comes, and only the latest is held.

What nobody writes who means a file is refused: a tag, a map, an array in an array, a length that is not said, and a
number in more bytes than it needs, which RFC 8949 advises against.
"""

from __future__ import annotations

import codecs
from enum import IntEnum
from typing import Final, final


class CborError(ValueError):
    """What came is not what is read here; the text says what it is, as in "it sent …"."""


class LongError(CborError):
    """It is longer than the limit."""


class Major(IntEnum):
    """What an item is: the upper three bits of its first byte."""

    INTEGER = 0
    NEGATIVE = 1
    BYTES = 2
    TEXT = 3
    ARRAY = 4
    MAP = 5


_WRITTEN: Final = {byte: chr(byte) if byte < 24 else f"\x18{chr(byte)}" for byte in range(256)}
"""Each byte as a number, for the codec that has one or more characters for each byte."""

_ONE_BYTE: Final = bytes(range(24))
_MARK: Final = b"\x18"
"""The number is in the next byte."""

_KINDS: Final = bytes(24) + b"\x01" + b"\x02" * 231
"""Of each byte, by which the numbers are held to their form: 0 a number, 1 a mark, 2 what comes behind a mark."""


def encode_text(text: str) -> bytes:
    """Return a text as an item."""
    data = text.encode()
    return _head(Major.TEXT, len(data)) + data


def array_head(count: int) -> bytes:
    """Return what an array of `count` items begins with."""
    return _head(Major.ARRAY, count)


def numbers(data: bytes | bytearray | memoryview) -> bytes:
    """Return each of the bytes as a number, at most twice as many bytes."""
    return codecs.charmap_decode(data, "strict", _WRITTEN)[0].encode("latin-1")


def numbers_size(data: bytes | bytearray | memoryview) -> int:
    """Return how many bytes `numbers` returns, in a small part of the time."""
    return len(data) + len(bytes(data).translate(None, _ONE_BYTE))


def _head(major: Major, value: int) -> bytes:
    if value < 24:
        return bytes([major << 5 | value])
    power = next(power for power in range(4) if value < 1 << 8 * (1 << power))
    return bytes([major << 5 | 24 + power]) + value.to_bytes(1 << power, "big")


def read_head(data: bytes | bytearray, at: int = 0) -> tuple[int, int, int] | None:
    """Return what an item at `at` is, the number that it begins with, and where it goes on.

    None while that is not whole. Raises CborError.
    """
    if at >= len(data):
        return None
    major, short = divmod(data[at], 32)
    if short < 24:
        return major, short, at + 1
    if short > 27:
        raise CborError("it sent something whose length is not said")
    end = at + 1 + (1 << (short - 24))
    return (major, int.from_bytes(data[at + 1 : end], "big"), end) if end <= len(data) else None


@final
class _Head:
    """The first bytes of an item: what it is, and how long."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> tuple[int, int, bytes] | None:
        """Return the kind, the length, and what comes behind it; None while it is not whole. Raises CborError."""
        self._bytes += data
        if (head := read_head(self._bytes)) is None:
            return None
        major, number, end = head
        return major, number, bytes(self._bytes[end:])


@final
class TextReader:
    """Reads one text of at most `most` bytes, and holds no more. The original takes bytes for a text, too."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._head: _Head | None = _Head()
        self._length = 0
        self._text = bytearray()

    def feed(self, data: bytes) -> str | None:
        """Take the next bytes; return the text when it is whole. What comes behind it is not looked at.

        Raises CborError, and LongError when it says that it is longer.
        """
        if self._head is not None:
            if (head := self._head.feed(data)) is None:
                return None
            major, self._length, data = head
            if major not in {Major.TEXT, Major.BYTES}:
                raise CborError("it sent something else than a text")
            if self._length > self._most:
                raise LongError(f"it sent a text of {self._length:,} bytes, where {self._most:,} are the limit")
            self._head = None
        self._text += data[: self._length - len(self._text)]
        if len(self._text) < self._length:
            return None
        try:
            return self._text.decode()
        except UnicodeDecodeError as error:
            raise CborError("it sent a text that is no UTF-8") from error


@final
class BytesReader:
    """Reads bytes that come as an array of integers, or as a byte string, in an item of at most `most` bytes."""

    def __init__(self, most: int) -> None:
        self.size: int | None = None
        """How many there are; None until the other side has said it."""

        self.left = 0
        """How many are still to come."""

        self._most = self._room = most
        self._head = _Head()
        self._in_numbers = False
        self._mark = b""  # one whose number has not come

    def feed(self, data: bytes) -> bytes:
        """Take what has come, and return the bytes in it.

        Raises CborError, and LongError as soon as it is sure that the item is too long.
        """
        self._room -= len(data)
        if self.size is None:
            if (head := self._head.feed(data)) is None:
                return b""
            major, self.size, data = head
            if major not in {Major.BYTES, Major.ARRAY}:
                raise CborError("it sent something else than bytes")
            self.left = self.size
            self._in_numbers = major == Major.ARRAY
        found = self._numbers(data) if self._in_numbers else data
        self.left -= len(found)
        if self.left < 0 or (self._mark and not self.left):
            raise CborError("it sent more than it had announced")
        if self.left > self._room:
            raise LongError(f"{self._most:,} bytes are the limit, and {self.size:,} of a file do not fit into them")
        return found

    def _numbers(self, data: bytes) -> bytes:
        """Return the numbers, at the speed of the C beneath. Two marks one behind the other are the number 24."""
        data = self._mark + data
        marks = len(data) - len(data.rstrip(_MARK))
        self._mark = _MARK * (marks % 2)
        data = data[: len(data) - marks % 2]
        kinds = data.translate(_KINDS).replace(b"\x01\x01", b"\x00")
        if not kinds.count(b"\x01") == kinds.count(b"\x01\x02") == kinds.count(b"\x02"):
            raise CborError("it sent something else than the numbers 0 to 255")
        return _MARK.join(part.replace(_MARK, b"") for part in data.split(_MARK * 2))
