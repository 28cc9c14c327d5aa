"""The real program and what it keeps: its key, and who is ignored."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from py_peer.core.exit_codes import ExitCode
from py_peer.net.identity import new_identity
from tests.frontends.programs import PY_PEER, environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.frontends.programs import Piped

DEADLINE = 20.0
EVE = new_identity().peer_id


def own(folder: Path) -> dict[str, str]:
    """Return the variables of a user whose key is kept, in `folder`."""
    return {"PY_PEER_EPHEMERAL": "", "XDG_DATA_HOME": str(folder / "data")}


def kept_in(folder: Path) -> Path:
    return folder / "data" / "py-peer" / "identity.key"


def py_peer_id(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PY_PEER, "id", *arguments],
        env=environment(**own(folder), **more),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the XDG variables move the folders on Linux")
def test_py_peer_id_shows_the_peer_id_of_the_chat_and_makes_the_key_once(
    piped: Callable[..., Piped], tmp_path: Path
) -> None:
    first = py_peer_id(tmp_path)
    assert (first.returncode, first.stderr) == (0, f"py-peer: A new key is kept in {kept_in(tmp_path)}\n")
    peer_id = first.stdout.strip()
    again = py_peer_id(tmp_path, "--json")
    assert (again.returncode, again.stderr) == (0, "")
    kept = {"peer_id": peer_id, "file": str(kept_in(tmp_path)), "made": False, "test_key": False}
    assert json.loads(again.stdout) == kept
    chat = piped("--headless", **own(tmp_path))
    chat.expect(rf"^Local peer id: {peer_id}$")


def test_py_peer_id_takes_a_named_file_and_refuses_what_is_no_key(tmp_path: Path) -> None:
    peer_id = py_peer_id(tmp_path, "--identity", "mine").stdout
    assert py_peer_id(tmp_path, "--identity", "mine").stdout == peer_id
    assert not kept_in(tmp_path).exists()
    (tmp_path / "mine").write_text("my diary\n")
    refused = py_peer_id(tmp_path, "--identity", "mine")
    assert (refused.returncode, refused.stdout) == (ExitCode.USAGE, "")
    assert refused.stderr.startswith(f"py-peer: bad identity: {tmp_path / 'mine'} holds no libp2p key. ")
    assert (tmp_path / "mine").read_text() == "my diary\n"


def test_py_peer_id_has_nothing_to_show_where_no_key_is_kept(tmp_path: Path) -> None:
    refused = subprocess.run(
        [*PY_PEER, "id"], env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert refused.returncode == ExitCode.USAGE
    assert "each run has a new one (PY_PEER_EPHEMERAL); --no-ephemeral shows" in refused.stderr
    (tmp_path / "config.toml").write_text("ephemeral = true")
    assert py_peer_id(tmp_path, "--config", "config.toml").returncode == ExitCode.USAGE
    kept = py_peer_id(tmp_path, "--config", "config.toml", "--no-ephemeral")
    assert (kept.returncode, kept.stdout) == (0, py_peer_id(tmp_path).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is a full disk on Linux")
def test_an_output_that_nobody_reads_is_no_fault_and_a_full_disk_is_said(tmp_path: Path) -> None:
    def errors_of(output: int, code: int) -> str:
        command = [*PY_PEER, "id", "--identity", "mine"]
        ended = subprocess.run(
            command,
            env=environment(**own(tmp_path)),
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        os.close(output)
        assert ended.returncode == code
        return ended.stderr

    py_peer_id(tmp_path, "--identity", "mine")
    reader, unread = os.pipe()
    os.close(reader)
    assert errors_of(unread, ExitCode.OK) == ""
    full = errors_of(os.open("/dev/full", os.O_WRONLY), ExitCode.FAULT)
    assert full == "py-peer: standard output cannot be written: No space left on device\n"


def test_py_peer_id_does_without_libp2p(tmp_path: Path) -> None:
    code = "import sys, py_peer.frontends.id_command; sys.exit('libp2p' in sys.modules or 'trio' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], env=environment(), cwd=tmp_path, timeout=DEADLINE, check=True)


def test_after_kill_9_a_restart_has_the_key_and_the_port_and_the_others_see_it_come_back(
    piped: Callable[..., Piped], tmp_path: Path
) -> None:
    ann = piped("--headless", "--nick", "ann", "--identity", "ann.key")
    address = ann.address()
    peer_id = address.rpartition("/")[2]
    bob = piped("--headless", "--nick", "bob", "-c", address)
    bob.expect(rf"^Peer joined: {peer_id}$")
    ann.signal(signal.SIGKILL)
    ann.process.wait(DEADLINE)
    again = piped("--headless", "--nick", "ann", "--identity", "ann.key", "--port", address.split("/")[4])
    assert again.address() == address
    assert "in use" not in again.text
    bob.expect(rf"^Peer left: {peer_id}$")
    bob.expect_count(rf"^Peer joined: {peer_id}$", 2)


def test_a_second_window_says_that_it_has_a_key_of_its_own(piped: Callable[..., Piped], tmp_path: Path) -> None:
    file = tmp_path / "my.key"
    first = piped("--identity", "my.key")
    first.expect(rf"^📡 A new key is kept in {file}$")
    second = piped("--identity", "my.key")
    second.expect(
        rf"^📡 The key in {file} is in use by process {first.process.pid}; this one runs with a key for this "
    )
    assert first.address().rpartition("/")[2] != second.address().rpartition("/")[2]
    first.send("/status\n")
    first.expect(rf"^  - Identity: kept in {file}$")
    second.send("/status\n")
    second.expect(r"^  - Identity: of this session alone$")


def test_what_is_typed_before_the_service_is_ready_ignores_and_shows_again(
    piped: Callable[..., Piped], tmp_path: Path
) -> None:
    for line, answer in (
        (f"/ignore {EVE}", f"📡 Ignored from now on: {EVE[-8:]}"),
        (f"/unignore {EVE[-5:]}", f"📡 Shown again: {EVE[-8:]}"),
    ):
        chat = piped(**own(tmp_path))
        chat.send(f"{line}\n")
        chat.end_input()
        assert chat.leave(DEADLINE) == 0
        assert answer in chat.lines


def test_a_file_that_is_no_key_is_refused_with_exit_2(piped: Callable[..., Piped], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("my diary\n")
    refused = piped("--identity", "notes.txt")
    assert refused.process.wait(DEADLINE) == ExitCode.USAGE
    refused.leave()
    assert refused.errors.startswith(f"py-peer: bad identity: {tmp_path / 'notes.txt'} holds no libp2p key. Name ")
    assert (tmp_path / "notes.txt").read_text() == "my diary\n"
