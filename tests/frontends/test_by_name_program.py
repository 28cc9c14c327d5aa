"""Files by name between real programs, none of which is in the room: docs/files-by-name.md shows what happens."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from py_peer.core import tree_hash
from tests.frontends.programs import DEADLINE, PY_PEER, ROOT, environment, run_to_its_end
from tests.frontends.test_kv_program import HERE, NOWHERE, where
from tests.service.file_friends import PIECE, falsify, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.frontends.programs import Piped

PAGE = (ROOT / "docs" / "files-by-name.md").read_text(encoding="utf-8")
PLACE = "/ip4/192.0.2.7/tcp/4001"
NAME = "summer photo"
LARGE = 192 * 1024 * 1024


def shown() -> list[tuple[list[str], str]]:
    """Return what the page has typed, and what stands below it up to the next blank line."""
    found = re.findall(r"^    \$ py-peer (.*)\n((?:    .*\n)+)", PAGE, re.MULTILINE)
    return [(shlex.split(line), re.sub(r"^    ", "", below, flags=re.MULTILINE)) for line, below in found]


def root_of(body: bytes) -> str:
    leaves = [tree_hash.leaf(body[start : start + PIECE]) for start in range(0, len(body), PIECE)]
    return tree_hash.root(b"".join(leaves)).hex()


@pytest.fixture
def town(piped: Callable[..., Piped]) -> str:
    """Run three who take part in Kademlia; return where the first is."""
    first = piped("kv", "shell", *HERE)
    at = where(first)
    for _ in range(2):
        where(piped("kv", "shell", *HERE, "--bootstrap", at))
    return at


@pytest.fixture
def provide(piped: Callable[..., Piped], town: str) -> Callable[..., Piped]:
    """Provide a file, and return when others know of it."""

    def start(path: Path, name: str = NAME, *more: str) -> Piped:
        program = piped("provide", "--path", str(path), "--name", name, *HERE, "--bootstrap", town, *more)
        program.expect("get --name|file_provided")
        return program

    return start


@pytest.fixture
def get(tmp_path: Path, town: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Get a file into a folder of the test."""
    (tmp_path / "here").mkdir()
    return lambda *arguments: run_to_its_end(
        tmp_path, "get", "--out", str(tmp_path / "here"), *HERE, "--bootstrap", town, *arguments
    )


def test_what_a_provides_e_gets_as_the_page_shows(piped: Callable[..., Piped], tmp_path: Path, town: str) -> None:
    (provide, provided), (get, got) = shown()
    body = os.urandom(1_200_000)
    (tmp_path / "photo.png").write_bytes(body)
    alice = piped(*[word.replace(PLACE, town) for word in provide], *HERE)
    promised = re.sub("[0-9a-f]{64}", root_of(body), provided).replace("4 of 4", "3 of 3")
    alice.wait_for(lambda: len(alice.lines) >= 2, "what is provided")
    assert alice.text == promised
    bob = run_to_its_end(tmp_path, *[word.replace(PLACE, town) for word in get], *HERE)
    assert (bob.returncode, bob.stdout) == (0, got.replace("/home/bob", str(tmp_path))), bob.stderr
    assert (tmp_path / NAME).read_bytes() == body
    assert "📡 1 peer(s) provide summer photo\n" in bob.stderr
    assert "✓ Fetched summer photo (1.2 MB)" in bob.stderr
    (who,) = re.findall("^    (.* has fetched .*)$", PAGE, re.MULTILINE)
    alice.expect(rf"^{who.replace('ZrrdyAbc', '[0-9A-Za-z]{8}')}$")
    alice.signal(signal.SIGINT)
    assert alice.leave() == 0


def test_a_provider_that_lies_loses_to_one_that_does_not_and_alone_it_is_found_out(
    provide: Callable[..., Piped], get: Callable[..., Any], tmp_path: Path
) -> None:
    copy = write(tmp_path / "copy.bin", 3 * PIECE)
    body = copy.read_bytes()
    liar = provide(copy)
    falsify(copy, 2 * PIECE)
    failed = get("--name", NAME)
    assert failed.returncode == 7, failed.stderr
    assert "is not what its hash stands for" in failed.stderr
    assert failed.stdout == ""
    (tmp_path / "photo.bin").write_bytes(body)
    provide(tmp_path / "photo.bin")
    done = get("--name", NAME, "--json")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "here" / NAME).read_bytes() == body
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in told if event["event"] != "transfer_progress"] == [
        "transfer_started",
        "transfer_done",
    ]
    other = get("--name", NAME, "--hash", "00" * 32)
    assert other.returncode == 7
    assert "none of those who provide it has the file of that hash" in other.stderr
    assert liar.process.poll() is None


def test_what_is_interrupted_says_so_and_goes_on(
    provide: Callable[..., Piped], piped: Callable[..., Piped], get: Callable[..., Any], town: str, tmp_path: Path
) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(LARGE)
    provide(path, "large")
    here = tmp_path / "here"
    one = piped("get", "--name", "large", "--out", str(here), *HERE, "--bootstrap", town)
    one.wait_for(lambda: " % · " in one.errors, "that some of it is there")
    one.signal(signal.SIGINT)
    assert one.leave() == 6
    assert one.errors.endswith("py-peer: large is not here yet; the same command goes on where it was\n")
    assert [path.name.endswith(".part") for path in here.iterdir()] == [True]
    done = get("--name", "large")
    assert done.returncode == 0, done.stderr
    assert "are here already" in done.stderr
    assert [path.name for path in here.iterdir()] == ["large"]
    assert (here / "large").stat().st_size == LARGE


def test_what_cannot_be_had_is_said_with_a_code_of_its_own(
    get: Callable[..., Any], provide: Callable[..., Piped], tmp_path: Path
) -> None:
    provide(write(tmp_path / "photo.bin", 10))
    missing = get("--name", "nothing")
    assert missing.returncode == 6
    assert "py-peer: Not found: nothing: none of the " in missing.stderr
    nowhere = get("--name", NAME, "--out", str(tmp_path / "missing" / "x"))
    assert nowhere.returncode == 6
    assert f"there is no folder {tmp_path}/missing" in nowhere.stderr
    alone = run_to_its_end(tmp_path, "get", "--name", NAME, *NOWHERE)
    assert alone.returncode == 4
    hint = "nobody was there to be asked; name a peer with --connect or --bootstrap"
    assert alone.stderr.endswith(f"py-peer: Not fetched: {NAME}: {hint}\n")
    unreadable = run_to_its_end(tmp_path, "provide", "--path", str(tmp_path / "missing"), *HERE)
    assert unreadable.returncode == 6
    assert unreadable.stderr == f"py-peer: Not provided: {tmp_path}/missing: No such file or directory\n"
    folder = run_to_its_end(tmp_path, "provide", "--path", str(tmp_path), "--json", *HERE)
    assert (folder.returncode, json.loads(folder.stdout)["text"]) == (6, f"Not provided: {tmp_path}: it is a folder")


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is a full disk on Linux")
def test_a_result_that_cannot_be_written_is_not_lost_in_silence(
    provide: Callable[..., Piped], tmp_path: Path, town: str
) -> None:
    def errors_of(*command: str, code: int) -> str:
        at = ("--bootstrap", town, *HERE)
        with Path("/dev/full").open("wb") as stream:
            ended = subprocess.run(
                [*PY_PEER, *command, *at],
                env=environment(),
                cwd=tmp_path,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.PIPE,
                text=True,
                timeout=DEADLINE,
                check=False,
            )
        assert ended.returncode == code, ended.stderr
        return ended.stderr

    provide(write(tmp_path / "photo.bin", 10))
    full = "py-peer: standard output cannot be written: No space left on device\n"
    assert errors_of("get", "--name", NAME, "--out", "photo", code=1).endswith(full)
    assert (tmp_path / "photo").stat().st_size == 10
    assert errors_of("kv", "put", "colour", "blue", code=1).endswith(full)
    assert errors_of("kv", "get", "nothing", "--json", code=6).endswith(full)
    broken = errors_of("get", "--name", NAME, "--out", "other", "--json", code=6)
    assert broken.endswith(f"{full}py-peer: {NAME} is not here yet; the same command goes on where it was\n")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("provide",), "the following arguments are required: --path"),
        (("provide", "--path", "x", "--name", "a\nb"), "argument --name: a name has no control characters"),
        (("provide", "--path", ""), "argument --path: a path has something in it"),
        (("get",), "the following arguments are required: --name"),
        (("get", "--name", "x" * 256), "argument --name: a name has at most 255 bytes, and this one has 256"),
        (("get", "--name", "x", "--hash", "abc"), "argument --hash: it is not a hash of 64 hexadecimal digits"),
    ],
    ids=["no-path", "own-name", "empty-path", "no-name", "name", "hash"],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, arguments: tuple[str, ...], reason: str) -> None:
    ended = run_to_its_end(tmp_path, *arguments)
    assert ended.returncode == 2
    assert reason in ended.stderr
