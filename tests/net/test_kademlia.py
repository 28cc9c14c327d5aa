"""Kademlia: a table that grows by walking, records that reach those who are to keep them, and whom a walk dials."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.custom_types import TProtocol
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.peer.id import ID
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.core.findings import Source
from py_peer.core.kademlia import ROOM_KEYS, Contact, K, place
from py_peer.net.dial import DialError, NotNowError
from py_peer.net.kademlia import kademlia
from tests.net.kad_member import kad_member, reach_nobody
from tests.net.raw_peer import GoneError, RawStream, raw_peer, silence
from tests.net.support import Member, member, still_hears, trio_test, until
from tests.net.test_kad_server import KAD, says_it_speaks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from libp2p.crypto.keys import KeyPair

    from py_peer.core.findings import Finding
    from py_peer.net.kademlia import Kademlia
    from tests.net.raw_peer import Handlers


class Somebody:
    """A member that takes part, dials whom its walks have to ask, and notes whom it found."""

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self.dialled: list[Finding] = []
        self.member: Member
        self.dht: Kademlia

    @property
    def id(self) -> ID:
        return self.member.id

    async def reach(self, finding: Finding) -> None:
        self.dialled.append(finding)
        for address in finding.addresses:
            await self.member.node.dial(address)

    async def meet(self, other: Somebody) -> None:
        """Connect, and wait until each has the other in its table."""
        await self.member.node.dial(other.member.address)
        await until(lambda: self.dht.table.get(other.id.to_bytes()) and other.dht.table.get(self.id.to_bytes()))

    async def search(self) -> int:
        return await self.dht.search(self.found.append)


@asynccontextmanager
async def somebody(file: Path | None = None, key_pair: KeyPair | None = None) -> AsyncIterator[Somebody]:
    one = Somebody()
    async with kad_member(one.reach, file, key_pair) as (one.member, one.dht):
        yield one


@asynccontextmanager
async def people(count: int) -> AsyncIterator[list[Somebody]]:
    """Run several, who leave together: each takes 0.2 s."""
    over = trio.Event()

    async def live(task_status: Any) -> None:
        async with somebody() as one:
            task_status.started(one)
            await over.wait()

    async with trio.open_nursery() as nursery:
        yield [await nursery.start(live) for _ in range(count)]
        over.set()


def answering(*answers: Message, requests: list[Message] | None = None) -> dict[str, Callable[..., Any]]:
    """Return the handlers of one who is in the table and gives these answers, one for each request."""
    left = list(answers)

    async def answer(stream: RawStream) -> None:
        request = Message.FromString(await stream.read_frame())
        if requests is not None:
            requests.append(request)
        if request.type != Message.ADD_PROVIDER:
            given = left.pop(0) if left else Message(type=request.type, key=request.key)
            await stream.write_frame(given.SerializeToString())
        await stream.finish()

    return {**says_it_speaks(KAD), KAD: answer}


def at(port: int) -> bytes:
    return bytes(Multiaddr(f"/ip4/127.0.0.1/tcp/{port}").to_bytes())


def stranger() -> bytes:
    return ID.from_pubkey(create_new_key_pair().public_key).to_bytes()


# --- The table ------------------------------------------------------------------------------------


@trio_test
async def test_a_walk_meets_those_whom_others_know_and_all_who_know_one_and_the_same_find_each_other() -> None:
    async with people(4) as (bootstrap, *others):
        for one in others:
            await one.meet(bootstrap)
        a, b, c = others
        await c.dht.refresh()
        await until(lambda: len(c.dht.table) == 3)
        assert {finding.peer_id for finding in c.dialled} == {str(a.id), str(b.id)}
        assert all(finding.teller == str(bootstrap.id) for finding in c.dialled)
        assert all(finding.teller_ip == "127.0.0.1" for finding in c.dialled)
        assert all(finding.source == Source.KADEMLIA for finding in c.dialled)
        for one in others:
            assert await one.search() > 0
        for one in others:
            await one.search()
            assert {finding.peer_id for finding in one.found} >= {str(other.id) for other in others if other is not one}
            assert str(one.id) not in {finding.peer_id for finding in one.found}


@trio_test
async def test_who_does_not_answer_leaves_the_table_and_holds_the_walk_up_only_so_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "KAD_ANSWER_TIMEOUT", 0.2)
    async with people(2) as (a, b):
        await a.meet(b)
        async with (
            raw_peer(a.member.port, handlers=says_it_speaks(KAD)) as deaf,
            raw_peer(a.member.port, handlers={**says_it_speaks(KAD), KAD: silence}) as silent,
        ):
            await until(lambda: len(a.dht.table) == 3)
            with trio.fail_after(5):
                await a.search()
            assert {finding.peer_id for finding in a.found} == {str(b.id)}
            assert len(a.dht.table) == 3  # once anybody may be late
            await a.search()
            assert not any(a.dht.table.get(one.id.to_bytes()) for one in (deaf, silent))
            assert a.dht.table.get(b.id.to_bytes())


@trio_test
async def test_who_is_silent_about_a_key_that_is_no_multihash_as_js_libp2p_is_stays_and_is_asked_for_it_but_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "KAD_ANSWER_TIMEOUT", 0.2)
    asked: list[bytes] = []
    async with somebody() as a, raw_peer(a.member.port, handlers=silent_about_the_bare_key(asked, "yyyy")) as js:
        await until(lambda: a.dht.table)
        for _ in range(4):
            await a.search()
        assert a.dht.table.get(js.id.to_bytes())
        assert asked == [*ROOM_KEYS, *ROOM_KEYS, ROOM_KEYS[0], ROOM_KEYS[0]]


@trio_test
async def test_who_is_silent_now_and_then_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KAD_ANSWER_TIMEOUT", 0.2)
    asked: list[bytes] = []
    async with somebody() as a, raw_peer(a.member.port, handlers=silent_about_the_bare_key(asked, "ynyny")):
        await until(lambda: a.dht.table)
        for _ in range(5):
            await a.search()
        assert asked == [*ROOM_KEYS] * 5


def silent_about_the_bare_key(asked: list[bytes], when: str) -> Handlers:
    """Return a server that notes what it is asked for; `when` says of each time it is the bare key: silent, y or n."""

    async def answer(stream: RawStream) -> None:
        request = Message.FromString(await stream.read_frame())
        if request.type == Message.GET_PROVIDERS:
            asked.append(request.key)
            if request.key == ROOM_KEYS[1] and when[asked.count(request.key) - 1] == "y":
                await silence(stream)
            await stream.write_frame(request.SerializeToString())
        await stream.finish()

    return {**says_it_speaks(KAD), KAD: answer}


@trio_test
async def test_who_has_gone_is_dialled_where_it_was_and_leaves_the_table_when_it_is_not_there() -> None:
    async with people(2) as (a, b):
        async with somebody() as c:
            await a.meet(b)
            await a.meet(c)
        await until(lambda: c.id not in a.member.node.peers.records)
        assert a.dht.table.get(c.id.to_bytes())
        await a.dht.refresh()
        assert [finding.peer_id for finding in a.dialled] == [str(c.id)]
        assert a.dialled[0].teller == str(c.id)  # it was its own word
        assert a.dialled[0].teller_ip == "127.0.0.1"
        assert a.dht.table.get(c.id.to_bytes()) is None


@trio_test
async def test_who_is_dialled_in_vain_holds_nobody_up_when_all_others_have_answered_and_leaves_the_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "KAD_LAST_DIALS_SECONDS", 0.2)
    dead = stranger()

    async def in_vain(_: Finding) -> None:
        await trio.sleep_forever()

    async with kad_member(in_vain) as (one, dht), raw_peer(one.port, handlers=answering()) as here:
        await until(lambda: len(dht.table))
        dht.table.put(Contact(dead, (at(1),), "127.0.0.1"), lambda _: True)
        with trio.fail_after(10):
            found = await dht.find_providers(b"a key", lambda _: None)
        assert found.asked == 1
        assert dht.table.get(here.id.to_bytes())
        assert dht.table.get(dead) is None


@pytest.mark.parametrize("comes", [True, False], ids=["there", "gone"])
@trio_test
async def test_of_walks_that_want_one_peer_at_a_time_one_dials_it_and_all_ask_it_or_know_it_gone(comes: bool) -> None:
    """Six values put together would else be refused to most of those who keep them: an address has a budget."""
    async with people(3) as (bootstrap, other, one):
        await other.meet(bootstrap)
        await one.meet(bootstrap)
        dials: list[Finding] = []

        async def reach(finding: Finding) -> None:
            dials.append(finding)
            await trio.testing.wait_all_tasks_blocked(0.05)
            if not comes:
                raise DialError
            await one.member.node.dial(finding.addresses[0])

        one.dht.walker._reach = reach
        asked = list[tuple[int, int]]()

        async def look(number: int) -> None:
            found = await one.dht.get_value(b"key %d" % number)
            asked.append((found.asked, found.unasked))

        async with trio.open_nursery() as nursery:
            for number in range(4):
                nursery.start_soon(look, number)
        assert [str(other.id)] == [dial.peer_id for dial in dials]
        assert asked == [(2, 0) if comes else (1, 0)] * 4


@trio_test
async def test_who_may_not_be_dialled_just_now_stays_in_the_table_and_those_behind_are_asked() -> None:
    async def not_now(_: Finding) -> None:
        raise NotNowError

    def distance(peer: bytes) -> int:
        return place(peer) ^ place(ROOM_KEYS[0])

    keys = [create_new_key_pair(bytes([*bytes(31), number])) for number in range(8)]
    farthest = max(keys, key=lambda key_pair: distance(ID.from_pubkey(key_pair.public_key).to_bytes()))
    async with (
        kad_member(not_now) as (one, dht),
        raw_peer(one.port, farthest, handlers=answering()) as here,
    ):
        await until(lambda: len(dht.table))
        others = [b"\x00\x24\x08\x01\x12\x20" + bytes([*bytes(31), number]) for number in range(60)]
        for peer in others:
            dht.table.put(Contact(peer, (at(1),), "127.0.0.1"), lambda _: True)
        kept = [peer for peer in others if dht.table.get(peer)]
        assert sum(distance(peer) < distance(here.id.to_bytes()) for peer in kept) > K
        assert await dht.search(lambda _: None) == 2  # who is here is told of both keys
        assert all(dht.table.get(peer) for peer in kept)


@trio_test
async def test_who_cannot_be_dialled_just_now_is_tried_again_when_the_user_wants_to_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "KAD_AGAIN_SECONDS", 0.01)
    refusals = 2

    async def later(_: Finding) -> None:
        nonlocal refusals
        refusals -= 1
        if refusals >= 0:
            raise NotNowError
        await one.node.dial(holder.member.address)

    async with kad_member(later) as (one, dht), somebody() as holder:
        await holder.dht.put_value(b"key", b"value")
        contact = holder.dht.server.ourselves()
        dht.table.put(Contact(contact.peer, contact.addresses, "127.0.0.1"), lambda _: True)
        found = await dht.get_value(b"key")
        assert found.record
        assert (found.record.value, found.said, found.asked, found.unasked) == (b"value", 1, 1, 0)


@trio_test
async def test_how_many_could_not_be_asked_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KAD_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(limits, "KAD_PATIENCE", 0.05)

    async def not_now(_: Finding) -> None:
        raise NotNowError

    async with kad_member(not_now) as (one, dht), raw_peer(one.port, handlers=answering()):
        await until(lambda: len(dht.table))
        for number in range(5):
            dht.table.put(Contact(stranger(), (at(number + 1),), "127.0.0.1"), lambda _: True)
        value = await dht.get_value(b"key")
        providers = await dht.find_providers(b"key", lambda _: None)
        assert (value.asked, value.unasked) == (providers.asked, providers.unasked) == (1, 5)


@trio_test
async def test_what_is_found_waits_for_nobody_who_cannot_be_dialled_just_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KAD_AGAIN_SECONDS", 3_600.0)

    async def not_now(_: Finding) -> None:
        raise NotNowError

    async with kad_member(not_now) as (one, dht), somebody() as holder:
        await holder.dht.put_value(b"key", b"value")
        await holder.dht.provide(b"key")
        await one.node.dial(holder.member.address)
        await until(lambda: len(dht.table))
        dht.table.put(Contact(stranger(), (at(1),), "127.0.0.1"), lambda _: True)
        with trio.fail_after(20):
            value = await dht.get_value(b"key")
            providers = await dht.find_providers(b"key", lambda _: None)
            told = await dht.put_value(b"key", b"another")
        assert value.record
        assert (value.record.value, providers.peers) == (b"value", (holder.id.to_bytes(),))
        assert (value.unasked, providers.unasked, told.took) == (1, 1, 1)


@trio_test
async def test_one_who_was_there_before_is_told_that_we_speak_kademlia_and_is_in_the_table() -> None:
    pushed: list[Identify] = []

    async def push(stream: RawStream) -> None:
        pushed.append(Identify.FromString(await stream.read_frame()))

    handlers = {**says_it_speaks(KAD), "/ipfs/id/push/1.0.0": push}
    async with member(loopback=True) as one, raw_peer(one.port, handlers=handlers):
        await until(lambda: one.seen.count("identified"))
        async with kademlia(one.node, reach_nobody) as dht:
            assert len(dht.table) == 1
            await until(lambda: pushed)
            assert KAD in pushed[0].protocols


@trio_test
async def test_a_client_is_in_no_table_and_asks_all_the_same_until_it_is_to_serve() -> None:
    pushed: list[Identify] = []

    async def push(stream: RawStream) -> None:
        pushed.append(Identify.FromString(await stream.read_frame()))

    handlers = {**says_it_speaks(KAD), "/ipfs/id/push/1.0.0": push}
    async with member(loopback=True) as one, raw_peer(one.port, handlers=handlers) as peer:
        await until(lambda: one.seen.count("identified"))
        async with kademlia(one.node, reach_nobody, serves=False, in_room=False) as dht:
            assert len(dht.table) == 1
            assert not dht.server.provided
            with pytest.raises(GoneError):
                await peer.open(KAD)
            await dht.serve()
            await until(lambda: pushed)
            assert KAD in pushed[0].protocols
            await peer.open(KAD)


@trio_test
async def test_networks_that_speak_otherwise_do_not_meet() -> None:
    other = TProtocol("/dot/kad")
    async with (
        member(loopback=True) as one,
        kademlia(one.node, reach_nobody, other) as dht,
        raw_peer(one.port, handlers=says_it_speaks(KAD)) as peer,
    ):
        await until(lambda: one.seen.count("identified"))
        dht.identified(one.node.peers.records[peer.id])
        assert len(dht.table) == 0
        with pytest.raises(GoneError):
            await peer.open(KAD)
        await peer.open(other)


@trio_test
async def test_of_those_whom_walks_have_reached_only_so_many_stay_connected_and_the_room_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "KAD_CONNECTIONS", 1)
    monkeypatch.setattr(limits, "KAD_AT_ONCE", 1)  # of 48, unlike of one, the oldest is not one of those being asked
    async with people(5) as (bootstrap, member_, *strangers, a):
        in_room = frozenset({bootstrap.id, member_.id})
        monkeypatch.setattr(a.member.node.pubsub, "room", lambda: in_room)
        for one in (member_, *strangers):
            await one.meet(bootstrap)
        await a.meet(bootstrap)
        await a.dht.refresh()
        assert {finding.peer_id for finding in a.dialled} == {str(one.id) for one in (member_, *strangers)}
        peers = a.member.node.peers.records
        await until(lambda: len(peers) <= 3)  # the bootstrap peer, the member, and one more
        assert {bootstrap.id, member_.id} <= peers.keys()


# --- The room -------------------------------------------------------------------------------------


@trio_test
async def test_a_record_stands_with_everybody_close_and_is_said_anew_when_it_must_be() -> None:
    """Once an hour; and to one who was away, and when our addresses change."""
    async with people(3) as (a, b, c):
        await a.meet(b)
        await a.meet(c)
        assert await a.search() == 4  # two keys with two peers
        assert await a.search() == 0
        now = trio.current_time()
        await until(lambda: all(len(one.dht.server.providers) == 2 for one in (b, c)))
        for one in (b, c):
            for key in ROOM_KEYS:
                (contact,) = one.dht.server.providers.of(key, now)
                assert (contact.peer, contact.addresses) == (a.id.to_bytes(), (at(a.member.port),))
        await a.member.node.disconnect(b.id)
        await until(lambda: b.id not in a.member.node.peers.records)
        await a.meet(b)
        assert await a.search() == 2
        a.member.node.addresses = (*a.member.node.addresses, f"/ip4/127.0.0.2/tcp/1/p2p/{a.id}")
        assert await a.search() == 4


@trio_test
async def test_the_record_that_is_sent_has_the_keys_and_the_shape_of_gos_and_rusts() -> None:
    requests: list[Message] = []
    async with somebody() as a, raw_peer(a.member.port, handlers=answering(requests=requests)):
        await until(lambda: len(a.dht.table))
        await a.search()
        await until(lambda: len(requests) == 4)
        kinds = [(request.type, request.key) for request in requests]
        assert sorted(kinds) == sorted(
            (kind, key) for key in ROOM_KEYS for kind in (Message.GET_PROVIDERS, Message.ADD_PROVIDER)
        )
        for record in [request for request in requests if request.type == Message.ADD_PROVIDER]:
            (ourselves,) = record.providerPeers
            assert (ourselves.id, list(ourselves.addrs)) == (a.id.to_bytes(), [at(a.member.port)])


@trio_test
async def test_a_provider_without_an_address_is_taken_where_the_answer_or_identify_says_that_it_is() -> None:
    known, unknown = stranger(), stranger()
    answer = Message(
        type=Message.GET_PROVIDERS,
        providerPeers=[Message.Peer(id=known), Message.Peer(id=unknown)],
        closerPeers=[Message.Peer(id=known, addrs=[at(1)])],
    )
    async with somebody() as a, raw_peer(a.member.port, handlers=answering(answer)):
        await until(lambda: len(a.dht.table))
        await a.search()
        (finding,) = a.found
        assert (finding.peer_id, finding.addresses[0].port) == (str(ID(known)), 1)
        assert a.member.counts("ignored: Kademlia, a provider without an address to dial") == [1]


# --- Whoever lies ---------------------------------------------------------------------------------


@trio_test
async def test_a_liar_costs_a_bounded_number_of_dials_and_findings() -> None:
    """It answers with peers that do not exist, and those are nearer each time."""
    crowd = [Message.Peer(id=stranger(), addrs=[at(1)] * 500) for _ in range(300)]
    lies = Message(type=Message.GET_PROVIDERS, closerPeers=crowd, providerPeers=crowd)
    async with somebody() as a, raw_peer(a.member.port, handlers=answering(lies, lies)) as liar:
        await until(lambda: len(a.dht.table))
        await a.search()
        assert len(a.found) <= 2 * limits.KAD_PROVIDERS_READ
        assert len(a.dialled) <= 2 * limits.KAD_WALK_PEERS
        assert all(len(finding.addresses) == 1 for finding in a.found)
        assert all(finding.teller == str(liar.id) for finding in a.found + a.dialled)
        await still_hears(a.member)


@trio_test
async def test_an_answer_that_is_garbage_or_too_large_is_a_strike_and_ends_nothing() -> None:
    async def garbage(stream: RawStream) -> None:
        await stream.read_frame()
        await stream.write_frame(b"\xff\xff\xff\xff\xff")
        await stream.finish()

    async def huge(stream: RawStream) -> None:
        await stream.read_frame()
        await stream.write(b"\x80\x80\x80\x80\x04")
        await stream.finish()

    async with somebody() as a:
        for number, handler in enumerate((garbage, huge), 1):
            async with raw_peer(a.member.port, handlers={**says_it_speaks(KAD), KAD: handler}) as liar:
                await until(lambda liar=liar: a.dht.table.get(liar.id.to_bytes()))
                await a.search()
                assert a.member.counts("strikes") == [number]
                assert len(a.dht.table) == 0
        await still_hears(a.member)


@trio_test
async def test_ids_and_addresses_that_are_none_are_left_out() -> None:
    odd = [
        Message.Peer(id=b"", addrs=[at(1)]),
        Message.Peer(id=b"\x12\x20" + bytes(31), addrs=[at(1)]),
        Message.Peer(id=bytes(10_000), addrs=[at(1)]),
        Message.Peer(id=stranger(), addrs=[b"", b"\xff" * 30, b"\x04\x7f", bytes(300)]),
        Message.Peer(id=stranger(), addrs=[Multiaddr("/ip4/127.0.0.1/udp/1").to_bytes()] * 100 + [at(1)]),
        Message.Peer(id=stranger(), addrs=[at(1) + Multiaddr(f"/p2p/{ID(stranger())}").to_bytes()]),
    ]
    answer = Message(type=Message.GET_PROVIDERS, providerPeers=odd, closerPeers=odd)
    async with somebody() as a, raw_peer(a.member.port, handlers=answering(answer)):
        await until(lambda: len(a.dht.table))
        await a.search()
        assert a.found == []
        assert [finding.addresses for finding in a.dialled] == [()] * 3  # the real ones among them
