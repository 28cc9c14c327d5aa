"""A peer that is not in the room, as sub-commands run it: connected, and in Kademlia, and nobody's company."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from py_peer.core.dht_events import LookupFailed, ProvidersFound, ValueFound, ValuePut
from py_peer.core.events import Identified, Notice, PeerConnected, PeerJoined, Ready, Started, StatusReport
from py_peer.core.kademlia import ROOM_KEYS
from py_peer.core.requests import FindProviders, GetValue, PutValue, RequestStatus
from py_peer.core.settings import KademliaPart
from tests.loops import run
from tests.service.support import person

if TYPE_CHECKING:
    from tests.service.support import Person

ROOM_KEY = ROOM_KEYS[1].decode()


async def asked(someone: Person, key: str) -> int:
    """Return how many peers answer somebody who looks for who provides a key."""
    ticket = someone.service.new_ticket()
    someone.service.request(FindProviders(ticket, key))
    answer = await someone.see(LookupFailed, lambda event: event.ticket == ticket)
    return answer.asked


def test_it_is_connected_and_keeps_values_and_nobody_meets_it() -> None:
    async def scene() -> None:
        async with person("ann", intro=False, loopback=True, kademlia=True) as ann:
            at = await ann.address()
            outside = {"room": False, "kademlia": True, "loopback": True, "intro": True}
            async with person("tool", connect=(at,), **outside) as tool:
                await tool.see(Ready)
                me = (await tool.see(Started)).peer_id
                assert (await ann.see(PeerConnected)).peer_id == me
                tool.service.request(PutValue(1, "colour", "blue"))
                assert (await tool.see(ValuePut)).peers == 1
                ann.service.request(GetValue(1, "colour"))
                assert (await ann.see(ValueFound)).value == "blue"
                ann.service.request(FindProviders(2, ROOM_KEY))
                assert (await ann.see(ProvidersFound)).peer_ids == ((await ann.see(Started)).peer_id,)
                speaks = (await ann.see(Identified)).protocols
                assert not [name for name in speaks if "direct" in name or "/dm/" in name]
                ann.service.request(RequestStatus(3))
                (peer,) = (await ann.see(StatusReport)).peers
                assert (peer.peer_id, peer.in_room) == (me, False)
                for one in (ann, tool):
                    assert not [event for event in one.events if isinstance(event, PeerJoined)]

    run(scene())


@pytest.mark.parametrize("told", [(), ("/dns4/py-peer.invalid/tcp/4001",)], ids=["unknown", "announced"])
def test_in_a_public_network_it_serves_when_others_reach_it(told: tuple[str, ...]) -> None:
    async def scene() -> None:
        public = {"kademlia": True, "kademlia_part": KademliaPart.SERVER_WHEN_REACHED, "room": False, "loopback": True}
        async with person("first", told=told, **public) as first:
            at = await first.address()
            async with person("ann", intro=False, loopback=True, kademlia=True, connect=(at,)) as ann:
                await ann.see(Identified)
                assert await asked(ann, "nothing") == len(told)
                assert not [event for event in first.events if isinstance(event, Notice) and "ERROR" in event.text]

    run(scene())


def test_a_client_answers_nobody_and_is_answered() -> None:
    async def scene() -> None:
        async with person("ann", intro=False, loopback=True, kademlia=True) as ann:
            at = await ann.address()
            client = {"kademlia": True, "kademlia_part": KademliaPart.CLIENT, "room": False, "loopback": True}
            async with person("tool", connect=(at,), **client) as tool:
                assert await asked(tool, "nothing") == 1
                assert await asked(ann, "nothing") == 0

    run(scene())
