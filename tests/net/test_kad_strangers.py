"""What strangers hand us in Kademlia, and tell us: held to its rule and within bounds; and who provides which key."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.peer.id import ID
from libp2p.utils.varint import encode_uvarint
from multiaddr import Multiaddr
from psutil import Process

from py_peer.core import limits
from py_peer.core.records import SECOND, Record, RecordRefusedError
from py_peer.net.connections import PeerRecord
from tests.net.raw_peer import raw_peer
from tests.net.support import naming, trio_test, until
from tests.net.test_kad_server import KAD, ask, says_it_speaks
from tests.net.test_kademlia import answering, people, somebody, stranger

if TYPE_CHECKING:
    from pathlib import Path

    from py_peer.core.findings import Finding

from tests.net.kad_town import HOUR, give, holds, kept, made, putting, town

# --- What strangers hand us, and tell us ----------------------------------------------------------


REFUSED = {
    "no value": (Message(type=Message.PUT_VALUE, key=b"key"), "no value to keep"),
    "of another key": (putting(made(b"v"), key=b"other"), "a value of another key"),
    "expired": (putting(made(b"v"), timeReceived="2020-01-01T00:00:00Z"), "a value that has expired"),
    "too large": (putting(made(b"v"), value=bytes(10_241)), "a value has at most 10"),
    "of no namespace": (putting(made(b"v", key=b"/a/b")), 'a key that begins with "/" stands in a namespace'),
    "of another peer": (
        putting(made(b"v", key=b"/pk/b")),
        "a public key of another peer than the one in its name",
    ),
}


@trio_test
async def test_an_invalid_record_is_refused_by_who_receives_it_and_counted() -> None:
    async with somebody() as a, raw_peer(a.member.port) as peer:
        for name, (request, why) in REFUSED.items():
            with naming(name):
                stream = await peer.open(KAD)
                await stream.write_frame(request.SerializeToString())
                await stream.wait_end()
                assert stream.rst
                assert a.member.counts(f"ignored: Kademlia, {why}") == [1]
        assert not len(a.dht.upkeep._kept.shelf)
        assert (await ask(peer, type=Message.PING)).type == Message.PING


@trio_test
async def test_nobody_has_a_value_forgotten_or_renewed_later_by_handing_it_to_those_who_keep_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with people(2) as (a, b):
        await a.meet(b)
        assert (await a.dht.put_value(b"key", b"value")).took == 1
        before = kept(a), kept(b)
        renewed_later: list[bytes] = []
        monkeypatch.setattr(a.dht.values, "on_put", renewed_later.append)
        shorter = replace(made(b"value"), expires=time.time_ns() + SECOND)
        later = putting(shorter, timeReceived="9999-01-01T00:00:00Z")
        for one in (a, b):
            async with raw_peer(one.member.port) as peer:
                answer = await ask(peer, type=Message.PUT_VALUE, key=b"key", record=later.record)
                assert answer.record.value == b"value"
        assert (kept(a), renewed_later) == (before[0], [])
        assert before[1]
        theirs = kept(b)
        assert theirs
        assert theirs.time > before[1].time
        assert theirs.expires == before[1].expires


@trio_test
async def test_who_hands_us_less_than_we_keep_is_told_what_we_keep() -> None:
    async with somebody() as a, raw_peer(a.member.port) as peer:
        give(a, made(b"better"))
        request = putting(made(b"worse", 1))
        answer = await ask(peer, type=Message.PUT_VALUE, key=b"key", record=request.record)
        assert answer.record.value == b"better"
        assert holds(a) == b"better"


@trio_test
async def test_an_invalid_record_is_not_found_and_no_other_is_lost_for_it() -> None:
    bad = Message(type=Message.GET_VALUE, key=b"key")
    bad.record.CopyFrom(putting(made(b"zzz"), key=b"other").record)
    async with people(2) as (a, b):
        await a.meet(b)
        give(b, made(b"good", 1))
        async with raw_peer(a.member.port, handlers=answering(bad)):
            await until(lambda: len(a.dht.table) == 2)
            found = await a.dht.get_value(b"key")
            assert found.record is not None
            assert (found.record.value, found.said, found.asked) == (b"good", 1, 2)
            assert a.member.counts("ignored: Kademlia, found a value of another key") == [1]


@trio_test
async def test_what_a_rule_refuses_is_not_found_though_somebody_says_it() -> None:
    key = b"/pk/somebody"
    forged = Message(type=Message.GET_VALUE, key=key)
    forged.record.CopyFrom(putting(made(b"no key of his", key=key)).record)
    async with somebody() as a, raw_peer(a.member.port, handlers=answering(forged)):
        await until(lambda: a.dht.table)
        found = await a.dht.get_value(key)
        assert (found.record, found.said, found.asked) == (None, 0, 1)
        assert a.member.counts("ignored: Kademlia, found a public key of another peer than the one in its name") == [1]


def rusts(publisher: bytes, ttl: int, text: bytes = b"value") -> bytes:
    """Return a record as rust-libp2p writes it: publisher (666) and ttl (777), in this order behind the value."""
    record = b"\x0a\x03key\x12" + bytes([len(text)]) + text
    if publisher:
        record += b"\xd2\x29" + bytes([len(publisher)]) + publisher
    return record + (b"\xc8\x30" + encode_uvarint(ttl) if ttl else b"")


def holding(record: bytes) -> Message:
    """Return the answer of one who holds a record."""
    return Message.FromString(b"\x08\x01\x12\x03key\x1a" + bytes([len(record)]) + record)


@trio_test
async def test_a_record_of_rust_was_put_now_if_its_publisher_hands_it_to_us_and_else_as_long_ago_as_it_says() -> None:
    async with somebody() as a, raw_peer(a.member.port) as rust:

        async def take(record: bytes) -> float:
            """Have it put, and return how many seconds ago it was, as we have it."""
            stream = await rust.open(KAD)
            await stream.write_frame(b"\x08\x00\x12\x03key\x1a" + bytes([len(record)]) + record)
            answer = Message.FromString(await stream.read_frame())
            assert (answer.type, answer.key, answer.record.key) == (Message.PUT_VALUE, b"key", b"key")
            assert answer.record.value == b"value"
            put = kept(a)
            assert put is not None
            a.dht.upkeep._kept.shelf.drop(b"key")
            assert put.expires == min(put.time + 48 * HOUR, put.expires)
            return (time.time_ns() - put.time) / SECOND

        own, others = rust.id.to_bytes(), stranger()
        assert 0 <= await take(rusts(own, 60)) < 60
        assert 0 <= await take(rusts(b"", 0)) < 60
        assert 47 * 3_600 < await take(rusts(others, 3_600)) < 47 * 3_600 + 60
        assert 0 <= await take(rusts(others, 48 * 3_600)) < 60


@trio_test
async def test_what_rust_has_kept_for_long_is_not_the_latest_because_it_is_asked_now(tmp_path: Path) -> None:
    old = holding(rusts(stranger(), 40 * 3_600, b"zzz"))
    async with town(tmp_path) as here:
        a, b = await here.live("ab")
        give(a, made(b"later", 2))
        async with raw_peer(b.member.port, handlers=answering(old)):
            await until(lambda: len(b.dht.table) == 2)
            found = await b.dht.get_value(b"key")
            assert found.record is not None
            assert (found.record.value, found.said, found.asked) == (b"later", 1, 2)
            assert holds(a) == b"later"


@pytest.mark.parametrize("ttl", [0, 46 * 3_600], ids=["own", "kept"])
@trio_test
async def test_who_has_the_value_without_its_time_is_not_handed_it_again(ttl: int, tmp_path: Path) -> None:
    """With publisher and no ttl it is Rust's own: handed back to it, it would no longer be."""
    requests: list[Message] = []
    async with town(tmp_path) as here:
        a, b = await here.live("ab")
        give(a, made(b"value", 2))
        key_pair = create_new_key_pair()
        answer = holding(rusts(ID.from_pubkey(key_pair.public_key).to_bytes(), ttl))
        async with raw_peer(b.member.port, key_pair, answering(*[answer] * 9, requests=requests)):
            await until(lambda: len(b.dht.table) == 2)
            lacking: list[Any] = []
            b.dht.values.on_lacking = lambda _, peers: lacking.extend(peers)
            found = await b.dht.get_value(b"key")
            assert found.record == kept(a)
            assert (found.said, found.asked) == (2, 2)
            assert lacking == []
    assert [request.type for request in requests] == [Message.GET_VALUE]


@trio_test
async def test_what_rust_alone_has_of_its_own_is_found_and_others_keep_it_as_put_now() -> None:
    async with people(2) as (a, b):
        await a.meet(b)
        async with raw_peer(a.member.port, handlers=answering(*[holding(rusts(stranger(), 0))] * 9)):
            await until(lambda: len(a.dht.table) == 2)
            found = await a.dht.get_value(b"key")
            assert found.record is not None
            assert found.record.value == b"value"
            assert abs(time.time_ns() - found.record.time) < 60 * SECOND
            await until(lambda: holds(b) == b"value")


@trio_test
async def test_a_provider_beside_those_of_others_and_ourselves_is_found_and_who_is_withdrawn_is_not() -> None:
    async with people(3) as (a, b, c):
        await b.meet(a)
        await c.meet(a)
        told = await b.dht.provide(b"bread")
        assert told.took == told.asked >= 1
        heard: list[str] = []
        found = await c.dht.find_providers(b"bread", lambda finding: heard.append(finding.peer_id))
        assert found.peers == (b.id.to_bytes(),)
        assert {*heard} == {str(b.id)}
        for one in (a, b):
            assert (await one.dht.find_providers(b"bread", lambda _: None)).peers == (b.id.to_bytes(),)
        written: list[Finding] = []
        # It is written down at a, who knows where b was when he said so.
        await a.dht.find_providers(b"bread", written.append)
        assert (written[0].teller, written[0].teller_ip) == (str(b.id), "127.0.0.1")
        assert str(b.member.port) in str(written[0].addresses)
        b.dht.provide_no_more(b"bread")
        async with raw_peer(b.member.port) as seeker:
            assert not (await ask(seeker, type=Message.GET_PROVIDERS, key=b"bread")).providerPeers


@trio_test
async def test_more_keys_than_others_keep_of_one_peer_are_not_provided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KAD_PROVIDED", 2)
    async with somebody() as a:
        for key in (b"1", b"2", b"1"):
            await a.dht.provide(key)
        with pytest.raises(RecordRefusedError, match="others keep 2 of one peer"):
            await a.dht.provide(b"3")


@trio_test
async def test_what_strangers_hand_us_is_bounded_and_takes_nobody_elses_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "KAD_VALUES_WEIGHT", 64 * 4_096)
    monkeypatch.setattr(limits, "KAD_SENDER_WEIGHT", 16 * 4_096)
    monkeypatch.setattr(limits, "KAD_VALUES_FILE", 4 * 64 * 4_096)
    monkeypatch.setattr(limits, "KAD_REQUEST_BURST", 10_000)
    file = tmp_path / "a.sqlite"
    async with somebody(file) as a, raw_peer(a.member.port) as honest, raw_peer(a.member.port) as greedy:
        await ask(honest, type=Message.PUT_VALUE, key=b"honest", record=putting(made(b"v", key=b"honest")).record)
        await a.dht.put_value(b"mine", b"v")
        stream = await greedy.open(KAD)
        for number in range(1_000):
            key = b"key %d" % number
            await stream.write_frame(putting(made(bytes(900), key=key)).SerializeToString())
            await stream.read_frame()
        shelf = a.dht.upkeep._kept.shelf
        assert shelf.weight <= 17 * 4_096
        assert len(shelf) == 1_002 - a.member.counts("ignored: Kademlia, values that made room")[0]
        assert holds(a, b"honest")
        assert holds(a, b"mine")
        assert holds(a, b"key 999")
        assert len(a.dht.upkeep._values) == len(shelf)  # nor does what is to be done with them grow
        await a.dht.upkeep._kept.write()
        assert file.stat().st_size < limits.KAD_VALUES_FILE


@trio_test
async def test_who_asks_too_fast_waits_for_his_answers_and_gets_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KAD_REQUEST_BURST", 5)
    monkeypatch.setattr(limits, "KAD_REQUESTS_PER_SECOND", 50.0)
    async with somebody() as a, raw_peer(a.member.port, handlers=says_it_speaks(KAD)) as hasty:
        for number in range(30):
            assert (await ask(hasty, type=Message.FIND_NODE, key=b"%d" % number)).type == Message.FIND_NODE


@trio_test
async def test_100_000_values_of_strangers_leave_neither_memory_nor_disk_larger_than_a_few_do(tmp_path: Path) -> None:
    """Handed over without the network, whose limits let 10 a second of one peer in; most by one, then by many."""
    file = tmp_path / "a.sqlite"
    async with somebody(file) as a:
        await a.dht.put_value(b"mine", b"v")
        honest, greedy, *many = (ID.from_pubkey(create_new_key_pair().public_key) for _ in range(202))
        a.dht.values.take(putting(made(b"v", key=b"honest")), honest)
        memory = Process().memory_info().rss
        for number in range(100_000):
            key = b"%06d" % number
            request = putting(made(key * 150, key=key))
            a.dht.values.take(request, greedy if number < 85_000 else many[number % len(many)])
            if not number % 25_000:
                await a.dht.upkeep._kept.write()
        shelf = a.dht.upkeep._kept.shelf
        await a.dht.upkeep._kept.write()
        assert shelf.weight <= limits.KAD_VALUES_WEIGHT
        assert len(a.dht.upkeep._values) == len(shelf) <= 1 + limits.KAD_VALUES_WEIGHT // limits.KAD_VALUE_WEIGHT
        assert len(shelf) + a.member.counts("ignored: Kademlia, values that made room")[0] == 100_002
        assert holds(a, b"honest")
        assert holds(a, b"mine")
        assert file.stat().st_size < limits.KAD_VALUES_FILE
        assert Process().memory_info().rss - memory < 6 * limits.KAD_VALUES_WEIGHT


@trio_test
async def test_who_has_moved_has_it_written_down_for_each_key_that_he_provides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KAD_UPKEEP_PAUSE", 0.05)
    async with people(2) as (a, b):
        await a.meet(b)
        await a.dht.provide(b"bread")

        def there() -> list[str]:
            (told,) = b.dht.server.providers.of(b"bread", trio.current_time())
            return [str(Multiaddr(address)) for address in told.addresses]

        await until(lambda: b.dht.server.providers.of(b"bread", trio.current_time()))
        assert f"/ip4/127.0.0.1/tcp/{a.member.port}" in there()
        moved = f"/ip4/192.168.1.7/tcp/{a.member.port}"
        a.member.node.addresses = (f"{moved}/p2p/{a.id}", *a.member.node.addresses)
        await until(lambda: there() == [moved])


@trio_test
async def test_what_expires_is_told_nobody_any_more_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KAD_UPKEEP_PAUSE", 0.05)
    async with somebody() as a, raw_peer(a.member.port) as peer:
        now = time.time_ns()
        brief = Record(b"key", b"value", now, now + SECOND // 2)
        give(a, brief)
        assert (await ask(peer, type=Message.GET_VALUE, key=b"key")).record.value == b"value"
        await until(lambda: not len(a.dht.upkeep._kept.shelf))
        assert time.time_ns() >= brief.expires
        assert not (await ask(peer, type=Message.GET_VALUE, key=b"key")).HasField("record")


@trio_test
async def test_one_household_of_the_internet_has_one_account_and_elsewhere_each_peer_has_its_own() -> None:
    async with somebody() as a:
        records, account = a.member.node.peers.records, a.dht.values.account
        one, other = (ID.from_pubkey(create_new_key_pair().public_key) for _ in range(2))
        for first, second, is_one in (
            ("/ip4/8.8.8.8/tcp/1", "/ip4/8.8.8.9/tcp/2", True),
            ("/ip4/8.8.8.8/tcp/1", "/ip4/8.8.9.9/tcp/2", False),
            ("/ip4/192.168.1.7/tcp/1", "/ip4/192.168.1.8/tcp/1", False),
            ("/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/2", False),
            (f"/ip4/8.8.8.8/tcp/1/p2p/{a.id}/p2p-circuit", f"/ip4/8.8.8.8/tcp/1/p2p/{a.id}/p2p-circuit", False),
        ):
            for peer_id, address in ((one, first), (other, second)):
                records[peer_id] = PeerRecord(peer_id, address, inbound=True)
            assert (account(one) == account(other)) == is_one
        for peer_id in (one, other):
            del records[peer_id]
