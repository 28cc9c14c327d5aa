"""What we serve: the files that the user shares, and those that were fetched and that others may fetch here, too."""

from __future__ import annotations

import base64
import mimetypes
import secrets
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, final

import anyio.to_thread
import trio
from libp2p.peer.id import ID

from py_peer.core import by_name, limits, tree_hash
from py_peer.core.cleaning import clean_line
from py_peer.core.file_events import SharedFile
from py_peer.core.file_names import safe_name
from py_peer.core.sizes import shown_size
from py_peer.net.counters import Counters
from py_peer.net.file_messages import FILE_EXCHANGE, sign
from py_peer.net.file_server import FileServer
from py_peer.net.named_files import NAMED_FILE, NameServer
from py_peer.net.private_files import UnfitFileError, cause
from py_peer.net.served import CHANGED, OpenFile, Pace, ServedFile, Turns
from py_peer.net.sister_files import SISTER_FILE, SisterServer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from libp2p.crypto.keys import PrivateKey
    from libp2p.custom_types import StreamHandlerFn, TProtocol

    from py_peer.core.file_record import FileRecord

_ID_BYTES: Final = 10
"""Random bytes of an ID: 16 characters, which nobody guesses."""

_FETCHERS: Final = 256
"""Peers and files of which is remembered what was sent; 8 kB each, of the largest files."""


class ShareError(Exception):
    """A file is not shared; the text says why, as in "it …"."""


@final
@dataclass(slots=True)
class _Sent:
    """What a peer has been sent of a file, over all its streams: a bit for each piece; and what was told of it."""

    pieces: int = 0
    told: str | None = None
    when: float = 0.0


@final
class Shared:
    """The files that we serve, and the three servers, whose `Shelf` this is.

    `on_served` is called when a peer has been sent a whole file, and when we could not go on. On our own protocol a
    peer may take one file over several streams, and some of its pieces elsewhere: it has all of it from us when every
    piece was sent, in whatever order, and one that just stops has found the rest elsewhere or will be back.
    """

    def __init__(self) -> None:
        self.counters = Counters()
        self.turns = Turns()
        self.pace = Pace()
        self.streams: dict[TProtocol, StreamHandlerFn] = {
            SISTER_FILE: SisterServer(self).handle,
            FILE_EXCHANGE: FileServer(self).handle,
            NAMED_FILE: NameServer(self).handle,
        }
        """What answers the streams of others, by protocol; there before the first peer is."""

        self.on_served: Callable[[str, SharedFile, int, str], None] = lambda _peer_id, _file, _sent, _reason: None
        """Called with a peer ID, the file, the bytes sent, and "" when it has all of it, else why it has not."""

        self.on_changed: Callable[[str, str], None] = lambda _name, _fault: None
        """Called once for a file that cannot be served any more, with its name, and why."""

        self.peer_id = ""
        self._key: PrivateKey | None = None
        self._files: dict[tuple[str, str], ServedFile] = {}  # by ID and offerer
        self._sent: dict[tuple[ID, tuple[str, str]], _Sent] = {}

    def start(self, key: PrivateKey, counters: Counters) -> None:
        """Sign with `key` from now on, and count into the node's counters."""
        self._key = key
        self.peer_id = str(ID.from_pubkey(key.get_public_key()))
        counters.update(self.counters)
        self.counters = counters

    def close(self) -> None:
        """Serve nothing any more, and close every file."""
        for file in self._files.values():
            file.file.close()
        self._files.clear()

    # --- What the user does -----------------------------------------------------------------------

    async def share(self, path: Path, progress: Callable[[int, int], None] = lambda _done, _size: None) -> SharedFile:
        """Read a file and serve it from now on under an ID of its own; `progress` gets the bytes read, and of how many.

        A file that is shared already and has not changed keeps its ID, and is not read again; one that has changed gets
        another. Raises ShareError. May be cancelled.
        """
        file_id = base64.b32encode(secrets.token_bytes(_ID_BYTES)).decode().lower()
        found, is_new = await self._read(path, self._same, file_id, path.name, progress)
        if is_new:
            found.offered = True
            for old in [one for one in self._files.values() if one.offered and one.file.path == found.file.path]:
                self.unshare(old.record.file_id)  # nobody gets it any more: it has changed
            self._put(found)
        return shown(found)

    async def provide(
        self, path: Path, name: str, progress: Callable[[int, int], None] = lambda _done, _size: None
    ) -> ServedFile:
        """Read a file and serve it from now on to who asks for `name`, in place of what was provided by that name.

        As `share` in all else; what is provided is not among what is offered.
        """

        def same(file: OpenFile) -> ServedFile | None:
            known = self.by_name(name)
            return known if known and known.file.identity == file.identity and not known.fault else None

        found, is_new = await self._read(path, same, by_name.file_id(name), name, progress)
        if is_new:
            found.provided = name
            self.unshare(found.record.file_id, found.record.offerer)
            self._put(found)
        return found

    async def _read(
        self,
        path: Path,
        same: Callable[[OpenFile], ServedFile | None],
        file_id: str,
        name: str,
        progress: Callable[[int, int], None],
    ) -> tuple[ServedFile, bool]:
        """Read a file that is to be served; return it, or the `same` one that is served already, and if it is new."""
        if self._key is None:
            raise ShareError("the node does not run yet")
        file = await _open(path)
        try:
            if known := same(file):
                file.close()
                return known, False
            self._check_room(tree_hash.HASH_BYTES * _pieces(file.size))
            leaves = await _hash(file, progress)
            record = sign(
                self._key,
                file_id=file_id,
                name=safe_name(name),
                size=file.size,
                media_type=mimetypes.guess_type(path.name)[0] or "",
                root=await anyio.to_thread.run_sync(tree_hash.root, leaves),
                made=time.time_ns() // 1_000_000,
            )
            if known := same(file):  # it was shared twice at the same time
                file.close()
                return known, False
            self._check_room(len(leaves))
        except BaseException:
            file.close()
            raise
        return ServedFile(file, record, leaves), True

    async def add(self, record: FileRecord, path: Path, leaves: bytes) -> SharedFile:
        """Serve a file that was fetched and verified under its offerer's ID, to py-peers. Raises ShareError."""
        self._check_room(len(leaves))
        file = await _open(path)
        if file.size != record.size:
            file.close()
            raise ShareError("it is not what was fetched any more")
        self.unshare(record.file_id, record.offerer)
        return self._put(ServedFile(file, record, leaves))

    def unshare(self, file_id: str, offerer: str = "") -> bool:
        """Serve a file no more, ours or, with the peer ID of its `offerer`, another's; return whether there was one."""
        found = [
            file for file in self.find(file_id) if file.record.offerer == offerer or (file.offered and not offerer)
        ]
        for file in found:
            del self._files[file.record.file_id, file.record.offerer]
            file.file.close()
        return bool(found)

    def listing(self) -> tuple[SharedFile, ...]:
        """Return what we serve, the latest last."""
        return tuple(map(shown, self._files.values()))

    def _same(self, file: OpenFile) -> ServedFile | None:
        """Return what we offer and is this very file, unchanged."""
        return next((one for one in self.offered() if one.file.identity == file.identity and not one.fault), None)

    def _check_room(self, leaves: int) -> None:
        if len(self._files) >= limits.SHARED_FILES:
            raise ShareError(f"{limits.SHARED_FILES} files are shared, and there is no room for more; /unshare one")
        if leaves + sum(len(file.leaves) for file in self._files.values()) > limits.SHARED_LEAVES_BYTES:
            raise ShareError("the files that are shared are too large together; /unshare one")

    def _put(self, file: ServedFile) -> SharedFile:
        self._files[file.record.file_id, file.record.offerer] = file
        return shown(file)

    # --- What the servers ask ---------------------------------------------------------------------

    def find(self, file_id: str) -> Sequence[ServedFile]:
        """Return the files of an ID: ours, and those of others."""
        return [file for (name, _), file in self._files.items() if name == file_id]

    def by_root(self, root: bytes) -> ServedFile | None:
        """Return a file of that tree hash, one that can be served if there is one."""
        found = [file for file in self._files.values() if file.record.root == root]
        return next((file for file in found if not file.fault), found[0] if found else None)

    def offered(self) -> Sequence[ServedFile]:
        """Return what we offer ourselves."""
        return [file for file in self._files.values() if file.offered]

    def by_name(self, name: str) -> ServedFile | None:
        """Return what we provide under exactly that name."""
        return next((file for file in self.find(by_name.file_id(name)) if file.provided == name), None)

    def sent(self, peer_id: ID, file: ServedFile, first: int, count: int) -> None:
        """Take note that a peer has been sent `count` pieces from number `first` on; tell when it has them all."""
        self.counters["files: bytes sent"] += _bytes(file, first, count)
        sent = self._sent_to(peer_id, file)
        sent.pieces |= ((1 << count) - 1) << first
        if sent.pieces.bit_count() == file.record.pieces:
            sent.pieces = 0
            self._tell(peer_id, file, file.record.size, "")

    def described(self, peer_id: ID, file: ServedFile) -> None:
        """Take note that a peer was told what a file is: of an empty one that is all. One fetch may ask twice."""
        state = self._sent_to(peer_id, file)
        if not file.record.size and (state.told is None or trio.current_time() - state.when > limits.SERVED_TOLD_PAUSE):
            self._tell(peer_id, file, 0, "")

    def served(self, peer_id: ID, file: ServedFile, sent: int, reason: str) -> None:
        """Take note that a peer has been sent all of a file, or only `sent` bytes of it, for that `reason`.

        On our own protocol `sent` is 0; what came before is known here.
        """
        self.counters["files: bytes sent"] += sent
        if reason and not sent:
            before = self._sent_to(peer_id, file).pieces.bit_count()
            sent = min(before * file.record.piece_size, file.record.size)
        self._tell(peer_id, file, sent, reason)

    def _tell(self, peer_id: ID, file: ServedFile, sent: int, reason: str) -> None:
        file.served += not reason
        self.counters["files: not sent in full" if reason else "files: sent"] += 1
        state = self._sent_to(peer_id, file)
        now = trio.current_time()
        if state.told != reason or now - state.when > limits.SERVED_TOLD_PAUSE:
            state.told, state.when = reason, now
            self.on_served(str(peer_id), shown(file), sent, reason)

    def faulty(self, file: ServedFile) -> None:
        """Take note that a file has a fault, and tell it once."""
        if not file.fault_told:
            file.fault_told = True
            self.counters["files: shared ones that changed"] += 1
            self.on_changed(file.record.name, file.fault)

    def _sent_to(self, peer_id: ID, file: ServedFile) -> _Sent:
        key = peer_id, _key(file)
        sent = self._sent.pop(key) if key in self._sent else _Sent()
        self._sent[key] = sent
        if len(self._sent) > _FETCHERS:
            del self._sent[next(iter(self._sent))]
        return sent


def _key(file: ServedFile) -> tuple[str, str]:
    return file.record.file_id, file.record.offerer


def _bytes(file: ServedFile, first: int, count: int) -> int:
    size = file.record.piece_size
    return min((first + count) * size, file.record.size) - first * size


def shown(file: ServedFile) -> SharedFile:
    """Return a file as a front-end is told of it."""
    record = file.record
    return SharedFile(
        file_id=record.file_id,
        path=clean_line(str(file.file.path), limits.MAX_PATH_CHARS),
        name=record.name,
        size=record.size,
        root=record.root.hex(),
        offered=file.offered,
        served=file.served,
        remark=_remark(file),
        provided=clean_line(file.provided, limits.MAX_PROVIDED_NAME_BYTES),
    )


def _remark(file: ServedFile) -> str:
    if file.fault:
        return f"nobody can fetch it: {file.fault}"
    if file.provided:
        return _remark_on_provided(file.record.size)
    if not file.offered:
        return "only py-peers can fetch it here"
    if file.record.size > limits.MAX_SISTER_FILE_BYTES:
        return f"only py-peers can fetch it: it has more than {shown_size(limits.MAX_SISTER_FILE_BYTES)}"
    if file.record.size > limits.JS_FILE_BYTES:
        return f"peers in JavaScript cannot fetch it: it has more than {shown_size(limits.JS_FILE_BYTES)}"
    return ""


def _remark_on_provided(size: int) -> str:
    """Return who cannot fetch what is provided by name: in the answer to others a byte takes one or two."""
    most = limits.MAX_NAMED_ANSWER
    if size <= most // 2:
        return ""
    perhaps = "" if size > most else "perhaps "
    return f"{perhaps}only py-peers can fetch it: it has more than {shown_size(most if size > most else most // 2)}"


# --- Reading --------------------------------------------------------------------------------------


async def _open(path: Path) -> OpenFile:
    try:
        return await anyio.to_thread.run_sync(OpenFile, path)
    except UnfitFileError as error:
        raise ShareError(f"it {error}") from error
    except (OSError, ValueError) as error:
        raise ShareError(cause(error)) from error


def _pieces(size: int) -> int:
    try:
        return tree_hash.pieces(size, tree_hash.piece_size(size))
    except ValueError as error:
        raise ShareError(f"it has more than {shown_size(limits.MAX_FILE_BYTES)}") from error


async def _hash(file: OpenFile, progress: Callable[[int, int], None]) -> bytes:
    """Return the hashes of all pieces of a file. Raises ShareError, also where it changes meanwhile."""
    length = tree_hash.piece_size(file.size)
    together = max(1, limits.LARGEST_PIECE // length)
    leaves = bytearray()
    try:
        for first in range(0, _pieces(file.size), together):
            progress(first * length, file.size)
            read = partial(_read_and_hash, file, length, first, together)
            leaves += await anyio.to_thread.run_sync(read, abandon_on_cancel=True)
        if await anyio.to_thread.run_sync(file.is_changed):
            raise ShareError(CHANGED.replace("since it was shared", "while it was read"))
        if not await anyio.to_thread.run_sync(_has_its_size, file):
            raise ShareError(f"it does not hold the {file.size:,} bytes that it says it has")
    except (OSError, ValueError) as error:
        raise ShareError(cause(error)) from error
    progress(file.size, file.size)
    return bytes(leaves)


def _read_and_hash(file: OpenFile, length: int, first: int, count: int) -> bytes:
    """Return the hashes of up to `count` pieces from number `first` on."""
    block = memoryview(bytearray(min(count * length, file.size - first * length)))
    data = block[: file.read(first * length, block)]
    return b"".join(tree_hash.leaf(data[start : start + length]) for start in range(0, len(data), length))


def _has_its_size(file: OpenFile) -> bool:
    """Return whether a file ends where it says; those that a system makes up, as under /proc, do not."""
    last = max(file.size - 1, 0)
    return file.read(last, memoryview(bytearray(2))) == file.size - last
