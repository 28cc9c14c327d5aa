"""What is served of the commits that were posted."""

import pytest

from py_peer.core import limits_git
from py_peer.net.commit_exchange import GivenCommit
from py_peer.service.posted import Posted

A, B = "aaaaaaa1" + "0" * 32, "aaaaaaa2" + "0" * 32


def test_a_commit_is_found_by_the_beginning_of_its_id() -> None:
    posted = Posted()
    posted.add(A, b"raw", b"patch")
    assert posted.find(A[:7]) == posted.find(A) == [GivenCommit(A, b"raw", b"patch")]
    assert posted.find(A[:6]) == posted.find("") == posted.find(B) == []


def test_of_several_the_newest_comes_first() -> None:
    posted = Posted()
    for full_id in (A, B, A):
        posted.add(full_id, b"", b"")
    assert [commit.id for commit in posted.find("aaaaaaa")] == [A, B]
    assert len(posted) == 2


def test_the_one_posted_longest_ago_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_git, "MAX_POSTED", 1)
    posted = Posted()
    posted.add(A, b"", b"")
    posted.add(B, b"", b"")
    assert posted.find(A) == []
    assert len(posted) == 1


def test_so_it_does_when_there_are_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_git, "MAX_POSTED_BYTES", 10)
    posted = Posted()
    posted.add(A, b"12345", b"12")
    posted.add(A, b"12345", b"1234")  # the same one again counts once
    assert len(posted) == 1
    posted.add(B, b"1", b"1")
    assert (posted.find(A), len(posted)) == ([], 1)
