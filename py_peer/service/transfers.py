"""What is being fetched, and what waits for its turn: one task for each, told as events."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, cast, final

import trio

from py_peer.core import limits
from py_peer.core.cleaning import clean_line
from py_peer.core.dht_events import LookupFailed
from py_peer.core.events import Answer, Notice
from py_peer.core.file_events import TransferDone, TransferFailed, TransferProgress, TransferStarted
from py_peer.core.file_names import NotOneFileError, find, safe_name
from py_peer.service.jobs import FetchError, Job, NobodyProvidesError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from py_peer.core.by_name import Wanted
    from py_peer.core.events import Event
    from py_peer.core.file_events import Transfer
    from py_peer.core.offers import Offered
    from py_peer.core.requests import CancelTransfer
    from py_peer.net.node import Node
    from py_peer.service.jobs import Fetched

FAULT: Final = "a fault of this program, which --verbose shows"
_LONGEST_NUMBER: Final = 10
STALLED: Final = 5
"""While nothing comes, every fifth of the events that say how far it is."""


@final
class Transfers:
    """The transfers of a session."""

    def __init__(
        self,
        fetch: Callable[[Job], Awaitable[Fetched]],
        done: Callable[[Fetched], Awaitable[None]],
        emit: Callable[[Event], None],
    ) -> None:
        """`fetch` fetches a file, and raises FetchError or NobodyProvidesError; `done` is given what is there."""
        self._fetch = fetch
        self._done = done
        self._emit = emit
        self._numbers = itertools.count(1)
        self._jobs: dict[int, Job] = {}  # in the order in which they were asked for
        self._has_told_fault = False
        self._nursery: trio.Nursery | None = None
        self._node: Node | None = None

    async def run(self, node: Node) -> None:
        """Fetch what is asked for, until cancelled."""
        self._node = node
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for job in self._jobs.values():  # what was wanted before there was a node
                nursery.start_soon(self._serve, job)
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None

    def start(
        self,
        offer: Offered,
        path: str,
        ticket: int,
        most: int = limits.MAX_FILE_BYTES,
        wanted: Wanted | None = None,
    ) -> str:
        """Fetch what is offered, or `wanted` by name, of at most `most` bytes; return why that is not done, or "".

        `path` is as in GetFile, and `ticket` 0 where nobody has asked.
        """
        same = (one for one in self._jobs.values() if one.file_id == offer.file_id and one.path == path)
        if (job := next(same, None)) is not None:
            return f"it is being fetched already: transfer {job.number}"
        if len(self._jobs) >= limits.TRANSFERS + limits.WAITING_TRANSFERS:
            return f"{len(self._jobs)} files are being fetched or wait for it already"
        name = safe_name(wanted.name) if wanted else offer.name
        job = Job(next(self._numbers), ticket, offer, path, most, name=name, wanted=wanted)
        job.on_begun = lambda: self._emit(TransferStarted(ticket, job.shown()))
        self._jobs[job.number] = job
        self._give_turns()
        if not job.is_auto and not job.has_turn:
            self._emit(Notice(f"{name or offer.file_id} waits for its turn"))
        if self._nursery is not None:
            self._nursery.start_soon(self._serve, job)
        return ""

    def cancel(self, request: CancelTransfer) -> None:
        """End a transfer, as the user asks."""
        wanted = request.transfer.strip()
        is_number = wanted.isascii() and wanted.isdigit() and len(wanted) < _LONGEST_NUMBER
        try:
            job = self._numbered(int(wanted)) if is_number else find(wanted, self._jobs.values())
        except NotOneFileError as error:
            self._emit(Answer(request.ticket, f"Not cancelled: {error}", failed=True))
            return
        job.scope.cancel()
        self._emit(Answer(request.ticket, f"Transfer {job.number} ends: {job.name or job.file_id}"))

    def shown(self) -> tuple[Transfer, ...]:
        """Return what is being fetched, and what waits."""
        return tuple(job.shown() for job in self._jobs.values())

    def not_fetched(self, fault: str = "") -> None:
        """Count a file that --auto-get does not fetch; of a `fault` that others have too the user is told once."""
        cast("Node", self._node).counters["files: not fetched by --auto-get"] += 1
        if fault and not self._has_told_fault:
            self._has_told_fault = True
            self._emit(Notice(clean_line(f"--auto-get fetches nothing: {fault}", limits.MAX_ERROR_CHARS)))

    def _numbered(self, number: int) -> Job:
        """Return the transfer of a number; a number is never a part of an ID. Raises NotOneFileError."""
        if number not in self._jobs:
            raise NotOneFileError(f"there is no transfer {number}")
        return self._jobs[number]

    def _give_turns(self) -> None:
        """Let begin what may: in the order in which they were asked for, but nobody holds up what others offer."""
        served = [job for job in self._jobs.values() if job.has_turn]
        for job in self._jobs.values():
            peer_id = job.offer.peer_id  # "" while it is not known yet who has what is wanted by name
            of_one = sum(one.offer.peer_id == peer_id for one in served) if peer_id else 0
            autos = sum(one.is_auto for one in served)
            if (
                not job.has_turn
                and len(served) < limits.TRANSFERS
                and of_one < limits.TRANSFERS_OF_ONE - job.is_auto
                and not (job.is_auto and autos >= limits.AUTO_TRANSFERS)
            ):
                job.turn.set()
                served.append(job)

    async def _serve(self, job: Job) -> None:
        """Fetch a file when it is its turn, and tell what became of it."""
        fetched: Fetched | None = None
        failure: FetchError | NobodyProvidesError = FetchError("it was cancelled")
        began = trio.current_time()
        counters = cast("Node", self._node).counters
        with job.scope:
            await job.turn.wait()
            async with trio.open_nursery() as nursery:
                began = trio.current_time()
                nursery.start_soon(self._report, job)
                try:
                    fetched = await self._fetch(job)
                except (FetchError, NobodyProvidesError) as error:
                    failure = error
                except Exception as error:  # noqa: BLE001 - one transfer must not end the others
                    counters.caught("fetching a file", error)
                    failure = FetchError(FAULT)
                nursery.cancel_scope.cancel()
        del self._jobs[job.number]
        self._give_turns()
        counters["files: bytes received"] += job.meter.received
        if fetched is None:
            self._tell_failure(job, failure)
            return
        counters["files: fetched"] += 1
        path = clean_line(str(fetched.path), limits.MAX_PATH_CHARS)
        seconds = trio.current_time() - began
        self._emit(TransferDone(job.number, job.file_id, job.name, path, job.received, seconds, fetched.verified))
        with counters.catching("serving a fetched file"):
            await self._done(fetched)

    async def _report(self, job: Job) -> None:
        """Say now and then how far a transfer is."""
        told = -1
        for number in itertools.count():
            await trio.sleep(limits.TRANSFER_TOLD_PAUSE)
            if job.is_begun and (job.received != told or number % STALLED == 0):
                told = job.received
                self._emit(TransferProgress(job.shown()))

    def _tell_failure(self, job: Job, failure: FetchError | NobodyProvidesError) -> None:
        reason = clean_line(str(failure), limits.MAX_ERROR_CHARS)
        is_cancelled = job.scope.cancelled_caught
        wanted = job.asked_for if job.wanted else ""
        if isinstance(failure, NobodyProvidesError):
            self._emit(LookupFailed(job.ticket, wanted, failure.asked, reason, failure.unasked))
        elif job.is_begun or is_cancelled or failure.wrong_hash:
            self._emit(
                TransferFailed(
                    number=job.number,
                    file_id=job.file_id,
                    name=job.name,
                    reason=reason,
                    kept=job.kept,
                    cancelled=is_cancelled,
                    ticket=0 if job.is_begun else job.ticket,
                    wanted=wanted,
                    wrong_hash=failure.wrong_hash,
                )
            )
        elif job.ticket:
            self._emit(Answer(job.ticket, f"Not fetched: {job.asked_for}: {reason}", failed=True))
        else:
            self.not_fetched(reason if failure.in_folder else "")
