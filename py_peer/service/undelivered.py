"""Direct messages that wait, kept in a file until they are delivered: the only messages ever written to a disk.

The file is for the user alone and is there only while something waits; what is delivered or given up leaves it at once.
Two programs may share it: a change is made to what stands in it at that moment, under a lock.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final, final

import anyio.to_thread
import trio

from py_peer.core import limits
from py_peer.core.letters import LaterFormatError, LetterFile, LettersError
from py_peer.net.kept_file import BrokenFileError, KeptFileError, change_kept, read_kept
from py_peer.service.kept import Troubles

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from py_peer.core.events import Event
    from py_peer.core.letters import Letter

FILE: Final = "undelivered.json"

AGAIN: Final = 30.0
"""A file that could not be written is tried again after so many seconds."""


def wall() -> int:
    """Return the time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@final
class Undelivered:
    """Keeps what waits."""

    def __init__(self, folder: Path | None, own_id: str, emit: Callable[[Event], None]) -> None:
        """Keep it in `folder`, under our own peer ID; None keeps it for this session alone."""
        self._file = None if folder is None else folder / FILE
        self._own_id = own_id
        self._wanted: dict[tuple[str, int], Letter] = {}
        self._written: dict[tuple[str, int], Letter] = {}
        """What waits, and what of it stands in the file, by whom it is for and when it was written."""

        self._stale = False
        """Whether something of other keys is to go that is too old."""

        self._changed = trio.Event()
        self._troubles = Troubles(self._file, "direct messages that wait are kept in this run alone", emit)

    @property
    def is_lasting(self) -> bool:
        """Whether what waits is there in the next run, too."""
        return self._file is not None

    def holds(self, letter: Letter) -> bool:
        """Say whether a text stands in the file."""
        return (letter.peer_id, letter.when) in self._written

    async def load(self) -> list[Letter]:
        """Return what waited at the end of an earlier run, the oldest first."""
        if self._file is None:
            return []
        try:
            kept, moved = await anyio.to_thread.run_sync(self._read, self._file, abandon_on_cancel=True)
        except KeptFileError as error:
            self._troubles.fault(error)
            self._file = None  # what stands in it, and was not read, is not to be changed
            return []
        if moved:
            self._troubles.moved()
        self._troubles.left_out(kept.left_out)
        letters = kept.letters()
        self._wanted = {(letter.peer_id, letter.when): letter for letter in letters}
        self._written = dict(self._wanted)
        if kept.is_stale:
            self._stale = True
            self._changed.set()
        return letters

    def keep(self, letters: Iterable[Letter]) -> None:
        """Keep texts."""
        self._wanted |= {(letter.peer_id, letter.when): letter for letter in letters}
        self._changed.set()

    def drop(self, letter: Letter) -> None:
        """Keep a text no more: it is delivered, or given up."""
        if self._wanted.pop((letter.peer_id, letter.when), None) is not None:
            self._changed.set()

    async def run(self) -> None:
        """Write what changes, until cancelled."""
        while self._file is not None:
            await self._changed.wait()
            self._changed = trio.Event()
            if not await self.write():
                self._changed.set()
                await trio.sleep(AGAIN)

    async def write(self, patience: float | None = None) -> bool:
        """Make the file hold what waits; return whether it does. Another program is waited for `patience` seconds."""
        wanted = dict(self._wanted)
        added = [letter for key, letter in wanted.items() if key not in self._written]
        removed = [letter for key, letter in self._written.items() if key not in wanted]
        if self._file is None or not (added or removed or self._stale):
            return self._file is not None
        change = partial(self._change, added=added, removed=removed)
        write = partial(change_kept, self._file, limits.UNDELIVERED_FILE_BYTES, change, patience, aside=True)
        try:
            moved = await anyio.to_thread.run_sync(write, abandon_on_cancel=True)
        except KeptFileError as error:
            self._troubles.fault(error)
            return False
        self._written, self._stale = wanted, False
        if moved:
            self._troubles.moved()
            self._written = {(letter.peer_id, letter.when): letter for letter in added}
            self._changed.set()  # what else waits was in the file that was moved
        return True

    # --- In a thread ------------------------------------------------------------------------------

    def _read(self, file: Path) -> tuple[LetterFile, bool]:
        """Return what is kept, and whether a file that nobody understands was moved aside. Raises KeptFileError."""
        try:
            return self._parse(read_kept(file, limits.UNDELIVERED_FILE_BYTES)), False
        except BrokenFileError:
            moved = change_kept(file, limits.UNDELIVERED_FILE_BYTES, self._look, aside=True)
        return self._parse(read_kept(file, limits.UNDELIVERED_FILE_BYTES)), moved

    def _look(self, data: bytes | None) -> None:
        """Leave a file as it is, if it can be understood. Raises KeptFileError."""
        self._parse(data)

    def _change(self, data: bytes | None, *, added: Collection[Letter], removed: Collection[Letter]) -> bytes | None:
        """Return a file with what has changed in it. Raises KeptFileError."""
        kept = self._parse(data)
        kept.change(added=added, removed=removed)
        return kept.write()

    def _parse(self, data: bytes | None) -> LetterFile:
        """Return what a file holds. Raises KeptFileError; of it BrokenFileError, where nobody understands it."""
        try:
            return LetterFile(data, self._own_id, wall())
        except LaterFormatError as error:
            raise KeptFileError(str(error)) from error
        except LettersError as error:
            raise BrokenFileError(str(error)) from error
