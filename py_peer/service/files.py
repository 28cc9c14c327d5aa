"""Files: what we share, what others offer, and what is being fetched, put together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import trio

from py_peer.core import limits, tree_hash
from py_peer.core.by_name import Wanted, file_id, problem_with
from py_peer.core.cleaning import clean_line, clean_path
from py_peer.core.events import Answer, Notice
from py_peer.core.file_events import FileServed, FileShared, FilesReport, HashingProgress
from py_peer.core.file_names import NoFileError, NotOneFileError, find
from py_peer.core.offers import Offered
from py_peer.core.requests import (
    CancelTransfer,
    FetchFile,
    GetFile,
    ProvideFile,
    RequestFiles,
    ShareFile,
    UnshareFile,
)
from py_peer.service.auto_get import AutoGet
from py_peer.service.data import OFF
from py_peer.service.fetch_by_name import ByName
from py_peer.service.fetching import Fetcher
from py_peer.service.offers import FILE_TOPIC, OfferBoard
from py_peer.service.providing import Providing
from py_peer.service.shared import Shared, ShareError
from py_peer.service.sources import Sources
from py_peer.service.transfers import FAULT, Transfers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from libp2p.peer.id import ID

    from py_peer.core.events import Event
    from py_peer.core.file_events import SharedFile
    from py_peer.core.findings import Finding
    from py_peer.core.requests import Request
    from py_peer.core.settings import Settings
    from py_peer.core.speakers import Name
    from py_peer.net.connections import PeerRecord
    from py_peer.net.kademlia import Kademlia
    from py_peer.net.node import Node
    from py_peer.net.pubsub import Board
    from py_peer.service.jobs import Fetched, Job

MOST_WAITING: Final = 64
"""Files that wait to be read before they are offered."""

MOST_EARLY: Final = 64
FIRST_MOMENTS: Final = 3.0
"""Of a run, in seconds: files that nobody has offered by then are not said to be unknown before; and how many of them.

As long as the piped chat waits where nobody was named."""

HASHING_TOLD: Final = 1.0


@final
class Files:
    """The user's wishes about files."""

    def __init__(self, settings: Settings, emit: Callable[[Event], None]) -> None:
        self._downloads = settings.downloads
        self._emit = emit
        self._sources = Sources()
        self._board = OfferBoard(self._sources, emit)
        self._shared = Shared()
        self._is_in_room, self._has_dht = settings.room, settings.has_dht
        self._fetcher = Fetcher(self._sources, settings.downloads, self._say)
        self._by_name = ByName(self._fetcher, self._sources, self._say)
        self._transfers = Transfers(self._fetch, self._serve_on, emit)
        self._providing = Providing(self._shared, emit, self._progress)
        self._auto_get = AutoGet(settings.auto_get, settings.downloads, self._sources, self._transfers)
        self._board.on_news = self._auto_get.consider
        self._shared.on_served = self._tell_served
        self._shared.on_changed = lambda name, fault: self._say(f"{name} is not served any more: {fault}")
        self._board.is_shared = lambda file_id: any(one.offered for one in self._shared.find(file_id))
        self._to_share, self._next_to_share = trio.open_memory_channel[ShareFile](MOST_WAITING)
        self._started = trio.Event()
        self._early: list[GetFile] | None = []
        """What is asked for and is not known, in the first moments; None when they are over."""

        self.boards: dict[str, Board] = {FILE_TOPIC: self._board}
        self.streams = self._shared.streams
        """What answers the streams of others, by protocol; there before the first peer is."""

        self.handlers: dict[type[Request], Callable[[Any], None]] = {
            ShareFile: self._accept,
            UnshareFile: self._unshare,
            RequestFiles: self._report,
            GetFile: self._get,
            CancelTransfer: self._transfers.cancel,
            ProvideFile: self._provide,
            FetchFile: self._get_by_name,
        }

    def know(
        self,
        called: Callable[[str], Name],
        is_ignored: Callable[[str], bool],
        call: Callable[[str], Awaitable[object]],
    ) -> None:
        """Learn what a peer is called, whom the user ignores, and how a peer is dialled (which raises DialError)."""
        self._sources.called, self._board.is_ignored, self._sources.call = called, is_ignored, call

    def know_dht(
        self, somebody_to_ask: Callable[[], Awaitable[Kademlia]], look_up: Callable[[Finding], Awaitable[object]]
    ) -> None:
        """Learn how somebody in the DHT is waited for, and how a peer is dialled that was found there (DialError)."""
        self._by_name.somebody_to_ask = self._providing.somebody_to_ask = somebody_to_ask
        self._sources.look_up = look_up

    async def run(self, node: Node) -> None:
        """Offer, serve and fetch, until cancelled. A fault with one file ends neither the others nor the chat."""
        self._sources.node = node
        self._shared.start(node.host.get_private_key(), node.counters)
        self._started.set()
        try:
            async with trio.open_nursery() as nursery:
                if self._is_in_room:
                    nursery.start_soon(self._board.run, node)
                nursery.start_soon(self._transfers.run, node)
                nursery.start_soon(self._providing.run)
                nursery.start_soon(self._answer_early)
                nursery.start_soon(self._auto_get.run, node)
                async for request in self._next_to_share:
                    await self._share(request)
        finally:
            self._shared.close()

    def identified(self, record: PeerRecord) -> None:
        """Take note of what a peer says it is."""
        self._sources.stir()
        self._board.identified(record.peer_id)

    def moved(self, peer_id: ID) -> None:
        """Take note that a peer has come or gone."""
        self._sources.stir()
        self._board.moved(peer_id)

    # --- What we share ----------------------------------------------------------------------------

    def _accept(self, request: ShareFile) -> None:
        try:
            self._to_share.send_nowait(request)
        except trio.WouldBlock:
            self._fail(request, f"Not shared: {MOST_WAITING} files wait to be read already")

    async def offer(self, path: Path) -> SharedFile:
        """Read a file of our own making and offer it to the room, once the node runs. Raises ShareError."""
        await self._started.wait()
        file = await self._shared.share(path)
        self._emit(FileShared(0, file))
        self._board.offer(file.file_id)
        return file

    def offer_again(self, file: SharedFile) -> bool:
        """Offer a file once more; return False if it is not served any more."""
        is_served = any(one.offered and not one.fault for one in self._shared.find(file.file_id))
        if is_served:
            self._board.offer(file.file_id)
        return is_served

    def withdraw(self, file: SharedFile) -> None:
        """Offer a file no more."""
        self._shared.unshare(file.file_id)

    async def _share(self, request: ShareFile) -> None:
        path = Path(request.path)
        shown = clean_path(request.path)
        try:
            file = await self._shared.share(path, self._progress(request.ticket, path))
        except ShareError as error:
            self._fail(request, f"Not shared: {shown}: {error}")
            return
        except Exception as error:  # noqa: BLE001 - one file must not end the others
            self._shared.counters.caught("sharing a file", error)
            self._fail(request, f"Not shared: {shown}: {FAULT}")
            return
        self._emit(FileShared(request.ticket, file))
        self._board.offer(file.file_id)

    def _progress(self, ticket: int, path: Path) -> Callable[[int, int], None]:
        """Return what tells the user now and then how much of a file was read."""
        told = trio.current_time()

        def progress(done: int, size: int) -> None:
            nonlocal told
            if (now := trio.current_time()) - told >= HASHING_TOLD:
                told = now
                self._emit(HashingProgress(ticket, clean_path(path.name), done, size))

        return progress

    def _provide(self, request: ProvideFile) -> None:
        if self._has_dht:
            self._providing.accept(request)
        else:
            self._fail(request, f"Not provided: {clean_path(request.path)}: {OFF}")

    def _unshare(self, request: UnshareFile) -> None:
        try:
            file = find(request.file, self._shared.listing())
        except NotOneFileError as error:
            self._fail(request, f"Not unshared: {error}")
            return
        for one in self._shared.find(file.file_id):
            if one.provided:
                self._providing.withdraw(one.provided)
            self._shared.unshare(file.file_id, "" if one.offered else one.record.offerer)
        self._emit(Answer(request.ticket, f"Not served any more: {file.name} ({file.file_id})"))

    async def _serve_on(self, fetched: Fetched) -> None:
        """Serve what was fetched to who looks for another source; where that cannot be done nobody misses it."""
        if fetched.record is None:
            return
        try:
            await self._shared.add(fetched.record, fetched.path, fetched.leaves)
        except ShareError:
            self._shared.counters["files: fetched ones that are not served on"] += 1

    def _tell_served(self, peer_id: str, file: SharedFile, sent: int, reason: str) -> None:
        name = self._sources.called(peer_id)
        reason = clean_line(reason, limits.MAX_ERROR_CHARS)
        self._emit(FileServed(peer_id, name.nick, name.plain, file.file_id, file.name, sent, reason))

    # --- What others offer ------------------------------------------------------------------------

    def _get(self, request: GetFile) -> None:
        try:
            offer = find(request.file, self._board.offers(), lambda offer: offer.peer_id, self._board.told)
        except NotOneFileError as error:
            if isinstance(error, NoFileError) and self._early is not None and len(self._early) < MOST_EARLY:
                self._early.append(request)
            else:
                self._fail(request, f"Not fetched: {error}")
            return
        if objection := self._transfers.start(offer, request.path, request.ticket):
            self._fail(request, f"Not fetched: {objection}")

    def _get_by_name(self, request: FetchFile) -> None:
        shown = clean_line(request.name, limits.MAX_SHOWN_PATH_CHARS)
        try:
            root = bytes.fromhex(request.root)
        except ValueError:
            root = b"?"
        problem = problem_with(request.name)
        if not problem and len(root) not in (0, tree_hash.HASH_BYTES):
            problem = f"a tree hash is {2 * tree_hash.HASH_BYTES} hexadecimal digits"
        if not problem and not self._has_dht:
            problem = OFF
        if not problem:
            offer = Offered(file_id(request.name), "", trio.current_time())
            wanted = Wanted(request.name, root)
            problem = self._transfers.start(offer, request.path, request.ticket, wanted=wanted)
        if problem:
            self._fail(request, f"Not fetched: {shown}: {problem}")

    async def _fetch(self, job: Job) -> Fetched:
        return await (self._by_name.fetch(job) if job.wanted else self._fetcher.fetch(job))

    async def _answer_early(self) -> None:
        """Look again for what was not known in the first moments of the run."""
        await trio.sleep(FIRST_MOMENTS)
        early, self._early = self._early or [], None
        for request in early:
            self._get(request)

    def _report(self, request: RequestFiles) -> None:
        self._emit(
            FilesReport(
                ticket=request.ticket,
                offers=tuple(map(self._board.shown, self._board.offers())),
                shared=self._shared.listing(),
                transfers=self._transfers.shown(),
                downloads=clean_line(str(self._downloads or ""), limits.MAX_PATH_CHARS),
                refused=self._board.refused,
            )
        )

    def _fail(self, request: Request, text: str) -> None:
        self._emit(Answer(request.ticket, clean_line(text, limits.MAX_ERROR_CHARS), failed=True))

    def _say(self, text: str) -> None:
        self._emit(Notice(clean_line(text, limits.MAX_ERROR_CHARS)))
