"""Commits in the DHT between real nodes: who keeps what, who refuses what, and what is never taken for verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from libp2p.kad_dht.pb.kademlia_pb2 import Message

from py_peer.core.git_records import Published, json_key, message_key, object_key, patch_key
from py_peer.core.records import RecordRefusedError
from py_peer.net.kad_records import put_record
from py_peer.service.published import find_published
from tests.core.test_git_records import RAW, SHA1, of_sha256
from tests.net.kad_town import holds, made, putting, town
from tests.net.raw_peer import GoneError, raw_peer
from tests.net.support import trio_test, until
from tests.net.test_kad_server import ask
from tests.net.test_kademlia import answering, people

if TYPE_CHECKING:
    from pathlib import Path

FORGED = RAW.replace(b"subject", b"SUBJECT")


@trio_test
async def test_all_that_was_put_is_found_when_who_put_it_is_gone(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        a, *_, e = await here.live("abcde")
        for commit_id in (SHA1, of_sha256(RAW)):
            await a.dht.put_value(object_key(commit_id), RAW)
            await a.dht.put_value(patch_key(commit_id), b"the patch")
            await a.dht.put_value(json_key(commit_id), b"{}")
        await here.goes("a")
        for commit_id in (SHA1, of_sha256(RAW)):
            assert await find_published(e.dht, commit_id) == Published(commit_id, RAW, b"", b"", b"the patch", 3)
            assert (await find_published(e.dht, commit_id, patch=False)).patch == b""


@trio_test
async def test_without_an_object_what_anyone_may_have_put_is_told_apart() -> None:
    async with people(2) as (a, b):
        await a.meet(b)
        await a.dht.put_value(message_key(SHA1), b"The subject")
        await a.dht.put_value(json_key(SHA1), b"{}")
        assert await find_published(b.dht, SHA1) == Published(SHA1, b"", b"{}", b"The subject", b"", 1)
        assert await find_published(b.dht, SHA1[::-1]) == Published(SHA1[::-1], b"", b"", b"", b"", 1)


@trio_test
async def test_what_does_not_hash_to_its_id_nobody_puts_and_nobody_keeps() -> None:
    async with people(2) as (a, b), raw_peer(a.member.port) as liar:
        await a.meet(b)
        with pytest.raises(RecordRefusedError, match="does not hash"):
            await b.dht.put_value(object_key(SHA1), FORGED)
        await b.dht.put_value(object_key(SHA1), RAW)
        for value in (FORGED, b"", b"commit %d\0" % len(RAW) + RAW):
            request = putting(made(value, key=object_key(SHA1)))
            with pytest.raises(GoneError):  # the stream is reset, as the specification wants it
                await ask(liar, type=request.type, key=request.key, record=request.record)
        assert a.member.counts("ignored: Kademlia, a commit that does not hash to its ID") == [3]
        assert holds(a, object_key(SHA1)) == RAW


@trio_test
async def test_what_does_not_hash_to_its_id_no_reader_takes_from_who_keeps_it_though_it_be_later() -> None:
    forged = put_record(Message(type=Message.GET_VALUE, key=object_key(SHA1)), made(FORGED, key=object_key(SHA1)), 0)
    async with people(2) as (a, b):
        await a.meet(b)
        await a.dht.put_value(object_key(SHA1), RAW)
        async with raw_peer(b.member.port, handlers=answering(*[forged] * 9)):
            await until(lambda: len(b.dht.table) == 2)
            b.dht.values.renew_no_more(object_key(SHA1))
            b.dht.upkeep._kept.shelf.drop(object_key(SHA1))
            found = await find_published(b.dht, SHA1, patch=False)
            assert (found.raw, found.asked) == (RAW, 2)
            assert b.member.counts("ignored: Kademlia, found a commit that does not hash to its ID") == [1]
