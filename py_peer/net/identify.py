"""Identify and identify/push, with a limit, a deadline and an event.

py-libp2p 0.8.1 reads an answer without a limit (host/basic_host.py:1241 falls back to `stream.read()`), stores no
agent version and has no event; its own agent version and, for 0.0.0.0, its addresses are wrong.

Spec: https://github.com/libp2p/specs/blob/master/identify/README.md. Pinned by tests/net/test_identify.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio
from libp2p.custom_types import TProtocol
from libp2p.identity.identify.identify import _mk_identify_protobuf
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.identity.update import update_peerstore_from_identify
from libp2p.utils import encode_varint_prefixed
from libp2p.utils.varint import read_varint_prefixed_bytes_limited
from multiaddr import Multiaddr

from py_peer import __version__
from py_peer.core import limits
from py_peer.core.addresses import without_zone
from py_peer.net.connections import remote_multiaddr

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from libp2p.abc import IHost, INetStream
    from libp2p.peer.id import ID

    from py_peer.net.counters import Counters

IDENTIFY: Final = TProtocol("/ipfs/id/1.0.0")
PUSH: Final = TProtocol("/ipfs/id/push/1.0.0")
AGENT_VERSION: Final = f"py-peer/{__version__}"


async def read_identify(stream: INetStream) -> Identify:
    """Read one identify message, with the first of its addresses, and texts that are texts.

    Raises MessageTooLarge, DecodeError, TooSlowError or a stream's error.
    """
    with trio.fail_after(limits.DIAL_TIMEOUT):
        message = Identify.FromString(await read_varint_prefixed_bytes_limited(stream, limits.MAX_IDENTIFY))
    # The library keeps up to 1,000 addresses of each peer, and of any length.
    short = [one for one in message.listen_addrs[: limits.LISTEN_ADDRESSES] if len(one) <= limits.MAX_ADDRESS_BYTES]
    del message.listen_addrs[:]
    message.listen_addrs.extend(short)
    # Of proto2 a string that is not UTF-8 comes as bytes.
    message.protocol_version = _text(message.protocol_version)
    message.agent_version = _text(message.agent_version)
    protocols = [_text(one) for one in message.protocols]
    del message.protocols[:]
    message.protocols.extend(protocols)
    return message


def _text(said: str | bytes) -> str:
    return said if isinstance(said, str) else said.decode(errors="replace")


async def ask_identify(host: IHost, peer_id: ID) -> Identify:
    """Ask a connected peer who it is. Raises as `read_identify` does, or StreamFailure."""
    with trio.fail_after(limits.DIAL_TIMEOUT):
        stream = await host.new_stream(peer_id, [IDENTIFY])
    try:
        message = await read_identify(stream)
    finally:
        with trio.move_on_after(limits.CLOSE_TIMEOUT):
            await stream.reset()
    await update_peerstore_from_identify(host.get_peerstore(), peer_id, message)
    return message


def identify_handler(host: IHost) -> Callable[[INetStream], Awaitable[None]]:
    """Return the handler that tells others who we are."""

    async def handle(stream: INetStream) -> None:
        with trio.fail_after(limits.DIAL_TIMEOUT):
            await _tell(host, stream)

    return handle


async def push_identify(host: IHost, peers: Iterable[ID], counters: Counters) -> None:
    """Tell connected peers anew who we are, because something of it has changed. Raises nothing."""
    async with trio.open_nursery() as nursery:
        for peer_id in peers:
            nursery.start_soon(_push, host, peer_id, counters)


async def _push(host: IHost, peer_id: ID, counters: Counters) -> None:
    try:
        with trio.fail_after(limits.DIAL_TIMEOUT):
            await _tell(host, await host.new_stream(peer_id, [PUSH]))
    except Exception as error:  # noqa: BLE001 - who takes no push asks when he connects again
        counters.caught(f"identify push to {peer_id}", error)


async def _tell(host: IHost, stream: INetStream) -> None:
    remote = remote_multiaddr(stream.muxed_conn)
    message = _mk_identify_protobuf(host, Multiaddr(without_zone(remote)) if remote else None)
    message.agent_version = AGENT_VERSION
    await stream.write(encode_varint_prefixed(message.SerializeToString()))
    await stream.close()


def push_handler(on_pushed: Callable[[ID, Identify], Awaitable[None]]) -> Callable[[INetStream], Awaitable[None]]:
    """Return the handler of what others push when something of theirs has changed."""

    async def handle(stream: INetStream) -> None:
        await on_pushed(stream.muxed_conn.peer_id, await read_identify(stream))
        await stream.close()

    return handle
