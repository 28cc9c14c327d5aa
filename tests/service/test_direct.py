"""Direct messages between two people: confirmed, in order, kept while the other is away, and refused with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from py_peer.core.direct_events import DirectReceived, DirectRefused, DirectSent, DirectWaiting
from py_peer.core.events import Answer, PeerConnected, PeerDisconnected, Ready, Started
from py_peer.core.requests import Connect, Ignore, SendDirect, TakeStrangers
from tests.loops import run
from tests.service.support import Person, person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

QUIET = {"intro": False, "loopback": True}


async def own_id(someone: Person) -> str:
    return (await someone.see(Started)).peer_id


def write(someone: Person, peer_id: str, text: str) -> int:
    return someone.ask(lambda ticket: SendDirect(ticket, peer_id, text))


async def sent(someone: Person, ticket: int) -> DirectSent:
    return await someone.see(DirectSent, lambda event: event.ticket == ticket)


async def refused(someone: Person, ticket: int) -> str:
    return (await someone.see(DirectRefused, lambda event: event.ticket == ticket)).reason


def test_what_is_said_to_one_arrives_there_in_order_and_is_confirmed() -> None:
    async def scene() -> None:
        async with (
            person("alice", **QUIET) as alice,
            person("bob", **QUIET, connect=(await alice.address(),)) as bob,
        ):
            alices, bobs = await own_id(alice), await own_id(bob)
            await bob.see(PeerConnected)
            await alice.see(PeerConnected)
            there = [write(alice, bobs, f"to bob {number}") for number in range(100)]
            back = [write(bob, alices, f"to alice {number}") for number in range(100)]
            assert [one.ticket for one in await alice.see_all(DirectSent, 100)] == there
            assert [one.ticket for one in await bob.see_all(DirectSent, 100)] == back
            assert [one.text for one in await bob.see_all(DirectReceived, 100)] == [f"to bob {n}" for n in range(100)]
            heard = await alice.see_all(DirectReceived, 100)
            assert [one.text for one in heard] == [f"to alice {n}" for n in range(100)]
            assert (heard[0].peer_id, heard[0].stranger) == (bobs, False)
            assert not [event for event in alice.events if isinstance(event, DirectWaiting)]
            assert (await alice.leave()).unsent == 0

    run(scene())
