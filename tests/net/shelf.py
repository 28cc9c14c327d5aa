"""A shelf for the servers of files, which writes down what it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from py_peer.core import tree_hash
from py_peer.net.file_messages import FILE_EXCHANGE, sign
from py_peer.net.file_server import FileServer
from py_peer.net.named_files import NAMED_FILE, NameServer
from py_peer.net.served import OpenFile, Pace, ServedFile, Turns
from py_peer.net.sister_files import SISTER_FILE, SisterServer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from libp2p.crypto.keys import KeyPair
    from libp2p.peer.id import ID

    from py_peer.core.file_record import FileRecord
    from py_peer.net.counters import Counters
    from tests.net.support import Member

FILE_ID = "abcdefghijklmnop"
PIECE = 256 * 1024


def body(size: int) -> bytes:
    """Return bytes of which no two pieces are the same."""
    return b"".join(number.to_bytes(4, "big") for number in range(size // 4 + 1))[:size]


def leaves_of(data: bytes) -> bytes:
    return b"".join(tree_hash.leaf(data[start : start + PIECE]) for start in range(0, len(data), PIECE))


def record_of(key_pair: KeyPair, data: bytes, *, file_id: str = FILE_ID, name: str = "photo.png") -> FileRecord:
    """Return what the owner of a key signs of a file."""
    return sign(
        key_pair.private_key,
        file_id=file_id,
        name=name,
        size=len(data),
        media_type="image/png",
        root=tree_hash.root(leaves_of(data)),
        made=1_700_000_000_000,
    )


@final
class Shelf:
    """Files in a folder of the test, and what became of them."""

    def __init__(self, one: Member, folder: Path) -> None:
        self.counters: Counters = one.node.counters
        self.turns = Turns()
        self.pace = Pace()
        self.files: list[ServedFile] = []
        self.names: dict[str, ServedFile] = {}
        """What is provided under other names than its ID."""

        self.told: list[tuple[ID, str, int, str]] = []
        self.pieces: list[int] = []
        self.faults: list[str] = []
        self._folder = folder
        one.node.host.set_stream_handler(SISTER_FILE, SisterServer(self).handle)
        one.node.host.set_stream_handler(FILE_EXCHANGE, FileServer(self).handle)
        one.node.host.set_stream_handler(NAMED_FILE, NameServer(self).handle)

    def put(self, key_pair: KeyPair, data: bytes, file_id: str = FILE_ID, *, offered: bool = True) -> ServedFile:
        path = self._folder / f"{len(self.files)}.bin"
        path.write_bytes(data)
        record = record_of(key_pair, data, file_id=file_id)
        self.files.append(ServedFile(OpenFile(path), record, leaves_of(data), offered=offered))
        return self.files[-1]

    def close(self) -> None:
        for file in self.files:
            file.file.close()

    def find(self, file_id: str) -> Sequence[ServedFile]:
        return [file for file in self.files if file.record.file_id == file_id]

    def described(self, peer_id: ID, file: ServedFile) -> None:
        pass

    def by_root(self, root: bytes) -> ServedFile | None:
        return next((file for file in self.files if file.record.root == root), None)

    def by_name(self, name: str) -> ServedFile | None:
        return self.names.get(name) or next(iter(self.find(name)), None)

    def offered(self) -> Sequence[ServedFile]:
        return [file for file in self.files if file.offered]

    def sent(self, peer_id: ID, file: ServedFile, first: int, count: int) -> None:
        del peer_id, file
        self.pieces.extend(range(first, first + count))

    def served(self, peer_id: ID, file: ServedFile, sent: int, reason: str) -> None:
        self.told.append((peer_id, file.record.file_id, sent, reason))

    def faulty(self, file: ServedFile) -> None:
        self.faults.append(file.fault)
