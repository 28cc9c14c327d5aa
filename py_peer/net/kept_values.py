"""The values of Kademlia that this node keeps, on a disk, too, so that they outlive the program.

What is in memory is what counts; an SQLite file, bounded, follows it, in one transaction at a time. Several programs
may share it: each writes what it has changed itself, and nothing over what another's user has put later. A file that
cannot be understood is moved aside.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, final

import trio

from py_peer.core import limits
from py_peer.core.by_name import ANNOUNCEMENTS
from py_peer.core.records import SECOND, UNTOLD, Record, RecordRefusedError, rule_for
from py_peer.core.value_shelf import FullError, Kept, ValueShelf
from py_peer.net.kad_records import RULES
from py_peer.net.kept_file import ASIDE, KeptFileError
from py_peer.net.private_files import MODE, cause, make_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_FORMAT: Final = 1
_PAGE: Final = 4_096
_PATIENCE: Final = 1.0
"""Seconds for which another program may be writing."""

_PUT: Final = """INSERT INTO records VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE
    SET value = excluded.value, time = excluded.time, expires = excluded.expires, sender = excluded.sender
    WHERE records.sender != '' OR excluded.time > records.time OR records.time > ?"""
_TABLE: Final = """CREATE TABLE IF NOT EXISTS records
    (key BLOB PRIMARY KEY, value BLOB, time INTEGER, expires INTEGER, sender TEXT)"""


@final
class KeptValues:
    """What is on the shelf, and its way to the disk and back."""

    def __init__(self, file: Path | None = None, troubles: Troubles | None = None) -> None:
        """Keep them in `file`; None keeps them for this run alone. `troubles` tells the user what is the matter."""
        self.shelf = ValueShelf(in_all=limits.KAD_VALUES_WEIGHT, per_sender=limits.KAD_SENDER_WEIGHT)
        self._store = RecordStore(file) if file else None
        self._troubles = troubles
        self._turn = trio.Lock()
        self._loaded = trio.Event()
        self._written = 0

    async def load(self) -> None:
        """Take what an earlier run has kept and what still holds; what is put meanwhile stays."""
        if self._store is None:
            return
        try:
            kept = await trio.to_thread.run_sync(self._store.open)
        except KeptFileError as error:
            self._store = None
            self._loaded.set()
            if self._troubles:
                self._troubles.fault(error)
            return
        if self._troubles:
            if self._store.moved:
                self._troubles.moved()
            self._troubles.left_out(self._store.left_out)
        without_room = []
        for one in kept:
            if one.is_own and one.record.key.startswith(ANNOUNCEMENTS):
                continue  # of a file that was provided as long as that run lasted
            try:
                self._take(one)
            except FullError:
                without_room.append(one.record.key)
            await trio.lowlevel.checkpoint()  # there may be thousands of signatures among them
        self._store.leave(without_room)
        if self._troubles:
            self._troubles.without_room(len(without_room), self.shelf.own_count)
        self.shelf.expire(time.time_ns())
        self._loaded.set()

    def _take(self, one: Kept) -> None:
        """Take what still holds, unless something was put meanwhile. Raises FullError."""
        with suppress(RecordRefusedError):
            rule_for(one.record.key, RULES).check(one.record.key, one.record.value)
            if one.record.key not in self.shelf:
                self.shelf.put(one.record, one.sender)

    async def keys_of(self, values: Collection[bytes]) -> list[bytes]:
        """Return the keys under which we have put one of these values, those on the disk alone too."""
        if self._store is not None:
            await self._loaded.wait()
        kept = [*self.shelf, *(self._store.left if self._store else ())]
        return [one.record.key for one in kept if one.is_own and one.record.value in values]

    async def forget(self, key: bytes) -> bool:
        """Forget what we have put under a key, on the disk too; return whether there was anything."""
        if self._store is not None:
            await self._loaded.wait()
        was_left = self._store is not None and self._store.leave_no_more(key)
        if self.shelf.own(key) is not None:
            self.shelf.drop(key)
        elif not was_left:
            return False
        self._written = -1
        await self.write()
        return True

    async def write(self) -> bool:
        """Have the disk follow; return whether it has. What is the matter is told, and it is tried again later."""
        if self._store is not None:
            await self._loaded.wait()
        if self._store is None:
            return True
        async with self._turn:
            changes = self.shelf.changes
            if changes == self._written:
                return True
            try:
                await trio.to_thread.run_sync(partial(self._store.write, list(self.shelf)))
            except KeptFileError as error:
                if self._troubles:
                    self._troubles.fault(error)
                return False
            self._written = changes
            return True

    async def close(self) -> None:
        """Write what is not written yet, and let go of the file."""
        if self._store is not None and self._loaded.is_set():
            await self.write()
            await trio.to_thread.run_sync(self._store.close)


class Troubles(Protocol):
    """Who tells what is the matter with the file."""

    def fault(self, error: KeptFileError) -> None:
        """Tell that it cannot be read or written."""

    def moved(self) -> None:
        """Tell that it was moved aside."""

    def left_out(self, count: int) -> None:
        """Tell how much of it cannot be understood, if anything."""

    def without_room(self, count: int, most: int) -> None:
        """Tell how many of our own values in it found no room beside the `most` that have it, if any."""


@final
class RecordStore:
    """The file. Its methods block, and are for one thread at a time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None
        self._written: dict[bytes, Kept] = {}
        self._left: dict[bytes, Kept] = {}
        self.moved = False
        """Whether what stood there could not be understood, and was moved aside."""

        self.left_out = 0
        """How many of its records could not be understood."""

    def open(self) -> list[Kept]:
        """Open the file, and return what stands in it. Raises KeptFileError."""
        try:
            make_folder(self._file.parent)
            try:
                kept = self._open()
            except _UnfitError:
                self._move_aside()
                kept = self._open()
        except (OSError, sqlite3.Error, _UnfitError) as error:
            raise KeptFileError(f"cannot be opened: {cause(error)}") from error
        self._written = {one.record.key: one for one in kept}
        return kept

    def leave(self, keys: Iterable[bytes]) -> None:
        """Leave some records in the file, though they will not be on the shelf."""
        self._left = {key: self._written.pop(key) for key in keys}

    @property
    def left(self) -> Collection[Kept]:
        """The records that were left."""
        return self._left.values()

    def leave_no_more(self, key: bytes) -> bool:
        """Have the next `write` delete a record that was left, if it is one; return whether it is."""
        left = self._left.pop(key, None)
        if left is not None:
            self._written.setdefault(key, left)
        return left is not None

    def write(self, shelf: Iterable[Kept]) -> None:
        """Write what has changed on the shelf since it was read or written last. Raises KeptFileError."""
        if self._connection is None:
            return
        wanted = {kept.record.key: kept for kept in shelf}
        gone = [(key, kept.record.time) for key, kept in self._written.items() if key not in wanted]
        latest = time.time_ns() + limits.KAD_CLOCK_AHEAD * SECOND  # what is later was put by a clock that was ahead
        new = [
            (kept.record.key, kept.record.value, kept.record.time, kept.record.expires, kept.sender, latest)
            for key, kept in wanted.items()
            if self._written.get(key) is not kept
        ]
        if not gone and not new:
            return
        try:
            with self._connection:
                self._connection.executemany("DELETE FROM records WHERE key = ? AND time = ?", gone)
                self._connection.executemany(_PUT, new)
        except sqlite3.Error as error:
            raise KeptFileError(f"cannot be written: {cause(error)}") from error
        self._written = wanted

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> list[Kept]:
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), MODE)  # for us alone
        try:
            if os.fstat(descriptor).st_size > limits.KAD_VALUES_FILE:
                raise _UnfitError(f"has more than {limits.KAD_VALUES_FILE:,} bytes")
        finally:
            os.close(descriptor)
        connection = sqlite3.connect(self._file, check_same_thread=False, timeout=_PATIENCE)
        try:
            (form,) = connection.execute("PRAGMA user_version").fetchone()
            if form > _FORMAT:
                msg = "was written by a later version"
                raise KeptFileError(msg)  # noqa: TRY301 - the connection is closed for it as for the others
            if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                msg = "is damaged"
                raise _UnfitError(msg)  # noqa: TRY301 - as above
            connection.execute(f"PRAGMA max_page_count = {limits.KAD_VALUES_FILE // _PAGE}")
            with connection:
                connection.execute(_TABLE)
                connection.execute(f"PRAGMA user_version = {_FORMAT}")
            with closing(connection.execute("SELECT key, value, time, expires, sender FROM records")) as rows:
                kept = [one for row in rows if (one := self._read(*row)) is not None]
        except sqlite3.OperationalError:  # the disk, not what stands in the file
            connection.close()
            raise
        except (sqlite3.DatabaseError, TypeError) as error:
            connection.close()
            raise _UnfitError(str(error)) from error
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return kept

    def _read(self, key: object, value: object, time: object, expires: object, sender: object) -> Kept | None:
        if (
            isinstance(key, bytes)
            and isinstance(value, bytes)
            and isinstance(time, int)
            and isinstance(expires, int)
            and time >= UNTOLD
            and isinstance(sender, str)
            and len(key) <= limits.MAX_KAD_KEY
            and len(value) <= limits.MAX_KAD_VALUE
        ):
            return Kept(Record(key, value, time, expires), sender)
        self.left_out += 1
        return None

    def _move_aside(self) -> None:
        self._file.with_name(f"{self._file.name}-journal").unlink(missing_ok=True)  # it is none of the new one's
        self._file.replace(self._file.with_name(self._file.name + ASIDE))
        self.moved = True


class _UnfitError(Exception):
    """What stands in the file is not ours."""
