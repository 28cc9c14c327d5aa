"""Standard input as lines, read in a thread: nothing blocks, nothing is read that cannot be kept.

`LineSplitter` turns bytes into lines and keeps at most one line's limit of them; `StdinReader` reads ahead by a bounded
number of bytes, so that the end of a short input is known before its lines have been sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READ_AHEAD: Final = 1024 * 1024
CHUNK: Final = 64 * 1024
UTF8_BOM: Final = b"\xef\xbb\xbf"


@final
@dataclass(frozen=True, slots=True)
class InputLine:
    """A line of input, without its end. `number` counts from 1."""

    number: int
    raw: bytes

    @property
    def text(self) -> str:
        """The line as text, with U+FFFD for what is not UTF-8."""
        return self.raw.decode(errors="replace")


@final
@dataclass(frozen=True, slots=True)
class LineTooLong:
    """A line that was not kept. `size` is its length in bytes, without its end."""

    number: int
    size: int


@final
class LineSplitter:
    """Bytes in, lines out; of a line longer than `limit` bytes only its length is kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line = bytearray()
        self._size = 0
        self._number = 0

    def feed(self, data: bytes) -> Iterator[InputLine | LineTooLong]:
        """Take more input; yield the lines that it completes."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._keep(data[start:end])
            yield self._take()
            start = end + 1
        self._keep(data[start:])

    def finish(self) -> Iterator[InputLine | LineTooLong]:
        """Take the end of the input; yield the last line if it had no end."""
        if self._size:
            yield self._take()

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= self._limit + 1:  # one more for the return of a line that ends in \r\n
            self._line += part

    def _take(self) -> InputLine | LineTooLong:
        self._number += 1
        line, size = bytes(self._line), self._size
        self._line.clear()
        self._size = 0
        if size == len(line):
            line = line.removesuffix(b"\r")
            if len(line) <= self._limit:
                # The mark that some editors put at the start of a file is no part of the first message.
                line = line.removeprefix(UTF8_BOM) if self._number == 1 else line
                return InputLine(self._number, line)
        return LineTooLong(self._number, size)


class RawInput(Protocol):
    """What is read from: a raw binary stream."""

    def read(self, size: int, /) -> bytes | None:
        """Return what is there, b"" at the end, None if nothing is there yet and the stream does not block."""

    def fileno(self) -> int:
        """Return the file descriptor."""

    def isatty(self) -> bool:
        """Return whether it is a terminal."""


def standard_input() -> RawInput | None:
    """Return standard input without its buffer, or None if there is none."""
    if sys.stdin is None or sys.stdin.closed:
        return None
    raw: RawInput = sys.stdin.buffer.raw  # type: ignore[attr-defined, union-attr, unused-ignore]
    return raw


@final
class StdinReader:
    """Reads a raw stream in a thread of its own. Belongs to the asyncio loop in which it is made."""

    def __init__(self, raw: RawInput | None, on_end: Callable[[], None], read_ahead: int = READ_AHEAD) -> None:
        """Read `raw` (None: an input that has ended); `on_end` is called in the loop when the end has been seen."""
        self._raw = raw
        self._on_end = on_end
        self._read_ahead = read_ahead
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._room = threading.Condition()
        self._arrived = asyncio.Event()
        self.ended = False
        """Whether the end of the input has been seen, though not all that came before it may have been taken."""

    def start(self) -> None:
        """Begin to read."""
        # A daemon: a thread that waits for input cannot be told to stop.
        threading.Thread(target=self._read, name="py-peer stdin", daemon=True).start()

    async def take(self) -> bytes:
        """Wait for input and return some of it; b"" at its end."""
        while True:
            await self._arrived.wait()
            with self._room:
                data = bytes(self._buffer[:CHUNK])
                del self._buffer[:CHUNK]
                if data or self.ended:
                    self._room.notify()
                    return data
                self._arrived.clear()  # told late, of something that has been taken already

    def rest(self) -> bytes:
        """Return what was read and not taken, without waiting."""
        with self._room:
            data = bytes(self._buffer)
            self._buffer.clear()
            return data

    def _read(self) -> None:
        while True:
            data = self._read_some()
            with self._room:
                self._buffer += data
                self.ended = not data
                try:
                    self._loop.call_soon_threadsafe(self._tell)
                except RuntimeError:  # the loop is closed: the program is over
                    return
                if not data:
                    return
                self._room.wait_for(lambda: len(self._buffer) < self._read_ahead)

    def _tell(self) -> None:
        self._arrived.set()
        if self.ended:
            self._on_end()

    def _read_some(self) -> bytes:
        if self._raw is None:
            return b""
        with contextlib.suppress(OSError, ValueError):  # a terminal that is gone; a stream that was closed
            while (data := self._raw.read(CHUNK)) is None:
                select.select([self._raw.fileno()], [], [])
            return data
        return b""
