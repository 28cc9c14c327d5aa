"""A small file that is kept from one run to the next, by several programs at the same time.

It is changed under a lock, from what stands in it at that moment, and one that cannot be understood is left as it is.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from py_peer.net.private_files import (
    TakenError,
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


def read_kept(file: Path, most: int) -> bytes | None:
    """Return what a file holds, `most` bytes at most; None where there is no file. Raises KeptFileError."""
    try:
        return read_private(file, most)
    except FileNotFoundError:
        return None
    except UnfitFileError as error:
        raise KeptFileError(str(error)) from error
    except OSError as error:
        raise KeptFileError(f"cannot be read: {cause(error)}") from error


def change_kept(
    file: Path, most: int, change: Callable[[bytes | None], bytes | None], patience: float | None = None
) -> None:
    """Write what `change` makes of what a file holds (None where there is none); if it makes None, leave it as it is.

    Another program is waited for `patience` seconds, LOCK_SECONDS if not told. Raises KeptFileError, as `change` may.
    """
    file = Path(os.path.realpath(file))  # a link stays one
    try:
        make_folder(file.parent)
        with _locked(file, LOCK_SECONDS if patience is None else patience):
            data = change(read_kept(file, most))
            if data is not None and len(data) > most:
                raise KeptFileError("has no room left")
            if data is not None:
                write_private(file, data, replace=True)
    except TakenError as error:
        raise KeptFileError(f"is kept busy by {error}") from error
    except (OSError, UnfitFileError) as error:
        raise KeptFileError(f"cannot be written: {cause(error)}") from error


def _locked(file: Path, patience: float) -> AbstractContextManager[object]:
    try:
        return take_lock(file, patience)
    except OSError:  # no locks there; that two programs change the file in the same moment is not likely
        return nullcontext()
