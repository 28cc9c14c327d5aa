"""How a commit is shown: nine fields, the patch in colours where there are any, and what can be verified."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from py_peer.core.commits import Commit
from py_peer.core.git_events import CommitNotShown, CommitShown, CommitSource
from py_peer.frontends.git_lines import shown_lines
from py_peer.frontends.lines import event_lines, sentence

if TYPE_CHECKING:
    from py_peer.core.events import Event

ID = "3f2a9c1be0" * 4
ANN = "12D3KooWGRUVhdLJB6D6MaqDzPRLqWWKPBB6LcVEZQFyYjqHbpKT"
COMMIT = Commit(
    id=ID,
    tree="ab" * 20,
    parents=("cd" * 20, "ef" * 20),
    author_name="Ada Lovelace",
    author_email="ada@example.org",
    committer_name="Bob",
    committer_email="",
    message="A subject\n\n- a point, and no line of the patch",
    time=1_700_000_000,
)
PATCH = "diff --git a/x b/x\n@@ -1 +1 @@\n-old\n+new\n same"
SHOWN = CommitShown(1, COMMIT, True, CommitSource.PEER, PATCH, peer_id=ANN)
PLAIN = [
    "🔎 Commit 3f2a9c1be03f from qHbpKT: its object hashes to its ID",
    f"    commit     {ID}",
    f"    tree       {'ab' * 20}",
    f"    parents    {'cd' * 20} {'ef' * 20}",
    "    author     Ada Lovelace <ada@example.org>",
    "    committer  Bob",
    "    time       2023-11-14 22:13:20 UTC",
    "",
    "        A subject",
    "",
    "        - a point, and no line of the patch",
    "",
    "    The patch, which nothing verifies:",
    "    diff --git a/x b/x",
    "    @@ -1 +1 @@",
    "    -old",
    "    +new",
    "     same",
]


@pytest.fixture(autouse=True)
def _with_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def called(peer_id: str) -> str:
    return peer_id[-6:]


def test_in_a_pipe_a_commit_is_shown_plain() -> None:
    assert event_lines(SHOWN, None, called) == PLAIN


def test_on_a_terminal_the_lines_of_the_patch_have_colours_and_nothing_else_has() -> None:
    colours = {"    diff": 1, "    @@": 36, "    -old": 31, "    +new": 32}
    lines = shown_lines(SHOWN, 100, called)
    painted = [
        next((f"\x1b[{ink}m{line}\x1b[0m" for begin, ink in colours.items() if line.startswith(begin)), line)
        for line in PLAIN
    ]
    assert lines == painted


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_wants_no_colours_gets_none(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert shown_lines(SHOWN, 100, called) == PLAIN


def test_long_lines_are_broken_under_the_indent_each_row_in_its_colour() -> None:
    wide = CommitShown(1, COMMIT, True, CommitSource.OWN, "@@ -1 +1 @@\n+" + "word " * 20)
    rows = shown_lines(wide, 40)
    assert rows[0] == "🔎 Commit 3f2a9c1be03f of your own: its"
    added = [row for row in rows if row.startswith("\x1b[32m")]
    assert len(added) > 2
    assert all(row.startswith("\x1b[32m    ") and row.endswith("\x1b[0m") for row in added)
    assert all(len(row.removeprefix("\x1b[32m").removesuffix("\x1b[0m")) <= 40 for row in added)


@pytest.mark.parametrize(("columns", "rows"), [(45, ["commit", ID]), (54, ["commit", ID]), (55, [f"commit     {ID}"])])
def test_where_no_id_has_room_beside_its_name_it_stands_whole_below(columns: int, rows: list[str]) -> None:
    shown = [row.strip() for row in shown_lines(SHOWN, columns, called)]
    assert "\n".join(rows) in "\n".join(shown)


def test_of_many_parents_the_first_are_shown() -> None:
    octopus = replace(COMMIT, parents=tuple(f"{number:040x}" for number in range(256)))
    lines = event_lines(CommitShown(1, octopus, True, CommitSource.OWN), 80)
    assert sum("0" * 30 in line for line in lines) == 8
    assert any(line.endswith(" and 248 more") for line in lines)


def test_what_is_not_known_is_left_out_and_what_is_not_verified_says_so() -> None:
    bare = Commit(ID, "", (), "", "", "", "", "A message", 0)
    lines = event_lines(CommitShown(1, bare, False, CommitSource.DHT, tag="v1.0"))
    assert lines == [
        (
            "🔎 Commit 3f2a9c1be03f from the DHT, by the tag v1.0, of which nothing says that it leads there: nothing "
            "verifies it; anybody can have put it there"
        ),
        f"    commit     {ID}",
        "",
        "        A message",
    ]


def test_of_a_commit_of_which_only_a_patch_was_found_nothing_is_said_of_its_message() -> None:
    unknown = Commit(ID, "", (), "", "", "", "", "", 0)
    _, *lines = event_lines(CommitShown(1, unknown, False, CommitSource.DHT, "+a"))
    assert lines == [f"    commit     {ID}", "", "    The patch, which nothing verifies:", "    +a"]


@pytest.mark.parametrize("time", [-(10**17), 10**17, -1], ids=["long ago", "far away", "before 1970"])
def test_every_time_can_be_shown(time: int) -> None:
    odd = Commit(ID, "ab" * 20, (), "", "", "", "", "", time)
    lines = event_lines(CommitShown(1, odd, True, CommitSource.OWN))
    assert "    parents    none" in lines
    assert any(line.startswith("    time       ") for line in lines)
    assert lines[-1] == "        (no message)"


def test_what_is_not_shown_says_why() -> None:
    event: Event = CommitNotShown(1, "3f2a9c1", "Ann: what it gives does not hash to that ID", wrong_hash=True)
    says = "Not shown: commit 3f2a9c1: Ann: what it gives does not hash to that ID"
    assert sentence(event) == says
    assert event_lines(event) == [f"❌ {says}"]
