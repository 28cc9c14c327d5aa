"""Direct beats relayed: who is connected both ways is spoken to over the direct connection, and the other one closed.

The library opens new streams on direct connections (network/swarm.py:1816, 0.8.1), where a connection says that it is
relayed. Here the list of connections has these first, too; our gossip stream moves (`RoomPubsub.move`), and when
nothing is open on the relayed connection any more, or for a while nothing but what peers keep open for good, as their
gossip and pings, it is closed.

Pinned by tests/net/test_direct_first.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import trio
from libp2p.connection_types import ConnectionType

from py_peer.core import limits

if TYPE_CHECKING:
    from collections.abc import Collection

    from libp2p.network.swarm import Swarm
    from libp2p.peer.id import ID


_LOOK: Final = 1.0
"""Seconds between two looks at whether a relayed connection is still in use."""


def is_relayed(muxed_conn: Any) -> bool:
    """Say whether a connection goes through a relay."""
    found: ConnectionType = muxed_conn.get_connection_type()
    return found is ConnectionType.RELAYED


def has_direct(swarm: Swarm, peer_id: ID) -> bool:
    """Say whether there is a direct connection to a peer."""
    return not all(is_relayed(conn.muxed_conn) for conn in swarm.get_connections(peer_id))


def put_direct_first(swarm: Swarm, peer_id: ID) -> bool:
    """Put the direct connections to a peer first; say whether there are relayed ones behind them."""
    conns = swarm.connections.get(peer_id, [])
    conns.sort(key=lambda conn: is_relayed(conn.muxed_conn))
    return bool(conns) and is_relayed(conns[-1].muxed_conn) and not is_relayed(conns[0].muxed_conn)


async def close_relayed(swarm: Swarm, peer_id: ID, lasting: Collection[str]) -> None:
    """Close the relayed connections to a peer who is reached directly, as soon as they are of no use.

    `lasting` are protocols whose streams stay open for good: these may be cut after a while, and are opened again.
    """
    since = trio.current_time()
    await trio.sleep(_LOOK)
    while put_direct_first(swarm, peer_id):
        cuttable = lasting if trio.current_time() - since > limits.DIRECT_GRACE else ()
        for conn in swarm.get_connections(peer_id):
            if is_relayed(conn.muxed_conn) and all(stream.get_protocol() in cuttable for stream in conn.get_streams()):
                await conn.close()
        await trio.sleep(_LOOK)
