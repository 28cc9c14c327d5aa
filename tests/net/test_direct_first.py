"""Who is connected directly and through a relay: a direct way is found, what is said goes over it, nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.net.dcutr import CONNECT, DCUTR, SYNC, HolePunch, HolePuncher
from py_peer.net.direct_first import put_direct_first
from py_peer.net.streams import read_frame, write, write_frame
from tests.net.raw_peer import raw_peer
from tests.net.support import Member, member, naming, together, trio_test, until
from tests.net.test_relay import connected, place, three

COUNT = 300


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """No direct way is looked for: the test dials."""
    monkeypatch.setattr("py_peer.net.dcutr.HolePuncher.consider", lambda *_: None)


def is_direct(one: Member, two: Member) -> bool:
    return "p2p-circuit" not in one.node.peers.records[two.id].address


def streams(one: Member, two: Member) -> list[int]:
    """How many streams are open on each connection, the direct ones first."""
    return [len(conn.get_streams()) for conn in one.node.host.get_network().get_connections(two.id)]


@trio_test
async def test_a_direct_way_is_found_and_the_relayed_one_closed_when_it_is_idle() -> None:
    async with three() as all_three:
        one, two, relay = all_three.one, all_three.two, all_three.relay
        await one.node.dial(all_three.address)
        await until(lambda: is_direct(one, two) and is_direct(two, one))
        await until(lambda: len(streams(one, two)) == len(streams(two, one)) == 1)
        await together(one, two)
        assert one.seen.names(two.id) == two.seen.names(one.id) == ["up", "joined"]  # nobody has seen anybody go
        for who, other in ((one, two), (two, one)):
            moved = [where for what, where in who.seen.told if what == "moved"]
            assert moved == [who.node.peers.records[other.id].address]
        names = "relays: gossip moved to a direct connection", "gossip streams ended by the peer", "unexpected faults"
        assert one.counts(*names) == two.counts(*names) == [1, 0, 0]
        assert two.counts("relays: direct ways tried", "relays: direct ways found") == [1, 1]
        await until(lambda: relay.node.peers.records)
        await relay.node.disconnect(one.id)
        await one.say(b"without it")
        await until(lambda: b"without it" in two.texts())


@pytest.mark.usefixtures("by_hand")
@trio_test
async def test_no_text_is_lost_or_overtaken_while_what_is_said_moves() -> None:
    async with connected() as all_three:
        one, two, relay = all_three.one, all_three.two, all_three.relay
        await relay.node.pubsub.finish(5)  # it says no more, so that all of it goes through the circuit

        async def speak(who: Member) -> None:
            for number in range(COUNT):
                await who.node.pubsub.wait_for_room(5)
                await who.say(b"%d" % number)
                if number % 10 == 0:
                    await trio.sleep(0.001)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(speak, one)
            nursery.start_soon(speak, two)
            await until(lambda: len(two.heard) > COUNT // 10)
            await one.node.dial(place(two), fresh=True)
        for who in (one, two):
            await until(lambda: len(who.heard) >= COUNT)  # noqa: B023 - at once
            assert who.texts() == [b"%d" % number for number in range(COUNT)]
        assert one.counts("relays: gossip moved to a direct connection") == [1]
        assert two.counts("relays: gossip moved to a direct connection") == [1]


@pytest.mark.usefixtures("by_hand")
@trio_test
async def test_what_was_said_on_the_slow_way_comes_before_what_is_said_on_the_direct_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passing = trio.Event()
    passing.set()

    async def late(*arguments: Any) -> None:
        await passing.wait()
        await write(*arguments)

    monkeypatch.setattr("py_peer.net.relay_server.write", late)
    async with connected() as all_three:
        one, two, relay = all_three.one, all_three.two, all_three.relay
        await relay.node.pubsub.finish(5)
        passing = trio.Event()
        said = one.counts("gossip bytes out")[0]
        await one.say(b"on its way")
        await until(lambda: one.counts("gossip bytes out")[0] > said)
        await one.node.dial(place(two), fresh=True)
        await until(lambda: is_direct(one, two))
        await one.say(b"and after it")
        await trio.testing.wait_all_tasks_blocked()
        passing.set()
        await until(lambda: len(two.heard) == 2)
        assert two.texts() == [b"on its way", b"and after it"]


@pytest.mark.usefixtures("by_hand")
@trio_test
async def test_a_text_that_is_said_at_the_moment_of_the_change_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is taken out of the queue for the old stream, and the new one has to bring it."""
    async with connected() as all_three:
        one, two, relay = all_three.one, all_three.two, all_three.relay
        await relay.node.pubsub.finish(5)
        monkeypatch.setattr("py_peer.net.pubsub.RoomPubsub.move", lambda *_: None)
        await one.node.dial(place(two), fresh=True)
        await one.say(b"just now")
        await until(lambda: two.texts() == [b"just now"])
        assert one.counts("relays: gossip moved to a direct connection") == [1]


@pytest.mark.usefixtures("by_hand")
@trio_test
async def test_what_is_open_on_the_relayed_connection_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[bool] = []

    def look(*arguments: Any) -> bool:
        looks.append(put_direct_first(*arguments))
        return looks[-1]

    monkeypatch.setattr("py_peer.net.direct_first._LOOK", 0.05)
    monkeypatch.setattr("py_peer.net.direct_first.put_direct_first", look)
    async with connected() as all_three:
        one, two = all_three.one, all_three.two
        host: Any = two.node.host
        done = trio.Event()

        async def stay(_: Any) -> None:
            await done.wait()

        host.set_stream_handler("/stay", stay)
        stream: Any = await one.node.host.new_stream(two.id, ["/stay"])  # type: ignore[list-item]
        await one.node.dial(place(two), fresh=True)
        await until(lambda: streams(one, two)[1:] == [1])  # gossip has moved
        await until(lambda: one.counts("relays: gossip moved to a direct connection") == [1])
        seen = len(looks)
        await until(lambda: len(looks) > seen + 4)
        assert len(streams(one, two)) == 2
        done.set()
        await stream.reset()
        await until(lambda: len(streams(one, two)) == 1)
        assert is_direct(one, two)


@pytest.mark.usefixtures("by_hand")
@trio_test
async def test_gossip_that_the_other_side_leaves_there_is_cut_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("py_peer.net.direct_first._LOOK", 0.05)
    monkeypatch.setattr(limits, "DIRECT_GRACE", 0.5)
    monkeypatch.setattr("py_peer.net.pubsub.RoomPubsub.move", lambda *_: None)
    async with connected() as all_three:
        one, two = all_three.one, all_three.two
        await one.node.dial(place(two), fresh=True)
        await until(lambda: len(streams(one, two)) == len(streams(two, one)) == 1)
        await together(one, two)
        await one.say(b"still here")
        await until(lambda: b"still here" in two.texts())


# --- Looking for a direct way ---------------------------------------------------------------------


@trio_test
async def test_where_nothing_leads_directly_it_stays_as_it_is_after_three_tries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "PUNCH_TIMEOUT", 0.2)
    monkeypatch.setattr("py_peer.net.dcutr.HolePuncher._own_addresses", lambda *_: ["/ip4/127.0.0.1/tcp/1"])
    async with three() as all_three:
        one, two = all_three.one, all_three.two
        await one.node.dial(all_three.address)
        await until(lambda: two.counts("relays: direct ways tried") == [3])
        await until(lambda: one.counts("relays: direct ways tried") == [3])
        await together(one, two)
        await one.say(b"all the same")
        await until(lambda: b"all the same" in two.texts())
        assert not is_direct(one, two)
        assert two.counts("relays: direct ways found", "unexpected faults") == [0, 0]


@trio_test
async def test_of_what_a_peer_says_private_addresses_are_dialled_only_in_the_relays_own_network() -> None:
    """Nobody has us look around in our network, or on our machine."""
    told = [
        "/ip4/127.0.0.1/tcp/4001",
        "/ip4/192.168.7.7/tcp/4001",
        "/ip4/11.1.1.1/tcp/4001",
        "/ip4/11.1.1.1/udp/4/quic-v1",
    ]
    scenes = {"127.0.0.1": [0, 2, 3], "192.168.7.1": [1, 2, 3], "11.9.9.9": [2, 3]}
    async with member(loopback=True) as one:
        puncher = HolePuncher(one.node, None)  # type: ignore[arg-type] # it is not asked
        peer_id = ID.from_pubkey(create_new_key_pair().public_key)
        for relay, which in scenes.items():
            with naming(relay):
                raw = [Multiaddr(address).to_bytes() for address in told]
                found = puncher._allowed_of(peer_id, raw, f"/ip4/{relay}/tcp/1/p2p/x/p2p-circuit")
                assert [one.text for one in found] == [f"{told[number]}/p2p/{peer_id}" for number in which]


@trio_test
async def test_garbage_instead_of_addresses_costs_a_strike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("py_peer.net.dcutr.HolePuncher.consider", lambda *_: None)
    async with connected() as all_three:
        one, two = all_three.one, all_three.two
        for number, garbage in enumerate((b"\xff\xff", HolePunch(type=SYNC).SerializeToString()), 1):
            stream: Any = await two.node.host.new_stream(one.id, [DCUTR])
            await write_frame(stream, garbage, 5)
            await until(lambda: one.counts("strikes") == [number])  # noqa: B023 - at once
        stream = await two.node.host.new_stream(one.id, [DCUTR])
        await write_frame(stream, HolePunch(type=CONNECT, ObsAddrs=[b"nowhere"]).SerializeToString(), 5)
        assert await read_frame(stream, 4_096, 5)
        await stream.reset()
        assert one.counts("relays: direct ways tried", "unexpected faults") == [0, 0]


@trio_test
async def test_who_asks_for_a_direct_way_without_a_relay_is_not_listened_to() -> None:
    async with member(loopback=True) as two, raw_peer(two.port) as stranger:
        stream = await stranger.open(DCUTR)
        await stream.wait_end()
        assert two.counts("relays: direct ways tried", "strikes") == [0, 0]
