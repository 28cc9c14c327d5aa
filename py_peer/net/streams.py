"""What our protocols want of a stream: opened in time, read with a limit, and never waited for without an end.

Whatever goes wrong on the way is a StreamFaultError, whose text is a sentence for the user.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, cast, final

import trio
from libp2p.utils import encode_varint_prefixed

from py_peer.core import limits
from py_peer.core.frames import MAX_VARINT_BYTES
from py_peer.net.muxed_stream import LimitedStream
from py_peer.net.quic_stream import QUICStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from libp2p.abc import IHost, INetStream
    from libp2p.custom_types import TProtocol
    from libp2p.network.stream.net_stream import NetStream
    from libp2p.peer.id import ID


_PART: Final = 65_519 - 12
"""Bytes written under one deadline: a slow line takes them in time, and one that takes nothing is noticed. With Yamux's
header they fill one Noise message; a few bytes more, and it is two."""

_AHEAD: Final = 16
"""Bytes that are read with those before them, where they are there already: reading costs the same for one and many."""


class StreamFaultError(Exception):
    """What was asked of a peer on a stream did not come; the text says why, as in "it …"."""


class NotSupportedError(StreamFaultError):
    """The peer does not speak the protocol. That it says so proves it alive."""


class TooManyStreamsError(Exception):
    """A peer has opened more streams of one protocol than it may."""

    def __init__(self) -> None:
        super().__init__("too many streams of one peer")


class SilentError(StreamFaultError):
    """Nothing has come, or nothing was taken, for too long."""


class EndedError(StreamFaultError):
    """The stream has ended, or could not be opened: by a reset, with its connection, or before it should."""


class GarbageError(StreamFaultError):
    """What came breaks the protocol; whoever sends it deserves a strike."""


@final
class OpenStreams:
    """How many streams of one protocol each peer has open to us."""

    def __init__(self) -> None:
        self._open: Counter[ID] = Counter()

    @contextmanager
    def one_of(self, peer_id: ID, most: int) -> Iterator[None]:
        """Count one for as long as the block runs. Raises TooManyStreamsError where the peer has `most` already."""
        if self._open[peer_id] >= most:
            raise TooManyStreamsError
        self._open[peer_id] += 1
        try:
            yield
        finally:
            self._open[peer_id] -= 1
            if not self._open[peer_id]:
                del self._open[peer_id]


async def open_stream(host: IHost, peer_id: ID, protocol: TProtocol, patience: float) -> INetStream:
    """Open a stream to a connected peer within `patience` seconds.

    Raises NotSupportedError, SilentError or EndedError.
    """
    with trio.move_on_after(patience):
        try:
            return await host.new_stream(peer_id, [protocol])
        except Exception as error:  # the library's layers raise what they like
            if is_not_supported(error):
                raise NotSupportedError(f"it does not speak {protocol}") from error
            raise EndedError("the stream could not be opened") from error
    raise SilentError(f"it did not answer within {patience:.0f} seconds")


def is_not_supported(error: BaseException) -> bool:
    """Say whether a stream was not opened because the other side does not speak the protocol."""
    return "not supported" in f"{error!r} {error.__cause__!r}"


async def read_some(stream: INetStream, most: int, patience: float) -> bytes:
    """Return what has come, up to `most` bytes (at least 1); b"" at the end of the stream.

    Raises SilentError when nothing comes for `patience` seconds, and EndedError. A reset is told from an end
    by our own Yamux alone, not by the library's: compare lengths.
    """
    with trio.move_on_after(patience):
        try:
            return await stream.read(most)
        except EOFError:
            return b""
        except Exception as error:
            raise EndedError("the stream was reset, or its connection has ended") from error
    raise SilentError(f"nothing came for {patience:.0f} seconds")


@final
class StreamReader:
    """Reads a stream that nobody else reads. It asks for a few bytes more than are wanted: they are the next length.

    `patience`, in seconds, is how long nothing may come. Every method raises SilentError then, and EndedError when the
    stream ends where more must come.
    """

    def __init__(self, stream: INetStream, ahead: int = _AHEAD) -> None:
        """With `ahead` 0 nothing more is taken off the stream than is asked for."""
        self._stream = stream
        self._more = ahead
        self._ahead = b""

    async def some(self, most: int, patience: float) -> bytes:
        """Return what has come, up to `most` bytes (at least 1); b"" at the end of the stream."""
        data = self._ahead or await read_some(self._stream, most + self._more, patience)
        self._ahead = data[most:]
        return data[:most]

    async def exactly(self, length: int, patience: float) -> bytes:
        """Return the next `length` bytes, for which the caller has a limit."""
        parts: list[bytes] = []
        while length:
            more = await self.some(length, patience)
            if not more:
                raise EndedError(f"the stream ended {length:,} bytes too early")
            parts.append(more)
            length -= len(more)
        return b"".join(parts)

    async def length(self, most: int, patience: float) -> int | None:
        """Return the unsigned varint that comes next; None where the stream ends instead of it.

        Raises GarbageError when it is larger than `most` or none at all.
        """
        length = 0
        for index in range(MAX_VARINT_BYTES):
            byte = await self.some(1, patience)
            if not byte and not index:
                return None
            if not byte:
                raise EndedError("the stream ended within a length")
            length |= (byte[0] & 0x7F) << 7 * index
            if byte[0] < 0x80:
                if length > most:
                    raise GarbageError(f"it announced {length:,} bytes, where {most:,} are the limit")
                return length
        raise GarbageError(f"a length of more than {MAX_VARINT_BYTES} bytes")

    async def frame(self, most: int, patience: float) -> bytes | None:
        """Return `uvarint length ‖ bytes` without its length, at most `most` bytes; None at the end of the stream.

        `patience` is for the whole of it, not for each part: it is small. Raises GarbageError.
        """
        with trio.move_on_after(patience):
            length = await self.length(most, patience)
            return None if length is None else await self.exactly(length, patience)
        raise SilentError(f"nothing whole came within {patience:.0f} seconds")


async def read_exactly(stream: INetStream, length: int, patience: float) -> bytes:
    """Return the next `length` bytes of a stream, as `StreamReader.exactly` does, and take no more off it."""
    return await StreamReader(stream, 0).exactly(length, patience)


async def read_length(stream: INetStream, most: int, patience: float) -> int | None:
    """Return the next length of a stream, as `StreamReader.length` does, and take no more off it."""
    return await StreamReader(stream, 0).length(most, patience)


async def read_frame(stream: INetStream, most: int, patience: float) -> bytes | None:
    """Return the next frame of a stream, as `StreamReader.frame` does, and take no more off it."""
    return await StreamReader(stream, 0).frame(most, patience)


async def write(stream: INetStream, data: bytes | memoryview, patience: float) -> None:
    """Write `data`; `patience` seconds are for each 64 kB of it to be taken. Raises SilentError or EndedError."""
    for start in range(0, len(data), _PART):
        part = bytes(data[start : start + _PART])
        with trio.move_on_after(patience) as scope:
            try:
                await stream.write(part)
            except Exception as error:
                raise EndedError("the stream was reset, or its connection has ended") from error
        if scope.cancelled_caught:
            raise SilentError(f"it took nothing for {patience:.0f} seconds")


async def write_frame(stream: INetStream, data: bytes, patience: float) -> None:
    """Write `uvarint length ‖ data`, for which `patience` is as in `write`. Raises SilentError or EndedError."""
    await write(stream, encode_varint_prefixed(data), patience)


async def widen(stream: INetStream) -> None:
    """Let the other side send FILE_WINDOW bytes ahead of what we have read. Raises EndedError."""
    muxed_stream = cast("NetStream", stream).muxed_stream
    if not isinstance(muxed_stream, LimitedStream | QUICStream):  # the library's own widens itself
        return
    try:
        await muxed_stream.widen(limits.FILE_WINDOW)
    except Exception as error:
        raise EndedError("the stream was reset, or its connection has ended") from error


async def close(stream: INetStream) -> None:
    """Close our side of a stream: what was written comes, and then the end. Raises nothing."""
    with trio.CancelScope(shield=True), trio.move_on_after(limits.CLOSE_TIMEOUT), suppress(Exception):
        await stream.close()


async def close_write(stream: INetStream) -> None:
    """Close our side of a stream from which there is still to be read. Raises nothing."""
    with trio.CancelScope(shield=True), trio.move_on_after(limits.CLOSE_TIMEOUT), suppress(Exception):
        await cast("NetStream", stream).close_write()


async def reset(stream: INetStream) -> None:
    """End both sides of a stream, whatever is still to come. Raises nothing."""
    with trio.CancelScope(shield=True), trio.move_on_after(limits.CLOSE_TIMEOUT), suppress(Exception):
        await stream.reset()
