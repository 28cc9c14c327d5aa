"""What is shown of a commit that has come from elsewhere, whatever its bytes are."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.cleaning import clean_text
from py_peer.core.commits import CommitError, commit_id
from py_peer.core.git_events import CommitSource
from py_peer.core.shown_commits import WrongHashError, show_object, shown_patch

PERSON = b"Ada <ada@example.org> 1700000000 +0000"
RAW = b"tree %s\nauthor %s\ncommitter %s\n\nA subject\n" % (b"ab" * 20, PERSON, PERSON)
BYTES = st.binary(max_size=200) | st.text(max_size=100).map(str.encode)


@given(st.lists(BYTES | st.sampled_from([b"\x1b[31m", b"\x1b]0;", b"\r", "\u2028".encode(), b"+a\tb"]), max_size=8))
def test_a_patch_can_be_printed_line_by_line_and_its_bytes_are_not_lost(lines: list[bytes]) -> None:
    patch = b"\n".join(lines)
    shown, rest = shown_patch(patch)
    assert shown.count("\n") == patch.removesuffix(b"\n").count(b"\n")
    assert clean_text(shown, 10_000) == shown
    assert (base64.b64decode(rest) if rest else shown.encode()) == (patch if rest else patch.removesuffix(b"\n"))


@given(BYTES)
def test_bytes_that_are_no_commit_are_refused_in_words(raw: bytes) -> None:
    with pytest.raises(CommitError):
        show_object(1, commit_id(raw, "sha1"), raw, b"", CommitSource.PEER)


@given(BYTES, BYTES)
def test_an_object_is_that_of_its_id_or_refused(raw: bytes, other: bytes) -> None:
    for commit in (raw, RAW + raw, other):
        wrong = commit + b"!"
        with pytest.raises(WrongHashError):
            show_object(1, commit_id(commit, "sha1"), wrong, b"", CommitSource.PEER)


def test_one_id_is_not_taken_for_that_of_another_hash() -> None:
    with pytest.raises(CommitError, match="another hash"):
        show_object(1, commit_id(RAW, "sha256"), RAW, b"", CommitSource.PEER)
    shown = show_object(1, commit_id(RAW, "sha1"), RAW, b"", CommitSource.PEER, "12D3KooW")
    assert (shown.verified, shown.commit.message, shown.patch, shown.peer_id) == (True, "A subject", "", "12D3KooW")
