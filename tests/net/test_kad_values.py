"""Values in Kademlia: every reader finds the same, also when who has put it is gone and others have started anew."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
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
from py_peer.core.records import SECOND, RecordRefusedError, received
from py_peer.net.kad_records import put_record
from py_peer.net.kept_values import KeptValues
from tests.net.raw_peer import raw_peer
from tests.net.support import naming, trio_test, until
from tests.net.test_kad_server import KAD, ask, says_it_speaks
from tests.net.test_kademlia import Somebody, answering, people, somebody, stranger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from libp2p.crypto.keys import KeyPair

    from py_peer.core.records import Record

HOUR = 3_600 * SECOND


class Town:
    """People who come and go, each with a disk of their own."""

    def __init__(self, folder: Path, nursery: trio.Nursery) -> None:
        self.folder = folder
        self.people: dict[str, Somebody] = {}
        self._nursery = nursery
        self._leave: dict[str, trio.Event] = {}
        self._left: dict[str, trio.Event] = {}
        self._keys: dict[str, KeyPair] = {}

    async def comes(self, name: str, *met: Somebody) -> Somebody:
        """Start one, with the disk and the key of the last time, and have him know all who are met."""
        self._leave[name], self._left[name] = trio.Event(), trio.Event()
        one: Somebody = await self._nursery.start(self._live, name)
        self.people[name] = one
        for other in met:
            await one.meet(other)
        return one

    async def _live(self, name: str, task_status: Any) -> None:
        key = self._keys.setdefault(name, create_new_key_pair())
        async with somebody(self.folder / f"{name}.sqlite", key) as one:
            task_status.started(one)
            await self._leave[name].wait()
        self._left[name].set()

    async def goes(self, name: str) -> None:
        """Stop one, and wait until nobody counts with him any more."""
        gone = self.people.pop(name)
        self._leave[name].set()
        await self._left[name].wait()
        for other in self.people.values():
            await until(lambda other=other: gone.id not in other.member.node.peers.records)
            other.dht.table.drop(gone.id.to_bytes())

    def all_go(self) -> None:
        """Have all stop at once."""
        for leave in self._leave.values():
            leave.set()

    async def live(self, names: str) -> list[Somebody]:
        """Start some, each of whom knows all others."""
        return [await self.comes(name, *self.people.values()) for name in names]


@asynccontextmanager
async def town(folder: Path) -> AsyncIterator[Town]:
    async with trio.open_nursery() as nursery:
        here = Town(folder, nursery)
        yield here
        here.all_go()


async def value(one: Somebody, key: bytes = b"key") -> bytes | None:
    """Return what one finds."""
    record = (await one.dht.get_value(key)).record
    return record.value if record else None


def holds(one: Somebody, key: bytes = b"key") -> bytes | None:
    """Return what one keeps."""
    record = kept(one, key)
    return record.value if record else None


def kept(one: Somebody, key: bytes = b"key") -> Record | None:
    found = one.dht.upkeep._kept.shelf.get(key, time.time_ns())
    return found.record if found else None


def made(text: bytes, age: float = 0.0, key: bytes = b"key") -> Record:
    """Return a record that was put so many hours ago."""
    now = time.time_ns()
    when = now - int(age * HOUR)
    return received(key, text, when, 0, when)


def give(one: Somebody, record: Record, sender: str = "somebody") -> None:
    one.dht.upkeep._kept.shelf.put(record, sender)


# --- Put and got ----------------------------------------------------------------------------------


@trio_test
async def test_what_one_puts_all_others_take_and_each_finds_under_the_very_bytes_of_the_key() -> None:
    async with people(3) as (a, b, c):
        await b.meet(a)
        await c.meet(a)
        await c.dht.refresh()
        told = await b.dht.put_value(b"deadbeef", "größer".encode())
        assert (told.took, told.asked) == (2, 2)
        found = await c.dht.get_value(b"deadbeef")
        assert found.record is not None
        assert (found.record.value, found.said, found.asked) == ("größer".encode(), 2, 2)
        assert await value(a, b"\xde\xad\xbe\xef") is None


@trio_test
async def test_of_five_one_who_comes_with_an_empty_disk_finds_what_one_has_put_who_is_gone(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        a, *_ = await here.live("abcde")
        told = await a.dht.put_value(b"key", b"value")
        assert (told.took, told.asked) == (4, 4)
        await here.goes("a")
        new = await here.comes("f", here.people["b"])
        await new.dht.refresh()
        found = await new.dht.get_value(b"key")
        assert found.record is not None
        assert (found.record.value, found.said, found.asked) == (b"value", 4, 4)


@trio_test
async def test_of_five_all_can_start_anew_one_after_the_other_and_nothing_is_lost(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        a, b, *_ = await here.live("abcde")
        await a.dht.put_value(b"key", b"value")
        await b.dht.put_value(b"other", b"one")
        put = kept(a)
        for name in "cabed":
            await here.goes(name)
            one = await here.comes(name)
            await until(lambda one=one: holds(one) and holds(one, b"other"))
            assert kept(one) == put
            alone = await one.dht.get_value(b"key")
            assert (alone.record, alone.said, alone.asked) == (put, 0, 0)
            for other in here.people.values():
                if other is not one:
                    await one.meet(other)
        assert {await value(one) for one in here.people.values()} == {b"value"}


@trio_test
async def test_of_two_values_put_at_once_every_reader_finds_the_same_also_where_both_were_alone(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        a, b = await here.live("ab")
        c = await here.comes("c")
        d = await here.comes("d", c)
        async with trio.open_nursery() as nursery:  # two islands
            nursery.start_soon(a.dht.put_value, b"key", b"of a")
            nursery.start_soon(c.dht.put_value, b"key", b"of c")
        assert (await value(b), await value(d)) == (b"of a", b"of c")
        for one in (a, b):
            for other in (c, d):
                await one.meet(other)
        async with trio.open_nursery() as nursery:  # and one and the same
            for one, text in ((a, b"1"), (b, b"2"), (c, b"3"), (d, b"4")):
                nursery.start_soon(one.dht.put_value, b"both", text)
        e = await here.comes("e", a, b, c, d)
        for key, texts in ((b"key", {b"of a", b"of c"}), (b"both", {b"1", b"2", b"3", b"4"})):
            found = [await value(one, key) for one in (e, a, b, c, d)]
            assert len(set(found)) == 1
            assert set(found) <= texts


@trio_test
async def test_who_puts_on_purpose_overtakes_what_is_there_though_its_clock_was_ahead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with people(3) as (a, b, c):
        await a.meet(b)
        await a.meet(c)
        await b.meet(c)
        ahead = received(b"key", b"zzz", time.time_ns() + 300 * SECOND, 0, time.time_ns())
        for one in (b, c):
            give(one, ahead)
        told = await a.dht.put_value(b"key", b"aaa")
        assert (told.took, told.asked) == (2, 2)
        assert [await value(one) for one in (a, b, c)] == [b"aaa"] * 3


@trio_test
async def test_a_value_that_no_packet_carries_and_one_that_no_rule_lets_stand_are_refused_before_anybody_is_asked() -> (
    None
):
    async with somebody() as a:
        for key, text, why in (
            (b"k", bytes(limits.MAX_KAD_VALUE + 1), "a value has at most 10,240 bytes, and this one has 10,241"),
            (b"/etc/passwd", b"x", "a key that begins with"),
            (b"/pk/somebody", b"x", "a public key of another peer"),
        ):
            with pytest.raises(RecordRefusedError, match=why):
                await a.dht.put_value(key, text)
        with pytest.raises(RecordRefusedError, match="a key that begins with"):
            await a.dht.get_value(b"/etc/passwd")
        assert not len(a.dht.upkeep._kept.shelf)


@trio_test
async def test_the_largest_value_goes_there_and_back_and_the_closest_are_still_named(tmp_path: Path) -> None:
    largest, key = bytes(limits.MAX_KAD_VALUE), b"k" * limits.MAX_KAD_KEY
    async with town(tmp_path) as here:
        a, b, c = await here.live("abc")
        assert (await a.dht.put_value(key, largest)).took == 2
        assert await value(b, key) == largest
        async with raw_peer(c.member.port) as rust:
            answer = await ask(rust, type=Message.GET_VALUE, key=key)
            assert answer.record.value == largest
            assert len(answer.closerPeers) == 2
            assert answer.ByteSize() < limits.MAX_KAD_ANSWER_OUT


# --- Mended, handed on, renewed -------------------------------------------------------------------


@trio_test
async def test_who_reads_mends_what_others_and_he_himself_hold(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        a, b, c, d = await here.live("abcd")
        give(a, made(b"new", 1))
        give(b, made(b"old", 2))
        found = await d.dht.get_value(b"key")
        assert found.record is not None
        assert (found.record.value, found.said, found.asked) == (b"new", 1, 3)
        await until(lambda: {holds(one) for one in (a, b, c, d)} == {b"new"})
        assert len({kept(one) for one in (a, b, c, d)}) == 1  # with the time at which it was put


@trio_test
async def test_what_was_put_and_provided_with_nobody_there_goes_to_who_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KAD_UPKEEP_PAUSE", 0.05)
    async with people(3) as (a, b, c):
        assert await a.dht.put_value(b"key", b"value") == await a.dht.provide(b"bread")
        assert (await a.dht.provide(b"bread")).asked == 0
        await a.meet(b)
        await until(lambda: holds(b) and b.dht.server.providers.of(b"bread", trio.current_time()))
        await a.meet(c)
        await until(lambda: holds(c) and c.dht.server.providers.of(b"bread", trio.current_time()))


@trio_test
async def test_who_keeps_a_value_hands_it_to_those_who_lack_it_and_to_them_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "KAD_UPKEEP_PAUSE", 0.05)
    requests: list[Message] = []
    record = made(b"value", 1)
    has_it = put_record(Message(type=Message.GET_VALUE, key=b"key"), record, time.time_ns())
    async with people(2) as (a, b):
        await a.meet(b)
        async with raw_peer(a.member.port, handlers=answering(*[has_it] * 9, requests=requests)):
            await until(lambda: len(a.dht.table) == 2)
            give(a, record)
            a.dht.upkeep._values.put(b"key", trio.current_time())
            await until(lambda: holds(b))
            assert kept(b) == record
        assert [request.type for request in requests] == [Message.GET_VALUE]
        assert b"key" in a.dht.upkeep._values  # in an hour again


@trio_test
async def test_far_from_a_key_nothing_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("py_peer.net.kad_values.K", 1)
    async with people(2) as (a, b):
        await a.meet(b)
        near, far = (a, b) if not a.dht.table.closer(b"key") else (b, a)
        give(far, made(b"value", 1))
        await far.dht.values.pass_on(b"key")
        assert holds(near) is None
        assert await value(far) == b"value"
        give(near, made(b"later"))
        await near.dht.values.pass_on(b"key")
        assert holds(far) == b"later"


@trio_test
@pytest.mark.parametrize("hours", [23, 60], ids=["old", "expired"])
async def test_what_is_our_own_is_put_anew_in_a_later_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: float
) -> None:
    monkeypatch.setattr(limits, "KAD_UPKEEP_PAUSE", 0.05)
    await on_disk(tmp_path / "a.sqlite", made(b"mine", hours))
    async with town(tmp_path) as here:
        _, b = await here.live("ab")
        await until(lambda: holds(b))
        record = kept(b)
        assert record is not None
        assert (record.value, time.time_ns() - record.time < HOUR) == (b"mine", True)


@trio_test
async def test_what_is_our_own_and_not_old_keeps_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KAD_UPKEEP_PAUSE", 0.05)
    record = made(b"mine", 21)
    await on_disk(tmp_path / "a.sqlite", record)
    async with town(tmp_path) as here:
        _, b = await here.live("ab")
        await until(lambda: holds(b))
        assert kept(b) == record


@trio_test
async def test_where_somebody_elses_later_value_is_there_ours_is_given_up_and_that_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "KAD_UPKEEP_PAUSE", 0.05)
    await on_disk(tmp_path / "a.sqlite", made(b"mine", 23))
    said: list[bytes] = []
    async with town(tmp_path) as here:
        a = await here.comes("a")
        a.dht.values.given_up = said.append
        await until(lambda: len(a.dht.upkeep._kept.shelf))
        b = await here.comes("b")
        give(b, made(b"theirs", 22))
        await a.meet(b)
        await until(lambda: said)
        assert (holds(a), holds(b), said) == (b"theirs", b"theirs", [b"key"])
        await a.dht.values.pass_on(b"key")
        assert await value(a) == b"theirs"
        assert said == [b"key"]


async def on_disk(file: Path, record: Record) -> None:
    """Write a record of one's own, as an earlier run would have left it."""
    earlier = KeptValues(file)
    await earlier.load()
    earlier.shelf.put(record, "")
    await earlier.close()


# --- What strangers hand us, and tell us ----------------------------------------------------------


def putting(record: Record, **changes: bytes | str) -> Message:
    message = put_record(Message(type=Message.PUT_VALUE, key=record.key), record, time.time_ns())
    for name, change in changes.items():
        setattr(message.record, name, change)
    return message


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
        assert heard == [str(b.id)]
        for one in (a, b):
            assert (await one.dht.find_providers(b"bread", lambda _: None)).peers == (b.id.to_bytes(),)
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
    monkeypatch.setattr(limits, "KAD_VALUES_WEIGHT", 64 * 2_048)
    monkeypatch.setattr(limits, "KAD_SENDER_WEIGHT", 16 * 2_048)
    monkeypatch.setattr(limits, "KAD_VALUES_FILE", 4 * 64 * 2_048)
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
        assert shelf.weight <= 17 * 2_048
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
