"""Topics beside the room are joined and left at any time, and each has its own people, mesh and messages."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio

from py_peer.core import limits
from tests.net.raw_peer import raw_peer, signed
from tests.net.support import ROOM, Member, member, trio_test, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NEWS = "news"


@asynccontextmanager
async def hearing(one: Member, topic: str) -> AsyncIterator[list[bytes]]:
    """Join a topic and collect what is heard there, as long as the block runs."""
    heard: list[bytes] = []
    subscription = await one.node.pubsub.join(topic)

    async def listen() -> None:
        while True:
            heard.append((await subscription.get()).data)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        yield heard
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("stock", [False, True], ids=["ours", "stock"])
def test_what_is_said_on_a_topic_is_heard_there_alone(stock: bool) -> None:
    @trio_test
    async def scene() -> None:
        async with member(stock=stock) as a, member(stock=stock) as b:
            await a.dial(b)
            async with hearing(a, NEWS) as at_a, hearing(b, NEWS) as at_b:
                await until(lambda: a.node.pubsub.room(NEWS) == {b.id} and b.node.pubsub.room(NEWS) == {a.id})
                await a.node.pubsub.publish(NEWS, b"on the topic")
                await b.node.pubsub.publish(NEWS, b"here, too")
                await a.say(b"in the room")
                await until(lambda: at_b and at_a and b.heard)
                assert (at_a, at_b, b.texts(), a.texts()) == ([b"here, too"], [b"on the topic"], [b"in the room"], [])
                assert b.counts("received", "announcements", "sent") == [2, 0, 1]

    scene()


@pytest.mark.parametrize("stock", [False, True], ids=["ours", "stock"])
def test_who_was_in_a_topic_before_us_is_there_when_we_join_it(stock: bool) -> None:
    @trio_test
    async def scene() -> None:
        async with member(stock=stock) as a, member(stock=stock) as b, hearing(a, NEWS) as heard:
            await a.dial(b)
            assert b.node.pubsub.room(NEWS) == frozenset()
            await b.node.pubsub.join(NEWS)
            await until(lambda: b.node.pubsub.room(NEWS) == {a.id})
            await b.node.pubsub.publish(NEWS, b"I am new here")
            await until(lambda: heard == [b"I am new here"])

    scene()


@trio_test
async def test_who_has_left_a_topic_is_not_there_hears_nothing_and_may_come_again() -> None:
    async with member() as a, member() as b:
        await a.dial(b)
        async with hearing(a, NEWS) as heard:
            await b.node.pubsub.join(NEWS)
            await until(lambda: a.node.pubsub.room(NEWS) == {b.id} and b.node.pubsub.members(NEWS) == {a.id})
            await b.node.pubsub.unsubscribe(NEWS)
            await until(lambda: not a.node.pubsub.room(NEWS))
            assert NEWS not in b.node.pubsub.peer_topics
            await a.node.pubsub.publish(NEWS, b"to nobody")
            await b.node.pubsub.join(NEWS)
            await until(lambda: a.node.pubsub.room(NEWS) == {b.id})
            assert b.node.pubsub.room(NEWS) == {a.id}
            await b.node.pubsub.publish(NEWS, b"back")
            await until(lambda: heard == [b"back"])


@trio_test
async def test_who_is_in_a_topic_alone_and_not_in_the_room_is_met_there() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(NEWS)
        async with hearing(one, NEWS) as heard:
            await until(lambda: one.node.pubsub.room(NEWS) == {peer.id})
            assert one.node.pubsub.room() == frozenset()
            await gossip.send_rpc(publish=[signed(peer.key_pair, NEWS, b"hello", 1)])
            await until(lambda: heard == [b"hello"])
        await one.node.pubsub.unsubscribe(NEWS)
        await gossip.send_rpc(publish=[signed(peer.key_pair, NEWS, b"late", 2)])
        await until(lambda: one.node.counters["dropped: not a topic of ours"] == 1)
        assert heard == [b"hello"]


@trio_test
async def test_on_a_topic_a_message_goes_on_through_those_who_are_in_it() -> None:
    async with member() as a, member() as b, member() as c:
        await a.dial(b)
        await b.dial(c)
        async with hearing(a, NEWS), hearing(b, NEWS), hearing(c, NEWS) as heard:
            await until(lambda: b.node.pubsub.room(NEWS) == {a.id, c.id})
            await until(lambda: a.node.pubsub.room(NEWS) and c.node.pubsub.room(NEWS))
            await a.node.pubsub.publish(NEWS, b"pass it on")
            await until(lambda: heard == [b"pass it on"])
            assert b.node.counters["relayed"] == 1


@trio_test
async def test_a_topic_joined_while_a_stream_is_being_opened_is_told_on_it() -> None:
    async with member() as one, member() as other:
        opened, opening = other.node.host.new_stream, trio.Event()

        async def new_stream(peer_id: Any, protocols: Any) -> Any:
            stream = await opened(peer_id, protocols)
            write = stream.write
            if "meshsub" not in str(protocols):
                return stream

            async def write_late(data: bytes) -> None:
                opening.set()
                await until(lambda: NEWS in other.node.pubsub.subscribed_topics_send)
                await write(data)

            stream.write = write_late  # type: ignore[method-assign]
            return stream

        other.node.host.new_stream = new_stream  # type: ignore[assignment,method-assign]
        async with hearing(one, NEWS):
            await one.node.dial(other.address)
            await opening.wait()
            await other.node.pubsub.join(NEWS)
            await until(lambda: one.node.pubsub.room(NEWS) == {other.id})


@trio_test
async def test_topics_that_strangers_name_are_remembered_within_limits_and_no_garbage_breaks_that() -> None:
    async with member() as one:
        elsewhere = one.node.pubsub._elsewhere  # type: ignore[attr-defined]
        async with raw_peer(one.port) as peer, raw_peer(one.port) as honest:
            gossip = await peer.join(ROOM)
            many = [f"topic {number}" for number in range(limits.MAX_TOPICS_PER_PEER + 10)]
            await gossip.send_rpc(subscriptions=[{"subscribe": True, "topicid": topic} for topic in many])
            await gossip.send_rpc(subscriptions=[{"subscribe": True, "topicid": "x" * (limits.MAX_TOPIC_BYTES + 1)}])
            await gossip.write_frame(bytes.fromhex("0a0608011202ff41"))  # a topic that is not UTF-8
            await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"that was all", 1)])
            await honest.join(many[-1])
            await until(lambda: one.texts() == [b"that was all"] and honest.id in elsewhere._topics)
            assert len(elsewhere._topics[peer.id]) == limits.MAX_TOPICS_PER_PEER
            await one.node.pubsub.join(many[-1])
            await until(lambda: one.node.pubsub.room(many[-1]) == {honest.id})
        await until(lambda: not elsewhere._topics)
