"""Files that are asked for by their names, on `/file-exchange/1`, as gnostr does: a text in, an array of integers back.

Neither has a length before it: who asks closes its side, and the answer ends with the stream. What is not there is
answered with nothing, and so is what would be more than the other side reads (MAX_NAMED_ANSWER), as the original does.
Nothing here is verified; py-peers have a better way (`docs/file-exchange.md`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, final

import trio
from libp2p.custom_types import TProtocol

from py_peer.core import limits
from py_peer.core.cbor import (
    BytesReader,
    CborError,
    LongError,
    TextReader,
    array_head,
    encode_text,
    numbers,
    numbers_size,
)
from py_peer.net.served import BLOCK, FileStreams
from py_peer.net.streams import (
    EndedError,
    GarbageError,
    SilentError,
    StreamFaultError,
    close,
    close_write,
    open_stream,
    read_some,
    reset,
    widen,
    write,
)

if TYPE_CHECKING:
    from libp2p.abc import IHost, INetStream
    from libp2p.peer.id import ID

    from py_peer.net.counters import Counters
    from py_peer.net.served import Pace, ServedFile, Turns

NAMED_FILE: Final = TProtocol("/file-exchange/1")

_TURNED: Final = 65_536
"""Bytes that are turned into numbers, or back, at a time: 3 ms, in which nothing else runs."""


class NotThereError(StreamFaultError):
    """The peer has no file of that name, or none that it can send."""


class TooLargeError(StreamFaultError):
    """The file is larger than was allowed."""


# --- Asking ---------------------------------------------------------------------------------------


async def open_named(host: IHost, peer_id: ID, name: str, most: int = limits.MAX_NAMED_ANSWER) -> NamedFetch:
    """Ask a connected peer for the file of a name, `most` bytes at most; return when it has said how large it is.

    The deadline, NAMED_FETCH_SECONDS for the whole of it, begins now. Raises NotSupportedError, NotThereError,
    SilentError, EndedError, TooLargeError, and GarbageError for what is no CBOR or says something else.
    """
    deadline = trio.current_time() + limits.NAMED_FETCH_SECONDS
    stream = await open_stream(host, peer_id, NAMED_FILE, limits.FILE_SILENCE)
    try:
        await write(stream, encode_text(name), limits.FILE_SILENCE)
        await close_write(stream)
        await widen(stream)
        fetch = NamedFetch(stream, deadline)
        await fetch.begin(most)
    except BaseException:
        await reset(stream)
        raise
    return fetch


@final
class NamedFetch:
    """A file on its way, which nobody has verified."""

    def __init__(self, stream: INetStream, deadline: float) -> None:
        """Use a stream on which the answer is to come until `deadline`, by trio's clock."""
        self._stream = stream
        self._deadline = deadline
        self._reader = BytesReader(limits.MAX_NAMED_ANSWER)
        self._ahead = b""
        self._has_answered = False

    @property
    def size(self) -> int:
        """Bytes of the file, as announced."""
        return self._reader.size or 0

    async def begin(self, most: int) -> None:
        """Wait until the size is there, `most` at most. Raises what `open_named` raises."""
        while self._reader.size is None:
            self._ahead = await self._more()
        if self.size > most:
            raise TooLargeError(f"it has {self.size:,} bytes, and {most:,} are allowed")

    async def read(self, most: int) -> bytes:
        """Return the next bytes, `most` at most; b"" when the file is whole.

        Raises SilentError when nothing comes for FILE_SILENCE, or not all of it until the deadline, EndedError when the
        stream ends too early, and GarbageError.
        """
        while not self._ahead and self._reader.left:
            self._ahead = await self._more()
        data, self._ahead = self._ahead[:most], self._ahead[most:]
        return data

    async def aclose(self) -> None:
        """End the stream, whatever is still to come. Raises nothing."""
        await (reset if self._ahead or self._reader.left else close)(self._stream)

    async def _more(self) -> bytes:
        with trio.move_on_at(self._deadline):
            data = await read_some(self._stream, _TURNED, limits.FILE_SILENCE)
            if not data and not self._has_answered:
                raise NotThereError("it has no file of that name, or none that it can send")
            self._has_answered = True
            if not data:
                raise EndedError(f"the stream ended {self._reader.left:,} bytes too early")
            try:
                return self._reader.feed(data)
            except LongError as error:
                raise TooLargeError(str(error)) from error
            except CborError as error:
                raise GarbageError(str(error)) from error
        raise SilentError(f"not all of it came within {limits.NAMED_FETCH_SECONDS:.0f} seconds")


# --- Answering ------------------------------------------------------------------------------------


class NameShelf(Protocol):
    """What is served by name, and who is told of it. No method may block or raise."""

    counters: Counters
    turns: Turns
    pace: Pace

    def by_name(self, name: str) -> ServedFile | None:
        """Return the file that is provided under exactly that name, which a stranger has sent; it is never a path."""

    def served(self, peer_id: ID, file: ServedFile, sent: int, reason: str) -> None:
        """Take note that a peer has been sent all of a file, or only `sent` bytes, for that `reason`."""

    def faulty(self, file: ServedFile) -> None:
        """Take note that a file has a fault; may be told again."""


@final
class NameServer:
    """Serves what is provided by name, to anybody who asks. It holds no more of a file than is being sent."""

    def __init__(self, shelf: NameShelf) -> None:
        self._shelf = shelf
        self._streams = FileStreams("files: by name, ")

    async def handle(self, stream: INetStream) -> None:
        """Answer one stream. Raises GarbageError, for `guarded`."""
        await self._streams.serve(stream, self._shelf.counters, self._answer)

    async def _answer(self, stream: INetStream, peer_id: ID) -> None:
        name = await self._asked_for(stream)
        await self._shelf.pace.wait(peer_id)
        file = None if name is None else self._shelf.by_name(name)
        if file is None:
            self._refuse("unknown")
        elif not await file.is_fit():
            self._shelf.faulty(file)
            self._refuse("changed")
        else:
            async with self._shelf.turns.turn(peer_id):
                if await _fits(file):
                    await self._send(stream, file, peer_id)
                else:
                    self._refuse("too large")

    def _refuse(self, reason: str) -> None:
        """Count what is answered with the end of the stream."""
        self._shelf.counters[f"files: by name, not given, {reason}"] += 1

    async def _asked_for(self, stream: INetStream) -> str | None:
        """Return the name that is asked for; None where it is longer than a name may be."""
        reader = TextReader(limits.MAX_PROVIDED_NAME_BYTES)
        with trio.move_on_after(limits.FILE_SILENCE):
            while True:
                data = await read_some(stream, limits.MAX_PROVIDED_NAME_BYTES, limits.FILE_SILENCE)
                if not data:
                    raise EndedError("the stream ended without a request")
                try:
                    if (name := reader.feed(data)) is not None:
                        return name
                except LongError:
                    return None
                except CborError as error:
                    raise GarbageError(str(error)) from error
        raise SilentError("it did not say within time what it wants")

    async def _send(self, stream: INetStream, file: ServedFile, peer_id: ID) -> None:
        size, sent = file.record.size, 0
        block = memoryview(bytearray(min(_TURNED, size)))
        try:
            await write(stream, array_head(size), limits.FILE_SILENCE)
            while sent < size:
                part = block[: size - sent]
                await file.read([(sent, part)])
                if file.fault:
                    self._shelf.faulty(file)
                    raise EndedError(file.fault)
                await write(stream, numbers(part), limits.FILE_SILENCE)
                sent += len(part)
        except StreamFaultError as error:
            self._shelf.served(peer_id, file, sent, str(error))
            raise
        self._shelf.served(peer_id, file, sent, "")


async def _fits(file: ServedFile) -> bool:
    """Say whether the other side reads an answer of that length; each byte takes one, or two."""
    size, answer = file.record.size, len(array_head(file.record.size))
    if answer + size > limits.MAX_NAMED_ANSWER:
        return False
    if answer + 2 * size <= limits.MAX_NAMED_ANSWER:  # whatever is in it
        return True
    block = memoryview(bytearray(min(BLOCK, size)))
    for start in range(0, size, BLOCK):
        part = block[: size - start]
        await file.read([(start, part)])
        answer += numbers_size(part)
    return answer <= limits.MAX_NAMED_ANSWER
