"""Files of other py-peers: what they are, and their pieces, asked for on one stream. See `docs/file-exchange.md`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, final

import anyio.to_thread
import trio
from google.protobuf.message import DecodeError

from py_peer.core import limits, tree_hash
from py_peer.core.cleaning import clean_line
from py_peer.core.file_record import FileRecord, RecordError
from py_peer.net.file_messages import FILE_EXCHANGE, Pieces, Records, Refusal, Request, open_envelope
from py_peer.net.streams import (
    EndedError,
    GarbageError,
    SilentError,
    StreamFaultError,
    StreamReader,
    close,
    open_stream,
    reset,
    widen,
    write_frame,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from libp2p.abc import IHost, INetStream
    from libp2p.peer.id import ID

_MANY_LEAVES = 1_024
"""To hash more takes over a millisecond, and is done in a thread."""

MAX_RECORDS_ANSWER = limits.SHARED_FILES * (limits.MAX_FILE_RECORD + 3)


class RefusedError(StreamFaultError):
    """The peer will not, or cannot, give what was asked for; the text is its own reason, cleaned."""


class WrongHashError(StreamFaultError):
    """What came is not what the hash stands for."""


@asynccontextmanager
async def open_source(host: IHost, peer_id: ID) -> AsyncIterator[Source]:
    """Open a stream to a connected peer, for as long as the block runs.

    Raises NotSupportedError, SilentError or EndedError.
    """
    source = Source(await open_stream(host, peer_id, FILE_EXCHANGE, limits.FILE_SILENCE), peer_id)
    try:
        yield source
    finally:
        await source.aclose()


@final
class Source:
    """A peer from whom files are fetched. One task may use it at a time.

    What has been asked for is read in the order in which it was asked. Every method raises SilentError when nothing
    moves for FILE_SILENCE, or too little for long, EndedError when the stream ends, GarbageError for what breaks the
    protocol; after that, and after a cancellation, nothing more can be asked here.
    """

    def __init__(self, stream: INetStream, peer_id: ID) -> None:
        """Use a stream on which nothing has been said yet."""
        self.peer_id = peer_id
        self._stream = stream
        self._reader = StreamReader(stream)
        self._expected = 0
        self._is_wide = False

    async def describe(self, file_id: str, offerer: str = "") -> FileRecord | None:
        """Return the record of a file, signed by `offerer` (a peer ID) if one is named; None if there is none here."""
        records = await self._described(file_id)
        return next((record for record in records if not offerer or record.offerer == offerer), None)

    async def has(self, file: FileRecord) -> bool:
        """Say whether this peer serves that very file: by the same ID, whoever says so, or as its own offer."""
        same_id = await self._described(file.file_id)
        return any(one.root == file.root for one in same_id or await self.offers())

    async def offers(self) -> tuple[FileRecord, ...]:
        """Return the records of what this peer itself offers, at most SHARED_FILES."""
        records = await self._records(Request(list=True))
        return tuple(record for record in records if record.offerer == str(self.peer_id))

    async def leaves(self, record: FileRecord) -> bytes:
        """Return the hashes of all pieces of a file, one after the other. Raises WrongHashError, RefusedError."""
        leaves = b""
        if record.pieces:
            await self._ask(Request(leaves=record.root), 1)
            leaves = await self.piece(record.pieces * tree_hash.HASH_BYTES)
        if record.pieces > _MANY_LEAVES:
            root = await anyio.to_thread.run_sync(tree_hash.root, leaves)
        else:
            root = tree_hash.root(leaves)
        if root != record.root:
            raise WrongHashError("the hashes of the pieces do not belong to the file")
        return leaves

    async def ask(self, record: FileRecord, first: int, count: int) -> None:
        """Ask for `count` pieces (PIECES_ASKED at most) from number `first` on, and return at once."""
        if not self._is_wide:
            self._is_wide = True
            await widen(self._stream)
        await self._ask(Request(pieces=Pieces(root=record.root, first=first, count=count)), count)

    async def piece(self, length: int) -> bytes:
        """Return the next piece that was asked for, which has `length` bytes. Nobody has verified it yet.

        Raises RefusedError when it does not come: then none of that request does any more, but of the next one.
        """
        announced = await self._reader.length(length, limits.FILE_SILENCE)
        if announced is None:
            raise EndedError("the stream ended before all pieces had come")
        if announced == 0:
            raise RefusedError(await self._reason())
        if announced != length:
            raise GarbageError(f"it announced a piece of {announced:,} bytes in place of {length:,}")
        with trio.move_on_after(max(limits.FILE_SILENCE, length / limits.SLOWEST_SOURCE)):
            data = await self._reader.exactly(length, limits.FILE_SILENCE)
            self._expected -= 1
            return data
        raise SilentError(f"it sends less than {limits.SLOWEST_SOURCE:,} bytes a second")

    async def aclose(self) -> None:
        """End the stream. Raises nothing."""
        await (reset if self._expected else close)(self._stream)

    async def _ask(self, request: Request, answers: int) -> None:
        self._expected += answers
        await write_frame(self._stream, request.SerializeToString(), limits.FILE_SILENCE)

    async def _described(self, file_id: str) -> list[FileRecord]:
        records = await self._records(Request(describe=file_id))
        if any(record.file_id != file_id for record in records):
            raise GarbageError("it described another file than it was asked for")
        return records

    async def _records(self, request: Request) -> list[FileRecord]:
        await self._ask(request, 1)
        try:
            answer = Records.FromString(await self._frame(MAX_RECORDS_ANSWER))
            records = []
            for envelope in answer.records[: limits.SHARED_FILES]:
                records.append(open_envelope(envelope))
                await trio.lowlevel.checkpoint()  # all signatures of RSA keys together take 0.3 s
        except (DecodeError, RecordError) as error:
            raise GarbageError("what it says of a file cannot be read, or is not signed as it should be") from error
        self._expected -= 1
        return records

    async def _reason(self) -> str:
        try:
            refusal = Refusal.FromString(await self._frame(limits.MAX_REFUSAL))
        except DecodeError as error:
            raise GarbageError("a refusal that cannot be read") from error
        return clean_line(refusal.reason, limits.MAX_ERROR_CHARS) or "it gave no reason"

    async def _frame(self, most: int) -> bytes:
        frame = await self._reader.frame(most, limits.FILE_SILENCE)
        if frame is None:
            raise EndedError("the stream ended without an answer")
        return frame
