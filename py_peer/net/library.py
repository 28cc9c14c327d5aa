"""Names inside py-libp2p that have to be replaced, because there is no other way in. Imported before any host is made.

Each was seen in release 0.8.1; `tests/net/test_traps.py` pins what the library does as it comes.
"""

from __future__ import annotations

import logging
import socket
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

# A bare logging.debug() in network/connection/swarm_connection.py installs a root handler on stderr at the
# first connection, unless the root logger has one already.
logging.getLogger().addHandler(logging.NullHandler())

import libp2p.crypto.serialization as _keys  # noqa: E402 - after the handler
import libp2p.io.msgio as _msgio  # noqa: E402
import libp2p.io.trio as _trio_io  # noqa: E402
import libp2p.network.connection.swarm_connection as _swarm_connection  # noqa: E402
import libp2p.network.swarm as _swarm  # noqa: E402
import libp2p.peer.envelope as _envelope  # noqa: E402
import libp2p.protocol_muxer.multiselect as _multiselect  # noqa: E402
import libp2p.protocol_muxer.multiselect_client as _client  # noqa: E402
import libp2p.protocol_muxer.multiselect_communicator as _communicator  # noqa: E402
import libp2p.pubsub.pubsub as _pubsub  # noqa: E402
import libp2p.stream_muxer.muxer_multistream as _multistream  # noqa: E402
import libp2p.stream_muxer.yamux.yamux as _yamux  # noqa: E402
import libp2p.transport.tcp.tcp as _tcp  # noqa: E402
from libp2p.crypto.keys import KeyType  # noqa: E402
from libp2p.exceptions import ParseError  # noqa: E402
from libp2p.io.exceptions import IncompleteReadError, MessageTooLarge  # noqa: E402
from libp2p.pubsub.rpc_queue import RpcQueue  # noqa: E402
from libp2p.utils.varint import read_varint_prefixed_bytes_limited  # noqa: E402
from multiaddr.resolvers import DNSResolver  # noqa: E402

from py_peer.core import limits  # noqa: E402
from py_peer.net.interfaces import host_and_port  # noqa: E402
from py_peer.net.muxed_stream import LimitedStream  # noqa: E402
from py_peer.net.muxer import LimitedYamux  # noqa: E402
from py_peer.net.net_stream import UnlockedStream  # noqa: E402
from py_peer.net.tcp import TCPStream  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from libp2p.crypto.keys import PublicKey
    from libp2p.io.abc import Reader

# Without a handler of its own the library's warnings reach the terminal through logging's last resort.
logging.getLogger("libp2p").addHandler(logging.NullHandler())


_their_key_readers = _keys.key_type_to_public_key_deserializer


def _read_rsa_key(data: bytes) -> PublicKey:
    """Read an RSA key. Raises ValueError for one with which verifying is much work, and what the library raises.

    The library takes any exponent (crypto/rsa.py), and with one as large as the key a signature takes 33 ms.
    """
    key: Any = _their_key_readers[KeyType.RSA.value](data)
    if key.impl.e > limits.MAX_RSA_EXPONENT:
        msg = "an RSA key whose exponent is too large"
        raise ValueError(msg)
    return cast("PublicKey", key)


def _read_envelope_key(key: Any) -> PublicKey:
    """Read the key in an envelope as all others are read; the library has another reader of keys for it."""
    return _keys.deserialize_public_key(key.SerializeToString())


class NoMultistreamError(Exception):
    """What came is not multistream-select. The library has one error for that and for a connection that ended."""


async def _read_delim(reader: Reader) -> bytes:
    """Read one multistream-select line. Raises NoMultistreamError, or what the reader raises.

    The library's reader believes any length (utils/varint.py), before the other side has proved who it is.
    """
    try:
        line = await read_varint_prefixed_bytes_limited(reader, limits.MAX_MULTISTREAM_LINE)
    except (ParseError, MessageTooLarge) as error:
        raise NoMultistreamError(str(error)) from error
    if not line.endswith(b"\n"):
        msg = "a multistream-select line without its end"
        raise NoMultistreamError(msg)
    return line[:-1]


def _is_valid_handshake(line: str) -> bool:
    """Return True for the line with which both sides begin. Raises NoMultistreamError for any other."""
    if line != _multiselect.MULTISELECT_PROTOCOL_ID:
        msg = f"{line!r} where {_multiselect.MULTISELECT_PROTOCOL_ID} belongs"
        raise NoMultistreamError(msg)
    return True


async def _read_exactly(reader: Reader, n: int) -> bytes:
    """Read `n` bytes, in however small pieces they come. Raises IncompleteReadError when the connection ends before.

    The library gives a Noise message up after 101 pieces (io/utils.py:50), and its connection with it: 64 KiB over
    a line of small packets, or any message over one that passes bytes one by one.
    """
    data = bytearray()
    while len(data) < n:
        more = await reader.read(n - len(data))
        if not more:
            msg = f"the connection ended {n - len(data)} bytes before a message did"
            raise IncompleteReadError(msg, n, len(data))
        data += more
    return bytes(data)


def _remote_address(stream: Any) -> tuple[str, int] | None:
    """Return the other end of a TCP stream.

    The library knows none for IPv6, whose addresses have four parts (io/trio.py:101).
    """
    if stream._cached_remote_address is None:  # noqa: SLF001
        try:
            stream._cached_remote_address = host_and_port(stream.stream.socket.getpeername())  # noqa: SLF001
        except OSError:
            return None
    address: tuple[str, int] = stream._cached_remote_address  # noqa: SLF001
    return address


_their_reuse_flags = getattr(_tcp, "_set_reuse_flags", None)


def _set_flags(one: Any) -> None:
    """Set what a socket of TCP is to have before it is bound; IPv6 is not to be IPv4, too, which has its own.

    The library leaves that to the system (transport/tcp/tcp.py:85), so that who listens on :: alone is reached by IPv4.
    """
    if _their_reuse_flags is not None:
        _their_reuse_flags(one)
    if one.family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


class _LateResolver:
    """The library's resolver of names, made when it is used. Swarm makes one at once (network/swarm.py:321).

    That reads the settings of the system's name servers and costs 54 modules, and a chat asks the system itself.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(DNSResolver(), name)


_CLASSES: Final[list[tuple[Any, str, type]]] = [
    # MuxerMultistream.new_conn makes a Yamux by name for /yamux/1.0.0 and ignores the class it was given.
    (_multistream, "Yamux", LimitedYamux),
    (_yamux, "YamuxStream", LimitedStream),
    (_tcp, "TrioTCPStream", TCPStream),
    (_swarm_connection, "NetStream", UnlockedStream),
]
"""Where a class of the library is called by its name: the place, the name, and our class."""

_THEIRS: Final = [(place, name, getattr(place, name, None)) for place, name, _ in _CLASSES]

_running: Final[list[bool]] = []
"""The nodes of this process: for each, whether it runs on the library's own classes."""


@contextmanager
def disarm(*, stock: bool = False) -> Iterator[None]:
    """Put our classes in the places that the library has no parameter for, for a node that runs in the block.

    With `stock` they are the library's own, and it is only its traps that are taken away. The places are those of the
    whole process: nodes of both kinds may run in it one after the other, not at the same time. Raises RuntimeError.
    """
    if any(kind is not stock for kind in _running):
        msg = "a node of the other kind runs in this process, and both would get the same classes"
        raise RuntimeError(msg)
    _running.append(stock)
    try:
        _fill_places(stock=stock)
        yield
    finally:
        _running.remove(stock)


def _fill_places(*, stock: bool) -> None:
    places: list[tuple[Any, str, Any]] = [
        # 32 messages between GossipSub and the reader, the newest silently dropped (pubsub/pubsub.py:124, 1375).
        (_pubsub, "SUBSCRIPTION_CHANNEL_SIZE", limits.SUBSCRIPTION_QUEUE),
        # 32 RPCs for a peer, the next silently dropped (pubsub/rpc_queue.py:39); RoomPubsub has queues of its own.
        (_pubsub, "RpcQueue", partial(RpcQueue, limits.PEER_QUEUE_RPCS, limits.MAX_RPC_OUT)),
        (_swarm, "DNSResolver", _LateResolver),
        (_keys, "key_type_to_public_key_deserializer", _their_key_readers | {KeyType.RSA.value: _read_rsa_key}),
        (_envelope, "pub_key_from_protobuf", _read_envelope_key),
        (_communicator, "read_delim", _read_delim),
        (_multiselect, "is_valid_handshake", _is_valid_handshake),
        (_client, "is_valid_handshake", _is_valid_handshake),
        (_msgio, "read_exactly", _read_exactly),
        (_trio_io.TrioTCPStream, "get_remote_address", _remote_address),
        (_tcp, "_set_reuse_flags", _set_flags),
    ]
    for place, name, there in [*places, *(_THEIRS if stock else _CLASSES)]:
        if not hasattr(place, name):
            if stock:  # another release, where it may be called otherwise, and mended
                continue
            msg = f"the library has no {name} any more"
            raise AttributeError(msg)
        setattr(place, name, there)
