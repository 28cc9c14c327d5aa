"""A large text is not sent to who has it already: GossipSub 1.2's IDONTWANT, for large texts alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V11, PROTOCOL_ID_V12
from libp2p.pubsub.pb import rpc_pb2

from py_peer.net.gossip import LARGE
from py_peer.net.message_cache import message_id
from tests.net.raw_peer import signed
from tests.net.support import ROOM, member, trio_test, until
from tests.net.town import Town, join, stranger, taken

if TYPE_CHECKING:
    from collections.abc import Callable


def said(rpcs: list[rpc_pb2.RPC]) -> list[bytes]:
    """Return what a peer is told, in order: the IDs that we do not want, and the texts."""
    told = []
    for rpc in rpcs:
        told += [mid for entry in rpc.control.idontwant for mid in entry.messageIDs]
        told += [message.data for message in rpc.publish]
    return told


@trio_test
async def test_of_a_large_text_who_can_read_it_is_told_first_that_we_have_it_and_of_a_small_one_nobody() -> None:
    town = Town(1)
    router = town.routers[town.ids[0]]
    new, old = stranger(), stranger()
    await join(router, new, PROTOCOL_ID_V12)
    await join(router, old, PROTOCOL_ID_V11)
    key_pair = create_new_key_pair()
    small, large = signed(key_pair, ROOM, b"small", 1), signed(key_pair, ROOM, bytes(LARGE), 2)
    for peer_id in (new, old):
        taken(router, peer_id)
    for message in (large, small):
        await router.publish(stranger(), message)
    assert said(taken(router, new)) == [message_id(large), large.data, small.data]
    assert said(taken(router, old)) == [large.data, small.data]


@pytest.mark.parametrize("by", [message_id, lambda message: message.from_id + message.seqno], ids=["ours", "Go's"])
@trio_test
async def test_who_has_a_large_text_is_not_sent_it_and_the_others_are(
    by: Callable[[rpc_pb2.Message], bytes],
) -> None:
    town = Town(1)
    router = town.routers[town.ids[0]]
    has_it, has_it_not = stranger(), stranger()
    for peer_id in (has_it, has_it_not):
        await join(router, peer_id, PROTOCOL_ID_V12)
        taken(router, peer_id)
    large = signed(create_new_key_pair(), ROOM, bytes(LARGE), 2)
    unwanted = rpc_pb2.ControlIDontWant(messageIDs=[by(large)])
    await router.handle_rpc(rpc_pb2.RPC(control=rpc_pb2.ControlMessage(idontwant=[unwanted])), has_it)
    await router.publish(stranger(), large)
    assert large.data not in said(taken(router, has_it))
    assert large.data in said(taken(router, has_it_not))
    assert town.counters[0]["relayed"] == 1


@pytest.mark.parametrize("size", [10, LARGE])
def test_two_of_us_speak_the_protocol_that_has_it_and_hear_each_other(size: int) -> None:
    @trio_test
    async def scene() -> None:
        async with member() as one, member() as other:
            await one.dial(other)
            assert one.node.pubsub.router.peer_protocol[other.id] == PROTOCOL_ID_V12
            await one.say(bytes(size))
            await until(lambda: other.texts() == [bytes(size)])

    scene()
