"""Commits in the DHT: what may stand under which key."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.git_records import CommitRule, json_key, message_key, object_key, patch_key, tag_key
from py_peer.core.records import Record, RecordRefusedError

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


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_whatever_comes_is_taken_or_refused(key: bytes, value: bytes) -> None:
    with pytest.raises(RecordRefusedError):
        RULE.check(b"/py-peer-commit/" + key, value)


def test_of_two_records_of_one_commit_the_later_holds() -> None:
    key = object_key(SHA1)
    assert RULE.rank(Record(key, RAW, 2, 9)) > RULE.rank(Record(key, RAW, 1, 9))
