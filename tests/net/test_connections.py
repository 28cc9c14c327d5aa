"""Who may connect: slots come back, limits hold, and one peer is one peer however many connections it has."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.tools.anyio_service import LifecycleError
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.net.connections import Admission, _Caller
from py_peer.net.counters import Counters
from py_peer.net.dial import DialError
from tests.net.raw_peer import IDENTIFY_PROTOCOL, PING_PROTOCOL, RawStream, cut, is_refused, raw_peer, secure
from tests.net.support import ROOM, Member, member, still_hears, trio_test, until


@pytest.fixture(autouse=True)
def brisk() -> None:
    """Let the library take its time: how connections end is tested here."""


def tasks() -> int:
    """Count the tasks of this run."""
    return trio.lowlevel.current_statistics().tasks_living


def open_descriptors() -> int:
    """Count the open files and sockets of this process, where the system lists them."""
    descriptors = Path("/proc/self/fd")
    return len(list(descriptors.iterdir())) if descriptors.is_dir() else 0


async def come_and_go(one: Member) -> None:
    async with raw_peer(one.port) as peer:
        await until(lambda: peer.id in one.node.peers.records)
    await until(lambda: not one.node.peers.records)


@trio_test
async def test_slots_and_tasks_come_back_when_connections_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CONNECTIONS", 6)
    monkeypatch.setattr(limits, "MAX_INBOUND", 4)
    async with member() as one:
        await come_and_go(one)
        before = tasks()
        for _ in range(12):
            await come_and_go(one)
        await until(lambda: tasks() <= before)
        assert one.seen.count("up") == one.seen.count("down") == 13
        await still_hears(one)


def books(one: Member) -> dict[str, int]:
    """Count what a node and the library under it remember, in every table that they have."""
    host = one.node.host
    swarm: Any = host.get_network()
    shelves = (one.node.pubsub, one.node.pubsub.router, one.node.peers, host, swarm, swarm.tag_store, swarm.peerstore)
    return {
        f"{type(shelf).__name__}.{name}": len(table)
        for shelf in shelves
        for name, table in vars(shelf).items()
        if isinstance(table, dict | list | set) and not isinstance(table, Counters)
    }


@trio_test
async def test_who_comes_and_goes_leaves_nothing_in_the_books(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve strangers, each of whom joins the room, beyond the few whose addresses are kept."""
    monkeypatch.setattr(limits, "MAX_FORMER_PEERS", 2)
    async with member() as one:

        async def introduce(stream: RawStream) -> None:
            address = Multiaddr("/ip4/127.0.0.1/tcp/1").to_bytes()
            await stream.write_frame(Identify(listen_addrs=[address]).SerializeToString())

        async def visit() -> None:
            known = one.seen.count("identified")
            async with raw_peer(one.port, handlers={IDENTIFY_PROTOCOL: introduce}) as peer:
                await peer.join(ROOM)
                await until(lambda: peer.id in one.node.pubsub.room() and one.seen.count("identified") > known)
            await until(lambda: not one.node.peers.records)

        for _ in range(3):
            await visit()
        before, tasks_before, open_before = books(one), tasks(), open_descriptors()
        assert before["Swarm.connections"] == 0
        for _ in range(12):
            await visit()
        await until(lambda: tasks() <= tasks_before)
        assert books(one) == before
        assert open_descriptors() <= open_before


@trio_test
async def test_connections_that_die_at_birth_leave_nothing_behind() -> None:
    """Cut at each step of the way in, some without a word."""
    async with member() as one:
        await come_and_go(one)
        before = tasks()
        for step in range(40):
            stream = await trio.open_tcp_stream("127.0.0.1", one.port)
            with trio.move_on_after(0.001 * (step % 8)):
                await stream.send_all(b"\x13/multistream/1.0.0\n\x07/noise\n")
                while await stream.receive_some():
                    pass
            await trio.aclose_forcefully(stream)
            peer_connection = await secure("127.0.0.1", one.port, create_new_key_pair())
            if step % 2:
                await peer_connection.write(b"\x13/multistream/1.0.0\n\x0d/yamux/1.0.0\n")
            with trio.move_on_after(0.0005 * (step % 8)):
                await trio.sleep_forever()
            await peer_connection.close()
        await until(lambda: not one.node.peers.records)
        await until(lambda: tasks() <= before)
        assert one.node.host.get_network().get_connections() == []
        await until(lambda: one.seen.count("up") == one.seen.count("down"))
        await still_hears(one)


@trio_test
async def test_beyond_the_inbound_limit_callers_are_refused_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_INBOUND", 2)
    async with member() as one:
        async with raw_peer(one.port) as first, raw_peer(one.port) as second:
            await until(lambda: len(one.node.peers.records) == 2)
            assert await is_refused(one.port)
            assert one.counts("refused: too many inbound connections") == [1]
            assert not first.closed.is_set()
            assert not second.closed.is_set()
        await until(lambda: not one.node.peers.records)
        await still_hears(one)


@trio_test
async def test_beyond_the_limit_of_all_connections_callers_are_refused_and_nobody_is_dialled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MAX_CONNECTIONS", 1)
    async with member() as one, member() as other, raw_peer(one.port):
        await until(lambda: one.node.peers.records)
        assert await is_refused(one.port)
        assert one.counts("refused: too many connections") == [1]
        with pytest.raises(DialError, match="there are 1 connections already"):
            await one.node.dial(other.address)


def test_one_address_may_hold_a_household_and_loopback_is_exempt() -> None:
    swarm: Any = SimpleNamespace(get_connections=list)
    admission = Admission(swarm, Counters())
    for source, count in (("192.0.2.1", 1), ("2606:4700::1", 1), ("127.0.0.1", 2), ("::1", 2)):
        callers = [_Caller(source, has_finished=True) for _ in range(count * limits.MAX_INBOUND_PER_ADDRESS)]
        admission._callers.update(dict.fromkeys(callers))
    for source in ("192.0.2.1", "::ffff:192.0.2.1", "2606:4700::1", "2606:4700::2:3:4:5"):
        assert admission._reason_to_refuse(source) == "too many connections from one address"
    for source in ("192.0.2.2", "2606:4700:0:1::1", "127.0.0.1", "::1", ""):
        assert admission._reason_to_refuse(source) == ""


def test_one_machine_with_many_addresses_of_its_ipv6_network_is_one_household() -> None:
    swarm: Any = SimpleNamespace(get_connections=list)
    admission = Admission(swarm, Counters())
    most = limits.MAX_INBOUND_PER_ADDRESS
    taken = {"2606:4700::": 0, "fd00::": 0, "fe80::": 0}
    for network in taken:
        for host in range(1, most + 9):
            source = f"{network}{host:x}"
            if not admission._reason_to_refuse(source):
                admission._callers[_Caller(source, has_finished=True)] = None
                taken[network] += 1
    # Neighbours in a private network, and on a link, are each somebody else.
    assert taken == {"2606:4700::": most, "fd00::": most + 8, "fe80::": most + 8}


async def _yes() -> bool:
    return True


@trio_test
async def test_who_comes_while_the_swarm_stops_is_no_fault() -> None:
    async def stopped(*_: object, **__: object) -> None:
        raise LifecycleError

    counters = Counters()
    swarm: Any = SimpleNamespace(get_connections=list, add_conn=stopped)
    await Admission(swarm, counters).take(None, "192.0.2.1", _yes)
    assert counters == {"refused: the node was stopping": 1}


@trio_test
async def test_no_other_limits_than_ours_are_in_the_way() -> None:
    async with member() as one:
        assert one.node.host.get_network()._resource_manager is None  # type: ignore[attr-defined] # the library's


@trio_test
async def test_one_address_holds_no_more_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_INBOUND_PER_ADDRESS", 2)
    monkeypatch.setattr("py_peer.net.connections._is_loopback", lambda _: False)
    async with member() as one:
        for _ in range(2):
            async with raw_peer(one.port), raw_peer(one.port):
                await until(lambda: len(one.node.peers.records) == 2)
                assert await is_refused(one.port)
            await until(lambda: not one.node.peers.records)
        assert one.counts("refused: too many connections from one address") == [2]


@trio_test
async def test_one_who_only_knocks_does_not_lock_his_neighbours_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind one router, where all come from one address."""
    monkeypatch.setattr(limits, "MAX_INBOUND_PER_ADDRESS", 3)
    monkeypatch.setattr("py_peer.net.connections._is_loopback", lambda _: False)
    async with member() as one, raw_peer(one.port) as before:
        knocks = [await trio.open_tcp_stream("127.0.0.1", one.port) for _ in range(4)]
        await still_hears(one)
        assert one.counts("refused: too many connections from one address") == [0]
        await until(lambda: one.counts("refused: an unfinished handshake made room") == [3])
        assert not before.closed.is_set()
        for stream in knocks[:3]:
            while await stream.receive_some():
                pass
        for stream in knocks:
            await stream.aclose()


@trio_test
async def test_a_caller_that_says_nothing_is_dropped_after_the_handshake_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "HANDSHAKE_TIMEOUT", 0.2)
    async with member() as one, await trio.open_tcp_stream("127.0.0.1", one.port) as silent:
        with trio.fail_after(2):
            while await silent.receive_some():
                pass
        assert one.node.host.get_network().get_connections() == []


@trio_test
async def test_silent_callers_make_room_for_whoever_comes_and_only_the_others_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MAX_INBOUND", 3)
    async with member() as one, raw_peer(one.port) as before:
        silent = [await trio.open_tcp_stream("127.0.0.1", one.port) for _ in range(20)]
        await still_hears(one)
        assert not before.closed.is_set()
        assert one.counts("refused: too many inbound connections") == [0]
        for stream in silent:
            await stream.aclose()
        async with raw_peer(one.port), raw_peer(one.port):
            await until(lambda: len(one.node.peers.records) == 3)
            assert await is_refused(one.port)
            assert one.counts("refused: too many inbound connections") == [1]


@trio_test
async def test_who_holds_most_unfinished_handshakes_makes_room_for_who_comes_next_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Hundreds may call before the first of them has noticed that he has to go."""
    monkeypatch.setattr(limits, "MAX_INBOUND", 5)
    swarm: Any = SimpleNamespace(get_connections=list)
    admission = Admission(swarm, Counters())
    sources = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.2", "192.0.2.2"]
    callers = [_Caller(source) for source in sources]
    callers[0].has_finished = True
    admission._callers.update(dict.fromkeys(callers))
    gone = []
    for _ in range(5):
        gone.append(admission._reason_to_refuse("192.0.2.4") or [one.scope.cancel_called for one in callers])
        admission._callers[_Caller("192.0.2.4", has_finished=True)] = None
    assert gone == [
        [False, True, False, False, False],
        [False, True, False, True, False],
        [False, True, True, True, False],
        [False, True, True, True, True],
        "too many inbound connections",
    ]


@trio_test
async def test_two_connections_of_one_peer_are_one_peer_and_the_room_keeps_it_when_one_goes() -> None:
    key_pair = create_new_key_pair()
    async with member() as one, raw_peer(one.port, key_pair) as first:
        await first.join(ROOM)
        await until(lambda: one.seen.names(first.id) == ["up", "joined"])
        async with raw_peer(one.port, key_pair) as second:
            await second.join(ROOM)
            await until(lambda: len(one.node.host.get_network().get_connections(first.id)) == 2)
        await until(lambda: len(one.node.host.get_network().get_connections(first.id)) == 1)
        await one.say(b"still with me?")
        await until(lambda: b"still with me?" in first.texts())
        assert one.seen.names(first.id) == ["up", "joined"]


@trio_test
async def test_when_the_connection_of_our_stream_goes_it_is_opened_on_the_other_one() -> None:
    key_pair = create_new_key_pair()
    async with member() as one:
        async with raw_peer(one.port, key_pair) as first:
            await first.join(ROOM)
            await until(lambda: one.seen.names(first.id) == ["up", "joined"])
            async with raw_peer(one.port, key_pair) as second, trio.open_nursery() as nursery:
                await second.join(ROOM)
                await until(lambda: len(one.node.host.get_network().get_connections(first.id)) == 2)
                nursery.start_soon(first.secured.close)
                await until(lambda: second.gossip_streams)
                await one.say(b"still with me?")
                await until(lambda: b"still with me?" in second.texts())
                assert one.seen.names(first.id) == ["up", "joined"]
        await until(lambda: one.seen.names(first.id) == ["up", "joined", "left", "down"])


@trio_test
async def test_a_connection_that_ends_under_a_ping_does_not_cost_the_other_one() -> None:
    """The ping fails, but not because the peer is silent."""
    key_pair = create_new_key_pair()

    both_there = trio.Event()

    async def dies(stream: RawStream) -> None:
        await both_there.wait()
        await cut(stream.peer.secured)

    async with (
        member() as one,
        raw_peer(one.port, key_pair, handlers={PING_PROTOCOL: dies}) as first,
        raw_peer(one.port, key_pair) as second,
    ):
        await until(lambda: len(one.node.host.get_network().get_connections(first.id)) == 2)
        both_there.set()
        await first.closed.wait()
        await until(lambda: one.seen.count("pinged"))
        assert not second.closed.is_set()
        assert one.seen.count("down") == 0


@trio_test
async def test_one_peer_cannot_hold_a_hundred_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CONNECTIONS_PER_PEER", 2)
    key_pair = create_new_key_pair()
    async with member() as one, trio.open_nursery() as nursery:
        ended = []

        async def connect() -> None:
            try:
                async with raw_peer(one.port, key_pair) as peer:
                    await peer.closed.wait()
            finally:
                ended.append(True)

        for _ in range(6):
            nursery.start_soon(connect)
        connections = one.node.host.get_network().get_connections
        await until(lambda: len(ended) == 4 and len(connections()) == 2)
        nursery.cancel_scope.cancel()
