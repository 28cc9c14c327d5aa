"""gnostr's own chat between real programs: what docs/gnostr.md shows is what happens."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any, Final

import pytest
from dulwich import porcelain

from py_peer.core.gnostr import KINDS
from py_peer.core.topics import shown_topic
from py_peer.frontends.arguments import parse_arguments
from tests.frontends.pages import PLACE, SOMEBODY, page, pattern, section
from tests.frontends.programs import DEADLINE, run_to_its_end
from tests.frontends.test_scripted_program import read, seen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.frontends.programs import Piped, Terminal

PAGE: Final = page("gnostr.md")
SHOWN_COMMIT: Final = "3f786850e387550fdab836ed7e6dc881de23001b"
VARIES: Final = {**SOMEBODY, r"(alice|bob) joined!": r"\1(\\(\\w{8}\\))? joined!"}
"""What is another at each run; of who has just come the name may not have been announced yet."""


@pytest.fixture
def commit(tmp_path: Path) -> str:
    """Make the folder in which the programs run a repository; return the ID of its commit."""
    repo = porcelain.init(str(tmp_path))
    made: bytes = repo.get_worktree().commit(b"first", committer=b"a <a@b>", author=b"a <a@b>")
    repo.close()
    return made.decode()


def shown(commit: str, heading: str, end: str) -> list[str]:
    """Return the lines of the page between two of its lines, about this commit."""
    text = PAGE.replace(SHOWN_COMMIT, commit).replace(shown_topic(SHOWN_COMMIT), shown_topic(commit))
    return section(text, heading, end)


def test_two_people_see_what_the_page_shows(terminal: Callable[..., Terminal], commit: str) -> None:
    people: dict[str, Terminal] = {}
    someone: Terminal
    told: dict[str, int] = {}
    prompt = f"    {shown_topic(commit)}> "
    for line in shown(commit, "Alice stands", "A user of gnostr"):
        if line.startswith("    $ py-peer "):
            address = people["Alice"].address() if people else ""
            arguments = shlex.split(PLACE.sub(address, line).removeprefix("    $ py-peer "))
            someone = people[arguments[1].title()] = terminal(*arguments, columns=120)
            someone.address()
            told.clear()
        elif line.startswith(prompt):
            someone.send(line.removeprefix(prompt) + "\r")
        elif line.startswith("    "):
            told[line] = told.get(line, 0) + 1
            someone.expect_count(pattern(line.removeprefix("    "), VARIES), told[line])
        elif line.startswith("Alice sees"):
            someone = people["Alice"]
            told.clear()
    assert set(people) == {"Alice", "Bob"}
    people["Bob"].expect(rf"^📡 {shown_topic(commit)} alice(\(\w{{8}}\))? left!$")


def test_a_script_says_what_the_page_shows(piped: Callable[..., Piped], tmp_path: Path, commit: str) -> None:
    first = piped("--headless", "--wire", "gnostr", "--topic", "HEAD", "--no-intro")
    address = re.search(r"Listening on: (/ip4/127\S+)", first.expect(r"(?s)Listening on: .*").string)
    assert address is not None
    (line,) = [line.strip() for line in shown(commit, "## Scripts", "With `--json`") if "py-peer" in line]
    arguments = [PLACE.sub(address[1], argument) for argument in shlex.split(line)[1:]]
    ended = run_to_its_end(tmp_path, *arguments)
    assert ended.returncode == 0, ended.stdout
    first.expect(rf"^Received message on #{commit} from \w+: the build is green$")
    assert "Received Join" not in first.text  # as gnostr's own does not


def test_a_script_reads_the_lines_that_the_page_shows(piped: Callable[..., Piped], commit: str) -> None:
    first = piped("--nick", "alice", "--wire", "gnostr", "--topic", "HEAD")
    one = piped("--json", "--wire", "gnostr", "--topic", "HEAD", "-c", first.address())
    lines = [line.strip() for line in shown(commit, "With `--json`", "`standing` is") if line.startswith("    {")]
    for line in lines:
        promised = json.loads(line)
        found = seen(one, promised["event"])
        assert list(found) == list(promised)
        assert unchanging(found) == unchanging(promised)
    one.end_input()
    assert one.leave(DEADLINE) == 0
    assert read(one)[-1]["event"] == "ended"
    first.expect(rf"^📡 {shown_topic(commit)} user-\w+(\(\w{{8}}\))? left!$")


def unchanging(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in ("at", "timestamp", "peer_id", "plain")}


def test_outside_a_repository_head_is_a_usage_error(tmp_path: Path) -> None:
    ended = run_to_its_end(tmp_path, "--topic", "HEAD", "--oneshot", "x")
    assert ended.returncode == 2
    assert f"argument --topic: HEAD is no topic here: {tmp_path} is in no Git repository" in ended.stderr


def test_the_page_names_every_kind() -> None:
    table = PAGE[PAGE.index("| kind |") : PAGE.index("| any other")]
    named = {name.replace("…", "GitCommit") for name in re.findall(r"`(…?[A-Z][A-Za-z]+)`", table)}
    assert named == set(KINDS)


@pytest.mark.parametrize(
    ("arguments", "environ", "is_taken"),
    [
        (["--wire", "gnostr"], {}, True),  # a topic can be joined later
        (["--wire", "gnostr", "--json", "--headless"], {}, True),
        (["--wire", "gnostr", "--headless"], {}, False),
        (["--wire", "gnostr", "-1", "hello"], {}, False),
        (["--wire", "gnostr", "-1", "hello", "--topic", "news"], {}, True),
        (["--wire", "gnostr", "-1", "hello", "--topic", "universal-connectivity"], {}, False),
        (["--wire", "raw", "-1", "hello"], {}, True),
        (["-1", "hello"], {"PY_PEER_WIRE": "gnostr"}, True),  # it is kept for when there is a topic
    ],
    ids=["chat", "script", "headless", "oneshot", "with a topic", "the room", "raw", "kept"],
)
def test_a_wire_that_could_never_be_spoken_is_a_usage_error(
    arguments: list[str], environ: dict[str, str], capsys: pytest.CaptureFixture[str], *, is_taken: bool
) -> None:
    if is_taken:
        wire = environ.get("PY_PEER_WIRE") or arguments[arguments.index("--wire") + 1]
        assert parse_arguments(arguments, environ).settings.wire == wire
        return
    with pytest.raises(SystemExit) as ended:
        parse_arguments(arguments, environ)
    assert ended.value.code == 2
    assert "argument --wire: the room has its own" in capsys.readouterr().err


def test_the_names_that_gnostr_has_for_options_mean_the_same() -> None:
    found = parse_arguments(["--name", "ci", "-1", "hello", "--topic", "news"], {})
    assert (found.settings.nickname, found.oneshot) == ("ci", "hello")
