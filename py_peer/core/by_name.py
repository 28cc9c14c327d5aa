"""Files by name: what their names may be, where their announcements stand, and which of several files is meant.

The key of those who provide a file is its name, in UTF-8. Beside that each of them may announce what it provides, in a
record of the DHT under `/py-peer-file/NAME/PEER-ID`: the file as its provider has signed it. `docs/files-by-name.md`
"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Final, final

from py_peer.core import limits
from py_peer.core.cleaning import clean_line
from py_peer.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from py_peer.core.file_record import FileRecord

NAMESPACE: Final = b"py-peer-file"
ANNOUNCEMENTS: Final = b"/%b/" % NAMESPACE
"""What the keys of announcements begin with."""

_ID_OF: Final = b"py-peer file by name\n"


@final
@frozen
class Wanted:
    """A file that is to be fetched by its name. `root` is the tree hash that it must have, b"" for any."""

    name: str
    root: bytes = b""


def problem_with(name: str) -> str:
    """Return why nobody can have a file of that name, or ""."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "a name is text"
    if not name.strip():
        return "a name has something in it that can be seen"
    if size > limits.MAX_PROVIDED_NAME_BYTES:
        return f"a name has at most {limits.MAX_PROVIDED_NAME_BYTES} bytes, and this one has {size:,}"
    return ""


def problem_with_own(name: str) -> str:
    """Return why we provide no file under that name, or ""; others have to see what they are to type."""
    if problem := problem_with(name):
        return problem
    if clean_line(name, limits.MAX_PROVIDED_NAME_BYTES) != name or name != name.strip():
        return "a name has no control characters or invisible ones in it, nor spaces at its ends"
    return ""


def file_id(name: str) -> str:
    """Return the ID of the file that is provided by a name; a name may have spaces in it, and an ID has none."""
    digest = hashlib.sha256(_ID_OF + name.encode(errors="surrogatepass")).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def announcement_key(name: str, peer_id: str) -> bytes:
    """Return the key under which a peer, named by its ID in base58, announces the file that it provides by a name."""
    return ANNOUNCEMENTS + name.encode() + b"/" + peer_id.encode()


def announced_by(key: bytes) -> tuple[str, str]:
    """Return name and peer ID of such a key. Raises ValueError for another one."""
    name, _, peer_id = key.removeprefix(ANNOUNCEMENTS).rpartition(b"/")
    if not key.startswith(ANNOUNCEMENTS) or not peer_id or problem_with(name.decode()):
        raise ValueError("a key that is none of a file")
    return name.decode(), peer_id.decode()


def groups(records: Iterable[FileRecord], root: bytes = b"", asker: str = "") -> list[list[FileRecord]]:
    """Return what is announced under one name, each file with all who provide it; with `root` that file alone.

    What most provide comes first. Of as many the order is another one for each `asker`, a peer ID, and the same
    whenever he asks: nobody can make a file that comes first for all.
    """
    found: defaultdict[bytes, list[FileRecord]] = defaultdict(list)
    for record in records:
        if root in (b"", record.root):
            found[record.root].append(record)
    lots = {key: hashlib.sha256(asker.encode() + b"\n" + key).digest() for key in found}
    return [found[key] for key in sorted(found, key=lambda key: (-len(found[key]), lots[key]))]
