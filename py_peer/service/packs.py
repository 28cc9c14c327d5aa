"""How large what a repository holds is, before it is unpacked: dulwich, which unpacks it, bounds nothing in a pack.

An object may be kept as its difference to another, and that as one to a third: all of these are unpacked to have it.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, cast, final

from py_peer.core import limits_git
from py_peer.core.frozen import frozen
from py_peer.core.packed import HEAD_BYTES, read_entry

if TYPE_CHECKING:
    from io import BufferedReader

    from dulwich.object_store import DiskObjectStore
    from dulwich.objects import ObjectID, RawObjectID
    from dulwich.pack import Pack
    from dulwich.repo import Repo


_SHA1_DIGITS: Final = 40
"""Of a name with fewer bytes these are no hex digits."""


class TooLargeError(Exception):
    """What would take too much is not read; the text says what."""


@final
@frozen
class Packed:
    """An object that is in a pack, in bytes."""

    size: int
    """Its own."""

    needed: int
    """The largest it is made of, and all differences: what is in memory to have it."""


def stores(repo: Repo) -> list[DiskObjectStore]:
    """Return where the objects of a repository are: in a folder of its own, and in those of others that it shares."""
    from dulwich.object_store import DiskObjectStore  # noqa: PLC0415 - 0.1 s of imports for who reads a repository

    found = [repo.object_store]
    for store in found:
        found += [one for one in store.alternates if isinstance(one, DiskObjectStore)]
        if len(found) > limits_git.MAX_STORES:
            raise TooLargeError(f"it shares the objects of more than {limits_git.MAX_STORES} others")
    return found


def bound(store: DiskObjectStore) -> None:
    """Have a store raise TooLargeError in place of unpacking more than limits_git.MAX_OBJECT."""
    store.loose_object_size_limit = limits_git.MAX_OBJECT
    packs, unbound = store.packs, store.get_raw

    def get_raw(name: RawObjectID | ObjectID) -> tuple[int, bytes]:
        found = packed(packs, name)
        if found and found.needed > limits_git.MAX_OBJECT:
            raise _too_large(name)
        try:
            return unbound(name)
        except zlib.error as error:
            if "exceeds" in str(error):  # in a file of its own
                raise _too_large(name) from None
            raise

    store.get_raw = get_raw  # type: ignore[method-assign]  # all that dulwich reads of a store goes this way


def _too_large(name: bytes) -> TooLargeError:
    digits = name.hex() if len(name) < _SHA1_DIGITS else name.decode()
    short = digits[: limits_git.SHORT_ID_CHARS]
    return TooLargeError(f"to unpack the object {short} takes more than {limits_git.MAX_OBJECT:,} bytes")


def packed(packs: list[Pack], name: RawObjectID | ObjectID) -> Packed | None:
    """Return how large an object is that is in one of the packs, None for another.

    Where several packs have it, that is what the worst of them needs. Raises TooLargeError where too many differences
    lead to it, FileFormatException where a pack is damaged.
    """
    from dulwich.errors import FileFormatException  # noqa: PLC0415 - as above

    found: list[Packed] = []
    for pack in packs:
        try:
            offset = pack.index.object_offset(name)
        except KeyError:
            continue
        with open(pack.data.path, "rb") as file:  # noqa: PTH123 - it may be of either type
            try:
                found.append(_measured(pack, file, offset))
            except (KeyError, OverflowError, ValueError):
                raise FileFormatException("an object in a pack is damaged; git fsck tells more") from None
    return max(found, key=lambda one: one.needed, default=None)


def _measured(pack: Pack, file: BufferedReader, offset: int) -> Packed:
    sizes: list[int] = []
    deltas = 0
    while len(sizes) < limits_git.MAX_DELTAS:
        file.seek(offset)
        entry = read_entry(file.read(HEAD_BYTES), pack.object_format.oid_length)
        sizes.append(entry.size)
        deltas += entry.delta
        if entry.base is None:
            return Packed(sizes[0], max(sizes) + deltas)
        if isinstance(entry.base, int):
            offset -= entry.base
        else:
            offset = pack.index.object_offset(cast("RawObjectID", entry.base))
    raise TooLargeError(f"an object is kept as more than {limits_git.MAX_DELTAS:,} differences")
