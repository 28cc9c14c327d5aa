"""Nobody in a room is left without a mesh: who is pruned, alone or in a back-off is heard, and hears."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V11, GossipSub
from libp2p.pubsub.pb import rpc_pb2

from py_peer.net.mesh import DEGREE_HIGH, DEGREE_LOW, LAZY
from py_peer.net.message_cache import message_id
from tests.net.raw_peer import signed
from tests.net.support import ROOM, trio_test
from tests.net.town import Town, beat, join, leave, our_router, stranger, taken

if TYPE_CHECKING:
    from libp2p.peer.id import ID

    from py_peer.net.counters import Counters

SIZE = 30
EMPTY = "heartbeats with an empty mesh"


async def empty_meshes(town: Town) -> int:
    """Let everybody meet at once; return how often somebody had an empty mesh in the heartbeats after it."""
    await town.everybody_meets()
    empty = 0
    for _ in range(3):
        await town.heartbeat()
        empty += sum(1 for number in range(SIZE) if not town.mesh(number))
    return empty


@pytest.mark.parametrize("chance", range(3))
def test_of_thirty_who_meet_at_once_nobody_has_an_empty_mesh(chance: int) -> None:
    """Of 550 towns by chance 12 had a mesh with one more or one less at this moment, and none an empty one.

    Chance is settled by the seed as long as nothing else in the process draws from it, so one more or less may be.
    """

    @trio_test
    async def scene() -> None:
        random.seed(chance)
        town = Town(SIZE)
        assert await empty_meshes(town) == 0
        assert town.links_with_one_end() == []
        assert town.parts() == 1
        sizes = [len(town.mesh(number)) for number in range(SIZE)]
        assert min(sizes) >= DEGREE_LOW - 1
        assert max(sizes) <= DEGREE_HIGH + 1
        assert [counters[EMPTY] for counters in town.counters] == [0] * SIZE

    scene()


@pytest.mark.parametrize("dials", [4, SIZE])
@pytest.mark.parametrize("chance", range(2))
def test_when_one_in_five_falls_silent_the_others_hear_all_that_they_say_within_two_heartbeats(
    chance: int, dials: int
) -> None:
    """Nobody has noticed yet that they are gone: what is relayed to them is lost."""

    @trio_test
    async def scene() -> None:
        random.seed(chance)
        town = Town(SIZE)
        await town.everybody_meets(dials)
        await town.heartbeat()
        town.dead = set(random.sample(town.ids, SIZE // 5))
        texts = []
        for number, peer_id in enumerate(town.ids):
            if peer_id not in town.dead:
                texts.append(signed(create_new_key_pair(), ROOM, b"here I am", number + 1))
                await town.say(number, texts[-1])
        await town.deliver()
        for _ in range(2):
            await town.heartbeat()
        for number, peer_id in enumerate(town.ids):
            if peer_id not in town.dead:
                assert [text for text in texts if not town.street(number).seen_messages.has(message_id(text))] == []

    scene()


@trio_test
async def test_when_one_in_five_is_gone_the_mesh_of_the_others_holds_together_before_the_next_heartbeat() -> None:
    random.seed(0)
    town = Town(SIZE)
    await town.everybody_meets(4)
    await town.heartbeat()
    town.dead = set(random.sample(town.ids, SIZE // 5))
    for number, peer_id in enumerate(town.ids):
        for gone in town.dead & town.street(number).peer_queues.keys():
            leave(town.routers[peer_id], gone)
    await town.deliver()
    assert town.parts() == 1


@trio_test
async def test_of_thirty_of_the_librarys_own_some_have_an_empty_mesh() -> None:
    """When this fails the library is mended, and `py_peer.net.mesh` may go."""

    def stock(_: Counters) -> GossipSub:
        router = GossipSub([PROTOCOL_ID_V11], 6, 4, 12, heartbeat_interval=1, adaptive_gossip_enabled=False)
        router.scorer = None
        router.emit_control_message = our_router(_).emit_control_message.__func__.__get__(router)  # type: ignore[attr-defined,method-assign]
        return router

    towns = [Town(SIZE, stock) for _ in range(3)]
    assert sum([await empty_meshes(town) for town in towns]) > 0
    assert any(town.links_with_one_end() for town in towns)


async def crowd(size: int) -> tuple[Town, list[ID]]:
    """Return a town of one, which has met so many strangers."""
    town = Town(1)
    strangers = [stranger() for _ in range(size)]
    for one in strangers:
        await join(town.routers[town.ids[0]], one)
    return town, strangers


def grafted(rpcs: list[rpc_pb2.RPC]) -> int:
    return sum(1 for rpc in rpcs for graft in rpc.control.graft if graft.topicID == ROOM)


def told_of(rpcs: list[rpc_pb2.RPC]) -> list[bytes]:
    return [mid for rpc in rpcs for have in rpc.control.ihave for mid in have.messageIDs]


@trio_test
async def test_who_is_pruned_by_all_its_mesh_takes_others_at_once_and_gossips_to_those_who_do_not_want_it() -> None:
    town, strangers = await crowd(2 * DEGREE_LOW)
    router, first = town.routers[town.ids[0]], set(town.mesh(0))
    assert len(first) == DEGREE_LOW
    prune = rpc_pb2.RPC(control=rpc_pb2.ControlMessage(prune=[rpc_pb2.ControlPrune(topicID=ROOM, backoff=60)]))
    for one in first:
        await router.handle_rpc(prune, one)
        assert len(town.mesh(0)) >= DEGREE_LOW
    assert town.mesh(0).isdisjoint(first)
    for one in town.mesh(0):
        assert grafted(taken(router, one)) == 1
    for one in set(town.mesh(0)):
        await router.handle_rpc(prune, one)
    assert town.mesh(0) == set()  # nobody is left who may be asked within the minute
    message = signed(create_new_key_pair(), ROOM, b"who hears me?", 1)
    await router.publish(strangers[0], message)
    for one in strangers:
        taken(router, one)
    await beat(router)
    assert town.counters[0][EMPTY] == 1
    told = [one for one in strangers for rpc in taken(router, one) for _ in rpc.control.ihave]
    assert len(told) >= LAZY


@trio_test
async def test_who_loses_a_peer_of_its_mesh_takes_another_at_once_and_tells_it_what_was_said() -> None:
    town, _ = await crowd(2 * DEGREE_LOW)
    router = town.routers[town.ids[0]]
    message = signed(create_new_key_pair(), ROOM, b"in between", 1)
    await router.publish(stranger(), message)
    before = set(town.mesh(0))
    leave(router, next(iter(before)))
    newcomers = town.mesh(0) - before
    assert newcomers
    for one in newcomers:
        rpcs = taken(router, one)
        assert grafted(rpcs) == 1
        assert told_of(rpcs) == [message_id(message)]


@pytest.mark.parametrize("by_us", [False, True])
def test_who_joins_the_mesh_just_after_a_message_was_relayed_is_told_of_it(by_us: bool) -> None:
    @trio_test
    async def scene() -> None:
        town, (late,) = await crowd(1)
        router = town.routers[town.ids[0]]
        town.mesh(0).discard(late)
        taken(router, late)
        message = signed(create_new_key_pair(), ROOM, b"in between", 1)
        await router.publish(stranger(), message)
        if by_us:
            await beat(router)
        else:
            graft = rpc_pb2.ControlMessage(graft=[rpc_pb2.ControlGraft(topicID=ROOM)])
            await router.handle_rpc(rpc_pb2.RPC(control=graft), late)
        assert town.mesh(0) == {late}
        rpcs = taken(router, late)
        assert grafted(rpcs) == by_us
        assert told_of(rpcs) == [message_id(message)]
        assert not any(rpc.publish for rpc in rpcs)

    scene()


@trio_test
async def test_a_mesh_is_trimmed_to_its_high_mark_and_who_was_pruned_is_not_asked_before_its_time() -> None:
    town, strangers = await crowd(DEGREE_HIGH + 2)
    router = town.routers[town.ids[0]]
    graft = rpc_pb2.RPC(control=rpc_pb2.ControlMessage(graft=[rpc_pb2.ControlGraft(topicID=ROOM)]))
    for one in strangers:
        await router.handle_rpc(graft, one)
        taken(router, one)
    assert town.mesh(0) == set(strangers)
    await beat(router)
    pruned = set(strangers) - town.mesh(0)
    assert len(pruned) == 2
    for one in pruned:
        assert [prune.backoff for rpc in taken(router, one) for prune in rpc.control.prune] == [router.prune_back_off]
    for one in set(town.mesh(0)):
        leave(router, one)
    await beat(router)
    assert town.mesh(0) == set()
    assert [grafted(taken(router, one)) for one in pruned] == [0, 0]


@trio_test
async def test_who_leaves_a_topic_leaves_the_mesh() -> None:
    town, strangers = await crowd(1)
    assert town.mesh(0) == set(strangers)
    town.street(0).peer_topics[ROOM].clear()
    await beat(town.routers[town.ids[0]])
    assert town.mesh(0) == set()
    assert town.counters[0][EMPTY] == 0
