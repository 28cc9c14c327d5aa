"""Which connections are alive: each is asked, the dead are cut, and nobody is blamed for our own absence."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair

from py_peer.core import limits
from tests import warm
from tests.net.raw_peer import PING, PING_PROTOCOL, RawPeer, raw_peer, signed, silence
from tests.net.support import ROOM, Member, member, still_hears, trio_test, until

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

# A node that dials the port that it is told, and prints what it hears.
PEER = """
import sys, trio
from libp2p.crypto.ed25519 import create_new_key_pair
from tests.net.support import dial_address, member
async def main():
    async with member(key_pair=create_new_key_pair(bytes(range(32)))) as one:
        await one.node.dial(dial_address("127.0.0.1", int(sys.argv[1]), sys.argv[2]))
        printed = 0
        while True:
            for text in one.texts()[printed:]:
                printed += 1
                print(text.decode(), flush=True)
            await trio.sleep(0.01)
trio.run(main)
"""


@pytest.fixture(autouse=True)
def brisk() -> None:
    """Let the library take its time: how connections end is tested here."""


def peer_process(one: Member) -> AbstractContextManager[warm.Process]:
    """Run a node with always the same key in a process of its own, connected to `one`."""
    return warm.script(PEER, str(one.port), str(one.id))


async def heard(process: warm.Process) -> str:
    """Return the next text that the node of a process has heard."""
    assert process.stdout is not None
    line: bytes = await anyio.to_thread.run_sync(process.stdout.readline, abandon_on_cancel=True)
    return line.decode().strip()


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
@trio_test
async def test_a_peer_that_starts_again_on_the_same_key_hears_all_and_nothing_twice(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped, its old connection still stands when the new one comes; killed, it has just gone."""
    monkeypatch.setattr(limits, "TWIN_TIMEOUT", 0.5)
    async with member() as one:
        with peer_process(one) as old:
            await until(one.node.pubsub.room, 10)
            await one.say(b"one")
            assert await heard(old) == "one"
            (peer_id,) = one.node.peers.records
            network = one.node.host.get_network()
            (first,) = network.get_connections(peer_id)
            old.send_signal(number)
            with peer_process(one) as new:
                await until(lambda: {*network.get_connections(peer_id)} - {first}, 10)
                await one.say(b"two")
                replayed = await heard(new)
                assert (replayed if replayed == "two" else await heard(new)) == "two"
                await until(lambda: len(network.get_connections(peer_id)) == 1)
                await one.say(b"three")
                assert await heard(new) == "three"
                moves = one.seen.names(peer_id)
                assert moves[:2] == ["up", "joined"]
                assert moves[2:] in ([], ["left", "joined"], ["left", "down", "up", "joined"])
                assert not one.seen.count("silent")
                await until(lambda: one.node.peers.records[peer_id].address == _address_of(one, peer_id))


def _address_of(one: Member, peer_id: Any) -> str:
    (conn,) = one.node.host.get_network().get_connections(peer_id)
    host, port = conn.muxed_conn.get_remote_address()  # type: ignore[attr-defined]
    return f"/ip4/{host}/tcp/{port}"


def without_pings(peer: RawPeer) -> None:
    """Have a peer answer the pings of Yamux no more."""
    send = peer.send

    async def send_others(kind: int, *arguments: Any, **more: Any) -> None:
        if kind != PING:
            await send(kind, *arguments, **more)

    peer.send = send_others  # type: ignore[method-assign]


@trio_test
async def test_a_peer_whose_answers_wait_behind_a_flood_stays_while_anything_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "PING_INTERVAL", 0.05)
    monkeypatch.setattr(limits, "PING_TIMEOUT", 0.5)
    async with member() as one, raw_peer(one.port, handlers={PING_PROTOCOL: silence}) as peer:
        without_pings(peer)
        gossip = await peer.join(ROOM)
        for number in range(60):
            await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"flood", number + 1)])
            await trio.sleep(0.03)
        assert not peer.closed.is_set()
        await peer.closed.wait()  # now nothing comes any more
        await until(lambda: one.counts("peers let go: no sign of life") == [1])
        assert one.seen.count("silent") == 1
        await still_hears(one)


@trio_test
async def test_a_peer_that_is_alive_and_never_answers_a_ping_is_let_go_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "PING_PATIENCE", 0.5)
    async with member() as one, raw_peer(one.port, handlers={PING_PROTOCOL: silence}) as peer:
        await peer.closed.wait()
        await until(lambda: one.counts("peers let go: no answer to pings", "peers let go: no sign of life") == [1, 0])


@trio_test
async def test_when_it_was_we_who_were_stopped_nobody_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both pings are under way, and when we are back their time is long over."""
    monkeypatch.setattr(limits, "PING_INTERVAL", 0.05)
    monkeypatch.setattr(limits, "PING_TIMEOUT", 0.4)
    monkeypatch.setattr(limits, "PING_PATIENCE", 0.4)
    monkeypatch.setattr(limits, "LATE_SECONDS", 0.3)
    async with member() as one, raw_peer(one.port) as peer:
        await peer.join(ROOM)
        await until(lambda: one.seen.count("pinged"))
        for _ in range(2):
            pings = peer.frames[PING]
            await until(lambda: peer.frames[PING] > pings)  # noqa: B023 - it is over before the next round
            time.sleep(0.8)  # noqa: ASYNC251 - the whole process stands still
        seen = one.seen.count("pinged")
        await until(lambda: one.seen.count("pinged") > seen)
        assert not peer.closed.is_set()
        assert one.counts("peers let go: no answer to pings", "peers let go: no sign of life") == [0, 0]


@trio_test
async def test_after_a_sleep_the_dead_are_found_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not only when their next ping is due."""
    async with member() as one, raw_peer(one.port) as alive, raw_peer(one.port) as dead:
        await until(lambda: one.seen.count("pinged") == 2)
        without_pings(dead)
        monkeypatch.setattr(limits, "PING_TIMEOUT", 0.5)
        with trio.fail_after(5):
            while not dead.closed.is_set():  # an answer may have been on its way
                one.node.probe()
                await trio.sleep(0.6)
        assert not alive.closed.is_set()


@trio_test
async def test_a_peer_with_two_connections_is_missed_once_before_it_goes_and_for_the_time_it_was_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key_pair = create_new_key_pair()
    async with member() as one, raw_peer(one.port, key_pair) as first, raw_peer(one.port, key_pair) as second:
        await until(lambda: one.seen.count("pinged") and len(one.node.host.get_network().get_connections()) == 2)
        await until(lambda: first.frames[PING] and second.frames[PING])
        for peer in (first, second):
            without_pings(peer)
        monkeypatch.setattr(limits, "PING_TIMEOUT", 0.5)
        asked = trio.current_time()
        with trio.fail_after(5):
            while not (first.closed.is_set() and second.closed.is_set()):  # an answer may have been on its way
                one.node.probe()
                await trio.sleep(0.6)
        passed = trio.current_time() - asked
        await until(lambda: one.counts("peers let go: no sign of life") == [2])
        moves = [what for what, who in one.seen.told if who == first.id and what in ("silent", "down")]
        assert moves == ["silent", "down"]
        assert 0.4 < one.seen.silences[0] < passed + 1


@trio_test
async def test_two_connections_of_one_peer_that_are_both_alive_both_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when two dial each other at the same moment."""
    monkeypatch.setattr(limits, "TWIN_TIMEOUT", 0.2)
    key_pair = create_new_key_pair()
    async with member() as one, raw_peer(one.port, key_pair) as first:
        await until(lambda: one.seen.count("up"))
        pings = first.frames[PING]
        async with raw_peer(one.port, key_pair) as second:
            await until(lambda: first.frames[PING] > pings)
            with trio.move_on_after(0.5):
                await first.closed.wait()
            assert not first.closed.is_set()
            assert not second.closed.is_set()


@trio_test
async def test_of_two_connections_of_one_peer_the_dead_one_is_found_by_the_coming_of_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "TWIN_TIMEOUT", 0.2)
    key_pair = create_new_key_pair()
    async with member() as one, raw_peer(one.port, key_pair) as first:
        await first.join(ROOM)
        await until(lambda: first.id in one.node.pubsub.room() and one.seen.count("pinged"))
        without_pings(first)
        async with raw_peer(one.port, key_pair) as second:
            await second.join(ROOM)
            await first.closed.wait()
            await until(lambda: second.gossip_streams)
            await one.say(b"still with me?")
            await until(lambda: second.texts().count(b"still with me?") == 1)
            assert one.seen.names(first.id) == ["up", "joined"]
