"""GossipSub among strangers: no RPC larger than a Rust peer takes, and no memory for what nobody needs."""

from __future__ import annotations

import os
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.pubsub.pb import rpc_pb2
from libp2p.utils.varint import encode_varint_prefixed
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.net.mesh import DEGREE_HIGH
from py_peer.net.message_cache import BoundedCache, message_id
from py_peer.net.seen import SeenCache
from tests.net.raw_peer import MESHSUB, raw_peer, signed
from tests.net.support import ROOM, Member, member, naming, still_hears, trio_test, until

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def state(one: Member) -> dict[str, int]:
    """Return how much a node remembers, by the name of the memory."""
    sizes = {}
    network, peerstore = one.node.host.get_network(), one.node.host.get_peerstore()
    for where in (one.node.pubsub.router, one.node.pubsub, one.node.host, network, peerstore):
        for name, value in vars(where).items():
            if isinstance(value, dict | list | set) and not isinstance(value, Counter):
                nested = value.values() if isinstance(value, dict) else ()
                sizes[f"{type(where).__name__}.{name}"] = len(value) + sum(
                    len(inner) for inner in nested if isinstance(inner, dict | list | set)
                )
    return sizes


# --- Sizes ----------------------------------------------------------------------------------------


@trio_test
async def test_the_largest_text_of_ours_fits_what_a_rust_peer_takes_however_many_addresses_we_have() -> None:
    async with member() as one:
        many = [Multiaddr(f"/ip6/2001:db8::{number:x}/tcp/4001") for number in range(100)]
        one.node.host.get_addrs = lambda: many  # type: ignore[method-assign]
        async with raw_peer(one.port) as peer:
            await peer.join(ROOM)
            await until(lambda: peer.id in one.node.pubsub.room())
            await one.say(b"x" * limits.MAX_TEXT_BYTES)
            await until(peer.texts)
            assert max(peer.rpc_sizes) <= limits.MAX_RPC_OUT


@trio_test
async def test_a_large_text_of_a_javascript_peer_is_heard_but_not_passed_on() -> None:
    """One frame above 65,536 bytes, and a Rust peer hears nothing from us any more."""
    async with member() as one, raw_peer(one.port) as author, raw_peer(one.port) as rust:
        await rust.join(ROOM)
        await until(lambda: rust.id in one.node.pubsub.room())
        gossip = await author.join(ROOM)
        large = signed(author.key_pair, ROOM, b"x" * 70_000, 1)
        megabyte = signed(author.key_pair, ROOM, b"y" * 1_000_000, 2)
        await gossip.send_rpc(publish=[large, megabyte, signed(author.key_pair, ROOM, b"end", 3)])
        await until(lambda: b"end" in rust.texts())
        assert [len(text) for text in one.texts()] == [70_000, 1_000_000, 3]
        assert rust.texts() == [b"end"]
        want = rpc_pb2.ControlIWant(messageIDs=[message_id(large), message_id(megabyte)])
        await (await rust.open(MESHSUB)).send_rpc(control=rpc_pb2.ControlMessage(iwant=[want]))
        await gossip.send_rpc(publish=[signed(author.key_pair, ROOM, b"end again", 4)])
        await until(lambda: b"end again" in rust.texts())
        assert max(rust.rpc_sizes) <= limits.MAX_RPC_OUT
        assert one.counts("not relayed: larger than a Rust peer takes") == [2]


@trio_test
async def test_many_messages_asked_for_at_once_come_in_rpcs_that_a_rust_peer_takes() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        await until(lambda: peer.id in one.node.pubsub.room())
        for _ in range(20):
            await one.say(b"x" * 20_000)
        await until(lambda: len(peer.texts()) == 20)
        want = rpc_pb2.ControlIWant(messageIDs=[message_id(message) for rpc in peer.rpcs for message in rpc.publish])
        await gossip.send_rpc(control=rpc_pb2.ControlMessage(iwant=[want]))
        await until(lambda: len(peer.texts()) == 40)
        assert max(peer.rpc_sizes) <= limits.MAX_RPC_OUT


@trio_test
async def test_a_gossip_of_thousands_of_messages_and_the_asking_for_them_are_split() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        await until(lambda: peer.id in one.node.pubsub.room())
        ids = [os.urandom(200) for _ in range(1_000)]
        await gossip.send_rpc(
            control=rpc_pb2.ControlMessage(ihave=[rpc_pb2.ControlIHave(topicID=ROOM, messageIDs=ids)])
        )
        await until(lambda: sorted(asked_for(peer.rpcs)) == sorted(ids))
        await one.node.pubsub.router.emit_ihave(ROOM, ids, peer.id)
        await until(lambda: sum(len(have.messageIDs) for rpc in peer.rpcs for have in rpc.control.ihave) >= 1_000)
        assert max(peer.rpc_sizes) <= limits.MAX_RPC_OUT


def asked_for(rpcs: list[rpc_pb2.RPC]) -> list[bytes]:
    return [mid for rpc in rpcs for want in rpc.control.iwant for mid in want.messageIDs]


# --- What a stranger asks -------------------------------------------------------------------------


@trio_test
async def test_a_message_asked_for_ten_thousand_times_is_sent_once() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        await until(lambda: peer.id in one.node.pubsub.room())
        await one.say(b"once more")
        await until(lambda: peer.texts() == [b"once more"])
        mid = message_id(peer.rpcs[-1].publish[0])
        await gossip.send_rpc(control=rpc_pb2.ControlMessage(iwant=[rpc_pb2.ControlIWant(messageIDs=[mid] * 10_000)]))
        await until(lambda: len(peer.texts()) > 1)
        await one.say(b"end")
        await until(lambda: b"end" in peer.texts())
        assert peer.texts() == [b"once more", b"once more", b"end"]


@trio_test
async def test_message_ids_are_opaque_bytes() -> None:
    """Rust's are decimal digits; the library read IDs as hex and dropped those of odd length."""
    strange = [b"1234567890123456789", b"123", b"deadbeef", b"abc", b"\xff\x00", "ü".encode(), b"x" * 256]
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        await until(lambda: peer.id in one.node.pubsub.room())
        await gossip.send_rpc(
            control=rpc_pb2.ControlMessage(ihave=[rpc_pb2.ControlIHave(topicID=ROOM, messageIDs=strange)])
        )
        await until(lambda: sorted(asked_for(peer.rpcs)) == sorted(strange))


@trio_test
async def test_a_message_that_was_missed_is_asked_for_and_heard() -> None:
    author = create_new_key_pair()
    missed = signed(author, ROOM, b"missed", 5)
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        await until(lambda: peer.id in one.node.pubsub.room())
        have = rpc_pb2.ControlIHave(topicID=ROOM, messageIDs=[message_id(missed)])
        await gossip.send_rpc(control=rpc_pb2.ControlMessage(ihave=[have]))
        await until(lambda: asked_for(peer.rpcs) == [message_id(missed)])
        await gossip.send_rpc(publish=[missed])
        await until(lambda: one.texts() == [b"missed"])
        await gossip.send_rpc(control=rpc_pb2.ControlMessage(ihave=[have]), publish=[signed(author, ROOM, b"end", 6)])
        await until(lambda: b"end" in one.texts())
        assert asked_for(peer.rpcs) == [message_id(missed)]


@trio_test
async def test_what_was_heard_is_not_asked_for_by_the_id_that_go_has_for_it() -> None:
    heard, missed = (signed(create_new_key_pair(), ROOM, b"text", number) for number in (5, 6))
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        await until(lambda: peer.id in one.node.pubsub.room())
        of_go = [message.from_id + message.seqno for message in (heard, missed)]
        await gossip.send_rpc(publish=[heard])
        await gossip.send_rpc(
            control=rpc_pb2.ControlMessage(ihave=[rpc_pb2.ControlIHave(topicID=ROOM, messageIDs=of_go)])
        )
        await until(lambda: asked_for(peer.rpcs))
        assert asked_for(peer.rpcs) == of_go[1:]


HOSTILE_CONTROL: dict[str, Callable[[], rpc_pb2.ControlMessage]] = {
    "IHAVE with 400,000 IDs": lambda: rpc_pb2.ControlMessage(
        ihave=[rpc_pb2.ControlIHave(topicID=ROOM, messageIDs=[b"%d" % n for n in range(400_000)])]
    ),
    "IHAVE for topics of nobody": lambda: rpc_pb2.ControlMessage(
        ihave=[rpc_pb2.ControlIHave(topicID=f"nobody's {n}", messageIDs=[b"x"]) for n in range(10_000)]
    ),
    "IWANT for what nobody said": lambda: rpc_pb2.ControlMessage(
        iwant=[rpc_pb2.ControlIWant(messageIDs=[b"%d" % n]) for n in range(10_000)]
    ),
    "PRUNE for topics of nobody": lambda: rpc_pb2.ControlMessage(
        prune=[rpc_pb2.ControlPrune(topicID=f"nobody's {n}", backoff=10**9) for n in range(10_000)]
    ),
    "GRAFT for topics of nobody": lambda: rpc_pb2.ControlMessage(
        graft=[rpc_pb2.ControlGraft(topicID=f"nobody's {n}") for n in range(10_000)]
    ),
    "GRAFT ten thousand times": lambda: rpc_pb2.ControlMessage(graft=[rpc_pb2.ControlGraft(topicID=ROOM)] * 10_000),
    "PRUNE with peers to dial": lambda: rpc_pb2.ControlMessage(
        prune=[rpc_pb2.ControlPrune(topicID=ROOM, peers=[rpc_pb2.PeerInfo(peerID=os.urandom(34))] * 1_000)]
    ),
    "IDONTWANT of everything": lambda: rpc_pb2.ControlMessage(
        idontwant=[rpc_pb2.ControlIDontWant(messageIDs=[b"%d" % n for n in range(10_000)])]
    ),
}


@trio_test
async def test_control_messages_of_strangers_leave_nothing_in_memory() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        await until(lambda: peer.id in one.node.pubsub.room())
        before = state(one)
        for number, (name, hostile) in enumerate(HOSTILE_CONTROL.items()):
            with naming(name):
                await gossip.send_rpc(control=hostile())
                await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"%d" % number, number + 1)])
                await until(lambda wanted=b"%d" % number: wanted in one.texts())
                # What it does not want is kept until the next heartbeat.
                await until(lambda: all(size - before.get(where, 0) <= 20 for where, size in state(one).items()))
        await still_hears(one)


@trio_test
async def test_subscriptions_to_topics_of_nobody_are_not_remembered() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        await until(lambda: peer.id in one.node.pubsub.room())
        before = state(one)
        subscriptions = [rpc_pb2.RPC.SubOpts(subscribe=True, topicid=f"nobody's {n}") for n in range(4_000)]
        await gossip.send_rpc(subscriptions=subscriptions)
        await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"end", 1)])
        await until(lambda: b"end" in one.texts())
        grown = {name: size - before.get(name, 0) for name, size in state(one).items()}
        assert {name: more for name, more in grown.items() if more > 5} == {}


@trio_test
async def test_who_comes_and_goes_five_thousand_times_in_one_rpc_came_or_went_once() -> None:
    """Every change would start tasks: the node would be busy for a minute."""
    there, gone = (rpc_pb2.RPC.SubOpts(subscribe=yes, topicid=ROOM) for yes in (True, False))
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        await until(lambda: one.seen.names(peer.id) == ["up", "joined"])
        await gossip.send_rpc(subscriptions=[gone, there] * 2_500)
        await gossip.send_rpc(subscriptions=[there, gone] * 2_500)
        await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"end", 1)])
        await until(lambda: b"end" in one.texts())
        assert one.seen.names(peer.id) == ["up", "joined", "left"]


@trio_test
async def test_who_comes_grafts_itself_and_goes_leaves_nothing_behind() -> None:
    """Twelve ghosts in the mesh, and nothing would be relayed to the living."""
    async with member() as one:
        empty = state(one)
        for _ in range(6):
            async with raw_peer(one.port) as peer:
                peer.handlers.pop(MESHSUB)
                gossip = await peer.join(ROOM)
                await gossip.send_rpc(control=rpc_pb2.ControlMessage(graft=[rpc_pb2.ControlGraft(topicID=ROOM)]))
                await until(lambda who=peer.id: who in one.node.pubsub.router.mesh[ROOM])
            await until(lambda: not one.node.peers.records)
        await until(lambda: one.node.pubsub.router.mesh[ROOM] == set())
        grown = {name: size - empty.get(name, 0) for name, size in state(one).items()}
        assert {name: more for name, more in grown.items() if more > 0} == {}


@trio_test
async def test_who_grafts_itself_behind_much_that_is_read_when_it_has_gone_leaves_nothing_behind() -> None:
    async with member() as one:
        graft = rpc_pb2.ControlMessage(graft=[rpc_pb2.ControlGraft(topicID=ROOM)])
        joins = rpc_pb2.RPC(subscriptions=[rpc_pb2.RPC.SubOpts(subscribe=True, topicid=ROOM)], control=graft)
        async with raw_peer(one.port) as peer:
            says = rpc_pb2.RPC(publish=[signed(peer.key_pair, ROOM, b"the last", 1)])
            last = b"".join(encode_varint_prefixed(rpc.SerializeToString()) for rpc in (joins, says))
            gossip = await peer.open(MESHSUB)
            await gossip.write(bytes(60_000 - len(last)) + last)  # it takes a while to read so many empty messages
            await trio.sleep(0.01)
        await until(lambda: not one.node.peers.records)
        assert not one.texts()
        await until(lambda: one.texts() == [b"the last"])
        assert not one.node.pubsub.peer_topics.get(ROOM)
        assert not one.node.pubsub.router.mesh[ROOM]


# --- The mesh -------------------------------------------------------------------------------------


@trio_test
async def test_who_pruned_us_still_hears_what_we_say_ourselves() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        await until(lambda: peer.id in one.node.pubsub.router.mesh[ROOM])
        await gossip.send_rpc(control=rpc_pb2.ControlMessage(prune=[rpc_pb2.ControlPrune(topicID=ROOM, backoff=60)]))
        await until(lambda: peer.id not in one.node.pubsub.router.mesh[ROOM])
        await one.say(b"do you hear me?")
        await until(lambda: peer.texts() == [b"do you hear me?"])


@trio_test
async def test_with_more_peers_than_a_mesh_holds_the_heartbeat_prunes_and_everybody_hears() -> None:
    async with member() as one, trio.open_nursery() as nursery:
        one.node.pubsub.router.heartbeat_interval = 0.05  # type: ignore[assignment] # seconds
        peers = []

        async def stay(task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
            async with raw_peer(one.port) as peer:
                gossip = await peer.join(ROOM)
                await gossip.send_rpc(control=rpc_pb2.ControlMessage(graft=[rpc_pb2.ControlGraft(topicID=ROOM)]))
                peers.append(peer)
                task_status.started()
                await peer.closed.wait()

        for _ in range(14):
            await nursery.start(stay)
        await until(lambda: any(rpc.control.prune for peer in peers for rpc in peer.rpcs))
        await until(lambda: len(one.node.pubsub.room()) == 14)
        await until(lambda: len(one.node.pubsub.router.mesh[ROOM]) <= DEGREE_HIGH)
        await one.say(b"all of you")
        await until(lambda: all(peer.texts() == [b"all of you"] for peer in peers))
        nursery.cancel_scope.cancel()


@trio_test
async def test_a_newcomer_is_replayed_the_last_messages_in_order() -> None:
    async with member() as one:
        for number in range(20):
            await one.say(b"%d" % number)
        async with raw_peer(one.port) as peer:
            await peer.join(ROOM)
            await until(lambda: len(peer.texts()) == 20)
            assert peer.texts() == [b"%d" % number for number in range(20)]


@trio_test
async def test_who_was_cut_off_and_comes_back_is_replayed_what_it_missed_and_a_newcomer_is_not() -> None:
    async with member() as one:
        async with raw_peer(one.port) as peer:
            await peer.join(ROOM)
            await until(lambda: peer.id in one.node.pubsub.room())
        await one.say(b"do you still hear me?")
        await until(lambda: not one.node.peers.records)
        await one.say(b"where are you?")
        for _ in range(3):  # heartbeats; what is older is not gossiped about any more
            one.node.pubsub.router.mcache.shift()
        async with raw_peer(one.port, peer.key_pair) as back, raw_peer(one.port) as newcomer:
            await newcomer.join(ROOM)
            await back.join(ROOM)
            await until(lambda: back.texts() == [b"do you still hear me?", b"where are you?"])
            await one.say(b"end")
            await until(lambda: newcomer.texts() == [b"end"])


@trio_test
async def test_nothing_but_the_hello_carries_a_signed_record() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        await peer.join(ROOM)
        await until(lambda: peer.id in one.node.pubsub.room())
        for number in range(10):
            await one.say(b"%d" % number)
        await until(lambda: len(peer.texts()) == 10)
        assert [bool(rpc.senderRecord) for rpc in peer.rpcs] == [True] + [False] * (len(peer.rpcs) - 1)


# --- Caches ---------------------------------------------------------------------------------------


def test_what_was_seen_is_bounded_and_the_oldest_goes_first() -> None:
    seen = SeenCache(3)
    assert [seen.add(key) for key in (b"1", b"2", b"1", b"3", b"4")] == [True, True, False, True, True]
    assert [seen.has(key) for key in (b"1", b"2", b"3", b"4")] == [False, True, True, True]
    assert len(seen) == 3


def test_the_message_cache_is_bounded_in_memory_and_forgets() -> None:
    cache = BoundedCache(3, 5, 1_000 + limits.KEPT_MESSAGE_BYTES)
    author = create_new_key_pair()
    small, large, later = (signed(author, ROOM, b"x" * size, size) for size in (300, 800, 301))
    for message in (small, large, small):
        cache.put(message)
    assert cache.get(message_id(small)) == small
    assert cache.get(message_id(large)) is None
    assert cache.window(ROOM) == [message_id(small)]
    for _ in range(5):
        cache.shift()
    assert cache.get(message_id(small)) is None
    cache.put(large)
    assert cache.get(message_id(large)) == large
    cache.put(later)
    assert cache.get(message_id(later)) == later
    assert cache.get(message_id(large)) is None


def test_the_message_cache_keeps_what_is_not_gossiped_any_more_but_not_over_a_long_sleep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = BoundedCache(3, 50, 2 * (500 + limits.KEPT_MESSAGE_BYTES))
    old, new = (signed(create_new_key_pair(), ROOM, b"x", number) for number in (1, 2))
    cache.put(old)
    for _ in range(10):
        cache.shift()
    cache.put(new)
    assert cache.window(ROOM) == [message_id(new)]
    assert cache.recent(ROOM, 11) == [message_id(old), message_id(new)]
    assert cache.recent("another topic", 11) == []
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 3_600)
    assert cache.recent(ROOM, 11) == []


def test_the_message_id_is_the_javascript_peers() -> None:
    """SHA-256 of the sequence number's decimal digits: `printf 1234567890123 | sha256sum`."""
    message = rpc_pb2.Message(seqno=(1234567890123).to_bytes(8, "big"), from_id=b"whoever", data=b"whatever")
    assert message_id(message).hex() == "bca2b41a2b25e137c83fee346af7bd1e0f52bd560583ca07a1b42f9944c5c50b"
