"""The discovery topic: who announces himself is found, hostile announcements cost little and go no further."""

from __future__ import annotations

from py_peer.core.events import PeerFound, PeerJoined, Started
from tests.loops import run
from tests.service.support import person


def test_two_who_know_a_third_meet() -> None:
    async def scene() -> None:
        async with (
            person("bob", intro=False, announce=True, loopback=True) as bob,
            person("alice", intro=False, announce=True, loopback=True, connect=(await bob.address(),)) as alice,
        ):
            await alice.see(PeerJoined)
            async with person(
                "carol", intro=False, announce=True, loopback=True, connect=(await bob.address(),)
            ) as carol:
                alices, carols = [(await one.see(Started)).peer_id for one in (alice, carol)]
                for one, other in ((alice, carols), (carol, alices)):
                    await one.see(PeerJoined, lambda event, other=other: event.peer_id == other)  # type: ignore[misc]
                told = [event for one in (alice, carol) for event in one.events if isinstance(event, PeerFound)]
                assert {event.source for event in told} == {"by the discovery topic"}

    run(scene())
