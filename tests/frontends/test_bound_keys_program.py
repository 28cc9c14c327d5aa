"""A Nostr key and its peer between real programs: what docs/nostr.md shows is what happens."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from py_peer.core.exit_codes import ExitCode
from tests.frontends.pages import PLACE, page, pattern, section
from tests.frontends.programs import run_to_its_end
from tests.frontends.test_scripted_program import address, read, seen, tell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.frontends.programs import Piped, Terminal

PAGE = page("nostr.md")
VARIES = {r"  \d+\\\.\d+ ms": r"(  \\d+\\.\\d+ ms)?", r"\bZrrdyAbc\b": r"\\w{8}"}
"""What is another at each run, in the page and as a pattern."""


def test_two_people_see_what_the_page_shows(
    terminal: Callable[..., Terminal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    shown = "\n".join(section(PAGE, "## In the chat", "Both have signed"))
    (npub,) = set(re.findall(r"npub1\w{58}", shown))
    made = run_to_its_end(tmp_path, "nostr", "key", "new").stdout.strip()
    people: dict[str, Terminal] = {}
    someone: Terminal | None = None
    for line in (one.replace(npub, made).replace(npub[-8:], made[-8:]) for one in shown.splitlines()):
        if line.startswith("    $ py-peer --nick"):
            where = people["alice"].address().partition("/p2p/")[0] if people else ""
            arguments = shlex.split(PLACE.sub(where, line))[2:]
            someone = people[arguments[1]] = terminal(*arguments, columns=160)
            someone.address()
        elif line.startswith("    > "):
            assert someone is not None
            someone.send(line.removeprefix("    > ") + "\r")
        elif line.startswith("    ") and someone is not None:
            someone.expect(pattern(line.removeprefix("    "), VARIES))
    assert set(people) == {"alice", "bob"}


def test_without_a_key_the_chat_does_not_start_and_says_how_one_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    ended = run_to_its_end(tmp_path, "--nostr")
    assert (ended.returncode, ended.stdout) == (ExitCode.USAGE, "")
    assert "argument --nostr: There is no key of Nostr in" in ended.stderr
    assert "Make one with: py-peer nostr key new" in ended.stderr
    monkeypatch.setenv("PY_PEER_NOSTR", "1")
    ended = run_to_its_end(tmp_path, "--no-nostr", given="/quit\n")
    assert ended.returncode == ExitCode.OK


def test_a_script_is_told_whose_key_it_is(piped: Callable[..., Piped]) -> None:
    alice = piped("--json", "--nick", "alice", "--no-intro", "--nostr", PY_PEER_NSEC="0" * 63 + "3")
    bob = piped("--json", "--nick", "bob", "--no-intro", "--connect", address(alice))
    bound = seen(bob, "nostr_bound")
    assert bound["npub"] == "npub1lycg5qvjtrp3qjf5f7zl382j9x6nrjz9sdhenvyxq8c3808qxmus6gq266"
    tell(bob, "whois", peer=bound["npub"], id="w")
    (found,) = seen(bob, "found_peers", id="w")["peers"]
    assert (found["nick"], found["npub"]) == ("alice", bound["npub"])
    assert found["connection"]["npub"] == bound["npub"]
    read(bob)
