"""The record of a value as it stands in Kademlia's messages, and which namespaces there are.

Rust's two fields, 666 (publisher) and 777 (seconds to live), are none of the specification; only the second is used.
Spec: https://github.com/libp2p/specs/blob/master/kad-dht/README.md#rpc-messages
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from py_peer.core import by_name, git_records
from py_peer.core.records import SECOND, PublicKeyRule, Record, RecordRefusedError, read_time, received, write_time
from py_peer.net.file_announcements import FileRule
from py_peer.net.ipns_rule import IpnsRule
from py_peer.net.protobufs import declare

if TYPE_CHECKING:
    from libp2p.kad_dht.pb.kademlia_pb2 import Message

    from py_peer.core.records import Rule

RULES: Final[dict[bytes, Rule]] = {
    b"pk": PublicKeyRule(),
    b"ipns": IpnsRule(),
    by_name.NAMESPACE: FileRule(),
    git_records.NAMESPACE: git_records.CommitRule(),
}
"""By the name of the namespace, which stands between two slashes at the beginning of a key."""

_Record: Final[Any] = declare(
    "py_peer.kademlia",
    Record=("bytes key = 1", "bytes value = 2", "string timeReceived = 5", "bytes publisher = 666", "uint32 ttl = 777"),
)["Record"]


def read_record(message: Message, key: bytes, now: int, sender: bytes = b"") -> Record | None:
    """Return the record of a message about `key`; None where it has none. Raises RecordRefusedError.

    What its publisher himself hands us to keep, as `sender`, or nobody with a date, was put just now, if it has no
    time. That the value may stand under its key is not looked at.
    """
    if not message.HasField("record"):
        return None
    record = _Record.FromString(message.record.SerializeToString())  # the library's class does not know Rust's fields
    if record.key != key:
        raise RecordRefusedError("a value of another key")
    time = read_time(record.timeReceived)
    if time is None and sender and (record.publisher == sender or not record.ttl):
        time = now
    return received(key, record.value, time, record.ttl, now)


def put_record(message: Message, record: Record, now: int) -> Message:
    """Return a message with a record in it; who does not know its time is told for how long it lives."""
    ttl = max(1, -(-(record.expires - now) // SECOND))  # rounded up: it never shortens what the time says
    wire = _Record(key=record.key, value=record.value, timeReceived=write_time(record.time), ttl=ttl)
    message.record.MergeFromString(wire.SerializeToString())
    return message
