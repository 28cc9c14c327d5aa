"""`py-peer git` between real programs, none of which is in the room: docs/git.md shows what happens."""

from __future__ import annotations

import json
import re
import shlex
import signal
from typing import TYPE_CHECKING

import pytest

from tests.frontends.programs import DEADLINE, ROOT, run_to_its_end
from tests.git_repository import GitRepository, needs_git

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.frontends.programs import Piped

pytestmark = needs_git
PAGE = (ROOT / "docs" / "git.md").read_text(encoding="utf-8")
NOWHERE = ("--connect", "/ip4/127.0.0.1/tcp/9", "--timeout", "1")


@pytest.fixture
def at(piped: Callable[..., Piped]) -> tuple[str, str]:
    """Start somebody who takes part in Kademlia, and stays; return how he is named to another."""
    shell = piped("kv", "shell", "--listen", "/ip4/127.0.0.1/tcp/0")
    shell.wait_for(lambda: "Listening on: " in shell.errors, "where it listens")
    return "--connect", shell.errors.split("Listening on: ")[1].split("\n")[0]


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    made = GitRepository(tmp_path / "repository")
    made.commit("The beginning", {"colour": b"red\n"})
    made.commit("Blue is better\n\nAsk \x1b[31manybody.", {"colour": b"\tblue\n"})
    made.git("tag", "v1")
    return made


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_to_its_end(folder, "git", *arguments)


def test_who_publishes_leaves_and_another_shows_it_and_says_what_is_verified(
    at: tuple[str, str], repository: GitRepository, tmp_path: Path
) -> None:
    first, second = repository.git("rev-parse", "HEAD~1", "HEAD").split()
    published = git(repository.path, "publish", f"{first}..main", *at)
    assert (published.returncode, published.stdout) == (0, f"{second}\n")
    assert published.stderr.endswith("Published 1 commit(s): 5 of 5 values are kept, each by 1 of 1 peer(s) or more\n")
    shown = git(tmp_path, "show", second, "--patch", *at)
    assert shown.returncode == 0
    assert shown.stdout.startswith(f"🔎 Commit {second[:12]} from the DHT: its object hashes to its ID\n")
    for line in (f"commit     {second}", f"parents    {first}", "author     Ada Lovelace <ada@example.org>"):
        assert f"\n    {line}\n" in shown.stdout
    for line in ("        Ask anybody.", "    The patch, which nothing verifies:", "    -red", "    +    blue"):
        assert f"\n{line}\n" in shown.stdout
    by_tag = git(tmp_path, "show", "v1", *at)
    assert by_tag.returncode == 0
    assert by_tag.stdout.startswith(
        f"🔎 Commit {second[:12]} from the DHT, by the tag v1, of which nothing says that it leads there: its object"
    )
    assert "The patch" not in by_tag.stdout
    told = json.loads(git(tmp_path, "show", second, "--patch", "--json", *at).stdout)
    assert (told["event"], told["verified"], told["commit"]["id"]) == ("commit_shown", True, second)


ON_THE_WAY = "📡 Kademlia bootstrap"
"""On a busy machine it is told that somebody was not reached at once."""


def test_the_page_shows_what_happens(at: tuple[str, str], tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "page")
    repository.commit("Engines weave", {"loom": b"cards\n"})
    repository.commit("Looms take more cards\n\nAs many as one has.", {"loom": b"more cards\n"})
    repository.git("tag", "v1.0")
    page = PAGE[PAGE.index("## In the DHT") : PAGE.index("| `py-peer git publish")]
    examples = re.findall(r"^    \$ py-peer (.*)\n((?:(?:    (?!\$ ).*)?\n)*)", page, re.MULTILINE)
    assert len(examples) == 5
    for command, block in examples:
        if "HEAD~1" in command:
            repository.commit("A long list", {"list": b"one more line of it\n" * 1_000})
        done = run_to_its_end(repository.path, *shlex.split(command.replace("/ip4/192.0.2.7/tcp/4001", at[1])))
        lines = [line.removeprefix("    ") for line in block.rstrip("\n").split("\n")]
        prose = next((number for number, line in enumerate(block.split("\n")) if line and line[0] != " "), len(lines))
        promised = "\n".join(lines[:prose]).rstrip("\n")
        told = "".join(line for line in done.stderr.splitlines(keepends=True) if not line.startswith(ON_THE_WAY))
        assert (told + done.stdout).rstrip("\n") == promised
        failed = {"Not published": 5, "py-peer: ": 6}
        assert done.returncode == next((code for begin, code in failed.items() if promised.startswith(begin)), 0)


def test_each_outcome_has_a_code(
    piped: Callable[..., Piped], at: tuple[str, str], repository: GitRepository, tmp_path: Path
) -> None:
    alone = piped("git", "publish", "--repo", str(repository.path), *NOWHERE)
    asking_nobody = piped("git", "show", "f" * 40, *NOWHERE)
    outside = git(tmp_path, "publish", *at)
    assert (outside.returncode, outside.stdout) == (2, "")
    assert re.fullmatch(r"py-peer: Not published: HEAD: \S+ is in no Git repository\n", outside.stderr)
    bad = git(tmp_path, "publish", "nobody", "--repo", str(repository.path), *at)
    assert (bad.returncode, "no commit 'nobody'" in bad.stderr) == (2, True)
    assert (alone.leave(DEADLINE), alone.text) == (4, "")
    assert "py-peer: Not published: nobody was there to take it" in alone.errors
    assert asking_nobody.leave(DEADLINE) == 4

    large = repository.commit("Large", {"large": b"a line of it\n" * 1_000})
    in_part = git(repository.path, "publish", "--json", *at)
    events = [json.loads(line) for line in in_part.stdout.splitlines()]
    assert (in_part.returncode, events[-1]["event"], events[-1]["commits"]) == (5, "commits_published", [large])
    (refused,) = (event for event in events if event["event"] == "not_published")
    assert (refused["part"], "at most 10,240 bytes" in refused["reason"]) == ("patch", True)
    assert f"Not published: the patch of {large[:12]}: a value" in git(repository.path, "publish", *at).stderr
    assert git(repository.path, "publish", "--no-patches", *at).returncode == 0

    without = git(tmp_path, "show", large, "--patch", *at)
    assert (without.returncode, without.stderr.startswith("py-peer: no patch was found beside it")) == (0, True)
    missed = git(tmp_path, "show", "f" * 40, *at)
    none = "none of the 1 peer(s) that were asked has it"
    assert (missed.returncode, missed.stdout) == (6, "")
    assert missed.stderr == f"py-peer: Not found: {'f' * 40}: {none}\n"
    assert git(tmp_path, "show", "/tag", *at).returncode == 2
    assert not run_to_its_end(tmp_path, "kv", "put", "e" * 40, "What anyone can say", *at).returncode
    lied = git(tmp_path, "show", "e" * 40, *at)
    assert lied.returncode == 6
    assert "nothing verifies it; anybody can have put it there" in lied.stdout
    assert "no object that hashes to this ID was found" in lied.stderr


def test_what_was_published_can_be_forgotten_in_a_later_run(
    at: tuple[str, str], repository: GitRepository, tmp_path: Path
) -> None:
    lasting = ("--identity", str(tmp_path / "key"), *at)
    assert not git(repository.path, "publish", *lasting).returncode
    forgotten = git(repository.path, "forget", *lasting)
    assert (forgotten.returncode, forgotten.stdout.startswith("Forgotten: 5 value(s)")) == (0, True)
    again = git(repository.path, "forget", *lasting)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "py-peer: Not forgotten: HEAD: you keep nothing of it that you have put\n"


def test_whoever_ends_it_before_all_is_published_is_told_so(
    piped: Callable[..., Piped], at: tuple[str, str], tmp_path: Path
) -> None:
    repository = GitRepository(tmp_path / "long")
    repository.history(61)
    publishing = piped("git", "publish", "HEAD~60..HEAD", "--repo", str(repository.path), *at)
    publishing.wait_for(lambda: "Publishing: " in publishing.errors, "that it has begun")
    publishing.signal(signal.SIGINT)
    assert publishing.leave() == 5
    kept = publishing.text.split()
    assert kept
    assert set(kept) <= set(repository.git("rev-list", "HEAD").split())
    assert publishing.errors.endswith("not all of it is published yet; the same command publishes the rest\n")
