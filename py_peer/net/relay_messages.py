"""What is said to a relay and by it (circuit relay v2): two protocols, one for who uses it and one for who is reached.

Vouchers are signed and not looked at: the specification gives them no use yet but being handed on, and Go and
JavaScript check that they are there and hold.

Spec: https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md, and for the envelope of a voucher
https://github.com/libp2p/specs/blob/master/RFC/0002-signed-envelopes.md
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, final

from google.protobuf.message import DecodeError
from libp2p.custom_types import TProtocol
from libp2p.peer.envelope import Envelope, make_unsigned

from py_peer.core import limits
from py_peer.net.protobufs import declare
from py_peer.net.streams import EndedError, GarbageError, read_frame

if TYPE_CHECKING:
    from libp2p.abc import INetStream
    from libp2p.crypto.keys import PrivateKey
    from libp2p.peer.id import ID

HOP: Final = TProtocol("/libp2p/circuit/relay/0.2.0/hop")
STOP: Final = TProtocol("/libp2p/circuit/relay/0.2.0/stop")

VOUCHER_DOMAIN: Final = "libp2p-relay-rsvp"
VOUCHER_TYPE: Final = b"\x03\x02"

_MESSAGES: Final = declare(
    "circuit",
    HopMessage=(
        "optional int32 type = 1",
        "optional Peer peer = 2",
        "optional Reservation reservation = 3",
        "optional Limit limit = 4",
        "optional int32 status = 5",
    ),
    StopMessage=(
        "optional int32 type = 1",
        "optional Peer peer = 2",
        "optional Limit limit = 3",
        "optional int32 status = 4",
    ),
    Peer=("optional bytes id = 1", "repeated bytes addrs = 2"),
    Reservation=("optional uint64 expire = 1", "repeated bytes addrs = 2", "optional bytes voucher = 3"),
    Limit=("optional uint32 duration = 1", "optional uint64 data = 2"),
    Voucher=("optional bytes relay = 1", "optional bytes peer = 2", "optional uint64 expiration = 3"),
)
HopMessage: Final[Any] = _MESSAGES["HopMessage"]
StopMessage: Final[Any] = _MESSAGES["StopMessage"]
Limit: Final[Any] = _MESSAGES["Limit"]
Peer: Final[Any] = _MESSAGES["Peer"]
Reservation: Final[Any] = _MESSAGES["Reservation"]
Voucher: Final[Any] = _MESSAGES["Voucher"]


@final
class Hop(IntEnum):
    """The types of a HopMessage."""

    RESERVE = 0
    CONNECT = 1
    STATUS = 2


@final
class Stop(IntEnum):
    """The types of a StopMessage."""

    CONNECT = 0
    STATUS = 1


@final
class Status(IntEnum):
    """How a relay, or who is reached through it, answers."""

    OK = 100
    RESERVATION_REFUSED = 200
    RESOURCE_LIMIT_EXCEEDED = 201
    PERMISSION_DENIED = 202
    CONNECTION_FAILED = 203
    NO_RESERVATION = 204
    MALFORMED_MESSAGE = 400
    UNEXPECTED_MESSAGE = 401


async def read_message(stream: INetStream, kind: Any) -> Any:
    """Return the next message of a stream. Raises GarbageError, EndedError or SilentError."""
    frame = await read_frame(stream, limits.MAX_RELAY_MESSAGE, limits.RELAY_PATIENCE)
    if frame is None:
        raise EndedError("it closed the stream without an answer")
    try:
        return kind.FromString(frame)
    except DecodeError as error:
        raise GarbageError("what came is no message of a relay") from error


def voucher(key: PrivateKey, relay: ID, peer: ID, expire: int) -> bytes:
    """Return the signed word of a relay that it serves a peer until `expire`, in seconds of Unix time."""
    payload = Voucher(relay=relay.to_bytes(), peer=peer.to_bytes(), expiration=expire).SerializeToString()
    signature = key.sign(make_unsigned(VOUCHER_DOMAIN, VOUCHER_TYPE, payload))
    return Envelope(key.get_public_key(), VOUCHER_TYPE, payload, signature).marshal_envelope()
