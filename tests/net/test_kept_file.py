"""A small file that several programs keep (tests/service/test_ignored.py and test_remembered.py have more of it)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from py_peer.net.kept_file import KeptFileError, change_kept, read_kept

if TYPE_CHECKING:
    from pathlib import Path


def test_where_there_are_no_locks_a_change_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(path: Path, patience: float) -> None:
        raise OSError(path, patience)

    monkeypatch.setattr("py_peer.net.kept_file.take_lock", no_locks)
    change_kept(tmp_path / "file", 10, lambda data: (data or b"") + b"one")
    change_kept(tmp_path / "file", 10, lambda data: (data or b"") + b"two")
    assert read_kept(tmp_path / "file", 10) == b"onetwo"


def test_what_is_too_large_or_no_change_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    assert read_kept(tmp_path / "file", 4) is None
    change_kept(tmp_path / "file", 4, lambda _: b"here")
    change_kept(tmp_path / "file", 4, lambda _: None)
    with pytest.raises(KeptFileError, match=r"^has no room left$"):
        change_kept(tmp_path / "file", 4, lambda _: b"there")
    assert read_kept(tmp_path / "file", 4) == b"here"
    with pytest.raises(KeptFileError, match=r"^has more than 3 bytes$"):
        change_kept(tmp_path / "file", 3, lambda _: b"")


def test_what_cannot_be_moved_aside_stays_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "file.broken").mkdir()
    with pytest.raises(KeptFileError, match=r"^cannot be understood, nor moved aside: "):
        change_kept(tmp_path / "file", 4, lambda _: b"new", aside=True)
    assert (tmp_path / "file").read_bytes() == b"12345"
    (tmp_path / "file.broken").rmdir()
    assert change_kept(tmp_path / "file", 4, lambda _: b"new", aside=True)
    assert not change_kept(tmp_path / "file", 4, lambda _: b"new", aside=True)
    assert (tmp_path / "file.broken").read_bytes() == b"12345"


def test_what_somebody_was_killed_over_is_gone_with_the_next_change(tmp_path: Path) -> None:
    (tmp_path / ".file.abcd1_fg").write_bytes(b"half")
    (tmp_path / ".file.other.x").write_bytes(b"not ours")
    change_kept(tmp_path / "file", 4, lambda _: b"here")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".file.other.x", "file", "file.lock"]


def test_what_is_changed_to_nothing_is_removed(tmp_path: Path) -> None:
    change_kept(tmp_path / "file", 4, lambda _: b"here")
    change_kept(tmp_path / "file", 4, lambda _: b"")
    assert not (tmp_path / "file").exists()
    change_kept(tmp_path / "file", 4, lambda data: b"" if data is None else b"x")
    assert read_kept(tmp_path / "file", 4) is None
