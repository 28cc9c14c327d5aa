"""Who is still there: every peer is pinged, and let go when no answer comes."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
import trio

from py_peer.core import limits
from tests import warm
from tests.net.raw_peer import PING_PROTOCOL, RawPeer, RawStream, raw_peer, signed, silence
from tests.net.support import ROOM, Member, dial_address, member, still_hears, trio_test, until

if TYPE_CHECKING:
    from collections.abc import Iterator

SLEEPER = """
import trio
from tests.net.support import member
async def main():
    async with member() as one:
        print(one.port, one.id, flush=True)
        await trio.sleep_forever()
trio.run(main)
"""


@pytest.fixture(autouse=True)
def brisk() -> None:
    """Let the library take its time: how connections end is tested here."""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PING_INTERVAL", 0.05)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For peers that never answer; with others a busy machine needs more patience."""
    monkeypatch.setattr(limits, "PING_TIMEOUT", 0.3)
    monkeypatch.setattr(limits, "PING_PATIENCE", 0.5)


@pytest.fixture
def other_process() -> Iterator[tuple[warm.Process, int, str]]:
    """A node in a process of its own, which can be stopped; its port and its peer ID."""
    with warm.script(SLEEPER) as process:
        assert process.stdout is not None
        port, peer_id = process.stdout.readline().decode().split()
        yield process, int(port), peer_id


@trio_test
async def test_a_process_that_is_stopped_is_let_go(other_process: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    process, port, peer_id = other_process
    async with member() as one:
        found = await one.node.dial(dial_address("127.0.0.1", port, peer_id))
        await until(lambda: one.seen.names(found) == ["up", "joined"] and one.seen.count("pinged") > 1)
        with monkeypatch.context() as impatient:
            impatient.setattr(limits, "PING_TIMEOUT", 0.3)
            os.kill(process.pid, signal.SIGSTOP)
            await until(lambda: one.seen.names(found) == ["up", "joined", "left", "down"])
        assert one.counts("peers let go: no sign of life") == [1]
        await still_hears(one)


@trio_test
async def test_closing_with_five_peers_of_which_one_is_stopped_takes_less_than_two_seconds(other_process: Any) -> None:
    process, port, peer_id = other_process
    async with trio.open_nursery() as nursery:
        peers = []

        async def stay(port: int, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
            async with raw_peer(port) as peer:
                await peer.join(ROOM)
                peers.append(peer)
                task_status.started()
                await peer.closed.wait()

        async with member() as one:
            for _ in range(4):
                await nursery.start(stay, one.port)
            await one.node.dial(dial_address("127.0.0.1", port, peer_id))
            await until(lambda: len(one.node.pubsub.room()) == 5)
            os.kill(process.pid, signal.SIGSTOP)
            start = trio.current_time()
        assert trio.current_time() - start < 2
        with trio.fail_after(1):
            for peer in peers:
                await peer.closed.wait()


async def fill_up(one: Member, peer: RawPeer) -> None:
    """Have a node write to a peer that reads nothing until the kernel takes no more: no farewell gets through then."""
    await peer.join(ROOM)
    await until(lambda: peer.id in one.node.pubsub.room() and peer.gossip_streams)
    await peer.gossip_streams[0].grant(1 << 30)
    peer.reading = trio.Event()
    for _ in range(250):
        await one.say(b"x" * 60_000)
    await until(lambda: one.node.counters["dropped: a slow peer's queue was full"])


@trio_test
async def test_closing_with_a_peer_that_takes_nothing_takes_less_than_two_seconds() -> None:
    async with trio.open_nursery() as nursery:

        async def stay(port: int, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
            async with raw_peer(port) as peer:
                task_status.started(peer)
                await peer.closed.wait()

        async with member() as one:
            await fill_up(one, await nursery.start(stay, one.port))
            start = trio.current_time()
        assert trio.current_time() - start < 2
        nursery.cancel_scope.cancel()


@trio_test
async def test_a_peer_that_takes_nothing_is_let_go_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection is cut while the farewell is stuck: it must not stay in the books."""
    monkeypatch.setattr(limits, "CLOSE_TIMEOUT", 0.2)
    monkeypatch.setattr(limits, "PING_TIMEOUT", 1.0)
    async with member() as one, raw_peer(one.port) as peer:
        await fill_up(one, peer)
        await until(lambda: one.seen.names(peer.id) == ["up", "joined", "left", "down"])
        assert one.node.host.get_network().get_connections() == []
        assert one.node.peers.records == {}


@pytest.mark.usefixtures("impatient")
@trio_test
async def test_a_peer_that_does_not_answer_pings_is_let_go() -> None:
    async with member() as one, raw_peer(one.port, handlers={PING_PROTOCOL: silence}) as peer:
        await peer.join(ROOM)
        await until(lambda: "up" in one.seen.names(peer.id))
        await peer.closed.wait()
        await until(lambda: one.seen.names(peer.id)[-2:] == ["left", "down"])


@trio_test
async def test_a_peer_that_answers_something_else_is_let_go() -> None:
    async def lies(stream: RawStream) -> None:
        await stream.read(32)
        await stream.write(bytes(32))

    async with member() as one, raw_peer(one.port, handlers={PING_PROTOCOL: lies}) as peer:
        await peer.closed.wait()
        assert one.counts("peers let go: they sent garbage") == [1]


@trio_test
async def test_a_peer_that_says_it_knows_no_ping_is_alive_and_stays() -> None:
    """The Rust peer has none."""
    async with member() as one, raw_peer(one.port) as peer:
        peer.handlers.pop(PING_PROTOCOL)
        gossip = await peer.join(ROOM)
        await until(lambda: len(peer.streams) > 8)  # it was asked again and again
        assert not peer.closed.is_set()
        await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"no ping, but here", 1)])
        await until(lambda: one.texts() == [b"no ping, but here"])
        assert one.node.peers.records[peer.id].rtt is None


@pytest.mark.usefixtures("impatient")
@trio_test
async def test_a_peer_whose_streams_are_all_taken_up_is_let_go_and_not_waited_for() -> None:
    """It takes our streams and never says a word on any of them, not even that it speaks multistream-select."""
    async with member() as one, raw_peer(one.port) as peer:
        peer._serve = silence  # type: ignore[method-assign]
        await peer.closed.wait()
        await until(lambda: not one.node.peers.records)


@trio_test
async def test_a_ping_is_measured_and_told_again_and_again() -> None:
    async with member() as a, member() as b:
        await a.dial(b)
        await until(lambda: a.seen.count("pinged") > 2 and b.seen.count("pinged") > 2)
        rtt = a.node.peers.records[b.id].rtt
        assert rtt is not None
        assert 0 < rtt < 1


@trio_test
async def test_pings_of_others_are_answered_many_on_one_stream_and_in_pieces() -> None:
    async with member() as one, raw_peer(one.port) as peer:
        stream = await peer.open(PING_PROTOCOL)
        for number in range(5):
            payload = bytes([number]) * 32
            await stream.write(payload[:7])
            await stream.write(payload[7:])
            assert await stream.read(32) == payload
        await stream.write(b"half a ping")
        await stream.finish()
        await stream.wait_end()
        await still_hears(one)
