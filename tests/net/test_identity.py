"""A key is kept: the same in every run, for one process at a time, and never overwritten."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.key_file import encode_key
from py_peer.net import identity as identity_module
from py_peer.net import private_files
from py_peer.net.identity import (
    IdentityError,
    NotKeptError,
    hold_identity,
    kept_identity,
    new_identity,
    read_identity,
    seeded_identity,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE = 20.0
POSIX = pytest.mark.skipif(os.name != "posix", reason="modes and FIFOs are POSIX's")

KEYS = {
    "specification": (
        "7e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d",
        "1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e",
        "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq",
    ),
    "Go": (
        "cdb9cb75bfd284c12325e2e87e3e706a4f9623273c002eba0be62c32c5488d36",
        "d23fc762ff69a87f96f42b7080f875f3424a23d95ccc60acc573135050ea6bbf",
        "12D3KooWPy6C55B6sm3yyTKkNqVw9nNbnX3o1gZRPY4WAG8tmM6W",
    ),
    "Rust": (
        "af2a20f6e72f46ce34bb2c4d98ee8063bf8fc95abb7652f40850bc5a86b2d155",
        "98949d0ef6e3e442991e2ec49aaccb18eec93ceda17dc4690d40b5032ecad9dd",
        "12D3KooWL5yaDD5xAdt5HQeFsjqwtkeyUT5UAshiUYQLVTU2AtSp",
    ),
    "JavaScript": (
        "482dad2f265acb35daae1d8e5a00b3fec70425fd71d441753eb8acb886235872",
        "1a8efa4743935461a2205fb072465d54f583d7b616a540d81d0c5f119cb20416",
        "12D3KooWBc3DfLkRbtFFK2WA4hRiAwpNT2VgLCgFCR64z5N21WZK",
    ),
}
"""The halves of keys as each library wrote them, and the peer ID that it gave."""

HOLDER = """
import sys
from pathlib import Path
from py_peer.net.identity import hold_identity
with hold_identity(Path(sys.argv[1])) as identity:
    print(identity.peer_id, identity.remark, flush=True)
    sys.stdin.read()
"""


def written(library: str) -> bytes:
    """Return the file of a library's key."""
    return bytes.fromhex("08011240" + "".join(KEYS[library][:2]))


def write(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


def refusal(path: Path) -> str:
    """Return why a file is refused; it is left as it was."""
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(IdentityError) as refused, hold_identity(path):
        pass
    assert not isinstance(refused.value, NotKeptError)
    assert before == (path.read_bytes() if path.is_file() else None)
    return str(refused.value)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that holds the key in a file."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


# --- Whose key ------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", KEYS)
def test_a_key_of_another_peer_is_taken_with_its_peer_id(tmp_path: Path, library: str) -> None:
    peer_id = KEYS[library][2]
    found = read_identity(write(tmp_path / "key", written(library)))
    assert found.peer_id == peer_id
    assert str(ID.from_pubkey(found.key_pair().public_key)) == peer_id


@pytest.mark.parametrize("library", KEYS)
def test_a_key_is_written_as_the_other_peers_write_it(tmp_path: Path, library: str) -> None:
    found = read_identity(write(tmp_path / "key", written(library)))
    assert encode_key(found.seed, found.key_pair().public_key.to_bytes()) == written(library)


def test_a_key_is_made_at_the_first_start_and_kept_for_the_next_ones(tmp_path: Path) -> None:
    file = tmp_path / "data" / "py-peer" / "identity.key"
    first = kept_identity(file)
    assert first.remark == f"A new key is kept in {file}"
    assert first.file == file
    again = kept_identity(file)
    assert (again.peer_id, again.remark) == (first.peer_id, "")
    assert [entry.name for entry in file.parent.iterdir()] == ["identity.key"]


def test_each_key_of_a_session_alone_is_another(tmp_path: Path) -> None:
    with hold_identity(None) as one, hold_identity(None) as other:
        assert one.peer_id != other.peer_id
        assert (one.file, one.remark) == (None, "")
    assert not list(tmp_path.iterdir())


def test_a_test_key_is_that_of_the_examples_of_rust_libp2p_and_says_what_it_is() -> None:
    identity = seeded_identity(1)
    assert identity.peer_id == "12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"
    assert identity.remark == "This is test key 1: everybody can make it, and speak in its name"
    assert len({seeded_identity(byte).peer_id for byte in range(256)}) == 256
    assert identity.file is None


def test_a_key_does_not_get_into_a_log(tmp_path: Path) -> None:
    identity = kept_identity(tmp_path / "key")
    assert identity.seed.hex() not in repr(identity)
    assert repr(identity.seed) not in repr(identity)


@POSIX
def test_file_and_folder_are_for_the_user_alone_whatever_the_umask(tmp_path: Path) -> None:
    for umask in (0o000, 0o777):
        file = tmp_path / f"{umask:o}" / "deep" / "key"
        (tmp_path / f"{umask:o}").mkdir()
        before = os.umask(umask)
        try:
            if umask:  # a folder that is made then cannot be entered by anybody but root
                file.parent.mkdir()
                file.parent.chmod(0o700)
            kept_identity(file)
        finally:
            os.umask(before)
        assert (mode(file), mode(file.parent)) == (0o600, 0o700)


# --- What is refused ------------------------------------------------------------------------------

GOOD = written("specification")
OWNER = KEYS["specification"][2]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "holds nothing. Name another file with --identity, or run with --ephemeral"),
        (b"hello\n", "holds no libp2p key. "),
        (bytes.fromhex("080012a709308204a3"), "holds an RSA key, where an Ed25519 key is needed. "),
        (GOOD[:40], "holds 40 bytes, where a key of this kind has 68. "),
        (GOOD[:4] + bytes(32) + GOOD[36:], "holds two halves that do not belong together. "),
        (bytes(limits.MAX_KEY_FILE_BYTES + 1), f"has more than {limits.MAX_KEY_FILE_BYTES:,} bytes. "),
    ],
)
def test_a_file_without_a_key_of_ours_is_refused_and_left_as_it_is(tmp_path: Path, data: bytes, reason: str) -> None:
    file = write(tmp_path / "key", data)
    assert refusal(file).startswith(f"{file} {reason}")
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_key_with_one_wrong_byte_is_refused(index: int, change: int) -> None:
    data = bytearray(GOOD)
    data[index] ^= change
    with tempfile.TemporaryDirectory() as folder:
        refusal(write(Path(folder) / "key", bytes(data)))


@POSIX
def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    assert " is not an ordinary file. " in refusal(tmp_path / "fifo")
    assert " is a folder. " in refusal(tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert " cannot be read: " in refusal(tmp_path / "loop")


@POSIX
def test_a_key_that_others_can_open_is_refused_until_it_is_closed(tmp_path: Path) -> None:
    file = write(tmp_path / "my key", GOOD, 0o640)
    assert refusal(file) == f"{file} can be opened by others. Close it with: chmod 600 '{file}'"
    file.chmod(0o600)
    assert read_identity(file).peer_id == OWNER


def test_a_key_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "key", GOOD)

    def forbid(*_: Any) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", forbid)
        with pytest.raises(IdentityError, match=r"key cannot be read: Permission denied\. Name another file"):
            read_identity(file)


# --- Where nothing can be kept --------------------------------------------------------------------


def test_where_no_file_can_be_made_a_key_of_this_session_alone_does_unless_the_user_named_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(identity_module, "write_private", fail)
    file = tmp_path / "key"
    with hold_identity(file) as identity:
        assert identity.file is None
        assert identity.remark == (
            f"{file} cannot be made: Read-only file system; this one runs with a key for this session alone"
        )
    with (
        pytest.raises(NotKeptError, match=r"Read-only file system\. Name another file"),
        hold_identity(file, named=True),
    ):
        pass


def test_what_fails_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(NotKeptError, match="No space left"):
        kept_identity(tmp_path / "key")
    assert not list(tmp_path.iterdir())


def test_on_a_file_system_without_links_a_key_is_made_and_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", fail)
    first = kept_identity(tmp_path / "key")
    assert kept_identity(tmp_path / "key").peer_id == first.peer_id
    with pytest.raises(FileExistsError):
        private_files.write_private(tmp_path / "key", b"", replace=False)


@POSIX
def test_on_a_file_system_without_locks_the_key_is_taken_with_a_remark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    file = write(tmp_path / "key", GOOD)
    monkeypatch.setattr(fcntl, "flock", fail)
    with hold_identity(file) as identity:
        assert identity.peer_id == OWNER
        assert identity.remark.endswith("cannot be locked (Function not implemented): start no second py-peer with it")


# --- One process at a time ------------------------------------------------------------------------


def test_a_second_process_says_who_has_the_key_and_gets_one_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "key"
    with hold_identity(file) as identity, another_process(file) as other:
        peer_id, _, remark = said(other).rstrip().partition(" ")
        assert peer_id != identity.peer_id
        assert remark == (
            f"The key in {file} is in use by process {os.getpid()}; this one runs with a key for this session alone"
        )
    with hold_identity(file) as again:
        assert (again.peer_id, again.remark) == (identity.peer_id, "")


def test_a_process_that_is_killed_leaves_the_key_free_at_once(tmp_path: Path) -> None:
    file = tmp_path / "key"
    with another_process(file) as other:
        peer_id = said(other).split()[0]
        other.kill()
        other.wait(DEADLINE)
        with hold_identity(file) as identity:
            assert (identity.peer_id, identity.remark) == (peer_id, "")


@POSIX
def test_two_names_of_one_file_are_one_key(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "key")
    with hold_identity(tmp_path / "link") as one, hold_identity(tmp_path / "key") as other:
        assert one.file == tmp_path / "key"
        assert other.file is None
    assert (tmp_path / "link").is_symlink()


def test_of_first_starts_at_the_same_moment_all_have_the_same_key(tmp_path: Path) -> None:
    found: list[str] = []
    together = threading.Barrier(8)

    def start() -> None:
        together.wait(DEADLINE)
        found.append(kept_identity(tmp_path / "key").peer_id)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert found == [read_identity(tmp_path / "key").peer_id] * 8


def test_somebody_elses_file_in_the_place_of_the_lock_is_not_written_to(tmp_path: Path) -> None:
    theirs = tmp_path / "uv.lock"
    theirs.write_bytes(b"version = 1\nrevision = 3\n")
    with hold_identity(tmp_path / "uv") as identity:
        assert identity.file is not None
    assert theirs.read_bytes() == b"version = 1\nrevision = 3\n"


def test_a_fresh_key_is_not_kept() -> None:
    assert new_identity().file is None
