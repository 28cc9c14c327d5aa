"""Frames with their length before them: an unsigned varint, then so many bytes. Bytes in, frames out; no stream.

Spec: https://github.com/multiformats/unsigned-varint
"""

from __future__ import annotations

from typing import Final, final

MAX_VARINT_BYTES: Final = 9
"""The longest varint that the specification allows."""


class FrameError(ValueError):
    """What came is no frame, or one beyond the limit; nothing after it can be read."""


@final
class FrameBuffer:
    """Collects bytes and gives frames of at most `limit` bytes.

    It holds one frame and what was fed after it, no more: a length beyond the limit is refused when it is read.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = bytearray()

    def __len__(self) -> int:
        """Return how many bytes wait for the rest of their frame, or for `take`."""
        return len(self._bytes)

    def feed(self, data: bytes) -> None:
        """Add bytes as they came."""
        self._bytes += data

    def take(self) -> bytes | None:
        """Return the next frame, or None while it is not whole. Raises FrameError."""
        length = 0
        for index, byte in enumerate(self._bytes[:MAX_VARINT_BYTES]):
            length |= (byte & 0x7F) << 7 * index
            if byte < 0x80:
                return self._take(index + 1, length)
        if len(self._bytes) >= MAX_VARINT_BYTES:
            raise FrameError(f"a length of more than {MAX_VARINT_BYTES} bytes")
        return None

    def _take(self, start: int, length: int) -> bytes | None:
        if length > self._limit:
            raise FrameError(f"a frame of {length:,} bytes, where {self._limit:,} are the limit")
        end = start + length
        if len(self._bytes) < end:
            return None
        frame = bytes(self._bytes[start:end])
        del self._bytes[:end]
        return frame
