"""The answering side of our own file protocol. See `docs/file-exchange.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

from libp2p.utils import encode_uvarint, encode_varint_prefixed

from py_peer.core import limits
from py_peer.net.file_messages import Records, Refusal, Request
from py_peer.net.served import BLOCK, CHANGED, BusyError, FileStreams
from py_peer.net.streams import (
    SilentError,
    StreamReader,
    write,
    write_frame,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from libp2p.abc import INetStream
    from libp2p.peer.id import ID

    from py_peer.net.served import ServedFile, Shelf


_MOST_LENGTH: Final = 4
"""Bytes of the length of a piece."""


class RefusalError(Exception):
    """What is asked for is not given; the text says why, for the one who asks."""


@final
class FileServer:
    """Answers requests, one after the other on each stream, at the pace of who takes the answers."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._streams = FileStreams("files: ")

    async def handle(self, stream: INetStream) -> None:
        """Answer the requests of one stream. Raises GarbageError and DecodeError, for `guarded`."""
        await self._streams.serve(stream, self._shelf.counters, self._answer_all)

    async def _answer_all(self, stream: INetStream, peer_id: ID) -> None:
        reader = StreamReader(stream)
        while (request := await self._next(reader, peer_id)) is not None:
            await self._answer(stream, peer_id, request)

    async def _next(self, reader: StreamReader, peer_id: ID) -> Any:
        """Return the next request, at the pace that is borne of one peer; None when there is no other."""
        try:
            frame = await reader.frame(limits.MAX_FILE_REQUEST, limits.FILE_IDLE_SECONDS)
        except SilentError:
            return None
        if frame is None:
            return None
        await self._shelf.pace.wait(peer_id)
        return Request.FromString(frame)

    # --- Answers ----------------------------------------------------------------------------------

    async def _answer(self, stream: INetStream, peer_id: ID, request: Any) -> None:
        try:
            await self._give(stream, peer_id, request)
        except BusyError:
            self._shelf.counters["files: refused, too many at once"] += 1
            await _refuse(stream, "too many others fetch files here at the moment")
        except RefusalError as refusal:
            self._shelf.counters["files: refused"] += 1
            await _refuse(stream, str(refusal))

    async def _give(self, stream: INetStream, peer_id: ID, request: Any) -> None:
        """Give what is asked for. Raises BusyError or RefusalError."""
        if request.HasField("describe"):
            files = self._shelf.find(request.describe)
            await self._describe(stream, files)
            for file in files:
                self._shelf.described(peer_id, file)
        elif request.HasField("list"):
            await self._describe(stream, self._shelf.offered())
        elif request.HasField("leaves"):
            file = await self._find(request.leaves, peer_id)
            async with self._shelf.turns.turn(peer_id):
                await write_frame(stream, file.leaves, limits.FILE_SILENCE)
        elif request.HasField("pieces"):
            await self._send(stream, peer_id, request.pieces)
        else:
            raise RefusalError("a request that is not known here")

    async def _describe(self, stream: INetStream, files: Iterable[ServedFile]) -> None:
        records = [file.record.envelope for file in files if not file.fault]
        await write_frame(stream, Records(records=records).SerializeToString(), limits.FILE_SILENCE)

    async def _find(self, root: bytes, peer_id: ID) -> ServedFile:
        """Return the file of a tree hash that has pieces. Raises RefusalError."""
        file = self._shelf.by_root(root)
        if file is None:
            raise RefusalError("the file is not shared here")
        if not file.record.pieces:
            raise RefusalError("the file is empty")
        if not await file.is_fit():
            self._give_up(peer_id, file)
        return file

    async def _send(self, stream: INetStream, peer_id: ID, asked: Any) -> None:
        """Send pieces, as many at a time as are read at a time. Raises RefusalError."""
        file = await self._find(asked.root, peer_id)
        if not 0 < asked.count <= limits.PIECES_ASKED:
            raise RefusalError(f"{asked.count} pieces, where 1 to {limits.PIECES_ASKED} may be asked for")
        end = asked.first + asked.count
        if end > file.record.pieces:
            raise RefusalError(f"piece {end - 1} of a file of {file.record.pieces}")
        together = min(asked.count, max(1, BLOCK // file.record.piece_size))
        block = bytearray(together * (file.record.piece_size + _MOST_LENGTH))
        async with self._shelf.turns.turn(peer_id):
            for first in range(asked.first, end, together):
                pieces = range(first, min(first + together, end))
                framed = await self._framed(file, pieces, block)
                if file.fault:
                    self._give_up(peer_id, file)
                try:
                    await write(stream, framed, limits.FILE_SILENCE)
                except SilentError as error:
                    self._shelf.served(peer_id, file, 0, str(error))
                    raise
                self._shelf.sent(peer_id, file, first, len(pieces))

    async def _framed(self, file: ServedFile, pieces: range, block: bytearray) -> memoryview:
        """Read pieces into `block`, each behind its length, and return what of it was filled."""
        framed = memoryview(block)
        places = []
        end = 0
        for number in pieces:
            length = file.record.piece_length(number)
            head = encode_uvarint(length)
            start = end + len(head)
            framed[end:start] = head
            end = start + length
            places.append((number * file.record.piece_size, framed[start:end]))
        await file.read(places)
        return framed[:end]

    def _give_up(self, peer_id: ID, file: ServedFile) -> None:
        self._shelf.faulty(file)
        self._shelf.served(peer_id, file, 0, file.fault)
        raise RefusalError(file.fault or CHANGED)


async def _refuse(stream: INetStream, reason: str) -> None:
    refusal = Refusal(reason=reason).SerializeToString()
    await write(stream, b"\x00" + encode_varint_prefixed(refusal), limits.FILE_SILENCE)
