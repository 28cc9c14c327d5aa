"""Direct messages between two people: confirmed, in order, kept while the other is away, and refused with a reason."""

from __future__ import annotations

from py_peer.core.direct_events import DirectReceived, DirectRefused, DirectSent, DirectWaiting
from py_peer.core.events import Answer, PeerConnected, Started
from py_peer.core.requests import Connect, Ignore, SendDirect, TakeStrangers
from py_peer.net.identity import new_identity
from tests.loops import run
from tests.service.support import Person, person

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
            assert {one.peer_id for one in heard} == {bobs}
            assert not [event for event in alice.events if isinstance(event, DirectWaiting)]
            assert (await alice.leave()).unsent == 0

    run(scene())


# --- Who is refused -------------------------------------------------------------------------------


def test_a_stranger_is_shown_as_one_and_turned_away_when_strangers_are_not_wanted() -> None:
    async def scene() -> None:
        async with (
            person("alice", **QUIET) as alice,
            person("bob", **QUIET, connect=(await alice.address(),)) as bob,
        ):
            alices, bobs = await own_id(alice), await own_id(bob)
            await sent(bob, write(bob, alices, "hello"))
            assert (await alice.see(DirectReceived)).stranger
            answer = alice.ask(lambda ticket: TakeStrangers(ticket, take=False))
            text = (await alice.see(Answer, lambda event: event.ticket == answer)).text
            assert text.startswith("Direct messages of strangers are refused from now on; ")
            assert text.endswith("who you write to, or have named, is no stranger")
            reason = await refused(bob, write(bob, alices, "are you there?"))
            assert reason == "not taken: takes no direct messages of strangers"
            await sent(alice, write(alice, bobs, "now I know you"))
            assert not (await bob.see(DirectReceived)).stranger  # bob has named alice, and has written to her
            await sent(bob, write(bob, alices, "good"))
            texts = [(one.text, one.stranger) for one in await alice.see_all(DirectReceived, 2)]
            assert texts == [("hello", True), ("good", False)]

    run(scene())


def test_with_no_strangers_from_the_start_one_whom_the_user_has_named_is_heard() -> None:
    async def scene() -> None:
        async with (
            person("alice", **QUIET) as alice,
            person("bob", **QUIET, strangers=False) as bob,
        ):
            bobs = await own_id(bob)
            address = await bob.address()
            alice.ask(lambda ticket: Connect(ticket, address))
            await alice.see(PeerConnected)
            assert "strangers" in await refused(alice, write(alice, bobs, "hello"))
            alices = await alice.address()
            named = bob.ask(lambda ticket: Connect(ticket, alices))
            await bob.see(Answer, lambda event: event.ticket == named)
            await sent(alice, write(alice, bobs, "hello again"))
            assert (await bob.see(DirectReceived)).text == "hello again"

    run(scene())


def test_who_is_ignored_is_refused_and_nothing_is_shown() -> None:
    async def scene() -> None:
        async with (
            person("alice", **QUIET) as alice,
            person("bob", **QUIET, connect=(await alice.address(),)) as bob,
        ):
            alices, bobs = await own_id(alice), await own_id(bob)
            await bob.see(PeerConnected)
            ignored = alice.ask(lambda ticket: Ignore(ticket, bobs))
            await alice.see(Answer, lambda event: event.ticket == ignored)
            assert await refused(bob, write(bob, alices, "hello")) == "not taken: takes no messages of yours"
            await alice.leave()
            assert not [event for event in alice.events if isinstance(event, DirectReceived)]

    run(scene())


def test_what_cannot_be_sent_is_refused_at_once() -> None:
    async def scene() -> None:
        async with person("alice", **QUIET) as alice:
            alices = await own_id(alice)
            somebody = new_identity().peer_id
            assert await refused(alice, write(alice, alices, "hello")) == "that is you"
            assert await refused(alice, write(alice, "bob\x1b[2J", "hello")) == "there is no such peer ID"
            assert await refused(alice, write(alice, somebody, " \x1b[m")) == "there is no text that can be seen"
            assert "60,000" in await refused(alice, write(alice, somebody, "x" * 60_001))
            assert all("\x1b" not in e.peer_id for e in alice.events if isinstance(e, DirectRefused))

    run(scene())
