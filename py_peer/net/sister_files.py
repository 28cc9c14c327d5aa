"""Files as peers in other languages fetch them: the ID one way, a length and so many bytes the other way."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast, final

from libp2p.custom_types import TProtocol
from libp2p.utils import encode_uvarint

from py_peer.core import limits
from py_peer.net.served import BLOCK, BusyError, ending
from py_peer.net.streams import (
    EndedError,
    GarbageError,
    SilentError,
    StreamFaultError,
    close,
    open_stream,
    read_frame,
    read_length,
    read_some,
    reset,
    widen,
    write,
    write_frame,
)

if TYPE_CHECKING:
    from libp2p.abc import IHost, INetStream
    from libp2p.network.stream.net_stream import NetStream
    from libp2p.peer.id import ID

    from py_peer.net.served import ServedFile, Shelf

SISTER_FILE: Final = TProtocol("/universal-connectivity-file/1")


class TooLargeError(StreamFaultError):
    """The file is larger than was allowed."""


async def open_fetch(host: IHost, peer_id: ID, file_id: str, most: int = limits.MAX_FILE_BYTES) -> Fetch:
    """Ask a connected peer for a file of at most `most` bytes, and return when it has said how large it is.

    A peer that does not know the ID says 0, as for an empty file. Raises NotSupportedError, SilentError, EndedError,
    TooLargeError, and GarbageError for a length that is none.
    """
    stream = await open_stream(host, peer_id, SISTER_FILE, limits.FILE_SILENCE)
    try:
        size = await _ask(stream, file_id, most)
        await widen(stream)
        return Fetch(stream, size)
    except BaseException:
        await reset(stream)
        raise


async def _ask(stream: INetStream, file_id: str, most: int) -> int:
    await write_frame(stream, file_id.encode(), limits.FILE_SILENCE)
    with suppress(Exception):  # a stream that is gone has no answer either
        await cast("NetStream", stream).close_write()  # JavaScript's peers end their answer only then
    size = await read_length(stream, 2**63 - 1, limits.FILE_SILENCE)
    if size is None:
        raise EndedError("it ended the stream without an answer")
    if size > most:
        raise TooLargeError(f"it has {size:,} bytes, and {most:,} are allowed")
    return size


@final
class Fetch:
    """A file on its way."""

    def __init__(self, stream: INetStream, size: int) -> None:
        """Use a stream on which `size` bytes are still to come."""
        self.size = size
        self._stream = stream
        self._left = size

    async def read(self, most: int) -> bytes:
        """Return the next bytes, `most` at most; b"" when the file is whole. What comes behind it is not read.

        Raises SilentError when nothing comes for FILE_SILENCE, and EndedError when the stream ends too early.
        """
        if not self._left:
            return b""
        data = await read_some(self._stream, min(most, self._left), limits.FILE_SILENCE)
        if not data:
            raise EndedError(f"the stream ended {self._left:,} bytes too early")
        self._left -= len(data)
        return data

    async def aclose(self) -> None:
        """End the stream, whatever is still to come. Raises nothing."""
        if self._left:
            await reset(self._stream)
            return
        try:
            over = await read_some(self._stream, 1, limits.CLOSE_TIMEOUT)
        except StreamFaultError:
            over = b"?"
        await (reset if over else close)(self._stream)


@final
class SisterServer:
    """Serves what we offer ourselves.

    Go and Rust peers fetch every offer on sight, and a fetch that fails ends the Go peer. So there is always an answer,
    length 0 where there is no file, and a length that was announced is kept, whatever becomes of the file.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def handle(self, stream: INetStream) -> None:
        """Answer one stream. Raises nothing but for faults of ours."""
        try:
            await self._answer(stream, stream.muxed_conn.peer_id)
        except StreamFaultError as error:
            self._shelf.counters[f"files: {ending(error)}"] += 1
            await reset(stream)
        else:
            await close(stream)

    async def _answer(self, stream: INetStream, peer_id: ID) -> None:
        file = await self._asked_for(stream)
        await self._shelf.pace.wait(peer_id)
        if file is None:
            await self._refuse(stream, "unknown, or too large")
        elif not await file.is_fit():
            self._shelf.faulty(file)
            await self._refuse(stream, "changed")
        else:
            try:
                async with self._shelf.turns.turn(peer_id):
                    await self._send(stream, file, peer_id)
            except BusyError:
                await self._refuse(stream, "too many at once")

    async def _asked_for(self, stream: INetStream) -> ServedFile | None:
        """Return the file that is asked for, if it is one that we serve to anybody."""
        try:
            asked = await read_frame(stream, limits.MAX_FILE_ID_BYTES, limits.FILE_SILENCE)
        except (SilentError, GarbageError):
            return None
        files = self._shelf.find((asked or b"").decode(errors="replace"))
        return next((one for one in files if one.offered and one.record.size <= limits.MAX_SISTER_FILE_BYTES), None)

    async def _refuse(self, stream: INetStream, reason: str) -> None:
        self._shelf.counters[f"files: answered with length 0, {reason}"] += 1
        await write(stream, b"\x00", limits.FILE_SILENCE)

    async def _send(self, stream: INetStream, file: ServedFile, peer_id: ID) -> None:
        size, sent = file.record.size, 0
        block = memoryview(bytearray(min(BLOCK, size)))
        try:
            await write(stream, encode_uvarint(size), limits.FILE_SILENCE)
            while sent < size:
                part = block[: size - sent]
                await file.read([(sent, part)])
                if file.fault:
                    self._shelf.faulty(file)
                await write(stream, part, limits.FILE_SILENCE)
                sent += len(part)
        except StreamFaultError as error:
            self._shelf.served(peer_id, file, sent, str(error))
            raise
        self._shelf.served(peer_id, file, sent, file.fault)
