"""The messages of our own file protocol, and the signed record of a file. `docs/file-exchange.md` describes both.

Envelopes: https://github.com/libp2p/specs/blob/master/RFC/0002-signed-envelopes.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError
from libp2p.custom_types import TProtocol
from libp2p.peer.envelope import Envelope, make_unsigned, unmarshal_envelope
from libp2p.peer.id import ID

from py_peer.core import limits, tree_hash
from py_peer.core.file_record import FileRecord, RecordError, checked
from py_peer.net.protobufs import declare

if TYPE_CHECKING:
    from libp2p.crypto.keys import PrivateKey

FILE_EXCHANGE: Final = TProtocol("/py-peer/file/1.0.0")

DOMAIN: Final = "py-peer-file"
PAYLOAD_TYPE: Final = b"/py-peer/file-record"

_MESSAGES: Final = declare(
    "py_peer.files",
    Request=(
        "optional string describe = 1",
        "optional bool list = 2",
        "optional bytes leaves = 3",
        "optional Pieces pieces = 4",
    ),
    Pieces=("bytes root = 1", "uint32 first = 2", "uint32 count = 3"),
    Records=("repeated bytes records = 1",),
    Refusal=("string reason = 1",),
    File=(
        "string id = 1",
        "string name = 2",
        "uint64 size = 3",
        "string media_type = 4",
        "uint32 piece_size = 5",
        "bytes root = 6",
        "uint64 made = 7",
    ),
)
Request: Final[Any] = _MESSAGES["Request"]
Pieces: Final[Any] = _MESSAGES["Pieces"]
Records: Final[Any] = _MESSAGES["Records"]
Refusal: Final[Any] = _MESSAGES["Refusal"]
_File: Final[Any] = _MESSAGES["File"]


def sign(  # noqa: PLR0913 - each is a field of the record, by name
    key: PrivateKey, *, file_id: str, name: str, size: int, media_type: str, root: bytes, made: int
) -> FileRecord:
    """Return the record of a file that we offer, in its envelope. Raises RecordError, ValueError for a size too large.

    What it says is read back from the envelope, so that we know nothing else of the file than who asks us.
    """
    file = _File(
        id=file_id,
        name=name,
        size=size,
        media_type=media_type,
        piece_size=tree_hash.piece_size(size),
        root=root,
        made=made,
    )
    payload = file.SerializeToString()
    signature = key.sign(make_unsigned(DOMAIN, PAYLOAD_TYPE, payload))
    return open_envelope(Envelope(key.get_public_key(), PAYLOAD_TYPE, payload, signature).marshal_envelope())


def made(envelope: bytes) -> int:
    """Return when the file in an envelope was signed, which `open_envelope` has taken."""
    return int(_File.FromString(unmarshal_envelope(envelope).raw_payload).made)


def open_envelope(data: bytes) -> FileRecord:
    """Return the record in an envelope, with its signer as offerer. Raises RecordError."""
    if len(data) > limits.MAX_FILE_RECORD:
        raise RecordError("a record that is too large")
    try:
        envelope = unmarshal_envelope(data)
        envelope.validate(DOMAIN)
        offerer = str(ID.from_pubkey(envelope.public_key))
    except Exception as error:  # the libraries of the kinds of keys raise what they like
        raise RecordError("a signature that does not hold") from error
    if envelope.payload_type != PAYLOAD_TYPE:
        raise RecordError("an envelope of something else")
    try:
        file = _File.FromString(envelope.raw_payload)
    except DecodeError as error:
        raise RecordError("no protobuf") from error
    return checked(
        file_id=file.id,
        name=file.name,
        size=file.size,
        media_type=file.media_type,
        piece_size=file.piece_size,
        root=file.root,
        made=file.made,
        offerer=offerer,
        envelope=data,
    )
