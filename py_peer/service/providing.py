"""The files that the user provides by name: each is read, served to who asks for it, and written down in the DHT."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, final

import trio

from py_peer.core import limits
from py_peer.core.by_name import announcement_key, problem_with_own
from py_peer.core.cleaning import clean_line, clean_path
from py_peer.core.events import Answer
from py_peer.core.file_events import FileProvided
from py_peer.core.rates import TokenBucket
from py_peer.core.records import RecordRefusedError
from py_peer.core.requests import ProvideFile
from py_peer.net.pace import keep_pace
from py_peer.service.shared import ShareError, shown
from py_peer.service.transfers import FAULT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from py_peer.core.events import Event
    from py_peer.net.kademlia import Kademlia
    from py_peer.net.served import ServedFile
    from py_peer.service.shared import Shared


@final
class Providing:
    """Provides files."""

    def __init__(
        self, shared: Shared, emit: Callable[[Event], None], progress: Callable[[int, Path], Callable[[int, int], None]]
    ) -> None:
        """`progress` returns, for a ticket and a path, what tells how much of a file was read, and of how much."""
        self._shared = shared
        self._emit = emit
        self._progress = progress
        self._to_provide, self._next = trio.open_memory_channel[ProvideFile](limits.SHARED_FILES)
        self.somebody_to_ask: Callable[[], Awaitable[Kademlia]]
        """Waits until somebody is in the table of the DHT, or nobody is to be expected."""

        self._dht: Kademlia | None = None
        self._turn = trio.Lock()
        self._pace = TokenBucket(limits.PROVIDED_PER_SECOND, limits.PROVIDED_BURST)

    def accept(self, request: ProvideFile) -> None:
        """Provide a file, in its turn."""
        if problem := problem_with_own(request.name):
            self._fail(request, problem)
            return
        try:
            self._to_provide.send_nowait(request)
        except trio.WouldBlock:
            self._fail(request, f"{limits.SHARED_FILES} files wait to be read already")

    def withdraw(self, name: str) -> None:
        """Provide a name no more; others forget in time that we did."""
        if self._dht is not None:
            self._dht.provide_no_more(name.encode())
            self._dht.renew_no_more(announcement_key(name, self._shared.peer_id))

    async def run(self) -> None:
        """Provide what is asked for, until cancelled. A fault with one file ends neither the others nor the chat."""
        async with trio.open_nursery() as nursery:
            async for request in self._next:
                try:
                    path = Path(request.path)
                    file = await self._shared.provide(path, request.name, self._progress(request.ticket, path))
                except ShareError as error:
                    self._fail(request, str(error))
                except Exception as error:  # noqa: BLE001 - one file must not end the others
                    self._caught(request, error)
                else:
                    nursery.start_soon(self._announce, request, file)

    async def _announce(self, request: ProvideFile, file: ServedFile) -> None:
        """Have it written down who provides a name, and what that is; tell how many have done it."""
        key = request.name.encode()
        try:
            dht = self._dht = await self.somebody_to_ask()
            async with self._turn:
                await keep_pace(self._pace)
                told = await dht.provide(key)
                if self._shared.by_name(request.name) is file:  # else it has made room for another meanwhile
                    await self._put(dht, request.name, file)
        except RecordRefusedError as error:
            self._shared.unshare(file.record.file_id, file.record.offerer)
            self._fail(request, str(error))
        except Exception as error:  # noqa: BLE001 - one file must not end the others
            self._caught(request, error)
        else:
            name = clean_line(request.name, limits.MAX_PROVIDED_NAME_BYTES)
            self._emit(FileProvided(request.ticket, name, shown(file), told.took, told.asked))

    async def _put(self, dht: Kademlia, name: str, file: ServedFile) -> None:
        """Announce what a file is; where that cannot be done, we say it to who asks us."""
        try:
            await dht.put_value(announcement_key(name, file.record.offerer), file.record.envelope)
        except RecordRefusedError as error:
            self._shared.counters[f"files: by name, not announced, {error.kind}"] += 1

    def _caught(self, request: ProvideFile, error: Exception) -> None:
        self._shared.counters.caught("providing a file", error)
        self._fail(request, FAULT)

    def _fail(self, request: ProvideFile, reason: str) -> None:
        text = f"Not provided: {clean_path(request.path)}: {reason}"
        self._emit(Answer(request.ticket, clean_line(text, limits.MAX_ERROR_CHARS), failed=True))
