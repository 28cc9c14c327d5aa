"""Closing connections within their time, whatever the other side does: politely first, then by the socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import trio

from py_peer.core import limits
from py_peer.core.ranges import place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from libp2p.abc import IHost
    from libp2p.peer.id import ID

T = TypeVar("T")

_NAMES_OF_THE_LAYER_BELOW: Final = ("secured_conn", "conn", "read_writer", "read_write_closer", "stream")


async def let_go(host: IHost, peer_id: ID) -> None:
    """Close every connection to a peer; one that does not even take our farewell is cut."""
    await _close_connections(host.get_network().get_connections(peer_id), limits.CLOSE_TIMEOUT)


async def _close_connections(connections: list[Any], patience: float) -> None:
    """Close connections, all at once, so that nothing moves from one to the next; then cut what is left of them."""
    left = dict.fromkeys(connections)

    async def close(conn: Any) -> None:
        await conn.close()
        del left[conn]

    with trio.move_on_after(patience):
        async with trio.open_nursery() as nursery:
            for conn in connections:
                nursery.start_soon(close, conn)
    for conn in connections:
        await trio.aclose_forcefully(bottom_of(conn.muxed_conn))  # also of one that somebody else was just closing
    await cut(left)


async def cut(connections: Iterable[Any]) -> None:
    """Close connections without a word, and return when everybody has been told."""
    async with trio.open_nursery() as nursery:
        for conn in connections:
            await trio.aclose_forcefully(bottom_of(conn.muxed_conn))
            # A close that was cut short does not go on by itself (0.8.1): the swarm would keep the connection, or
            # forget it and tell nobody.
            conn.event_closed.set()
            nursery.start_soon(conn._cleanup)  # noqa: SLF001


async def close_host(host: IHost) -> None:
    """Close the host within a second: every connection at once, then its sockets, whatever the other side does.

    Leaving `host.run()` closes no socket, and `host.close()` takes 0.2 s a connection, one after the other (0.8.1).
    """
    await _close_connections(host.get_network().get_connections(), limits.CLOSE_TIMEOUT / 2)
    with trio.move_on_after(limits.CLOSE_TIMEOUT / 2):
        await host.close()


def bottom_of(muxed_conn: Any) -> trio.abc.AsyncResource:
    """Return what is under all layers of a connection, a socket or what stands for one: its end is the connection's."""
    return layer_of(muxed_conn, trio.abc.AsyncResource)  # type: ignore[type-abstract]


def local_ip(muxed_conn: Any) -> str:
    """Return the IP address that is our end of a connection, without zone; "" when it is closed already."""
    bottom = bottom_of(muxed_conn)
    if not isinstance(bottom, trio.SocketStream):
        found: str = bottom.local_ip  # type: ignore[attr-defined]
        return found
    try:
        return place(bottom.socket.getsockname()[0])
    except OSError:
        return ""


def layer_of(conn: Any, kind: type[T]) -> T:
    """Return the layer of a connection that is of a `kind`. Raises StopIteration where there is none."""
    while not isinstance(conn, kind):
        conn = next(getattr(conn, name) for name in _NAMES_OF_THE_LAYER_BELOW if hasattr(conn, name))
    return conn
