"""Files as peers in other languages fetch them: the ID one way, a length and so many bytes the other way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from libp2p.custom_types import TProtocol

from py_peer.core import limits
from py_peer.net.streams import (
    EndedError,
    StreamFaultError,
    close,
    open_stream,
    read_length,
    read_some,
    reset,
    write_frame,
)

if TYPE_CHECKING:
    from libp2p.abc import IHost, INetStream
    from libp2p.peer.id import ID

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
        return Fetch(stream, await _ask(stream, file_id, most))
    except BaseException:
        await reset(stream)
        raise


async def _ask(stream: INetStream, file_id: str, most: int) -> int:
    await write_frame(stream, file_id.encode(), limits.FILE_SILENCE)
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
