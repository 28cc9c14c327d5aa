"""One file is fetched: from py-peers piece by piece, verified; from peers in other languages as they send it."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Final, final

import trio
from libp2p.peer.id import ID

from py_peer.core.file_names import safe_name
from py_peer.net.dial import DialError
from py_peer.net.part_files import FolderError, PartError, PartFile, goal_of
from py_peer.net.sister_files import open_fetch
from py_peer.net.streams import NotSupportedError, StreamFaultError
from py_peer.service.jobs import Fetched, FetchError
from py_peer.service.piece_fetch import PieceFetch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from py_peer.core.file_record import FileRecord
    from py_peer.net.sister_files import Fetch
    from py_peer.service.jobs import Job
    from py_peer.service.sources import Sources

ASKED_AT_ONCE: Final = 8
"""Peers that are asked at the same time whether they have a file."""

WRITTEN: Final = 256 * 1024
"""Bytes that are written to the disk at a time."""

_TAG: Final = 12


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
            goal = await trio.to_thread.run_sync(goal_of, job.path, self._downloads, job.name)
            if record is None:
                return Fetched(await self._fetch_unverified(job, goal))
            return await self._fetch_pieces(job, record, goal)
        except PartError as error:
            raise FetchError(str(error), in_folder=isinstance(error, FolderError)) from error

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

    async def _fetch_pieces(self, job: Job, record: FileRecord, goal: Path) -> Fetched:
        part = await trio.to_thread.run_sync(PartFile, goal, record.root.hex()[:_TAG])
        job.keeps, job.before = True, min(part.found, record.size)  # as long as nobody has held it to the hashes
        try:
            leaves = await PieceFetch(job, record, part, self._sources, self._tell).run()
            return Fetched(await trio.to_thread.run_sync(part.finish, record.size), record, leaves)
        finally:
            await _leave(part.close if job.kept else part.throw_away)

    async def _fetch_unverified(self, job: Job, goal: Path) -> Path:
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
        try:
            if not fetch.size:
                if job.is_auto:
                    raise FetchError("it is empty")
                self._tell(f"{name} says that {job.name} has 0 bytes: it is empty, or it is not offered any more")
            job.peer_ids[job.offer.peer_id] = None
            tag = hashlib.sha256(f"{offerer} {job.file_id}".encode()).hexdigest()[:_TAG]
            part = await trio.to_thread.run_sync(partial(PartFile, goal, tag, anew=True))
            return await self._write(job, fetch, part)
        except StreamFaultError as error:
            self._sources.blame(offerer, error)
            came = f"; {job.received:,} bytes are thrown away, since they cannot be verified" if job.received else ""
            raise FetchError(f"{name} did not send all of it: {error}{came}") from error
        finally:
            await fetch.aclose()

    async def _write(self, job: Job, fetch: Fetch, part: PartFile) -> Path:
        try:
            await trio.to_thread.run_sync(part.check_space, fetch.size)
            job.begin(part.goal, fetch.size)
            async for data in _blocks(fetch):
                await trio.to_thread.run_sync(part.write, job.received, data)
                job.add(len(data))
            return await trio.to_thread.run_sync(part.finish, fetch.size)
        finally:
            await _leave(part.throw_away)


async def _blocks(fetch: Fetch) -> AsyncIterator[bytes]:
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
