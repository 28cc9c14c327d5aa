"""The guard around every stream handler: no exception of a handler reaches the swarm, which it would end.

py-libp2p 0.8.1: network/connection/swarm_connection.py:309; pinned by tests/net/test_traps.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from py_peer.core import limits

if TYPE_CHECKING:
    from libp2p.abc import INetStream
    from libp2p.custom_types import StreamHandlerFn

    from py_peer.net.counters import Counters


def guarded(handler: StreamHandlerFn, counters: Counters) -> StreamHandlerFn:
    """Return `handler` with every exception counted and the stream reset instead."""

    async def handle(stream: INetStream) -> None:
        try:
            await handler(stream)
        except Exception as error:  # noqa: BLE001
            counters.caught(f"stream {stream.get_protocol()} of {stream.muxed_conn.peer_id}", error)
            with trio.CancelScope(shield=True), trio.move_on_after(limits.CLOSE_TIMEOUT):
                try:
                    await stream.reset()
                except Exception as again:  # noqa: BLE001
                    counters.caught("resetting a stream", again)

    return handle
