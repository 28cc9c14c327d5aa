"""The guard around every stream handler: no exception of a handler reaches the swarm, which it would end.

py-libp2p 0.8.1: network/connection/swarm_connection.py:309; pinned by tests/net/test_traps.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from py_peer.core import limits
from py_peer.net.counters import is_garbage

if TYPE_CHECKING:
    from libp2p.abc import INetStream
    from libp2p.custom_types import StreamHandlerFn

    from py_peer.net.bans import Bans
    from py_peer.net.counters import Counters


def guarded(handler: StreamHandlerFn, counters: Counters, bans: Bans) -> StreamHandlerFn:
    """Return `handler` with every exception counted and the stream reset instead; garbage is a strike."""

    async def handle(stream: INetStream) -> None:
        try:
            await handler(stream)
        except Exception as error:  # noqa: BLE001
            peer_id = stream.muxed_conn.peer_id
            counters.caught(f"stream {stream.get_protocol()} of {peer_id}", error)
            if is_garbage(error):
                protocol = stream.get_protocol()
                broke = f"it broke the protocol {protocol}" if protocol else "it sent garbage where streams begin"
                bans.strike(peer_id, broke)
            with trio.CancelScope(shield=True), trio.move_on_after(limits.CLOSE_TIMEOUT):
                try:
                    await stream.reset()
                except Exception as again:  # noqa: BLE001
                    counters.caught("resetting a stream", again)

    return handle
