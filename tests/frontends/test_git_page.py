"""Commits between real programs: what docs/git.md shows of /commit and /diff is what happens."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest

from tests.frontends.pages import PLACE, SOMEBODY, page, pattern, section
from tests.frontends.programs import DEADLINE, Piped, Terminal, run_to_its_end
from tests.frontends.test_scripted_program import read, seen
from tests.git_repository import GitRepository, needs_git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.frontends.programs import Program

pytestmark = needs_git

PAGE = page("git.md")
VARIES = {**SOMEBODY, "k3xabq7wnhcu5dzo": "[a-z2-7]{16}"}
"""What is another at each run, in the page and as a pattern."""


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    """Return Ada's repository: its commits have the IDs of the page."""
    made = GitRepository(tmp_path / "hello")
    made.commit("Say hello", {"hello.txt": b"hello\n"})
    made.commit("Say it to everybody\n\nOne was not enough.", {"hello.txt": b"hello, world\n"})
    return made


@pytest.fixture
def ada(repository: GitRepository, programs: list[Program]) -> Callable[..., Piped]:
    """Start somebody on pipes who is in the repository."""

    def start(*arguments: str) -> Piped:
        programs.append(program := Piped(("--no-intro", *arguments), repository.path))
        return program

    return start


def test_two_people_see_what_the_page_shows(
    repository: GitRepository, programs: list[Program], terminal: Callable[..., Terminal]
) -> None:
    people: dict[str, Terminal] = {}
    someone: Terminal
    for line in section(PAGE, "Ada is in the folder", "| command"):
        if line.startswith("    $ py-peer "):
            arguments = shlex.split(PLACE.sub(people["Ada"].address() if people else "", line))[2:]
            name = arguments[1].title()
            if name == "Ada":
                programs.append(someone := Terminal(arguments, repository.path, {}))
            else:
                someone = terminal(*arguments)
            people[name] = someone
            someone.address()
        elif line.startswith("Ada tells"):
            someone = people["Ada"]
            someone.expect(r"is called bob|\(bob\)|^\[bob")
        elif line.startswith("Bob reads"):
            someone = people["Bob"]
        elif line.startswith("    > "):
            someone.send(line.removeprefix("    > ") + "\r")
        elif line.startswith("    "):
            someone.expect(pattern(line.removeprefix("    "), VARIES))
    assert set(people) == {"Ada", "Bob"}


def test_a_pipe_posts_and_its_exit_code_says_why_not(
    ada: Callable[..., Piped], repository: GitRepository, tmp_path: Path
) -> None:
    (line,) = [line for line in section(PAGE, "## Scripts", "Through pipes") if "| py-peer" in line]
    printf, _, started = line.strip().partition(" | ")
    told = "\n".join(shlex.split(printf)[2:]) + "\n"
    bob = ada("--headless")
    options = shlex.split(PLACE.sub(bob.address(), started))[1:]
    ended = run_to_its_end(repository.path, *options, given=told)
    assert ended.returncode == 0, ended.stdout
    bob.expect(r"commit 967086699b57: Say it to everybody — Ada Lovelace, 1 file, \+1 -1$")

    outside = run_to_its_end(tmp_path, *options, given=told)
    assert outside.returncode == 5
    assert f"❌ Not posted: {tmp_path} is in no Git repository\n" in outside.stdout
    assert run_to_its_end(repository.path, *options, given="/diff v9\n").returncode == 5
    alone = run_to_its_end(repository.path, given=told)
    assert alone.returncode == 4, alone.stdout


def test_a_script_reads_the_lines_that_the_page_shows(ada: Callable[..., Piped]) -> None:
    told, promised = [
        line.strip() for line in section(PAGE, "## Scripts", "and then by what") if line.startswith("    {")
    ]
    bob = ada("--headless")
    one = ada("--json", "--connect", bob.address())
    one.send(f"{told}\n")
    found = seen(one, "commit_posted", id=1)
    assert list(found) == list(json.loads(promised))
    assert found | {"at": 0} == json.loads(promised) | {"at": 0}
    assert seen(one, "message_sent")["ticket"] == found["ticket"]
    one.end_input()
    assert one.leave(DEADLINE) == 0
    assert read(one)[-1]["event"] == "ended"


def test_who_has_read_of_a_commit_opens_it_through_a_pipe_and_from_a_script(
    ada: Callable[..., Piped], repository: GitRepository, tmp_path: Path
) -> None:
    lines = [
        line.strip() for line in section(PAGE, "A pipe waits for", "`patch` is cleaned") if line.startswith("    ")
    ]
    piped, told, promised = lines
    author = ada("--nick", "ada")
    one = ada("--json", "--nick", "bob", "--connect", author.address())
    author.expect("^📡 Peer joined: ")
    author.send("/commit\n")
    assert seen(one, "message_received")["text"].startswith("commit 967086699b57: ")
    one.send(f"{told}\n")
    found = seen(one, "commit_shown", id=2)
    assert list(found) == list(json.loads(promised))
    varies = {"at": 0, "peer_id": ""}
    assert found | varies == json.loads(promised) | varies
    assert found["peer_id"] == author.address().rpartition("/")[2]
    one.end_input()
    assert one.leave(DEADLINE) == 0

    printf, _, started = piped.partition(" | ")
    options = shlex.split(PLACE.sub(author.address(), started))[1:]
    given = "\n".join(shlex.split(printf)[2:]) + "\n"
    ended = run_to_its_end(tmp_path, *options, given=given)
    assert ended.returncode == 0, ended.stdout
    assert "    +hello, world" in ended.stdout.splitlines()
    assert run_to_its_end(tmp_path, *options, given=given.replace("967086", "000000")).returncode == 6
