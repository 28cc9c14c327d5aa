"""What both servers of files ask for: a file that stays open, and a turn to send it."""

from __future__ import annotations

import os
import stat
from collections import Counter
from contextlib import asynccontextmanager
from io import FileIO
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol, final

import anyio.to_thread
import trio

from py_peer.core import limits
from py_peer.core.rates import Buckets
from py_peer.net.private_files import UnfitFileError
from py_peer.net.streams import EndedError, OpenStreams, SilentError, TooManyStreamsError, close, reset

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from libp2p.abc import INetStream
    from libp2p.peer.id import ID

    from py_peer.core.file_record import FileRecord
    from py_peer.net.counters import Counters
    from py_peer.net.streams import StreamFaultError

BLOCK: Final = 1024 * 1024
"""Bytes read at a time: a trip to a thread takes 0.1 ms, reading them as long."""

CHANGED: Final = "the file has changed since it was shared"
UNREADABLE: Final = "the file cannot be read"

_OPEN: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Opening a FIFO must not wait for somebody who writes into it; Windows must not turn line breaks over."""


@final
class OpenFile:
    """An ordinary file that is kept open, so that it can be read when it has another name, or none. For threads."""

    def __init__(self, path: Path) -> None:
        """Open a file. Raises OSError or UnfitFileError."""
        self.path = path.absolute()
        descriptor = os.open(path, _OPEN)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise UnfitFileError("is a folder" if stat.S_ISDIR(status.st_mode) else "is not an ordinary file")
        self._file = FileIO(descriptor)
        self._lock = Lock()
        self._unwanted = False
        self.size = status.st_size
        self.identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        """What is the same as long as it is the same file, and has not changed."""

    def read(self, offset: int, into: memoryview) -> int:
        """Fill `into` from `offset` on; return how many bytes there were, fewer where the file ends before.

        Raises OSError, or ValueError when it is closed.
        """
        done = 0
        with self._lock:
            try:
                self._file.seek(offset)
                while more := self._file.readinto(into[done:]):
                    done += more
            finally:
                self._close_if_unwanted()
        return done

    def is_changed(self) -> bool:
        """Say whether the file is another than when it was opened. Raises as `read` does."""
        status = os.fstat(self._file.fileno())
        return (status.st_size, status.st_mtime_ns) != self.identity[2:]

    def close(self) -> None:
        """Close the file, or have it closed by who is just reading; does not wait."""
        self._unwanted = True
        if self._lock.acquire(blocking=False):
            self._close_if_unwanted()
            self._lock.release()

    def _close_if_unwanted(self) -> None:
        if self._unwanted:
            self._file.close()


@final
class ServedFile:
    """A file that others may fetch."""

    def __init__(
        self, file: OpenFile, record: FileRecord, leaves: bytes, *, offered: bool = False, provided: str = ""
    ) -> None:
        """Serve `file`, whose pieces have the hashes `leaves`.

        `offered` to the room, or `provided` by that name; neither of the two where it is another peer's.
        """
        self.file = file
        self.record = record
        self.leaves = leaves
        self.offered = offered
        self.provided = provided
        self.served = 0
        """How often somebody has fetched all of it."""

        self.fault = ""
        """Why it cannot be served any more: CHANGED, UNREADABLE, or "" while it can."""

        self.fault_told = False
        """Whether the user knows."""

    async def is_fit(self) -> bool:
        """Look whether the file is still what was shared, and note it in `fault` when it is not."""
        try:
            changed = await anyio.to_thread.run_sync(self.file.is_changed, abandon_on_cancel=True)
        except (OSError, ValueError):
            self.fault = UNREADABLE
        else:
            self.fault = self.fault or CHANGED * changed
        return not self.fault

    async def read(self, places: Sequence[tuple[int, memoryview]]) -> None:
        """Fill each view from its offset on, with zeros behind the end of the file.

        When what there is is not what was shared, `fault` says so.
        """
        try:
            whole = await anyio.to_thread.run_sync(self._read, places, abandon_on_cancel=True)
        except (OSError, ValueError):
            self.fault = UNREADABLE
            for _, view in places:
                view[:] = bytes(len(view))
        else:
            self.fault = self.fault or CHANGED * (not whole)

    def _read(self, places: Sequence[tuple[int, memoryview]]) -> bool:
        whole = True
        for offset, view in places:
            done = self.file.read(offset, view)
            view[done:] = bytes(len(view) - done)
            whole &= done == len(view)
        return whole and not self.file.is_changed()


@final
class Pace:
    """How many requests of one peer are answered; the next ones wait."""

    def __init__(self) -> None:
        self._buckets: Buckets[ID] = Buckets(
            limits.FILE_REQUESTS_PER_SECOND, limits.FILE_REQUEST_BURST, limits.MAX_TRACKED_PEERS
        )

    async def wait(self, peer_id: ID) -> None:
        """Return when another request of a peer may be answered."""
        while not self._buckets.take(peer_id, trio.current_time()):  # noqa: ASYNC110 - its other streams take, too
            await trio.sleep(self._buckets.wait(peer_id, trio.current_time()))


class BusyError(Exception):
    """Too many fetch files at the moment."""


@final
class Turns:
    """Who sends now, and who waits: SERVED_AT_ONCE streams in all and SERVED_TO_ONE to one peer."""

    def __init__(self) -> None:
        self._sending: Counter[ID] = Counter()
        self._line: list[tuple[ID, trio.Event]] = []

    def __len__(self) -> int:
        """Return how many have a turn or wait for one."""
        return self._sending.total() + len(self._line)

    @asynccontextmanager
    async def turn(self, peer_id: ID) -> AsyncIterator[None]:
        """Wait for a turn, and have it for as long as the block runs.

        Raises BusyError when too many wait already, or when it takes so long that the other side may give us up.
        """
        await self._take(peer_id)
        try:
            yield
        finally:
            self._leave(peer_id)

    async def _take(self, peer_id: ID) -> None:
        if self._has_room(peer_id):
            self._sending[peer_id] += 1
            return
        of_one = sum(1 for waiting, _ in self._line if waiting == peer_id)
        if len(self._line) >= limits.WAITING_SERVED or of_one >= limits.WAITING_TO_ONE:
            raise BusyError
        called = trio.Event()
        self._line.append((peer_id, called))
        try:
            with trio.move_on_after(limits.FILE_SILENCE / 2):
                await called.wait()
        except BaseException:
            if called.is_set():
                self._leave(peer_id)
            raise
        finally:
            if not called.is_set():
                self._line.remove((peer_id, called))
        if not called.is_set():
            raise BusyError

    def _has_room(self, peer_id: ID) -> bool:
        return self._sending.total() < limits.SERVED_AT_ONCE and self._sending[peer_id] < limits.SERVED_TO_ONE

    def _leave(self, peer_id: ID) -> None:
        self._sending[peer_id] -= 1
        if not self._sending[peer_id]:
            del self._sending[peer_id]
        for entry in [entry for entry in self._line if self._has_room(entry[0])]:
            if self._has_room(entry[0]):
                self._line.remove(entry)
                self._sending[entry[0]] += 1
                entry[1].set()


@final
class FileStreams:
    """The streams on which files are asked for, of one protocol: so many of each peer, and how each ends is counted."""

    def __init__(self, what: str) -> None:
        """Count below names that begin with `what`."""
        self._what = what
        self._open = OpenStreams()

    async def serve(
        self, stream: INetStream, counters: Counters, answer: Callable[[INetStream, ID], Awaitable[None]]
    ) -> None:
        """Have a stream answered, and close it; reset it where that cannot be done.

        What is wrong with what is asked is raised as `answer` raises it, for `guarded`.
        """
        peer_id = stream.muxed_conn.peer_id
        try:
            with self._open.one_of(peer_id, limits.FILE_STREAMS_PER_PEER):
                await answer(stream, peer_id)
        except TooManyStreamsError as error:
            reason = str(error)
        except (EndedError, SilentError) as error:
            reason = ending(error)
        except BusyError:
            reason = "too many at once"
        else:
            await close(stream)
            return
        counters[f"{self._what}{reason}"] += 1
        await reset(stream)


def ending(error: StreamFaultError) -> str:
    """Return how a stream on which we served has ended, for the counters."""
    return "took nothing and were let go" if isinstance(error, SilentError) else "broken off by who fetched"


class Shelf(Protocol):
    """What is served, and who is told of it. No method may block or raise."""

    counters: Counters
    turns: Turns
    pace: Pace

    def find(self, file_id: str) -> Sequence[ServedFile]:
        """Return the files of an ID: ours, and those of others."""

    def by_root(self, root: bytes) -> ServedFile | None:
        """Return a file of that tree hash."""

    def offered(self) -> Sequence[ServedFile]:
        """Return what we offer ourselves."""

    def described(self, peer_id: ID, file: ServedFile) -> None:
        """Take note that a peer was told what a file is."""

    def sent(self, peer_id: ID, file: ServedFile, first: int, count: int) -> None:
        """Take note that a peer has been sent `count` pieces from number `first` on."""

    def served(self, peer_id: ID, file: ServedFile, sent: int, reason: str) -> None:
        """Take note that a peer has been sent all of a file, or only `sent` bytes, for that `reason`."""

    def faulty(self, file: ServedFile) -> None:
        """Take note that a file has a fault; may be told again."""
