"""Values in Kademlia: every reader finds the same, also when who has put it is gone and others have started anew."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message

from py_peer.core import limits
from py_peer.core.records import SECOND, RecordRefusedError, received
from py_peer.net.kad_records import put_record
from py_peer.net.kept_values import KeptValues
from tests.net.raw_peer import RawStream, raw_peer
from tests.net.support import trio_test, until
from tests.net.test_kad_server import KAD, KEY, ask
from tests.net.test_kademlia import answering, people, somebody

if TYPE_CHECKING:
    from pathlib import Path

    from py_peer.core.records import Record
from tests.net.kad_town import HOUR, give, holds, kept, made, town, value

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
async def test_who_put_a_value_while_his_clock_was_ahead_can_put_another_and_it_is_renewed() -> None:
    async with people(2) as (a, b):
        await a.meet(b)
        give(a, made(b"old", -365 * 24), "")
        told = await a.dht.put_value(b"key", b"new")
        assert (told.took, told.asked) == (1, 1)
        assert [await value(one) for one in (a, b)] == [b"new"] * 2
        give(a, made(b"mine", -365 * 24, b"another"), "")
        await a.dht.values.pass_on(b"another")
        own = a.dht.upkeep._kept.shelf.own(b"another")
        assert own
        assert own.time < time.time_ns() + 700 * SECOND  # so in 22 h it is put anew


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
        a, b = await here.live("ab")
        await until(lambda: holds(b))
        record = kept(b)
        assert record is not None
        assert (record.value, time.time_ns() - record.time < HOUR) == (b"mine", True)
        assert b"key" in a.dht.upkeep._values  # and again, when it is old again


@trio_test
async def test_what_is_forgotten_while_it_is_passed_on_is_handed_to_nobody() -> None:
    requests: list[Message] = []
    handlers = answering(requests=requests)
    async with somebody() as a:

        async def forgets(stream: RawStream) -> None:
            a.dht.values.renew_no_more(b"key")
            await answer(stream)

        answer, handlers[KAD] = handlers[KAD], forgets
        async with raw_peer(a.member.port, handlers=handlers):
            await until(lambda: len(a.dht.table) == 1)
            for hours in (1, 23):
                give(a, made(b"mine", hours), "")
                await a.dht.values.pass_on(b"key")
        assert [request.type for request in requests] == [Message.GET_VALUE] * 2
        assert a.member.counts("unexpected faults") == [0]


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


@trio_test
async def test_of_more_than_the_closest_only_those_keep_a_value_and_all_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(tmp_path) as here:
        everybody = await here.live("abcde")
        for module in ("core.kademlia", "net.kad_values"):  # now that all are in the tables, whose buckets have as many
            monkeypatch.setattr(f"py_peer.{module}.K", 2)
        a = everybody[0]
        told = await a.dht.put_value(b"key", b"value")
        assert (told.took, told.asked) == (2, 2)
        assert [holds(one) for one in everybody[1:]].count(b"value") == 2
        assert [await value(one) for one in everybody] == [b"value"] * 5
        # Of who reads and keeps it himself two others are the closest, and who of them lacks it is handed it.
        assert [holds(one) for one in everybody[1:]].count(b"value") <= 3


@trio_test
async def test_what_one_provides_is_written_down_anew_now_and_then_until_he_provides_it_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "KAD_UPKEEP_PAUSE", 0.05)
    monkeypatch.setattr(limits, "KAD_ANNOUNCE_SECONDS", 0.2)
    requests: list[Message] = []
    async with somebody() as a, raw_peer(a.member.port, handlers=answering(requests=requests)):
        await until(lambda: a.dht.table)

        def told() -> int:
            return sum(request.type == Message.ADD_PROVIDER and request.key == KEY for request in requests)

        await a.dht.provide(KEY)
        await until(lambda: told() >= 3)
        a.dht.provide_no_more(KEY)
        assert KEY not in a.dht.upkeep._provided
