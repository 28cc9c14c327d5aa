"""Kademlia between people: the room is found from one address, also when who was there first is gone."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
import trio

from py_peer.core import limits
from py_peer.core.events import DiscoveryReport, KademliaBootstrap, PeerJoined, StatusReport
from py_peer.core.requests import RequestDiscovery, RequestStatus, Stop
from py_peer.service import bootstrap
from tests.loops import run
from tests.service.support import Person, person

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, int]]:
    """Where was dialled, by whomever in this process."""
    places: set[tuple[str, int]] = set()
    dial: Callable[..., Awaitable[Any]] = trio.open_tcp_stream

    async def noted(host: str, port: int, **wishes: Any) -> Any:
        places.add((host, port))
        return await dial(host, port, **wishes)

    monkeypatch.setattr(trio, "open_tcp_stream", noted)
    return places


def port_of(address: str) -> int:
    return int(address.split("/")[4])


async def in_room_with(one: Person, *others: str) -> None:
    for peer_id in others:
        assert await one.see(PeerJoined, _is(peer_id))


def _is(peer_id: str) -> Callable[[PeerJoined], bool]:
    return lambda joined: joined.peer_id == peer_id


async def ids_of(people: list[Person]) -> list[str]:
    return [(await one.address()).rsplit("/", 1)[1] for one in people]


def test_five_who_know_one_address_are_in_one_room_and_a_sixth_finds_them_when_that_one_is_gone(
    dialled: set[tuple[str, int]],
) -> None:
    """By Kademlia alone; and nobody is dialled but they."""

    async def scene() -> None:
        async with AsyncExitStack() as stack:

            async def enter(name: str, **settings: Any) -> Person:
                return await stack.enter_async_context(person(name, intro=False, loopback=True, **settings))

            first = await enter("a", kademlia=True)
            address = await first.address()
            people = [first, *[await enter(name, bootstrap=(address,)) for name in "bcde"]]
            ids = await ids_of(people)
            for one, own in zip(people, ids, strict=True):
                await in_room_with(one, *(peer_id for peer_id in ids if peer_id != own))
            for one in people[1:]:
                assert (await one.see(KademliaBootstrap)).peers >= 1
            one = people[1]
            one.ask(RequestDiscovery)
            ways = (await one.see(DiscoveryReport)).ways
            assert ways == ("Kademlia: 4 peers in the table, 4 found",)

            await first.leave()
            sixth = await enter("f", bootstrap=(await one.address(),))
            await in_room_with(sixth, *ids[1:])
            assert dialled <= {("127.0.0.1", port_of(await somebody.address())) for somebody in [*people, sixth]}
            for somebody in [*people[1:], sixth]:  # all at once
                somebody.ask(Stop)

    run(scene())


def test_without_a_bootstrap_peer_nobody_is_contacted_and_nothing_is_said(dialled: set[tuple[str, int]]) -> None:
    async def scene() -> None:
        async with person("a", intro=False, loopback=True, kademlia=True) as one:
            await one.address()
            one.ask(RequestStatus)
            await one.see(StatusReport)
            one.ask(RequestDiscovery)
            assert (await one.see(DiscoveryReport)).ways == ("Kademlia: 0 peers in the table, 0 found",)
            assert not any(isinstance(event, KademliaBootstrap) for event in one.events)
        assert dialled == set()

    run(scene())


def test_a_peer_without_kademlia_and_one_that_is_not_there_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NAMED_PEER_WAIT", 0.5)

    async def scene() -> None:
        async with person("a", intro=False, loopback=True) as plain:
            for name, address, cause in (
                ("b", await plain.address(), "the peers that were reached speak no Kademlia"),
                ("c", "/ip4/127.0.0.1/tcp/1", "no bootstrap peer was reached"),
            ):
                async with person(name, intro=False, loopback=True, bootstrap=(address,)) as one:
                    assert await one.see(KademliaBootstrap) == KademliaBootstrap(0, cause)
                    one.ask(RequestDiscovery)
                    ways = (await one.see(DiscoveryReport)).ways
                    assert ways == (f"Kademlia: 0 peers in the table, 0 found; {cause}",)

    run(scene())


def test_an_empty_table_is_bootstrapped_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one bootstrap peer goes, and another comes at its address."""
    monkeypatch.setattr(bootstrap, "AGAIN_AFTER", (0.1, 0.1))
    monkeypatch.setattr(bootstrap, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(limits, "KAD_SEARCH_SECONDS", 0.1)

    async def scene() -> None:
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(person("a", intro=False, loopback=True, kademlia=True))
            place = (await first.address()).split("/p2p/")[0]
            one = await stack.enter_async_context(person("b", intro=False, loopback=True, bootstrap=(place,)))
            assert (await one.see(KademliaBootstrap)).peers == 1
            await first.leave()
            wishes = {"intro": False, "loopback": True, "kademlia": True, "port": port_of(place)}
            second = await stack.enter_async_context(person("c", **wishes))
            await in_room_with(one, *await ids_of([second]))
            assert len(await one.see_all(KademliaBootstrap, 2)) == 2

    run(scene())
