"""Kademlia's messages: read with a limit, written whole, and what of their peers is taken.

Spec: https://github.com/libp2p/specs/blob/master/kad-dht/README.md#rpc-messages
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio
from libp2p.custom_types import TProtocol
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.utils import encode_varint_prefixed
from libp2p.utils.varint import read_varint_prefixed_bytes_limited

from py_peer.core import limits
from py_peer.core.addresses import is_peer_id
from py_peer.core.kademlia import Contact
from py_peer.net.multiaddrs import dialable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from libp2p.abc import INetStream

    from py_peer.core.addresses import DialAddress

KAD: Final = TProtocol("/ipfs/kad/1.0.0")

ADDRESSES_READ: Final = 4 * limits.KAD_ADDRESSES
"""Of a peer's addresses so many are looked at for those that we can dial: first may come QUIC on each interface."""


async def read_message(stream: INetStream, limit: int) -> Message:
    """Read one message. Raises MessageTooLarge, ParseError, DecodeError, IncompleteReadError or a stream's error."""
    return Message.FromString(await read_varint_prefixed_bytes_limited(stream, limit))


async def write_message(stream: INetStream, message: Message) -> None:
    """Write one message. Raises a stream's error."""
    await stream.write(encode_varint_prefixed(message.SerializeToString()))


def contact(entry: Message.Peer) -> Contact:
    """Return a peer of a message, with the first of its addresses, as they came."""
    return Contact(bytes(entry.id), bounded(entry.addrs[:ADDRESSES_READ]))


def bounded(addresses: Iterable[bytes]) -> tuple[bytes, ...]:
    """Return as many addresses as are kept of one peer."""
    return tuple(bytes(one) for one in addresses if 0 < len(one) <= limits.MAX_ADDRESS_BYTES)[: limits.KAD_ADDRESSES]


async def peers(entries: Sequence[Message.Peer], most: int) -> AsyncIterator[tuple[bytes, tuple[DialAddress, ...]]]:
    """Give the first `most` peers of an answer, each with what of its addresses this version dials.

    Of all addresses `limits.KAD_ANSWER_ADDRESSES` are read. Between two peers others have their turn.
    """
    left = limits.KAD_ANSWER_ADDRESSES
    for entry in entries[:most]:
        if is_peer_id(entry.id):
            addresses = entry.addrs[: min(ADDRESSES_READ, left)]
            left -= len(addresses)
            yield bytes(entry.id), where(entry.id, addresses)
            await trio.lowlevel.checkpoint()


def where(peer: bytes, addresses: Iterable[bytes]) -> tuple[DialAddress, ...]:
    """Return where a peer can be dialled, at most so many addresses as are kept of one."""
    return dialable((bytes(one) for one in addresses), bytes(peer), limits.KAD_ADDRESSES)


def entry(found: Contact, *, connected: bool) -> Message.Peer:
    """Return a peer as it stands in a message."""
    how = Message.CONNECTED if connected else Message.NOT_CONNECTED
    return Message.Peer(id=found.peer, addrs=found.addresses, connection=how)
