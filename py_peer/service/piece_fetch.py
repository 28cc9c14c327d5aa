"""A file of py-peers is fetched piece by piece, from several of them at once, each piece verified as it comes.

One task for each source takes the next pieces from one list, and asks for them before those that it has asked for have
come. A source that is lost is replaced; when none is left somebody is waited for, so long and no longer, whoever comes
meanwhile and brings nothing. A source that is there and silent counts as one that says no: its connection is alive.
"""

from __future__ import annotations

import math
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final, final

import trio
from libp2p.peer.id import ID

from py_peer.core import limits, tree_hash
from py_peer.core.pieces import Pieces
from py_peer.net.dial import DialError
from py_peer.net.file_exchange import RefusedError, WrongHashError, open_source
from py_peer.net.part_files import PartError
from py_peer.net.streams import GarbageError, SilentError, StreamFaultError
from py_peer.service.jobs import FetchError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from py_peer.core.file_record import FileRecord
    from py_peer.net.file_exchange import Source
    from py_peer.net.part_files import PartFile
    from py_peer.service.jobs import Job
    from py_peer.service.sources import Sources

LOOK_SECONDS: Final = 1.0
"""How often it is looked who else may have the file."""

CHECKED_AT_ONCE: Final = 16 * 1024 * 1024
"""Bytes of what an earlier try has left that are read and hashed before it is looked whether it was cancelled."""


@final
class PieceFetch:
    """One file, one try."""

    def __init__(  # noqa: PLR0913 - the last ones are rarely there
        self,
        job: Job,
        record: FileRecord,
        part: PartFile,
        sources: Sources,
        tell: Callable[[str], None],
        holders: Sequence[ID] = (),
        leaves: bytes = b"",
    ) -> None:
        """Ask `holders` first, who have said that they have it; where none are named it is the offerer alone.

        `leaves` are the hashes of its pieces, where somebody has sent them already.
        """
        self._job = job
        self._record = record
        self._part = part
        self._sources = sources
        self._tell = tell
        self._holders = tuple(holders) or (ID.from_string(record.offerer),)
        self._run = max(1, min(limits.PIECES_ASKED, limits.PIECES_BYTES // record.piece_size))
        self._leaves = leaves
        self._pieces: Pieces[ID] | None = None  # None until the leaves have come
        self._preparing = trio.Lock()
        self._at_work: set[ID] = set()
        self._not_before: dict[ID, float] = {}
        self._lost = set(self._holders)  # who had the file, is gone, and may be back
        self._fault = f"{sources.name(record.offerer)} is not here"
        self._deadline = math.inf  # until when somebody is waited for who brings something
        self._lies = False
        self._failure: FetchError | PartError | None = None
        self._changed = trio.Event()

    async def run(self) -> bytes:
        """Fetch what is missing, and return the hashes of all pieces. Raises FetchError, and PartError."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._call)
            nursery.start_soon(self._look_again)
            try:
                await self._see_to_it(nursery)
            except FetchError as error:
                self._failure = self._failure or error  # raised outside of the nursery, which would wrap it
            nursery.cancel_scope.cancel()
        if self._failure is not None:
            raise self._failure
        return self._leaves

    # --- Who is asked -----------------------------------------------------------------------------

    async def _see_to_it(self, nursery: trio.Nursery) -> None:
        """Have sources at work until every piece is there. Raises FetchError."""
        received = 0
        while self._failure is None and not (self._pieces is not None and not self._pieces.missing):
            changed = self._changed
            for peer_id in self._candidates():
                self._at_work.add(peer_id)
                nursery.start_soon(self._work, peer_id)
            if self._job.meter.received > received:
                received, self._deadline = self._job.meter.received, math.inf
            if not self._at_work:
                self._wait_for_somebody()
            with trio.move_on_after(LOOK_SECONDS):
                await changed.wait()

    def _wait_for_somebody(self) -> None:
        """Begin to wait for somebody who has the file, or go on. Raises FetchError when nobody is to be waited for."""
        seconds = f"{limits.SOURCE_SECONDS:.0f} seconds"
        if trio.current_time() >= self._deadline:
            raise self._nobody_left(f"nobody who has it came within {seconds}")
        if self._is_waiting:
            return
        if not self._lost or (self._job.has_others and not self._job.meter.received):
            raise self._nobody_left("nobody else who is here has it")
        self._deadline = trio.current_time() + limits.SOURCE_SECONDS
        self._tell(f"{self._job.name}: {self._fault}; waiting up to {seconds} for somebody who has it")

    def _nobody_left(self, reason: str) -> FetchError:
        return FetchError(f"{self._fault}; and {reason}", wrong_hash=self._lies)

    @property
    def _is_waiting(self) -> bool:
        return self._deadline < math.inf

    def _candidates(self) -> list[ID]:
        """Return who is to be asked now: the holders first; others only where much is missing, or he is not there."""
        now = trio.current_time()
        turns = {peer_id: turn for turn, peer_id in enumerate(self._holders)}
        speakers = sorted(self._sources.speakers(), key=lambda peer_id: turns.get(peer_id, len(turns)))
        free = [
            peer_id
            for peer_id in speakers
            if peer_id not in self._at_work and now >= self._not_before.get(peer_id, -math.inf)
        ]
        missing = self._record.size - self._job.received
        most = limits.SOURCES if missing > limits.MORE_SOURCES_BYTES else 1
        return free[: max(0, most - len(self._at_work))]

    async def _call(self) -> None:
        """Dial the holders now and then while nobody brings anything; not for what nobody has asked for."""
        while not self._job.is_auto:
            for holder in self._holders:
                if not self._at_work:
                    with suppress(DialError):
                        await self._sources.reach(str(holder))
            await trio.sleep(limits.SOURCE_PAUSE)

    async def _look_again(self) -> None:
        """Find out now and then who else has it, while nobody brings anything."""
        while self._job.look_again is not None:
            await trio.sleep(limits.LOOK_AGAIN_SECONDS)
            if not self._at_work:
                found = await self._job.look_again(self._record)
                self._holders = tuple(dict.fromkeys((*self._holders, *found)))[: limits.PROVIDERS_ASKED]

    def _stir(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    # --- One source -------------------------------------------------------------------------------

    async def _work(self, peer_id: ID) -> None:
        """Fetch from one source until all is there, or it brings nothing more."""
        pause, fault, may_be_back = limits.REFUSED_PAUSE, "", False
        try:
            async with open_source(self._sources.host, peer_id) as source:
                if not await self._has_it(source):
                    fault = "it does not have it any more"
                    if self._is_waiting:  # for one who has just begun anew, and shares it in a moment
                        pause = limits.SOURCE_PAUSE
                    return
                self._lost.add(peer_id)
                self._job.peer_ids[str(peer_id)] = None
                await self._fetch(source, await self._prepared(source))
        except PartError as error:
            self._failure = error
        except StreamFaultError as error:
            self._sources.blame(peer_id, error)
            fault = str(error)
            self._lies = self._lies or isinstance(error, WrongHashError)
            if isinstance(error, (WrongHashError, GarbageError)):
                pause = math.inf
            elif not isinstance(error, (RefusedError, SilentError)):
                pause, may_be_back = limits.SOURCE_PAUSE, True
        finally:
            if fault and peer_id in self._lost:  # of others nobody has expected it
                self._fault = f"{self._sources.name(peer_id)} sends no more of it: {fault}"
            if not may_be_back:
                self._lost.discard(peer_id)
            self._not_before[peer_id] = trio.current_time() + pause
            self._job.peer_ids.pop(str(peer_id), None)
            self._at_work.discard(peer_id)
            if self._pieces is not None:
                self._pieces.give_back(peer_id)
            self._stir()

    async def _has_it(self, source: Source) -> bool:
        with trio.move_on_after(limits.DESCRIBE_SECONDS):
            return await source.has(self._record)
        raise SilentError(f"it did not answer within {limits.DESCRIBE_SECONDS:.0f} seconds")

    async def _fetch(self, source: Source, pieces: Pieces[ID]) -> None:
        asked: deque[int] = deque()
        while pieces.missing:
            changed = self._changed
            while len(asked) <= self._run and (more := pieces.take(source.peer_id, self._run)):
                await source.ask(self._record, more.start, len(more))
                asked.extend(more)
            if not asked:
                await changed.wait()
                continue
            piece = asked.popleft()
            data = await source.piece(self._record.piece_length(piece))
            if not await trio.to_thread.run_sync(self._keep, piece, data):
                raise WrongHashError(f"piece {piece} is not what its hash stands for")
            if pieces.came(piece):
                self._job.add(len(data))
        self._stir()

    # --- Pieces -----------------------------------------------------------------------------------

    async def _prepared(self, source: Source) -> Pieces[ID]:
        """Return what is missing, when the hashes are here, and what an earlier try has left was held to them.

        Who comes first has his own hashes, since nobody is to wait for another who may hang.
        """
        leaves = self._leaves or await source.leaves(self._record)
        async with self._preparing:
            if self._pieces is None:
                self._leaves = leaves
                missing = await self._missing()
                size = sum(map(self._record.piece_length, missing))
                await trio.to_thread.run_sync(self._part.check_space, size)
                self._pieces = Pieces(missing)
                self._job.begin(self._part.goal, self._record.size, self._record.size - size)
            return self._pieces

    async def _missing(self) -> list[int]:
        """Return the pieces that are not there from an earlier try. Raises PartError."""
        missing: list[int] = []
        together = max(1, CHECKED_AT_ONCE // self._record.piece_size)
        for first in range(0, self._record.pieces, together):
            run = range(first, min(first + together, self._record.pieces))
            missing += await trio.to_thread.run_sync(self._missing_of, run)
        return missing

    def _missing_of(self, run: range) -> list[int]:
        size = self._record.piece_size
        if self._part.size() <= run.start * size:
            return list(run)
        return [piece for piece in run if not self._is_right(piece, self._part.read(piece * size, size))]

    def _keep(self, piece: int, data: bytes) -> bool:
        """Write a piece at its place; False if it is not what it should be. Raises PartError."""
        if is_right := self._is_right(piece, data):
            self._part.write(piece * self._record.piece_size, data)
        return is_right

    def _is_right(self, piece: int, data: bytes) -> bool:
        start = piece * tree_hash.HASH_BYTES
        return tree_hash.leaf(data) == self._leaves[start : start + tree_hash.HASH_BYTES]
