"""One file is fetched: from py-peers piece by piece, verified; from peers in other languages as they send it."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, final

import trio
from libp2p.peer.id import ID

from py_peer.core import tree_hash
from py_peer.core.file_names import safe_name
from py_peer.net.dial import DialError
from py_peer.net.part_files import FolderError, PartError, PartFile, goal_of
from py_peer.net.sister_files import open_fetch
from py_peer.net.streams import NotSupportedError, StreamFaultError
from py_peer.service.jobs import Fetched, FetchError
from py_peer.service.piece_fetch import PieceFetch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from py_peer.core.file_record import FileRecord
    from py_peer.service.jobs import Job
    from py_peer.service.sources import Sources

ASKED_AT_ONCE: Final = 8
"""Peers that are asked at the same time whether they have a file."""

WRITTEN: Final = 256 * 1024
"""Bytes that are written to the disk at a time."""

_TAG: Final = 12


class Stream(Protocol):
    """A file that a peer sends in one go."""

    @property
    def size(self) -> int:
        """Its bytes, as announced."""

    async def read(self, most: int) -> bytes:
        """Return the next bytes, `most` at most; b"" when the file is whole. Raises StreamFaultError."""

    async def aclose(self) -> None:
        """End the stream, whatever is still to come. Raises nothing."""


@final
class Fetcher:
    """Fetches files."""

    def __init__(self, sources: Sources, downloads: Path | None, tell: Callable[[str], None]) -> None:
        """Fetch into `downloads` what no other place is named for; `tell` is given sentences for the user."""
        self._sources = sources
        self._downloads = downloads
        self._tell = tell

    async def fetch(self, job: Job) -> Fetched:
        """Fetch a file. Raises FetchError; what has come of it stays where `job.keeps`."""
        try:
            record = await self._find(job)
            job.name = record.name if record is not None else safe_name(job.file_id)
            if record is None:
                return await self._fetch_unverified(job)
            return await self.fetch_pieces(job, record)
        except PartError as error:
            raise in_words(error) from error

    async def goal(self, job: Job) -> Path:
        """Return where a file goes whose name is known. Raises PartError."""
        return await trio.to_thread.run_sync(goal_of, job.path, self._downloads, job.name)

    async def _find(self, job: Job) -> FileRecord | None:
        """Say what the file is; None where its offerer is here and does not speak our protocol. Raises FetchError."""
        offer = job.offer
        try:
            offerer = await self._reach(job)
            await self._sources.know(offerer)
            if not self._sources.speaks(offerer):
                return None
            record = await self._sources.describe(offerer, offer.file_id, offer.peer_id)
            reason = "it is not offered any more"
        except (DialError, StreamFaultError) as error:
            record, reason = None, str(error)
        if record is None and (record := await self._ask_others(job)) is None:
            name = self._sources.name(offer.peer_id)
            raise FetchError(f"{name} offered it, but {reason}; and nobody else who is here has it")
        if record.size > job.most:
            raise FetchError(f"it has {record.size:,} bytes, and {job.most:,} are allowed")
        return record

    async def _reach(self, job: Job) -> ID:
        """Return the offerer, connected; what nobody has asked for is no reason to dial. Raises DialError."""
        offerer = ID.from_string(job.offer.peer_id)
        if job.is_auto and not self._sources.is_here(offerer):
            raise DialError("it is not connected")
        return await self._sources.reach(job.offer.peer_id)

    async def _ask_others(self, job: Job) -> FileRecord | None:
        """Return what a file is, from the first of the others who knows it; None if nobody does."""
        found: list[FileRecord] = []
        limiter = trio.CapacityLimiter(ASKED_AT_ONCE)
        async with trio.open_nursery() as nursery:

            async def ask(peer_id: ID) -> None:
                async with limiter:
                    try:
                        record = await self._sources.describe(peer_id, job.file_id, job.offer.peer_id)
                    except StreamFaultError:
                        return
                if record is not None:
                    found.append(record)
                    nursery.cancel_scope.cancel()

            for peer_id in self._sources.speakers():
                nursery.start_soon(ask, peer_id)
        return found[0] if found else None

    async def fetch_pieces(
        self, job: Job, record: FileRecord, holders: Sequence[ID] = (), leaves: bytes = b""
    ) -> Fetched:
        """Fetch a file of py-peers; `holders` have said that they have it, and `leaves` are the hashes of its pieces.

        Raises FetchError, PartError.
        """
        goal = await self.goal(job)
        part = await trio.to_thread.run_sync(PartFile, goal, record.root.hex()[:_TAG])
        job.keeps, job.before = True, min(part.found, record.size)  # as long as nobody has held it to the hashes
        try:
            leaves = await PieceFetch(job, record, part, self._sources, self._tell, holders, leaves).run()
            path = await trio.to_thread.run_sync(part.finish, record.size)
            return Fetched(path, record, leaves, verified=True)
        finally:
            await _leave(part.close if job.kept else part.throw_away)

    async def _fetch_unverified(self, job: Job) -> Fetched:
        """Fetch a file of a peer in another language, which has no hash, and cannot be gone on with."""
        offerer = ID.from_string(job.offer.peer_id)
        name = self._sources.name(offerer)
        try:
            fetch = await open_fetch(self._sources.host, offerer, job.file_id, job.most)
        except NotSupportedError as error:
            raise FetchError(f"{name} has offered it, and serves no files") from error
        except StreamFaultError as error:
            self._sources.blame(offerer, error)
            raise FetchError(f"{name} did not send it: {error}") from error
        if not fetch.size and not job.is_auto:
            self._tell(f"{name} says that {job.name} has 0 bytes: it is empty, or it is not offered any more")
        return await self.take(job, fetch, offerer)

    async def take(self, job: Job, fetch: Stream, sender: ID, root: bytes = b"") -> Fetched:
        """Write what a peer sends as it comes; it has to have the tree hash `root`, if there is one.

        Raises FetchError, PartError; then nothing of it is kept.
        """
        name = self._sources.name(sender)
        job.peer_ids[str(sender)] = None
        try:
            if job.is_auto and not fetch.size:
                raise FetchError("it is empty")
            tag = hashlib.sha256(f"{sender} {job.file_id}".encode()).hexdigest()[:_TAG]
            part = await trio.to_thread.run_sync(partial(PartFile, await self.goal(job), tag, anew=True))
            return await self._write(job, fetch, part, root)
        except StreamFaultError as error:
            self._sources.blame(sender, error)
            came = f"; {job.received:,} bytes are thrown away, since they cannot be verified" if job.received else ""
            raise FetchError(f"{name} did not send all of it: {error}{came}") from error
        finally:
            job.peer_ids.pop(str(sender), None)
            await fetch.aclose()

    async def _write(self, job: Job, fetch: Stream, part: PartFile, root: bytes) -> Fetched:
        try:
            await trio.to_thread.run_sync(part.check_space, fetch.size)
            job.begin(part.goal, fetch.size)
            async for data in _blocks(fetch):
                await trio.to_thread.run_sync(part.write, job.received, data)
                job.add(len(data))
            if root and await trio.to_thread.run_sync(_root_of, part, fetch.size) != root:
                raise FetchError("what came is not what the hash stands for", wrong_hash=True)
            return Fetched(await trio.to_thread.run_sync(part.finish, fetch.size), verified=bool(root))
        finally:
            await _leave(part.throw_away)


def in_words(error: PartError) -> FetchError:
    """Return why a file cannot be written, as the one who asked for it is told."""
    return FetchError(str(error), in_folder=isinstance(error, FolderError))


def _root_of(part: PartFile, size: int) -> bytes:
    """Return the tree hash of what has come. Raises PartError."""
    length = tree_hash.piece_size(size)
    return tree_hash.root(
        b"".join(tree_hash.leaf(part.read(start, min(length, size - start))) for start in range(0, size, length))
    )


async def _blocks(fetch: Stream) -> AsyncIterator[bytes]:
    """Give what comes in parts that are worth a write."""
    block = bytearray()
    while data := await fetch.read(WRITTEN):
        block += data
        if len(block) >= WRITTEN:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


async def _leave(close: Callable[[], None]) -> None:
    with trio.CancelScope(shield=True):
        await trio.to_thread.run_sync(close)
