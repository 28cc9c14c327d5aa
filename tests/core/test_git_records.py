"""Commits in the DHT: what may stand under which key."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits, limits_git
from py_peer.core.git_records import (
    CommitRule,
    fit_tags,
    json_key,
    message_key,
    object_key,
    parts,
    patch_key,
    tag_key,
)
from py_peer.core.records import Record, RecordRefusedError
from py_peer.core.value_shelf import Kept

RAW = (
    b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
    b"author A U Thor <author@example.com> 1700000000 +0100\n"
    b"committer C O Mitter <committer@example.com> 1700000001 +0100\n"
    b"\nThe subject\n\nAnd the rest of the message.\n"
)
SHA1 = "5c1d38d578f95ba9a4a05287a3faf08cfd1a04fb"
RULE = CommitRule()


def of_sha256(raw: bytes) -> str:
    return hashlib.sha256(b"commit %d\0" % len(raw) + raw).hexdigest()


def test_the_keys_are_those_of_the_documents() -> None:
    keys = [of(SHA1) for of in (object_key, message_key, json_key, patch_key)]
    assert keys == [name.encode() for name in (f"/py-peer-commit/{SHA1}", SHA1, f"{SHA1}/commit", f"{SHA1}/diff")]
    assert tag_key("v1.0-größer") == "v1.0-größer".encode()


@pytest.mark.parametrize("commit_id", [SHA1, of_sha256(RAW)], ids=["SHA-1", "SHA-256"])
def test_only_the_object_that_hashes_to_the_id_stands_under_it(commit_id: str) -> None:
    RULE.check(object_key(commit_id), RAW)
    for other in (b"", RAW[:-1], RAW + b"\n", RAW.replace(b"subject", b"Subject"), b"commit %d\0" % len(RAW) + RAW):
        with pytest.raises(RecordRefusedError, match="does not hash to its ID"):
            RULE.check(object_key(commit_id), other)


@pytest.mark.parametrize(
    "commit_id",
    ["", SHA1[:-1], SHA1.upper(), f"{SHA1}\n", f" {SHA1}", f"{SHA1}/diff", SHA1 + "0" * 23, f"{SHA1[:-1]}g"],
    ids=["none", "39 digits", "capitals", "newline", "blank", "more", "63 digits", "no digit"],
)
def test_there_is_one_key_for_one_commit(commit_id: str) -> None:
    with pytest.raises(RecordRefusedError, match="under no ID"):
        RULE.check(object_key(commit_id), RAW)


def test_a_tag_that_would_stand_where_a_commit_has_something_is_left_out_and_so_are_more_than_are_published() -> None:
    most = limits_git.MAX_PUBLISHED_TAGS
    tags = {f"v{number:03}": SHA1 for number in range(most + 3)} | {SHA1: SHA1, f"{SHA1}/diff": SHA1, f"v/{SHA1}": SHA1}
    fit, unfit = fit_tags(tags)
    assert list(fit) == [f"v{number:03}" for number in range(most)]
    assert unfit == {
        SHA1: "where it would stand a commit has its message, JSON or patch (so it is with 1 other tag(s))",
        f"v{most:03}": f"{most} tags are published at a time; kv put TAG ID publishes one more"
        " (so it is with 3 other tag(s))",
    }
    assert fit_tags({"v1": SHA1}) == ({"v1": SHA1}, {})
    assert [part.name for part in parts([(SHA1, RAW, b"+a")], fit)][:4] == ["object", "json", "message", "v000"]


def test_as_many_small_commits_as_are_published_at_a_time_have_room_with_us() -> None:
    of_one = parts([(SHA1, RAW, b"diff --git a/a b/a\n" * 10)], {})
    weights = [Kept(Record(part.key, part.value, 0, 0), "").weight for part in of_one]
    assert len(weights) == 4
    assert limits_git.MAX_PUBLISHED * sum(weights) <= limits.KAD_SENDER_WEIGHT


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_whatever_comes_is_taken_or_refused(key: bytes, value: bytes) -> None:
    with pytest.raises(RecordRefusedError):
        RULE.check(b"/py-peer-commit/" + key, value)


def test_of_two_records_of_one_commit_the_later_holds() -> None:
    key = object_key(SHA1)
    assert RULE.rank(Record(key, RAW, 2, 9)) > RULE.rank(Record(key, RAW, 1, 9))
