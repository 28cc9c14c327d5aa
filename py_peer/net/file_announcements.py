"""What may stand in the DHT under `/py-peer-file/NAME/PEER-ID`: a file as that peer has signed it, under that name."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from py_peer.core.by_name import announced_by, file_id
from py_peer.core.file_record import FileRecord, RecordError
from py_peer.core.records import RecordRefusedError
from py_peer.net.file_messages import made, open_envelope

if TYPE_CHECKING:
    from py_peer.core.records import Rank, Record


def read_announcement(key: bytes, value: bytes) -> FileRecord:
    """Return what is announced. Raises RecordRefusedError for what its key does not fit."""
    try:
        name, peer_id = announced_by(key)
        record = open_envelope(value)
    except (RecordError, ValueError):
        raise RecordRefusedError("a file that is announced by nobody, or under no name") from None
    if record.offerer != peer_id:
        raise RecordRefusedError("a file that somebody else has signed than the one who announces it")
    if record.file_id != file_id(name):
        raise RecordRefusedError("a file of another name than the one it is announced under")
    return record


@final
class FileRule:
    """Nobody announces for another, and what its provider has signed last holds."""

    def check(self, key: bytes, value: bytes) -> None:
        """Take what the peer in the key has signed, of the file by the name in the key."""
        read_announcement(key, value)

    def rank(self, record: Record) -> Rank:
        """Return when it was signed; of what was signed at one time the greater holds; of the same, what was put later.

        So who provides a file can put the same announcement again, before it expires.
        """
        return made(record.value), record.value, record.time
