"""The one who dials, with real nodes on loopback: on whose word, what is said of it, and what a liar cannot get."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.addresses import QUIC, TCP
from py_peer.core.events import DiscoveryReport, Notice, PeerFound
from py_peer.core.findings import Finding, Source
from py_peer.core.requests import RequestDiscovery
from py_peer.net.dial import DialError, NotNowError
from py_peer.service.finder import Finder
from tests.net.support import Member, dial_address, member, trio_test, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from py_peer.core.addresses import DialAddress
    from py_peer.core.events import Event, KnownPeer

LOOPBACK = "127.0.0.1"


def somebody(number: int) -> str:
    return str(ID.from_pubkey(create_new_key_pair(number.to_bytes(32, "big")).public_key))


class Scene:
    """A node, its finder, and what was told."""

    def __init__(self, one: Member) -> None:
        self.one = one
        self.told: list[Event] = []
        self.finder = Finder(str(one.id), self.told.append)
        one.seen.moved = self.finder.moved

    def hear(self, who: str, *addresses: DialAddress, by: Source = Source.TOPIC, teller_ip: str = LOOPBACK) -> None:
        teller = somebody(99) if by in (Source.TOPIC, Source.KADEMLIA) else ""
        self.finder.found(Finding(who, addresses, by, teller, teller_ip if teller else ""))

    def hear_of(self, other: Member, by: Source = Source.TOPIC, teller_ip: str = LOOPBACK) -> None:
        self.hear(str(other.id), other.address, by=by, teller_ip=teller_ip)

    def has(self, other: Member) -> bool:
        return other.id in self.one.node.peers.records

    def report(self) -> DiscoveryReport:
        self.finder.report(RequestDiscovery(7))
        report = self.told.pop()
        assert isinstance(report, DiscoveryReport)
        return report

    def known(self, who: str) -> KnownPeer:
        return next(peer for peer in self.report().peers if peer.peer_id == who)

    @property
    def found(self) -> list[PeerFound]:
        return [event for event in self.told if isinstance(event, PeerFound)]


@asynccontextmanager
async def scene(*, run: bool = True) -> AsyncIterator[Scene]:
    async with member(loopback=True) as one, trio.open_nursery() as nursery:
        it = Scene(one)
        if run:
            nursery.start_soon(it.finder.run, one.node)
        yield it
        nursery.cancel_scope.cancel()


@trio_test
async def test_who_is_told_by_one_on_this_machine_is_dialled_and_told_once() -> None:
    async with scene() as it, member(loopback=True) as other:
        it.hear_of(other)
        await until(lambda: it.has(other))
        it.hear_of(other, by=Source.KADEMLIA)
        assert it.found == [PeerFound(str(other.id), "by the discovery topic", (other.address.text,))]
        assert it.finder.found_by(str(other.id)) == "by the discovery topic"
        known = it.known(str(other.id))
        assert (known.state, known.sources) == ("connected", ("by the discovery topic", "by Kademlia"))


@trio_test
async def test_of_a_peer_whose_first_address_is_silent_the_next_is_tried_and_nothing_is_held_against_the_first() -> (
    None
):
    async with scene() as it, member(loopback=True) as other, trio.open_nursery() as nursery:
        silent, *_ = await trio.open_tcp_listeners(0, host="127.0.0.2")
        port = silent.socket.getsockname()[1]
        it.hear(str(other.id), dial_address("127.0.0.2", port), other.address)
        await until(lambda: it.has(other), limits.FOUND_DIAL_TIMEOUT - 1)
        assert it.one.counts("dials", "dials of found peers", "dials failed") == [2, 2, 0]
        it.one.node.counters.clear()
        await it.one.node.disconnect(other.id)
        await until(lambda: not it.has(other))
        nursery.start_soon(silent.aclose)
        assert "tried" not in it.known(str(other.id)).reason
        assert await it.finder.call(str(other.id)) == other.id
        assert it.one.counts("dials") == [1]  # it is known where it is


@trio_test
async def test_what_a_peer_in_the_book_says_of_where_it_is_serves_to_find_it_again() -> None:
    async with scene() as it, member(loopback=True) as other:
        await it.one.dial(other)
        record = it.one.node.peers.records[other.id]
        await until(lambda: record.listen)
        it.finder.identified(record)
        assert it.report().peers == ()
        it.hear(str(other.id), dial_address(LOOPBACK, 1), by=Source.MEMORY)
        it.finder.identified(record)
        known = it.known(str(other.id))
        assert known.sources == ("from an earlier run", "by itself")
        assert f"{other.address.text}/p2p/{other.id}" in known.addresses
        await it.one.node.disconnect(other.id)
        await until(lambda: it.has(other), limits.NEAR_PAUSE + 3)


@trio_test
async def test_while_a_named_address_is_silent_its_peer_is_dialled_where_else_it_is_said_to_be() -> None:
    async with scene() as it, member(loopback=True) as other:
        silent, *_ = await trio.open_tcp_listeners(0, host="127.0.0.2")
        named = dial_address("127.0.0.2", silent.socket.getsockname()[1], str(other.id))
        it.hear_of(other, by=Source.NAMED)  # not by itself: there has to be somebody else who tells
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(limits, "DIAL_TIMEOUT", 0.1)
            with pytest.raises(DialError, match=r"no answer within 0\.1 s"):
                await it.finder.dial(named)
        it.hear(str(other.id), dial_address(LOOPBACK, 1), other.address)
        with trio.fail_after(limits.DIAL_TIMEOUT - 3):
            assert await it.finder.dial(named) == other.id
        await silent.aclose()


@trio_test
async def test_of_a_named_peer_that_is_nowhere_it_is_told_why_it_is_not_where_it_was_named() -> None:
    async with scene() as it:
        await until(lambda: it.finder.node)
        it.hear(somebody(1), dial_address("127.0.0.1", 2), by=Source.MEMORY)
        with pytest.raises(DialError) as caught:
            await it.finder.dial(dial_address("127.0.0.2", 1, somebody(1)))
        assert str(caught.value) == "connection refused: nothing listens there"


@trio_test
async def test_the_agent_that_dies_of_quic_is_told_to_the_book() -> None:
    async with scene() as it, member(loopback=True) as other:
        over_udp = replace(other.address, text=f"/ip4/{LOOPBACK}/udp/{other.port}/quic-v1", transport=QUIC)
        await it.one.dial(other)
        record = it.one.node.peers.records[other.id]
        it.finder.identified(replace(record, agent_version="universal-connectivity/go-peer/0.1"))
        it.hear(str(other.id), other.address, over_udp, by=Source.MDNS)
        ways, _ = it.finder._book.ways_to(str(other.id), trio.current_time())
        assert [way.transport for way in ways] == [TCP]


@trio_test
async def test_what_is_found_before_there_is_a_node_is_dialled_when_there_is() -> None:
    async with scene(run=False) as it, member(loopback=True) as other, trio.open_nursery() as nursery:
        it.hear_of(other, by=Source.MDNS)
        assert it.known(str(other.id)).state == "waiting"
        nursery.start_soon(it.finder.run, it.one.node)
        await until(lambda: it.has(other), limits.MEETING_PAUSE + 2)
        nursery.cancel_scope.cancel()


@trio_test
async def test_a_private_address_told_by_one_of_another_network_is_not_dialled_and_it_is_said_why() -> None:
    async with scene() as it, member(loopback=True) as other:
        it.hear(somebody(1), dial_address("10.1.2.3", 4001))
        it.hear_of(other, teller_ip="198.51.100.1")
        await trio.testing.wait_all_tasks_blocked()
        assert it.known(somebody(1)).reason == "a private address, told by somebody who is not in that network"
        assert it.known(str(other.id)).reason == ("an address of this machine, told by somebody who is not on it")
        assert sum(it.report().refused.values()) == 2
        assert not it.found
        assert not it.one.counts("dials")[0]


@trio_test
async def test_who_was_let_go_is_not_dialled_until_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("py_peer.core.address_book.REFUSED_LOOK", 0.05)
    async with scene() as it, member(loopback=True) as other:
        it.one.node.bans.keep_away(other.id)
        it.hear_of(other, by=Source.MEMORY)
        await until(lambda: it.found)
        assert it.known(str(other.id)).reason == "it was let go with /disconnect; /connect takes it again"
        it.one.node.bans.forgiven(other.id)
        await until(lambda: it.has(other))
        assert it.one.counts("dials", "dials of found peers") == [1, 1]


@trio_test
async def test_a_peer_that_goes_is_dialled_again_unless_it_said_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("NEAR_PAUSE", 0.05), ("MEETING_PAUSE", 0.0), ("LASTING", 0.0)):
        monkeypatch.setattr(limits, name, seconds)
    async with scene() as it, member(loopback=True) as other:
        it.hear_of(other, by=Source.MDNS)
        await until(lambda: it.has(other))
        await it.one.node.disconnect(other.id)
        await until(lambda: it.one.seen.names(other.id).count("up") == 2)
        it.finder.left(str(other.id))
        await it.one.node.disconnect(other.id)
        await until(lambda: it.one.seen.names(other.id).count("down") == 2)
        assert it.known(str(other.id)).reason == "it has said goodbye"
        it.hear_of(other, by=Source.MDNS)
        await until(lambda: it.has(other))


@trio_test
async def test_an_address_where_somebody_else_is_is_dialled_once() -> None:
    async with scene() as it, member(loopback=True) as other:
        it.hear(somebody(1), dial_address(LOOPBACK, other.port))
        await until(lambda: it.known(somebody(1)).state == "not dialled")
        assert it.known(somebody(1)).reason == "somebody else answers there"
        assert not it.has(other)
        it.hear_of(other)  # there it is itself
        await until(lambda: it.has(other))


@trio_test
async def test_where_nobody_is_is_said_with_when_it_is_tried_again() -> None:
    async with scene() as it:
        it.hear(somebody(1), dial_address(LOOPBACK, 1))
        await until(lambda: "again" in it.known(somebody(1)).reason)
        assert it.known(somebody(1)).reason == "again in 30 s: connection refused: nothing listens there"


@trio_test
async def test_of_who_is_here_the_address_where_it_is_stands_first() -> None:
    async with scene() as it, member(loopback=True) as other:
        assert await it.finder.dial(dial_address(LOOPBACK, other.port)) == other.id
        it.hear(str(other.id), dial_address("127.0.0.2", 1))
        here, elsewhere = it.known(str(other.id)).addresses
        assert here.startswith(f"/ip4/{LOOPBACK}/")
        it.one.node.peers.records[other.id].address = "/ip4/127.0.0.2/tcp/2"
        assert it.known(str(other.id)).addresses == (elsewhere, here)


@trio_test
async def test_above_the_target_found_peers_are_known_and_the_next_is_dialled_when_one_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "TARGET_CONNECTIONS", 1)
    async with scene() as it, member(loopback=True) as first, member(loopback=True) as second:
        it.hear_of(first, by=Source.MEMORY)
        await until(lambda: it.has(first))
        it.hear_of(second, by=Source.MEMORY)
        assert it.known(str(second.id)).reason == "enough connections (1)"
        await it.one.node.disconnect(first.id)
        await until(lambda: it.has(second))


@trio_test
async def test_what_the_user_named_is_in_the_book_with_how_it_went() -> None:
    async with scene() as it, member(loopback=True) as other:
        with pytest.raises(DialError, match="refused"):
            await it.finder.dial(dial_address(LOOPBACK, 1, somebody(1)))
        known = it.known(somebody(1))
        assert (known.state, known.sources) == ("waiting", ("by name",))
        assert known.reason.startswith("dialled for as long as it is named: connection refused")
        assert await it.finder.dial(dial_address(LOOPBACK, other.port)) == other.id
        assert it.finder.found_by(str(other.id)) == "by name"
        assert not it.found
        it.finder.stop_naming([dial_address(LOOPBACK, 1, somebody(1)).text + f"/p2p/{somebody(1)}"])
        assert [peer.peer_id for peer in it.report().peers] == [str(other.id)]


@trio_test
async def test_of_a_named_peer_that_has_gone_the_latest_cause_is_told_though_its_address_is_named_without_its_id() -> (
    None
):
    async with scene() as it:
        async with member(loopback=True) as other:
            address = dial_address(LOOPBACK, other.port)
            await it.finder.dial(address)
            it.hear_of(other)
        await until(lambda: it.known(str(other.id)).reason.endswith("it went at once"))
        with pytest.raises(DialError, match="refused"):
            await it.finder.dial(address)
        assert it.known(str(other.id)).reason.endswith("connection refused: nothing listens there")


@trio_test
async def test_a_dial_of_the_users_that_is_given_up_is_none_under_way() -> None:
    async with scene() as it, member(loopback=True) as other:
        with trio.move_on_after(0):
            await it.finder.dial(other.address)
        assert it.known(str(other.id)).state == "waiting"


@trio_test
async def test_who_is_called_is_dialled_at_once_where_he_is_said_to_be_or_it_is_said_why_not() -> None:
    async with scene(run=False) as ours, member(loopback=True) as other:
        ours.finder.node = ours.one.node
        with pytest.raises(DialError, match="nobody has told where it is"):
            await ours.finder.call(str(other.id))
        ours.hear(str(other.id), dial_address(LOOPBACK, 1), by=Source.MEMORY)
        with pytest.raises(DialError, match="refused"):
            await ours.finder.call(str(other.id))
        ours.hear_of(other)
        assert await ours.finder.call(str(other.id)) == other.id
        assert ours.has(other)


@trio_test
async def test_who_is_called_in_the_first_moment_may_be_told_of_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    reasons: list[str] = []

    async def call() -> None:
        try:
            await ours.finder.call(str(other.id))
        except DialError as error:
            reasons.append(str(error))

    async with scene() as ours, member(loopback=True) as other:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call)
            await trio.testing.wait_all_tasks_blocked(0.01)
            ours.finder.found(Finding(somebody(1), (dial_address(LOOPBACK, 1),), Source.MEMORY))
            await trio.testing.wait_all_tasks_blocked(0.01)
            assert not ours.has(other)
            ours.hear_of(other)
            await until(lambda: ours.has(other))
        assert reasons in ([], ["it is being dialled"])
        monkeypatch.setattr("py_peer.service.finder.FIRST_MOMENT", 0.0)
        with trio.fail_after(0.5), pytest.raises(DialError, match="nobody has told where it is"):
            await ours.finder.call(somebody(2))


@trio_test
async def test_a_lookup_reaches_whom_the_rules_allow_and_nobody_else() -> None:
    async with scene() as it, member(loopback=True) as other:
        far = Finding(str(other.id), (other.address,), Source.KADEMLIA, somebody(99), "198.51.100.1")
        with pytest.raises(DialError, match="an address of this machine"):
            await it.finder.reach(far)
        with pytest.raises(DialError, match="nobody has told where it is"):
            await it.finder.reach(Finding(str(other.id), (), Source.KADEMLIA))
        nowhere = (dial_address(LOOPBACK, 1), other.address)
        near = Finding(str(other.id), nowhere, Source.KADEMLIA, somebody(99), LOOPBACK)
        assert await it.finder.reach(near) == other.id
        assert await it.finder.reach(near) == other.id
        assert it.one.counts("dials", "dials failed") == [2, 1]
        assert not it.report().peers


@trio_test
async def test_where_a_lookup_has_reached_a_peer_it_is_reached_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PLACE_BURST", 1)
    async with scene() as it, member(loopback=True) as other:
        there = Finding(str(other.id), (other.address,), Source.KADEMLIA, somebody(99), LOOPBACK)
        for _ in range(3):
            assert await it.finder.reach(there) == other.id
            await it.one.node.disconnect(other.id)
            await until(lambda: other.id not in it.one.node.peers.records)


@trio_test
async def test_a_lookup_can_tell_a_limit_of_our_own_from_a_peer_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "PLACE_BURST", 1)
    async with scene() as it:
        await until(lambda: it.finder.node)
        here = (dial_address("127.0.0.1", 1),)
        finding = Finding(somebody(1), here, Source.KADEMLIA, somebody(99), LOOPBACK)
        with pytest.raises(DialError, match="refused") as caught:
            await it.finder.reach(finding)
        assert not isinstance(caught.value, NotNowError)
        for addresses in (here, (*here, dial_address("127.0.0.2", 1))):  # where one may be later, it may yet answer
            with pytest.raises(NotNowError):
                await it.finder.reach(replace(finding, addresses=addresses))
        assert it.one.counts("dials") == [2]
        monkeypatch.setattr(limits, "MAX_CONNECTIONS", 0)
        with pytest.raises(NotNowError, match="0 connections already"):
            await it.finder.reach(replace(finding, addresses=(dial_address("127.0.0.3", 1),)))


@trio_test
async def test_each_way_of_finding_says_what_it_has_come_to() -> None:
    async with scene() as it:
        it.finder.ways += [lambda: "mDNS: on eth0, 3 peers", lambda: "Kademlia: 2 peers in the table"]
        assert it.report() == DiscoveryReport(7, ("mDNS: on eth0, 3 peers", "Kademlia: 2 peers in the table"), (), {})


@trio_test
async def test_of_many_who_are_found_at_once_it_is_told_how_many_more_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FINDINGS_SUMMED_SECONDS", 0.1)
    monkeypatch.setattr(limits, "FINDINGS_TOLD_BURST", 3)
    async with scene() as it:
        for more, news in ((4, 7), (1, 1)):
            for number in range(news):
                it.hear(somebody(10 * more + number), dial_address("198.51.100.1", 1), teller_ip="198.51.100.2")
            await until(lambda: isinstance(it.told[-1], Notice))
            were = "peers were" if more > 1 else "peer was"
            assert it.told.pop() == Notice(f"{more} more {were} found; /discover lists who is known")
            assert len(it.found) == 3


@trio_test
async def test_ten_thousand_lies_cost_a_bounded_number_of_dials_and_of_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("py_peer.service.finder.LOOK_PAUSE", 0.01)
    async with scene() as it, member(loopback=True) as other:
        start = trio.current_time()
        liars = [somebody(1_000 + number) for number in range(200)]
        for number in range(10_000):
            host = f"127.{1 + number // 60_000}.{number // 250}.{1 + number % 250}"
            # Peer IDs that nobody has the key of; to work out the keys of so many takes seconds.
            lie = str(ID(b"\x00\x24\x08\x01\x12\x20" + number.to_bytes(32, "big")))
            liar = liars[number % 200]
            it.finder.found(Finding(lie, (dial_address(host, 1),), Source.TOPIC, liar, LOOPBACK))
            if number % 100 == 0:
                await trio.lowlevel.checkpoint()
        await until(lambda: it.one.counts("dials of found peers")[0] >= limits.TOLD_BURST)
        it.hear_of(other, by=Source.MDNS)  # the truth gets through
        await until(lambda: it.has(other))
        passed = trio.current_time() - start
        assert it.one.counts("dials")[0] <= limits.TOLD_BURST + passed * limits.TOLD_RATE + 2
        assert len(it.report().peers) <= limits.BOOK_PEERS
        assert len(it.found) <= limits.FINDINGS_TOLD_BURST + passed * limits.FINDINGS_TOLD_RATE + 1
        told, untold = it.one.counts("peers found: told", "peers found: not told")
        assert told == len(it.found)
        assert told + untold == 10_001
