"""A member of the room that takes part in Kademlia."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from py_peer.net.dial import DialError
from py_peer.net.kademlia import Kademlia, kademlia
from py_peer.net.kept_values import KeptValues
from tests.net.support import Member, member

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from libp2p.crypto.keys import KeyPair

    from py_peer.core.findings import Finding
    from py_peer.net.connections import PeerRecord
    from py_peer.net.kad_walk import Reach


async def reach_nobody(_: Finding) -> None:
    msg = "nobody is dialled here"
    raise DialError(msg)


@asynccontextmanager
async def kad_member(
    reach: Reach | None = None, file: Path | None = None, key_pair: KeyPair | None = None
) -> AsyncIterator[tuple[Member, Kademlia]]:
    """Run a member; without `reach`, it asks only who is connected."""
    async with (
        member(loopback=True, key_pair=key_pair) as one,
        kademlia(one.node, reach or reach_nobody, kept=KeptValues(file)) as dht,
    ):
        note, forget = one.seen.identified, one.seen.peer_down

        def identified(record: PeerRecord) -> None:
            note(record)
            dht.identified(record)

        def peer_down(record: PeerRecord) -> None:
            forget(record)
            dht.gone(record.peer_id)

        one.seen.identified, one.seen.peer_down = identified, peer_down  # type: ignore[method-assign]
        yield one, dht
