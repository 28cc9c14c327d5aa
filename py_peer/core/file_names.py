"""Names of files: what a stranger's name becomes on our disk, and which file a user means.

A name is one component: no path, nothing that cannot be seen, nothing that a file system or a shell takes for
something else. Windows' rules hold everywhere, since a folder may be shared or copied.
Source: https://learn.microsoft.com/windows/win32/fileio/naming-a-file
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from py_peer.core import limits
from py_peer.core.cleaning import clean_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NO_NAME: Final = "file"
"""What a file is called of whose name nothing is left."""

_MOST_READ: Final = 4_096
_SEPARATORS: Final = re.compile(r"[/\\]+")
_FORBIDDEN: Final = re.compile(r'[<>:"|?*]')
_DEVICE: Final = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9¹²³])\s*(?:\..*)?", re.IGNORECASE
)
_ENDING: Final = re.compile(r"(?<=.)(?:\.tar)?\.[0-9A-Za-z_+-]{1,16}$")
_USUAL_ID: Final = re.compile(r"[0-9A-Za-z_-]{16,}")
"""UUIDs, our own IDs, hashes: nobody calls a file so by chance."""

_MOST_TOLD: Final = 5


class NotOneFileError(ValueError):
    """What the user has written means no file, or several; the text says so in a sentence."""


class NoFileError(NotOneFileError):
    """It means no file."""


class Named(Protocol):
    """What has an ID and a name."""

    @property
    def file_id(self) -> str:
        """The ID, never ""."""

    @property
    def name(self) -> str:
        """The name, "" where it is not known."""


T = TypeVar("T", bound=Named)


def safe_name(text: str) -> str:
    """Return what a file of any name, or ID, is called on our disk: one component of at most MAX_FILE_NAME_BYTES bytes.

    Of a path it is the last part. A name that is safe is left as it is.
    """
    path = _SEPARATORS.sub("/", text[-_MOST_READ:]).rstrip("/ .")
    name = unicodedata.normalize("NFC", clean_line(path.rpartition("/")[2], _MOST_READ))
    name = _tidy(_FORBIDDEN.sub("_", name))
    if _DEVICE.fullmatch(name):
        name = f"_{name}"
    stem, ending = _split(name)
    room = limits.MAX_FILE_NAME_BYTES - len(ending.encode())
    if len(stem.encode()) > room:
        name = _tidy(_tidy(stem.encode()[:room].decode(errors="ignore")) + ending)
    return name or NO_NAME


def free_name(name: str, exists: Callable[[str], bool]) -> str:
    """Return `name`, or the first of "name (1).ext", "name (2).ext" and so on that does not exist."""
    stem, ending = _split(name)
    names = (f"{stem} ({number}){ending}" if number else name for number in itertools.count())
    return next(one for one in names if not exists(one))


def find(
    wanted: str,
    files: Iterable[T],
    owner: Callable[[T], object] = id,
    told: Callable[[T], str] = lambda file: file.name,
) -> T:
    """Return the one file that is meant: by its ID, by the beginning of its ID, or by its name. Raises NotOneFileError.

    Of those with the same name and the same `owner` the last one is meant. Where there are several the user is told of
    each its ID and what `told` says.

    IDs and names are made up by strangers. So who takes the name of another's file for his ID, or the beginning of it,
    does not get what is asked of the other: then the user is told that there are two.
    """
    named: dict[object, T] = {}
    begun, exact = [], []
    for file in files:
        if file.file_id == wanted:
            exact.append(file)
        elif file.name == wanted:
            named[owner(file)] = file
        elif wanted and file.file_id.startswith(wanted):
            begun.append(file)
    if exact and _USUAL_ID.fullmatch(wanted):
        return exact[0]
    found = [*named.values(), *(exact or begun)]
    if len(found) == 1:
        return found[0]
    shown = clean_line(wanted, limits.MAX_SHOWN_PATH_CHARS)
    if not found:
        raise NoFileError(f"there is no file “{shown}”; /files lists what there is")
    listed = ", ".join(
        f"{one.file_id} ({about})" if (about := told(one)) else one.file_id for one in found[:_MOST_TOLD]
    )
    more = f" and {len(found) - _MOST_TOLD} more" * (len(found) > _MOST_TOLD)
    raise NotOneFileError(f"“{shown}” may be one of {len(found)} files: {listed}{more}; write more of the ID")


def _tidy(name: str) -> str:
    """Fold spaces, and take off what has a meaning at an end of a name: hidden files, options, homes, Windows' cuts."""
    name = clean_line(" ".join(name.split()), _MOST_READ).lstrip(" .-~").rstrip(" .")
    if clean_line(name, _MOST_READ) != name:  # a mark has lost what it stood on
        name = clean_line(f"_{name}", _MOST_READ)
    return name


def _split(name: str) -> tuple[str, str]:
    """Return a name without its ending, and the ending, as in "a" and ".tar.gz"; "" where there is none."""
    match = _ENDING.search(name)
    return (name[: match.start()], match[0]) if match else (name, "")
