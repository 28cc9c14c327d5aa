"""What is said arrives: all of it, once, in order, and from the one who signed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
import trio
import trio.testing
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.rsa import create_new_key_pair as create_new_rsa_key_pair
from libp2p.crypto.secp256k1 import create_new_key_pair as create_new_secp256k1_key_pair
from libp2p.pubsub.pb import rpc_pb2
from libp2p.tools.anyio_service.trio_tasks import FunctionTask

from py_peer.core import limits
from py_peer.core.settings import Transports
from py_peer.net.node import open_node
from tests.net.raw_peer import MESHSUB, raw_peer, signed
from tests.net.support import DISCOVERY, ROOM, Recorder, member, still_hears, together, trio_test, until

if TYPE_CHECKING:
    from libp2p.peer.id import ID

    from py_peer.net.pubsub import RoomPubsub
    from tests.net.raw_peer import RawPeer, RawStream


@trio_test
async def test_three_hundred_messages_back_to_back_arrive_all_and_in_order() -> None:
    async with member() as a, member() as b:
        await a.dial(b)
        for number in range(300):
            await a.say(b"%d" % number)
        await until(lambda: len(b.heard) == 300)
        assert b.texts() == [b"%d" % number for number in range(300)]


@trio_test
async def test_many_messages_in_one_rpc_keep_their_order() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        for start in range(0, 100, 10):
            numbers = range(start, start + 10)
            await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"%d" % n, n + 1) for n in numbers])
        await until(lambda: len(one.heard) == 100)
        assert one.texts() == [b"%d" % number for number in range(100)]


@trio_test
async def test_what_is_said_in_the_first_moment_of_a_connection_arrives_once_and_in_order() -> None:
    async with member() as a, member() as b:
        await a.say(b"0")
        await a.node.dial(b.address)
        for number in range(1, 50):
            await a.say(b"%d" % number)
            await trio.lowlevel.checkpoint()
        await until(lambda: len(b.heard) >= 50)
        await b.node.dial(a.address)
        await a.say(b"end")
        await until(lambda: b.texts()[-1] == b"end")
        assert b.texts() == [*(b"%d" % number for number in range(50)), b"end"]


@trio_test
async def test_two_authors_with_the_same_sequence_number_are_both_heard() -> None:
    """The JavaScript peers' message ID is made of the sequence number alone."""
    async with member() as one, raw_peer(one.port) as first, raw_peer(one.port) as second:
        await (await first.join(ROOM)).send_rpc(publish=[signed(first.key_pair, ROOM, b"first", 7)])
        await until(lambda: one.texts() == [b"first"])
        await (await second.join(ROOM)).send_rpc(publish=[signed(second.key_pair, ROOM, b"second", 7)])
        await until(lambda: one.texts() == [b"first", b"second"])


@trio_test
async def test_the_same_text_twice_is_heard_twice() -> None:
    async with member() as a, member() as b:
        await a.dial(b)
        await a.say(b"again")
        await a.say(b"again")
        await until(lambda: b.texts() == [b"again", b"again"])


@trio_test
async def test_in_a_triangle_nothing_is_heard_twice_and_nobody_hears_himself() -> None:
    async with member() as a, member() as b, member() as c:
        await a.dial(b)
        await b.dial(c)
        await c.dial(a)
        for number in range(20):
            for one in (a, b, c):
                await one.say(b"%d" % number)
        everything = sorted(b"%d" % number for number in range(20))
        await until(lambda: all(len(one.heard) >= 40 for one in (a, b, c)))
        for one in (a, b, c):  # the last of each author has come over both ways
            await one.say(b"end")
        await until(lambda: all(one.texts().count(b"end") == 2 for one in (a, b, c)))
        await until(lambda: a.node.counters["duplicates"] + a.node.counters["dropped: own message came back"])
        for one in (a, b, c):
            assert sorted(one.texts()) == sorted([*everything, *everything, b"end", b"end"])
            assert all(message.from_id != one.id.to_bytes() for message in one.heard)


@trio_test
async def test_a_message_goes_on_to_who_is_not_connected_to_its_author() -> None:
    async with member() as a, member() as b, member() as c:
        await a.dial(b)
        await b.dial(c)
        await a.say(b"pass it on")
        await until(lambda: c.texts() == [b"pass it on"])
        assert c.heard[0].from_id == a.id.to_bytes()


@trio_test
async def test_a_message_replayed_by_a_third_party_is_not_heard_twice() -> None:
    async with member() as one, raw_peer(one.port) as author, raw_peer(one.port) as parrot:
        message = signed(author.key_pair, ROOM, b"once", 7)
        await (await author.join(ROOM)).send_rpc(publish=[message, message])
        await until(lambda: one.texts() == [b"once"])
        gossip = await parrot.join(ROOM)
        end = signed(parrot.key_pair, ROOM, b"end", 8)
        await gossip.send_rpc(publish=[message, end])
        await until(lambda: b"end" in one.texts())
        assert one.texts() == [b"once", b"end"]
        assert one.counts("duplicates") == [2]


@trio_test
async def test_own_messages_do_not_come_back_not_even_those_of_before_a_restart() -> None:
    key_pair = create_new_key_pair()
    async with member(key_pair=key_pair) as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        await until(lambda: peer.id in one.node.pubsub.room())
        await one.say(b"mine")
        await until(lambda: peer.texts() == [b"mine"])
        mine = next(message for rpc in peer.rpcs for message in rpc.publish)
        older = signed(key_pair, ROOM, b"mine, of before", 1)
        await gossip.send_rpc(publish=[mine, older, signed(peer.key_pair, ROOM, b"end", 8)])
        await until(lambda: one.texts() == [b"end"])
        assert one.counts("dropped: own message came back") == [2]


@trio_test
async def test_forged_tampered_unsigned_and_spoofed_messages_are_refused_and_not_relayed() -> None:
    victim = create_new_key_pair()
    async with member() as one, raw_peer(one.port) as peer, raw_peer(one.port) as onlooker:
        gossip = await peer.join(ROOM)
        await onlooker.join(ROOM)
        await until(lambda: {peer.id, onlooker.id} <= one.node.pubsub.room())
        refused = []
        for known in (False, True):  # a key that was seen takes another way
            if known:
                await gossip.send_rpc(publish=[signed(victim, ROOM, b"honest", 1)])
            forged = signed(victim, ROOM, b"forged", 2)
            forged.signature = b"x" * 64
            tampered = signed(victim, ROOM, b"tampered", 3)
            tampered.data = b"tampered with"
            renumbered = signed(victim, ROOM, b"renumbered", 4)
            renumbered.seqno = bytes(8)
            elsewhere = signed(victim, DISCOVERY, b"elsewhere", 5)
            elsewhere.topicIDs[:] = [ROOM]
            unsigned = signed(victim, ROOM, b"unsigned", 6)
            unsigned.ClearField("signature")
            spoofed = signed(peer.key_pair, ROOM, b"spoofed", 7)
            spoofed.from_id = signed(victim, ROOM, b"", 1).from_id
            with_key = signed(peer.key_pair, ROOM, b"with a key", 8)
            with_key.from_id = spoofed.from_id
            with_key.key = peer.key_pair.public_key.serialize()
            nobody = signed(victim, ROOM, b"nobody", 9)
            nobody.from_id = b""
            two_topics = signed(victim, ROOM, b"two topics", 10)
            two_topics.topicIDs.append(DISCOVERY)
            refused += [forged, tampered, renumbered, elsewhere, unsigned, spoofed, with_key, nobody, two_topics]
        await gossip.send_rpc(publish=[*refused, signed(peer.key_pair, ROOM, b"end", 99)])
        await until(lambda: b"end" in one.texts() and b"end" in onlooker.texts())
        assert one.texts() == onlooker.texts() == [b"honest", b"end"]


@pytest.mark.parametrize("make", [create_new_rsa_key_pair, create_new_secp256k1_key_pair], ids=["RSA", "secp256k1"])
@trio_test
async def test_authors_with_other_kinds_of_keys_are_heard(make: object) -> None:
    key_pair = make()  # type: ignore[operator]
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        for number in range(2):
            message = signed(key_pair, ROOM, b"%d" % number, number + 1)
            message.key = key_pair.public_key.serialize()
            await gossip.send_rpc(publish=[message])
        await until(lambda: one.texts() == [b"0", b"1"])


@trio_test
async def test_the_author_is_who_signed_not_who_passed_it_on() -> None:
    author = create_new_key_pair()
    async with member() as one, raw_peer(one.port) as peer:
        await (await peer.join(ROOM)).send_rpc(publish=[signed(author, ROOM, b"by another", 1)])
        await until(lambda: one.texts() == [b"by another"])
        assert one.heard[0].from_id == signed(author, ROOM, b"", 1).from_id != peer.id.to_bytes()


@trio_test
async def test_who_is_not_admitted_is_neither_heard_nor_relayed() -> None:
    noisy = create_new_key_pair()
    author = signed(noisy, ROOM, b"", 1).from_id
    async with (
        member(admit=lambda who: who != author) as one,
        raw_peer(one.port) as peer,
        raw_peer(one.port) as onlooker,
    ):
        gossip = await peer.join(ROOM)
        await onlooker.join(ROOM)
        await until(lambda: onlooker.id in one.node.pubsub.room())
        await gossip.send_rpc(publish=[signed(noisy, ROOM, b"noise", 1), signed(peer.key_pair, ROOM, b"end", 2)])
        await until(lambda: b"end" in onlooker.texts())
        assert one.texts() == onlooker.texts() == [b"end"]


@trio_test
async def test_after_a_quick_restart_with_the_same_key_a_peer_is_heard_at_once() -> None:
    key_pair = create_new_key_pair()
    async with member() as one:
        for round_ in (b"before", b"after"):
            async with member(key_pair=key_pair) as other:
                await other.dial(one)
                for _ in range(3):
                    await other.say(round_)
                await until(lambda wanted=round_: one.texts().count(wanted) == 3)


@trio_test
async def test_sequence_numbers_are_unlike_those_of_others_and_grow() -> None:
    async with member() as a, member() as b, raw_peer(a.port) as peer:
        await peer.join(ROOM)
        await until(lambda: peer.id in a.node.pubsub.room())
        for number in range(3):
            await a.say(b"%d" % number)
        await until(lambda: len(peer.texts()) == 3)
        numbers = [int.from_bytes(message.seqno, "big") for rpc in peer.rpcs for message in rpc.publish]
        assert numbers == sorted(numbers)
        first, second = (cast("RoomPubsub", one.node.pubsub).author.counter for one in (a, b))
        assert abs(first - second) > 1000


# --- Pressure -------------------------------------------------------------------------------------


@trio_test
async def test_a_peer_that_does_not_read_holds_nobody_else_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PEER_QUEUE_BYTES", 400_000)
    async with member() as one, member() as other, raw_peer(one.port) as lazy:
        await one.dial(other)
        await lazy.join(ROOM)
        await until(lambda: lazy.id in one.node.pubsub.room() and lazy.gossip_streams)
        lazy.stingy = frozenset({lazy.gossip_streams[0].id})
        for number in range(20):
            await one.say(b"%d" % number + b"x" * 50_000)
            await until(lambda wanted=number + 1: len(other.heard) == wanted)
        assert one.counts("dropped: a slow peer's queue was full")[0] > 0


@trio_test
async def test_wait_for_room_waits_for_a_slow_peer_and_then_leaves_it_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PEER_QUEUE_BYTES", 400_000)
    async with member() as one, raw_peer(one.port) as lazy:
        await lazy.join(ROOM)
        await until(lambda: lazy.id in one.node.pubsub.room() and lazy.gossip_streams)
        lazy.stingy = frozenset({lazy.gossip_streams[0].id})
        start = trio.current_time()
        for _ in range(12):
            await one.node.pubsub.wait_for_room(0.05)
            await one.say(b"x" * 50_000)
        assert 0.05 <= trio.current_time() - start < 2
        assert len(one.node.pubsub.peer_queues[lazy.id]) > 0


@trio_test
async def test_nobody_waits_for_room_at_a_peer_whose_stream_has_ended() -> None:
    async def hold(stream: RawStream) -> None:
        held.append(stream)
        stream.peer.stingy |= {stream.id}
        await stream.wait_end()

    held: list[RawStream] = []
    async with member() as one, raw_peer(one.port, handlers={MESHSUB: hold}) as lazy, trio.open_nursery() as nursery:
        await lazy.join(ROOM)
        await until(lambda: lazy.id in one.node.pubsub.room() and held)
        for _ in range(60):
            await one.node.pubsub.publish(ROOM, bytes(58_000))
        pubsub: Any = one.node.pubsub
        assert not pubsub._has_room()
        start = trio.current_time()
        nursery.start_soon(one.node.pubsub.wait_for_room, 20.0)
        await trio.testing.wait_all_tasks_blocked(0.05)
        await held[0].abort()
        await until(lambda: not nursery.child_tasks)
        assert trio.current_time() - start < 5


@trio_test
async def test_what_was_said_before_leaving_is_heard() -> None:
    """Two hundred texts, some large, and then the sender goes at once."""
    texts = [b"%d" % number + b"x" * (number % 10 * 1_000) for number in range(200)]
    async with member() as b:
        async with member() as a:
            await a.dial(b)
            for text in texts:
                await a.say(text)
            assert await a.node.settle(5)
        await until(lambda: len(b.heard) == len(texts))
        assert b.texts() == texts


@trio_test
async def test_settling_with_a_peer_that_does_not_read_ends_in_time() -> None:
    async with member() as one, raw_peer(one.port) as lazy:
        await lazy.join(ROOM)
        await until(lambda: lazy.id in one.node.pubsub.room() and lazy.gossip_streams)
        lazy.stingy = frozenset({lazy.gossip_streams[0].id})
        for _ in range(10):
            await one.say(b"x" * 50_000)
        start = trio.current_time()
        assert not await one.node.settle(0.1)
        assert trio.current_time() - start < 1


@trio_test
async def test_a_reader_that_falls_behind_holds_the_sender_back_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("libp2p.pubsub.pubsub.SUBSCRIPTION_CHANNEL_SIZE", 8)
    monkeypatch.setattr(limits, "SUBSCRIPTION_QUEUE", 8)
    async with member() as a, member() as b:
        await a.dial(b)
        b.listening = trio.Event()
        for number in range(100):
            await a.say(b"%d" % number)
        room = b.node.pubsub.subscribed_topics_send[ROOM]
        await until(lambda: room.statistics().tasks_waiting_send)
        b.listening.set()
        await until(lambda: len(b.heard) == 100)
        assert b.texts() == [b"%d" % number for number in range(100)]


# --- The outgoing stream --------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["finish", "abort"])
@trio_test
async def test_our_gossip_stream_is_reopened_three_times_and_then_the_peer_is_let_go(how: str) -> None:
    """A Rust peer closes it for good when an RPC is too large, and says nothing."""
    async with member() as one, raw_peer(one.port) as peer:
        await peer.join(ROOM)
        for tries in range(limits.STREAM_REOPENS + 1):
            await until(
                lambda wanted=tries + 1: len(peer.gossip_streams) == wanted and peer.id in one.node.pubsub.room()
            )
            await one.say(b"%d" % tries)
            await until(lambda wanted=tries: b"%d" % wanted in peer.texts())
            assert not peer.closed.is_set()
            await getattr(peer.gossip_streams[-1], how)()
        await peer.closed.wait()
        assert len(peer.gossip_streams) == limits.STREAM_REOPENS + 1
        await until(lambda: one.seen.names(peer.id)[-2:] == ["left", "down"])
        assert one.seen.names(peer.id).count("down") == 1
        await still_hears(one)


@trio_test
async def test_whoever_can_be_spoken_to_is_told_though_our_stream_was_reset_before_he_said_that_he_joins() -> None:
    """He has joined when he cannot be spoken to yet; who is told no more keeps his texts for ever."""
    async with member() as one, raw_peer(one.port) as peer:
        told: list[int] = []
        tell = one.seen.room_changed

        def room_changed(joined: frozenset[ID], left: frozenset[ID]) -> None:
            tell(joined, left)
            told.append(len(one.node.pubsub.room()))

        one.seen.room_changed = room_changed  # type: ignore[method-assign]
        await until(lambda: peer.id in one.node.pubsub.peer_queues)
        opened, reopening = one.node.host.new_stream, trio.Event()

        async def new_stream(*arguments: Any) -> Any:
            await reopening.wait()
            return await opened(*arguments)

        one.node.host.new_stream = new_stream  # type: ignore[assignment,method-assign]
        await until(lambda: peer.gossip_streams)
        await peer.gossip_streams[0].abort()
        await until(lambda: peer.id not in one.node.pubsub.peer_queues)
        await peer.join(ROOM)
        await until(lambda: one.seen.names(peer.id) == ["up", "joined"])
        assert told == [0]
        reopening.set()
        await until(lambda: peer.id in one.node.pubsub.room())
        assert told == [0, 1]
        await until(lambda: len(peer.gossip_streams) == 2)
        await peer.gossip_streams[1].abort()
        await until(lambda: len(told) == 4)
        assert told == [0, 1, 0, 1]
        assert one.seen.names(peer.id) == ["up", "joined"]


@trio_test
async def test_a_stream_that_ended_is_closed_on_our_side_too() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        await peer.join(ROOM)
        await until(lambda: peer.gossip_streams)
        await peer.gossip_streams[0].finish()
        await peer.gossip_streams[0].wait_end()


@trio_test
async def test_a_bad_incoming_stream_does_not_cost_our_own() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        for _ in range(limits.STREAM_REOPENS + 2):
            gossip = await peer.join(ROOM)
            await until(lambda: peer.id in one.node.pubsub.room())
            await gossip.write(b"\xff" * 11)
            await gossip.wait_end()
        assert len(peer.gossip_streams) == 1
        assert not peer.closed.is_set()


# --- The room -------------------------------------------------------------------------------------


@trio_test
async def test_a_peer_joins_when_both_directions_are_ready_and_leaves_with_its_last_connection() -> None:
    async with member() as one:
        async with raw_peer(one.port) as peer:
            await until(lambda: peer.gossip_streams)
            assert one.seen.names(peer.id) == ["up"]  # it can be spoken to, but is not in the room
            gossip = await peer.join(ROOM)
            await until(lambda: one.seen.names(peer.id) == ["up", "joined"])
            await gossip.send_rpc(subscriptions=[rpc_pb2.RPC.SubOpts(subscribe=False, topicid=ROOM)])
            await until(lambda: one.seen.names(peer.id) == ["up", "joined", "left"])
            await gossip.send_rpc(subscriptions=[rpc_pb2.RPC.SubOpts(subscribe=True, topicid=ROOM)])
            await until(lambda: one.seen.names(peer.id) == ["up", "joined", "left", "joined"])
        await until(lambda: one.seen.names(peer.id)[4:] == ["left", "down"])
        assert one.node.pubsub.room() == frozenset()
        assert one.node.peers.records == {}


@trio_test
async def test_a_peer_that_does_not_take_our_stream_is_not_in_the_room() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        peer.handlers.pop("/meshsub/1.1.0")
        gossip = await peer.join(ROOM)
        await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"but it is heard", 1)])
        await until(lambda: one.texts() == [b"but it is heard"])
        assert "joined" not in one.seen.names(peer.id)


@trio_test
async def test_two_who_dial_each_other_at_once_are_one_peer_to_each_other() -> None:
    async with member() as a, member() as b:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(a.node.dial, b.address)
            nursery.start_soon(b.node.dial, a.address)
        await together(a, b)
        await a.say(b"once")
        await until(lambda: b.texts() == [b"once"])
        await b.node.disconnect(a.id)
        await until(lambda: a.seen.count("down") and b.seen.count("down"))
        assert a.seen.names(b.id) == b.seen.names(a.id) == ["up", "joined", "left", "down"]


@trio_test
async def test_who_takes_our_stream_and_does_not_say_where_it_is_is_let_go_three_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As js-libp2p and rust-libp2p do while they have the connection of our last life still."""
    monkeypatch.setattr(limits, "GOSSIP_ANSWER", 0.5)
    key_pair = create_new_key_pair()
    counted = "peers let go: they did not say which topics they are in"
    async with member() as one:
        for talks in (False, True, False):
            async with raw_peer(one.port, key_pair) as peer:
                await until(lambda: peer.gossip_streams)
                if talks:
                    gossip = await peer.open(MESHSUB)
                    await gossip.send_rpc(publish=[signed(key_pair, ROOM, b"it only talks", 1)])
                await peer.closed.wait()
            await until(lambda: not one.node.peers.records)
            async with raw_peer(one.port, key_pair) as peer:  # that it goes by itself in between is no answer
                await until(lambda: peer.gossip_streams)
            await until(lambda: not one.node.peers.records)
        assert one.counts(counted) == [3]
        async with raw_peer(one.port, key_pair) as peer:
            await until(lambda: cast("RoomPubsub", one.node.pubsub)._unanswered.get(peer.id) == 4)
            assert not peer.closed.is_set()
        assert one.counts(counted) == [3]


@trio_test
async def test_who_says_where_it_is_or_opens_a_stream_and_says_nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Go peer that is in no room says it with an empty frame."""
    monkeypatch.setattr(limits, "GOSSIP_ANSWER", 1.0)
    async with (
        member() as one,
        raw_peer(one.port) as joined,
        raw_peer(one.port) as quiet,
        raw_peer(one.port) as empty,
    ):
        await joined.join(ROOM)
        await quiet.open(MESHSUB)
        await (await empty.open(MESHSUB)).write_frame(b"")
        await until(lambda: joined.gossip_streams and quiet.gossip_streams and empty.gossip_streams)
        async with raw_peer(one.port) as mute:
            await mute.closed.wait()
        assert not any(peer.closed.is_set() for peer in (joined, quiet, empty))


@trio_test
async def test_who_is_on_no_topic_says_it_as_a_go_peer_does_and_is_not_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sub-command's peer, which is not in the room."""
    monkeypatch.setattr(limits, "GOSSIP_ANSWER", 1.0)
    nowhere = open_node(
        room_topic=ROOM, observer=Recorder(), admit=lambda _: True, transports=Transports(loopback=True)
    )
    async with member(loopback=True) as one, nowhere as node, raw_peer(one.port) as mute:
        await node.dial(one.address)
        async with raw_peer(node.port) as peer:
            await until(lambda: peer.rpcs)
            assert peer.rpcs == [rpc_pb2.RPC()]
        await mute.closed.wait()
        assert one.id in node.peers.records


@trio_test
async def test_those_who_come_and_go_leave_no_task_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a thousand the library's service ends, and our node with it."""
    monkeypatch.setattr(limits, "GOSSIP_ANSWER", 3_600.0)
    async with member() as one:
        manager = cast("Any", one.node.pubsub).manager

        def tasks() -> list[str]:
            return sorted(str(task) for task in FunctionTask.iterate_tasks(*manager._root_tasks))

        without = tasks()
        for number in range(10):
            async with raw_peer(one.port) as peer:
                await until(lambda peer=peer: peer.gossip_streams)
                if number % 2:
                    await peer.join(ROOM)
                    await until(lambda peer=peer: peer.id in one.node.pubsub.room())
                assert tasks() != without
        await until(lambda: not one.node.peers.records and tasks() == without)


def greetings(peer: RawPeer) -> list[set[str]]:
    """Return the topics that each greeting to a peer names."""
    said = [{entry.topicid for entry in rpc.subscriptions if entry.subscribe} for rpc in peer.rpcs]
    return [topics for topics in said if topics]


@trio_test
async def test_who_begins_later_is_told_again_what_we_subscribe_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """As go-libp2p does when our last life's connection has timed out: it has forgotten what we said on this one."""
    async with member() as one, raw_peer(one.port) as peer:
        await until(lambda: greetings(peer))
        monkeypatch.setattr(limits, "GREETING_SECONDS", 0.0)
        await peer.join(ROOM)
        await until(lambda: len(greetings(peer)) == 2)
        assert greetings(peer) == [{ROOM, DISCOVERY}] * 2
        assert len(peer.gossip_streams) == 1


@trio_test
async def test_who_begins_anew_is_told_again_what_we_subscribe_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """As go-libp2p does when its stream has ended with one of two connections."""
    monkeypatch.setattr(limits, "GREETING_SECONDS", 60.0)
    async with member() as one, raw_peer(one.port) as peer:
        await until(lambda: greetings(peer))
        first = await peer.join(ROOM)
        await until(lambda: peer.id in one.node.pubsub.room())
        assert len(greetings(peer)) == 1
        await first.abort()
        await peer.join(ROOM)
        await until(lambda: len(greetings(peer)) == 2)
        assert len(peer.gossip_streams) == 1
