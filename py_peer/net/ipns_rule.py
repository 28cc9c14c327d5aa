"""The rule of the namespace /ipns/: under a peer's ID stands what that peer has signed, and its highest number holds.

Spec: https://specs.ipfs.tech/ipns/ipns-record/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from google.protobuf.message import DecodeError

from py_peer.core.cbor import CborError
from py_peer.core.flat_map import Value, read_flat_map
from py_peer.core.records import RecordRefusedError, read_time

if TYPE_CHECKING:
    from py_peer.core.records import Rank, Record

NAMESPACE: Final = b"/ipns/"

_LARGEST_NAME: Final = 44
"""Bytes of a peer ID; one that is its key has a key of 42 at most, which is no RSA key."""

_LARGEST_KEY: Final = 600
"""Bytes of an RSA key of 4,096 bits, as it stands in a record."""


@final
class IpnsRule:
    """The library verifies; before that we look whether there is nothing in the record but what it should have."""

    def check(self, key: bytes, value: bytes) -> None:
        """Take what the peer in the key has signed, and what is not over."""
        from libp2p.records.ipns import IPNSValidator  # noqa: PLC0415 - a chat hardly ever sees such a record

        _read(value)
        try:
            _check_key(key, value)
            IPNSValidator().validate(f"/ipns/{key.removeprefix(NAMESPACE).hex()}", value)
        except Exception as error:  # the libraries of the kinds of keys raise what they like
            raise RecordRefusedError("an IPNS record that does not hold") from error

    def rank(self, record: Record) -> Rank:
        """Return its number, then until when it holds."""
        entries = _read(record.value)
        sequence, validity = entries["Sequence"], entries["Validity"]
        until = read_time(validity.decode("ascii", "replace") if isinstance(validity, bytes) else str(validity))
        return int(sequence), until or 0, record.value, record.time


def _check_key(key: bytes, value: bytes) -> None:
    """Refuse a key with which verifying is much work: the library's validator reads it in a way of its own."""
    from libp2p.crypto.serialization import deserialize_public_key  # noqa: PLC0415 - as above
    from libp2p.records.pb.ipns_pb2 import IpnsEntry  # noqa: PLC0415 - as above

    told = IpnsEntry.FromString(value).pubKey
    if len(key) > len(NAMESPACE) + _LARGEST_NAME or len(told) > _LARGEST_KEY:
        raise ValueError("a key that is too large")
    if told:
        deserialize_public_key(told)


def _read(value: bytes) -> dict[str, Value]:
    """Return what is signed in a record. Raises RecordRefusedError."""
    from libp2p.records.pb.ipns_pb2 import IpnsEntry  # noqa: PLC0415 - as above

    try:
        entries = read_flat_map(IpnsEntry.FromString(value).data)
    except (DecodeError, CborError) as error:
        raise RecordRefusedError("no IPNS record") from error
    if not isinstance(entries.get("Sequence"), int) or "Validity" not in entries:
        raise RecordRefusedError("no IPNS record")
    return entries
