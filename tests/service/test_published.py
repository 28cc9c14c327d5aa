"""Commits in the DHT between real nodes: who keeps what, who refuses what, and what is never taken for verified."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from libp2p.kad_dht.pb.kademlia_pb2 import Message

from py_peer.core.commits import Commit, CommitError, cleaned, commit_id, commit_json, parse_commit
from py_peer.core.git_events import CommitShown, CommitSource
from py_peer.core.git_records import Published, json_key, message_key, object_key, patch_key
from py_peer.core.records import RecordRefusedError
from py_peer.net.kad_records import put_record
from py_peer.service.published import find_published, shown_commit
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
            assert await find_published(e.dht, commit_id) == Published(commit_id, RAW, b"", b"", b"the patch", 3, 3)
            assert (await find_published(e.dht, commit_id, patch=False)).patch == b""


@trio_test
async def test_without_an_object_what_anyone_may_have_put_is_told_apart() -> None:
    async with people(2) as (a, b):
        await a.meet(b)
        await a.dht.put_value(message_key(SHA1), b"The subject")
        await a.dht.put_value(json_key(SHA1), b"{}")
        assert await find_published(b.dht, SHA1) == Published(SHA1, b"", b"{}", b"The subject", b"", 0, 1)
        assert await find_published(b.dht, SHA1[::-1]) == Published(SHA1[::-1], b"", b"", b"", b"", 0, 1)


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


# --- What is shown --------------------------------------------------------------------------------


def found(commit_id: str = SHA1, **parts: bytes) -> Published:
    raw, text, message, patch = (parts.get(name, b"") for name in ("raw", "json", "message", "patch"))
    return Published(commit_id, raw, text, message, patch, said=2, asked=3)


def shown(commit_id: str = SHA1, **parts: bytes) -> CommitShown:
    event = shown_commit(1, found(commit_id, **parts))
    assert event is not None
    return event


def test_an_object_is_shown_as_verified_with_its_nine_fields_and_the_patch_beside_it() -> None:
    event = shown(raw=RAW, patch=b"+\tred \x1b[31m\xff", json=commit_json(parse_commit(FORGED)).encode())
    assert (event.verified, event.source, event.peers, event.asked) == (True, CommitSource.DHT, 2, 3)
    assert event.commit == cleaned(parse_commit(RAW))
    assert event.patch == "+    red \ufffd"
    assert base64.b64decode(event.patch_base64) == b"+\tred \x1b[31m\xff"
    with pytest.raises(CommitError, match="another hash"):  # its fields are not those of a commit with that ID
        shown(of_sha256(RAW), raw=RAW)


def test_what_anyone_can_have_put_is_never_shown_as_verified() -> None:
    lie = replace(parse_commit(RAW), author_name="\x1b[31mSomebody", message="a lie\u202e")
    text = shown(json=commit_json(lie).encode(), message=b"another")
    assert (text.verified, text.commit.author_name, text.commit.message) == (False, "Somebody", "a lie")
    of_another = shown(json=commit_json(parse_commit(FORGED)).encode(), message=b"only this")
    for event in (of_another, shown(json=b"[" * 9_000, message=b"only this")):
        assert not event.verified
        assert event.commit == Commit(SHA1, "", (), "", "", "", "", "only this", 0)
    assert (shown(patch=b"+a").verified, shown(patch=b"+a").patch) == (False, "+a")


def test_nothing_is_shown_of_nothing_and_an_object_that_cannot_be_read_is_said_to_be_none() -> None:
    assert shown_commit(1, found()) is None
    garbage = b"not a commit"
    with pytest.raises(CommitError, match="it is no commit"):
        shown(commit_id(garbage, "sha1"), raw=garbage)
