"""Who is refused: who sends garbage again and again, for a while; and whom the user has let go, until he takes it back.

It is the peer ID that is refused, after the handshake has proved it. An address never is: behind one router, and
on one machine, a bad neighbour would lock all the others out. Who never finishes a handshake is held by the limits of
`Admission` alone: a few seconds, so many at once from one address and in all, and of those the oldest makes room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import trio
from libp2p.network.exceptions import SwarmException
from libp2p.peer.id import ID
from libp2p.transport.exceptions import MuxerUpgradeFailure

from py_peer.core import limits
from py_peer.core.strikes import Strikes
from py_peer.net.counters import is_garbage

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.network.swarm import Swarm

    from py_peer.net.counters import Counters


class RefusedError(MuxerUpgradeFailure):
    """A connection is not wanted; the text says why."""


@final
class Bans:
    """The strikes of the peers that are and were connected, and who is refused for them or by the user's wish."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._strikes = Strikes(limits.STRIKES, limits.STRIKES_PER_SECOND, limits.BAN_SECONDS, limits.MAX_TRACKED_PEERS)
        self._unwanted: dict[ID, None] = {}
        self.on_banned: Callable[[ID, str], None] = lambda _peer_id, _reason: None
        """Called with a peer that is refused from now on, and why."""

    def strike(self, peer_id: ID, reason: str) -> None:
        """Note that a peer broke a rule; `reason` says which, for the user."""
        self._counters["strikes"] += 1
        if self._strikes.strike(peer_id.to_bytes(), trio.current_time()):
            self._counters["peers let go: they sent garbage"] += 1
            self.on_banned(peer_id, reason)

    def keep_away(self, peer_id: ID) -> None:
        """Refuse a peer until it is `forgiven`. Of very many the oldest wish is forgotten."""
        self._unwanted[peer_id] = None
        if len(self._unwanted) > limits.MAX_TRACKED_PEERS:
            del self._unwanted[next(iter(self._unwanted))]

    def forgiven(self, peer_id: ID) -> str:
        """Take a peer again, and return "": nothing is held against it any more."""
        self._unwanted.pop(peer_id, None)
        self._strikes.forgive(peer_id.to_bytes())
        return ""

    def refusal(self, peer_id: ID) -> str:
        """Return why a peer is refused, for the user, or ""."""
        if peer_id in self._unwanted:
            return "it was let go with /disconnect; /connect takes it again"
        if self._strikes.left(peer_id.to_bytes(), trio.current_time()):
            return "it has sent garbage and is refused for a while; /connect takes it at once"
        return ""

    def banned(self) -> list[ID]:
        """Return who is refused for garbage."""
        return [ID(peer) for peer in self._strikes.banned(trio.current_time())]

    def kept_away(self) -> list[ID]:
        """Return who is refused by the user's wish."""
        return list(self._unwanted)

    def guard(self, swarm: Swarm) -> None:
        """Have the swarm ask us about each peer that has proved who it is, and dial none by itself."""
        library: Any = swarm
        upgrade = library.upgrader.upgrade_connection

        async def upgrade_if_welcome(conn: Any, peer_id: ID) -> Any:
            if reason := self.refusal(peer_id):
                self._counters["refused: by the peer's ID"] += 1
                raise RefusedError(reason)
            try:
                return await upgrade(conn, peer_id)
            except Exception as error:
                if is_garbage(error):
                    self.strike(peer_id, "it sent garbage where a connection begins")
                raise

        async def dial_nobody(_: ID) -> Any:
            """Refuse.

            Else whoever opens a stream to one who has just gone would dial him (network/swarm.py:1580, 0.8.1), without
            the pace of the dials and without a word. Kademlia reaches those whom it asks before it does.
            """
            msg = "it is not connected"
            raise SwarmException(msg)

        library.upgrader.upgrade_connection = upgrade_if_welcome
        library.dial_peer = dial_nobody
