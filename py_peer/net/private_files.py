"""Small files of the user's own: read with a limit, there whole or not at all, written by one process at a time."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from filelock import BaseFileLock

MODE: Final = 0o600
FOLDER_MODE: Final = 0o700

_MAX_SIGNATURE: Final = 20
"""Bytes of a lock file: a process ID and a line break. A longer file of that name is somebody else's."""

_OPEN: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Opening a FIFO must not wait for somebody who writes into it; Windows must not turn line breaks over."""


class UnfitFileError(Exception):
    """A file that is not taken for what it should be; the text says why, as in "the file …"."""


class TooLargeError(UnfitFileError):
    """A file is larger than any that we write."""


class TakenError(Exception):
    """Another process holds the lock; the text names it, as far as it is known."""


def read_private(path: Path, most: int) -> bytes:
    """Return what a file holds, `most` bytes at most. Raises OSError or UnfitFileError."""
    descriptor = os.open(path, _OPEN)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnfitFileError("is a folder" if stat.S_ISDIR(status.st_mode) else "is not an ordinary file")
        data = bytearray()
        while len(data) <= most and (more := os.read(descriptor, most + 1 - len(data))):
            data += more
    finally:
        os.close(descriptor)
    if len(data) > most:
        raise TooLargeError(f"has more than {most:,} bytes")
    return bytes(data)


def write_private(path: Path, data: bytes, *, replace: bool) -> None:
    """Write a file of mode 0600, by way of another beside it, so that it is never there in part.

    The folder must be there (`make_folder`). Raises OSError, of it FileExistsError when the file is there and is not
    to be replaced; UnfitFileError where no file can be closed to others.
    """
    import tempfile  # noqa: PLC0415 - 5 ms, and every start reads

    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if hasattr(os, "fchmod"):  # not on Windows; elsewhere a umask may have taken our own rights away
                os.fchmod(file.fileno(), MODE)
            if is_open(os.fstat(file.fileno())):
                raise UnfitFileError("would be open to others: this file system keeps no modes")
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
        else:
            give_name(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, for the user alone; one that is there stays as it is. Raises OSError."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with contextlib.suppress(FileExistsError):  # made by somebody else just now, or a file, which is told later
        folder.mkdir(FOLDER_MODE)


def is_open(status: os.stat_result) -> bool:
    """Whether others can open a file of ours; as with ssh, one that is not ours is its owner's business."""
    return os.name == "posix" and status.st_uid == os.getuid() and bool(status.st_mode & 0o077)


def take_lock(path: Path, patience: float = 0.0) -> BaseFileLock:
    """Lock the file beside `path` that is called like it with `.lock` at its end, and return the lock, to be released.

    It ends with the process, in whatever way. Raises TakenError when it is not free within `patience` seconds, and
    OSError where the lock cannot be made: in a folder that cannot be written, or on a file system without locks.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - not for those who keep nothing

    lock = FileLock(f"{path}.lock", patience, MODE, thread_local=False, fallback_to_soft=False, on_acquired=_sign)
    try:
        lock.acquire()
    except Timeout:
        raise TakenError(_signed(Path(f"{path}.lock"))) from None
    return lock


def cause(error: Exception) -> str:
    """Return what has gone wrong with a file, in a few words."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def give_name(temporary: Path, path: Path) -> None:
    """Give a file its name; its temporary name may stay, and is to be unlinked.

    Raises OSError, of it FileExistsError when there is a file of that name already.
    """
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError) as error:  # a file system without links
        if path.exists():
            raise FileExistsError(path) from error
        temporary.replace(path)


def _sign(descriptor: int) -> None:
    """Write who we are into our lock file, for others to tell."""
    if os.fstat(descriptor).st_size <= _MAX_SIGNATURE:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, b"%d\n" % os.getpid())


def _signed(lock: Path) -> str:
    with contextlib.suppress(OSError, UnfitFileError, ValueError):  # on Windows a locked file cannot be read
        return f"process {int(read_private(lock, _MAX_SIGNATURE))}"
    return "another process"
