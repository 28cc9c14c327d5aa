"""Peers we knew: who was met in the room is looked for in the next run, for a while, and within limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from py_peer.core.events import PeerFound, PeerJoined, Started
from tests.loops import run
from tests.service.support import person

if TYPE_CHECKING:
    from pathlib import Path


def test_who_was_met_is_met_again_without_an_address(tmp_path: Path) -> None:
    settings = {"intro": False, "loopback": True, "remember": True, "data": tmp_path}

    async def scene() -> None:
        async with person("bob", intro=False, loopback=True) as bob:
            bobs = (await bob.see(Started)).peer_id
            async with person("alice", **settings, connect=(await bob.address(),)) as alice:
                await alice.see(PeerJoined)
            async with person("alice", **settings) as alice:
                await alice.see(PeerJoined)
                found = await alice.see(PeerFound)
                assert (found.peer_id, found.source) == (bobs, "in memory")

    run(scene())
