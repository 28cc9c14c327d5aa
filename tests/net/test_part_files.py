"""A file on its way has a name of its own, belongs to one program, and never takes the place of another file."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from py_peer.net.part_files import PartError, PartFile, goal_of

TAG = "0123456789ab"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_goes_to_the_downloads_which_are_made_with_the_users_rights(tmp_path: Path) -> None:
    downloads = tmp_path / "down" / "loads"
    assert goal_of("", downloads, "a.txt") == downloads / "a.txt"
    assert downloads.is_dir()
    if os.name == "posix":
        umask = os.umask(0)
        os.umask(umask)
        assert downloads.stat().st_mode & 0o777 == 0o777 & ~umask


def test_a_file_goes_into_the_folder_or_to_the_name_that_the_user_has_written(tmp_path: Path) -> None:
    assert goal_of(str(tmp_path), None, "a.txt") == tmp_path / "a.txt"
    assert goal_of(str(tmp_path / "b.txt"), None, "a.txt") == tmp_path / "b.txt"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing/", r"there is no folder .*missing$"),
        ("missing/b.txt", r"there is no folder .*missing$"),
        ("", "no folder for downloads"),
        ("\0", "no path"),
        ("\ud800", "no path"),
    ],
)
def test_a_file_does_not_go_where_no_folder_is(tmp_path: Path, path: str, reason: str) -> None:
    with pytest.raises(PartError, match=reason):
        goal_of(path and f"{tmp_path}/{path}", None, "a.txt")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no /dev/null")
def test_a_file_does_not_go_where_a_device_is(tmp_path: Path) -> None:
    with pytest.raises(PartError, match=r"^/dev/null is neither a folder nor an ordinary file$"):
        goal_of(os.devnull, None, "a.txt")
    (tmp_path / "link").symlink_to(os.devnull)
    with pytest.raises(PartError, match="neither a folder nor"):
        goal_of(str(tmp_path / "link"), None, "a.txt")


def test_downloads_that_cannot_be_made_are_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PartError, match="cannot be written: Not a directory"):
        goal_of("", tmp_path / "file" / "downloads", "a.txt")


def test_what_an_earlier_run_has_left_is_there(tmp_path: Path) -> None:
    part = PartFile(tmp_path / "a.txt", TAG)
    part.write(3, b"def")
    part.close()
    assert names(tmp_path) == [f".a.txt.{TAG}.part"]
    part = PartFile(tmp_path / "a.txt", TAG)
    part.write(0, b"abc")
    assert (part.size(), part.read(1, 99)) == (6, b"bcdef")
    assert part.finish(5) == tmp_path / "a.txt"
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"abcde"


def test_what_cannot_be_gone_on_with_begins_anew_and_leaves_nothing_behind(tmp_path: Path) -> None:
    killed = PartFile(tmp_path / "a.txt", TAG, anew=True)
    killed.write(0, b"a part")
    killed.close()
    part = PartFile(tmp_path / "a.txt", TAG, anew=True)
    assert (part.found, part.size()) == (0, 0)
    part.write(0, b"new")
    with pytest.raises(PartError, match="being fetched into the same folder already"):
        PartFile(tmp_path / "a.txt", TAG, anew=True)
    assert part.finish(3) == tmp_path / "a.txt"
    assert (names(tmp_path), (tmp_path / "a.txt").read_bytes()) == (["a.txt"], b"new")


def test_who_is_killed_while_a_file_is_given_its_name_does_not_lose_it(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"whole")
    (tmp_path / f".a.txt.{TAG}.part").hardlink_to(tmp_path / "a.txt")
    PartFile(tmp_path / "a.txt", TAG, anew=True).throw_away()
    assert (names(tmp_path), (tmp_path / "a.txt").read_bytes()) == (["a.txt"], b"whole")


@pytest.mark.skipif(os.name == "nt", reason="Windows names no file that is open")
def test_nobody_takes_a_file_while_it_is_given_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.hardlink_to
    objections: list[str] = []

    def look(path: Path, target: Path) -> None:
        with pytest.raises(PartError) as caught:
            PartFile(tmp_path / "a.txt", TAG, anew=True)
        objections.append(str(caught.value))
        real(path, target)

    part = PartFile(tmp_path / "a.txt", TAG)
    part.write(0, b"whole")
    monkeypatch.setattr(Path, "hardlink_to", look)
    part.finish(5)
    assert objections == ["a.txt is being fetched into the same folder already"]
    assert (names(tmp_path), (tmp_path / "a.txt").read_bytes()) == (["a.txt"], b"whole")


def test_no_file_is_overwritten_not_even_one_that_comes_at_the_last_moment(tmp_path: Path) -> None:
    part = PartFile(tmp_path / "a.tar.gz", TAG)
    (tmp_path / "a.tar.gz").write_bytes(b"mine")
    (tmp_path / "a (1).tar.gz").symlink_to(tmp_path / "nowhere")
    assert part.finish(0).name == "a (2).tar.gz"
    assert (tmp_path / "a.tar.gz").read_bytes() == b"mine"


def test_no_file_is_overwritten_where_there_are_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    (tmp_path / "a.txt").write_bytes(b"mine")
    assert PartFile(tmp_path / "a.txt", TAG).finish(0).name == "a (1).txt"
    assert names(tmp_path) == ["a (1).txt", "a.txt"]


def test_one_file_is_fetched_once_at_a_time_whichever_program_fetches_it(tmp_path: Path) -> None:
    part = PartFile(tmp_path / "a.txt", TAG)
    with pytest.raises(PartError, match="being fetched into the same folder already"):
        PartFile(tmp_path / "a.txt", TAG)
    script = f"from pathlib import Path; from py_peer.net.part_files import PartFile; PartFile(Path('a.txt'), '{TAG}')"
    again = [sys.executable, "-c", script]
    failed = subprocess.run(again, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert "being fetched into the same folder already" in failed.stderr
    part.close()
    PartFile(tmp_path / "a.txt", TAG).throw_away()
    assert names(tmp_path) == []


def test_a_part_that_is_a_link_or_a_fifo_is_not_written_to(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"mine")
    (tmp_path / f".a.txt.{TAG}.part").symlink_to(precious)
    with pytest.raises(PartError, match="cannot be written"):
        PartFile(tmp_path / "a.txt", TAG)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / f".b.txt.{TAG}.part")
        with pytest.raises(PartError, match="not an ordinary file"):
            PartFile(tmp_path / "b.txt", TAG)
    assert precious.read_bytes() == b"mine"


def test_a_full_disk_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = PartFile(tmp_path / "a.txt", TAG)
    with pytest.raises(PartError, match=r"9,999,999,999,999,999 bytes are missing, and the disk of .* has room for"):
        part.check_space(9_999_999_999_999_999)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(PartError, match=f"the disk of {tmp_path} is full"):
        part.write(0, b"x")
    part.throw_away()


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(PartError, match="cannot be written: No such file"):
        PartFile(tmp_path / "gone" / "a.txt", TAG)


def test_a_long_path_leaves_room_for_what_is_said_of_it(tmp_path: Path) -> None:
    folder = tmp_path / ("e" * 300)
    with pytest.raises(PartError) as caught:
        goal_of(str(folder), None, "a.txt")
    assert str(caught.value).endswith(" cannot be written: File name too long")
    assert len(str(caught.value)) < 200
    with pytest.raises(PartError) as caught:
        goal_of(f"{tmp_path}/{'gone/' * 100}a.txt", None, "a.txt")
    assert len(str(caught.value)) < 200
    assert "there is no folder" in str(caught.value)
