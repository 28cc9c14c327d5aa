"""A small file that is kept from one run to the next, by several programs at the same time.

It is changed under a lock, from what stands in it at that moment. One that cannot be understood is left as it is; where
it is no loss it is moved aside.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from py_peer.net.private_files import (
    TakenError,
    TooLargeError,
    UnfitFileError,
    cause,
    make_folder,
    read_private,
    take_lock,
    write_private,
)

if TYPE_CHECKING:
    from collections.abc import Callable

LOCK_SECONDS: Final = 1.0


class KeptFileError(Exception):
    """The file cannot be read or written; the text says why, as in "the file …"."""


class BrokenFileError(KeptFileError):
    """What the file holds cannot be understood."""


ASIDE: Final = ".broken"
"""At the end of the name of a file that was moved aside."""


def read_kept(file: Path, most: int) -> bytes | None:
    """Return what a file holds, `most` bytes at most; None where there is no file. Raises KeptFileError."""
    try:
        return read_private(file, most)
    except FileNotFoundError:
        return None
    except TooLargeError as error:
        raise BrokenFileError(str(error)) from error
    except UnfitFileError as error:
        raise KeptFileError(str(error)) from error
    except OSError as error:
        raise KeptFileError(f"cannot be read: {cause(error)}") from error


def change_kept(
    file: Path,
    most: int,
    change: Callable[[bytes | None], bytes | None],
    patience: float | None = None,
    *,
    aside: bool = False,
) -> bool:
    """Write what `change` makes of what a file holds (None where there is none); if it makes None, leave it as it is.

    When it makes b"" the file is removed. Another program is waited for `patience` seconds, LOCK_SECONDS if not told.
    With `aside` a file that is too large, or that makes `change` raise BrokenFileError, gives way to a new one: ASIDE
    is put to its name, in place of an older one that has that name. Return whether that was done. Raises KeptFileError,
    as `change` may.
    """
    file = Path(os.path.realpath(file))  # a link stays one
    moved = False
    try:
        make_folder(file.parent)
        with _locked(file, LOCK_SECONDS if patience is None else patience):
            try:
                data = change(read_kept(file, most))
            except BrokenFileError:
                if not aside:
                    raise
                _move_aside(file)
                moved = True
                data = change(None)
            if data is not None and len(data) > most:
                raise KeptFileError("has no room left")
            if data == b"":
                file.unlink(missing_ok=True)
            elif data is not None:
                write_private(file, data, replace=True)
    except TakenError as error:
        raise KeptFileError(f"is kept busy by {error}") from error
    except (OSError, UnfitFileError) as error:
        raise KeptFileError(f"cannot be written: {cause(error)}") from error
    return moved


def _move_aside(file: Path) -> None:
    try:
        file.replace(file.with_name(file.name + ASIDE))
    except OSError as error:
        raise KeptFileError(f"cannot be understood, nor moved aside: {cause(error)}") from error


def _locked(file: Path, patience: float) -> AbstractContextManager[object]:
    try:
        lock = take_lock(file, patience)
    except OSError:  # no locks there; that two programs change the file in the same moment is not likely
        return nullcontext()
    # Whoever wrote these was killed over it. What stands in them is private, and nobody would ever look for it.
    for left in file.parent.glob(f".{file.name}.????????"):
        with suppress(OSError):
            left.unlink()
    return lock
