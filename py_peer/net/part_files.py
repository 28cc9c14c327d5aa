"""A file that is on its way: written beside its goal under another name, and given its own when it is whole.

The part has a name that follows from goal and file, `.NAME.TAG.part`, so that a later run finds it: what was fetched
with hashes is gone on with, and what was not is thrown away. It is locked, so that two programs do not write it at the
same time. The lock is the system's and ends with the process. All of this waits for the disk: it is for threads.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final, final

from py_peer.core.cleaning import clean_path
from py_peer.core.file_names import free_name
from py_peer.net.private_files import cause, give_name

ENDING: Final = ".part"
NAMES_TRIED: Final = 1_000

_FLAGS: Final = (
    os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
)
_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT) if hasattr(errno, "EDQUOT") else (errno.ENOSPC,)


class PartError(Exception):
    """A file cannot be written; the text says why, in a sentence without its end."""


class FolderError(PartError):
    """Nor can others be written into the same folder."""


def goal_of(path: str, downloads: Path | None, name: str) -> Path:
    """Return where a file called `name` goes: into the downloads, into the folder `path`, or to the file `path`.

    The downloads are made when they are missing. Raises PartError.
    """
    try:
        if not path:
            if downloads is None:
                raise FolderError("there is no folder for downloads; say where the file shall go: /get FILE PATH")
            downloads.mkdir(parents=True, exist_ok=True)
            return downloads / name
        goal = Path(path)
        if b"\0" in os.fsencode(path):
            raise PartError("that is no path: no file can be called so")
        if goal.is_dir():
            return goal / name
        if goal.exists() and not goal.is_file():  # a device, a pipe: nothing can be written there that has an end
            raise PartError(f"{clean_path(goal)} is neither a folder nor an ordinary file")
        if path.endswith(("/", os.sep)) or not goal.parent.is_dir():
            raise PartError(f"there is no folder {clean_path(goal if path.endswith(('/', os.sep)) else goal.parent)}")
    except UnicodeEncodeError as error:
        raise PartError("that is no path: no file can be called so") from error
    except OSError as error:
        raise FolderError(f"{clean_path(path or downloads)} cannot be written: {cause(error)}") from error
    return goal


@final
class PartFile:
    """What is there of a file. Several threads may use it, but `finish` and `close`, which come last."""

    def __init__(self, goal: Path, tag: str, *, anew: bool = False) -> None:
        """Open what an earlier try has left of the file that is to be called `goal`, or begin with it.

        `anew` throws away what was left. Nobody else may open it meanwhile. Raises PartError.
        """
        self.goal = goal
        self.path = goal.with_name(f".{goal.name}.{tag}{ENDING}")
        self.found = 0
        """Bytes that an earlier try has left, nobody knows yet of what worth."""

        self._writing = threading.Lock()
        self._descriptor = -1
        try:
            if any(self._open(anew=anew) for _ in range(3)):
                return
        except OSError as error:
            raise _fault(error, goal.parent) from error
        raise PartError(f"{goal.name} is just being finished by another program")

    def _open(self, *, anew: bool) -> bool:
        """Open and lock the file; False when it was given its name, or deleted, in that moment. Raises as __init__."""
        self._descriptor = os.open(self.path, _FLAGS, 0o666)
        is_ours = False
        try:
            if objection := self._objection():
                raise PartError(objection)
            is_ours = self._is_there()
            self.found = os.fstat(self._descriptor).st_size
        finally:
            if not is_ours:
                self.close()
        if is_ours and anew and self.found:
            self.throw_away()  # and not emptied: who was killed while it was given its name has it under both names
            return False
        return is_ours

    def _objection(self) -> str:
        """Lock the file; return "", or why it is not for us. Raises OSError."""
        from filelock import lock_descriptor  # noqa: PLC0415 - not for those who fetch nothing

        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            return f"{self.path} is not an ordinary file"
        try:
            is_ours = lock_descriptor(self._descriptor, blocking=False)
        except OSError:  # a file system without locks
            is_ours = True
        return "" if is_ours else f"{self.goal.name} is being fetched into the same folder already"

    def _is_there(self) -> bool:
        """Say whether it is what still has that name."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self.path.lstat())
        except FileNotFoundError:
            return False

    def size(self) -> int:
        """Return how many bytes there are; some of them may never have been written. Raises PartError."""
        try:
            return os.fstat(self._descriptor).st_size
        except OSError as error:
            raise _fault(error, self.goal.parent) from error

    def check_space(self, missing: int) -> None:
        """Raise PartError where so many bytes have no room."""
        try:
            free = shutil.disk_usage(self.goal.parent).free
        except OSError:  # it is told when it is written
            return
        if free < missing:
            folder = clean_path(self.goal.parent)
            raise FolderError(f"{missing:,} bytes are missing, and the disk of {folder} has room for {free:,}")

    def read(self, start: int, length: int) -> bytes:
        """Return up to `length` bytes from `start` on, fewer at the end of what is there. Raises PartError."""
        try:
            with self._writing:
                os.lseek(self._descriptor, start, os.SEEK_SET)
                return os.read(self._descriptor, length)
        except OSError as error:
            raise _fault(error, self.goal.parent) from error

    def write(self, start: int, data: bytes) -> None:
        """Write at its place. Raises PartError."""
        left = memoryview(data)
        try:
            with self._writing:
                os.lseek(self._descriptor, start, os.SEEK_SET)
                while left:
                    left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            raise _fault(error, self.goal.parent) from error

    def finish(self, size: int) -> Path:
        """Give the file its name, or "name (1).ext" where that is taken, and return it.

        It is cut to `size` bytes, and on the disk before it is there under its name. Raises PartError.
        """
        try:
            os.ftruncate(self._descriptor, size)
            os.fsync(self._descriptor)
            self._close_for_windows()
            taken: set[str] = set()
            for _ in range(NAMES_TRIED):
                path = self.goal.with_name(free_name(self.goal.name, taken.__contains__))
                with suppress(FileExistsError):
                    give_name(self.path, path)
                    self.path.unlink(missing_ok=True)
                    self.close()
                    return path
                taken.add(path.name)
        except OSError as error:
            raise _fault(error, self.goal.parent) from error
        raise PartError(f"there are {NAMES_TRIED:,} files called {self.goal.name} in {clean_path(self.goal.parent)}")

    def close(self) -> None:
        """Close the file; what is there of it stays. A second time does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with suppress(OSError):  # as a disk says that is full, which was told before
                os.close(descriptor)

    def throw_away(self) -> None:
        """Close the file and delete what is there."""
        self._close_for_windows()
        with suppress(OSError):
            self.path.unlink()
        self.close()

    def _close_for_windows(self) -> None:
        """Close the file where none can be named or deleted that is open; elsewhere nobody is to take it meanwhile."""
        if os.name == "nt":
            self.close()


def _fault(error: OSError, folder: Path) -> FolderError:
    if error.errno in _NO_SPACE:
        return FolderError(f"the disk of {clean_path(folder)} is full")
    return FolderError(f"{clean_path(folder)} cannot be written: {cause(error)}")
