"""Two who dial each other at once: they end with a connection or two, never with none, and hear each other once.

Nothing has to be agreed upon. Who finds the other's connection gives up its own before that is multiplexed; the other
had got further with its own then, and does not give that up. With QUIC, which multiplexes by itself, both keep both.
"""

from __future__ import annotations

import random
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio

from py_peer.core.addresses import parse_dial_address
from py_peer.core.settings import Transports
from py_peer.net.quic import QUICPort
from tests.net.support import Member, member, together, trio_test, until
from tests.net.test_connections import open_descriptors
from tests.network.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from libp2p.peer.id import ID

TRIALS = 6
TEXTS = 4


def connections(one: Member, other: Member) -> int:
    return len(one.node.host.get_network().get_connections(other.id))


async def dial(one: Member, other: Member, port: int, over: str, offset: float) -> ID:
    await trio.sleep(offset)
    return await one.node.dial(parse_dial_address(f"/ip4/127.0.0.1/{over.format(port)}/p2p/{other.id}"))


async def speak(one: Member, texts: list[bytes]) -> None:
    for text in texts:
        await one.say(text)
        await trio.sleep(random.uniform(0, 0.01))


@asynccontextmanager
async def two() -> AsyncIterator[tuple[Member, Member]]:
    transports = Transports(loopback=True, quic=True)
    async with member(transports=transports) as ann, member(transports=transports) as bob:
        yield ann, bob


@pytest.mark.parametrize(
    ("over", "far"),
    [("tcp/{}", False), ("tcp/{}", True), ("tcp/{}/ws", False), ("tcp/{}/ws", True), ("udp/{}/quic-v1", False)],
)
def test_who_dial_each_other_at_once_are_connected_and_all_that_they_say_meanwhile_arrives_once(
    over: str,
    far: bool,
) -> None:
    @trio_test
    async def scene() -> None:
        random.seed(1)
        async with two() as (ann, bob):
            with ExitStack() as stack:
                proxies = [stack.enter_context(Proxy(one.port)) for one in (ann, bob) if far]
                to_ann, to_bob = (one.port for one in (proxies or (ann, bob)))
                for trial in range(TRIALS):
                    for proxy in proxies:
                        proxy.both(delay=random.uniform(0, 0.02), jitter=random.uniform(0, 0.005))
                    said = {
                        one.id: [f"{one.id} {trial} {number}".encode() for number in range(TEXTS)] for one in (ann, bob)
                    }
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(dial, ann, bob, to_bob, over, random.choice([0, random.uniform(0, 0.02)]))
                        nursery.start_soon(dial, bob, ann, to_ann, over, random.choice([0, random.uniform(0, 0.02)]))
                        nursery.start_soon(speak, ann, said[ann.id])
                        nursery.start_soon(speak, bob, said[bob.id])
                    await together(ann, bob)
                    for one, other in ((ann, bob), (bob, ann)):
                        await until(lambda: set(said[other.id]) <= set(one.texts()))  # noqa: B023 - waited for here
                        assert 1 <= connections(one, other) <= 2
                    await until(lambda: connections(ann, bob) == connections(bob, ann))
                    await ann.node.disconnect(bob.id)
                    await until(lambda: not (ann.node.peers.records or bob.node.peers.records))
                for one in (ann, bob):
                    assert len(one.texts()) == len(set(one.texts())) == TRIALS * TEXTS
                    assert one.node.counters["unexpected faults"] == 0

    scene()


@trio_test
async def test_of_two_calls_over_quic_that_are_taken_before_either_caller_looks_both_stay() -> None:
    """As two busy programs do it: each finds the call of the other when its own is made."""
    dial_quic = QUICPort.dial
    async with two() as (ann, bob):

        async def slow(quic: QUICPort, host: str, port: int) -> Any:
            conn = await dial_quic(quic, host, port)
            await until(lambda: connections(ann, bob) and connections(bob, ann))
            return conn

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(QUICPort, "dial", slow)
            async with trio.open_nursery() as nursery:
                for one, other in ((ann, bob), (bob, ann)):
                    nursery.start_soon(dial, one, other, other.port, "udp/{}/quic-v1", 0)
        await together(ann, bob)
        await until(lambda: connections(ann, bob) == connections(bob, ann) == 2)
        for one, other in ((ann, bob), (bob, ann)):
            await one.say(b"here I am")
            await until(lambda: other.texts() == [b"here I am"])  # noqa: B023 - waited for here


@pytest.mark.parametrize("over", ["tcp/{}", "tcp/{}/ws", "udp/{}/quic-v1"])
def test_a_dial_that_is_given_up_at_any_moment_leaves_a_whole_connection_or_none(over: str) -> None:
    @trio_test
    async def scene() -> None:
        async with two() as (ann, bob):
            await dial(ann, bob, bob.port, over, 0)  # what is imported for it is there
            await ann.node.disconnect(bob.id)
            await until(lambda: not (ann.node.peers.records or bob.node.peers.records))
            before = open_descriptors()
            for step in range(24):
                with trio.move_on_after(step * 0.001):
                    await dial(ann, bob, bob.port, over, 0)
                await until(lambda: connections(ann, bob) == connections(bob, ann) <= 1)
                if connections(ann, bob):
                    await together(ann, bob)
                    await ann.node.disconnect(bob.id)
                await until(lambda: not (ann.node.peers.records or bob.node.peers.records))
            await until(lambda: open_descriptors() <= before)
            assert ann.node.counters["unexpected faults"] == bob.node.counters["unexpected faults"] == 0

    scene()
