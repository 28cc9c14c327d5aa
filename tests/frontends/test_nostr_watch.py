"""Relays of Nostr are watched by real programs: what docs/nostr.md shows is what happens."""

from __future__ import annotations

import json
import re
import shlex
import signal
import time
from typing import TYPE_CHECKING

import pytest

from py_peer.core.commits import Commit, commit_json
from py_peer.core.exit_codes import ExitCode
from py_peer.core.nostr import NostrEvent, commit_event, sign_event
from tests.frontends.programs import ROOT, Piped, run_to_its_end
from tests.frontends.test_scripted_program import read, seen, tell
from tests.nostr_relay import LocalRelay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.frontends.programs import Terminal

PAGE = (ROOT / "docs" / "nostr.md").read_text(encoding="utf-8")
SECRET = b"\x01" * 32
COMMIT = Commit("a" * 40, "b" * 40, (), "Ada Lovelace", "ada@x", "Ada Lovelace", "ada@x", "Engines weave\n", 1)


def about_git(text: str = "hello") -> NostrEvent:
    return sign_event(SECRET, int(time.time()), 1, [("gnostr", "git")], text)


@pytest.fixture
def relay() -> Iterator[LocalRelay]:
    with LocalRelay() as running:
        yield running


def pattern(line: str, relay: LocalRelay) -> str:
    """Return what a line of the page is here."""
    escaped = re.escape(line.replace("wss://relay.example", relay.url))
    return "^" + re.sub(r"npub1\w+", "npub1[a-z0-9]+", re.sub(r"\b5d1f0c8e2b7a\b", "a{12}", escaped)) + "$"


def expect_error(program: Piped | Terminal, wanted: str) -> None:
    assert isinstance(program, Piped)
    program.wait_for(lambda: re.search(wanted, program.errors, re.MULTILINE) is not None, wanted)


def test_the_page_shows_what_happens(
    piped: Callable[..., Piped], terminal: Callable[..., Terminal], relay: LocalRelay
) -> None:
    relay.publish(commit_event(commit_json(COMMIT), COMMIT.id, SECRET, int(time.time())).json())
    page = PAGE[PAGE.index("## Watching relays") : PAGE.index("`--nostr-relay` may be repeated")]
    lines = [line.removeprefix("    ") for line in page.splitlines() if line.startswith("    ")]
    assert sum(line.startswith("$ ") for line in lines) == 2
    program: Piped | Terminal
    arguments: list[str] = []
    for line in lines:
        if line.startswith("$ "):
            arguments = shlex.split(line.replace("wss://relay.example", relay.url))[2:]
            program = piped(*arguments) if "watch" in arguments else terminal(*arguments, columns=200)
            if "watch" not in arguments:
                program.expect("Joined chat room as 'bob'")
        elif line.startswith("> "):
            program.send(line[2:] + "\r")
        elif line.endswith("is connected") and "watch" in arguments:
            expect_error(program, pattern(line, relay))
        else:
            program.expect(pattern(line, relay))


def test_watch_runs_no_peer_prints_objects_and_leaves_when_it_has_had_enough(tmp_path: Path, relay: LocalRelay) -> None:
    other = sign_event(SECRET, int(time.time()), 1, [], "not about Git")
    relay.publish(other.json(), about_git("one\ntwo").json())
    watch = ("nostr", "watch", "--nostr-relay", relay.url)
    done = run_to_its_end(tmp_path, *watch, "--count", "1", "--json")
    heard = json.loads(done.stdout)
    assert (done.returncode, heard["event"], heard["text"]) == (0, "nostr_heard", "one\ntwo")
    assert done.stderr.splitlines()[0] == f"🟣 {relay.url} is connected"
    done = run_to_its_end(tmp_path, *watch, "--count", "2", "--all")
    assert done.stdout.count("[verified: signed by npub1") == 2
    assert "] not about Git\n" in done.stdout
    assert "] one\n    two\n" in done.stdout
    assert not [path for path in tmp_path.iterdir() if path.name == "system_messages.txt"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_watch_is_ended_with_0(piped: Callable[..., Piped], relay: LocalRelay, number: signal.Signals) -> None:
    now = int(time.time())
    relay.publish(sign_event(SECRET, now - 60, 1, [], "not about Git").json(), about_git().json())
    program = piped("nostr", "watch", "--nostr-relay", relay.url)
    program.expect("hello")
    program.signal(number)
    assert program.leave() == 0
    assert program.errors.splitlines()[-1] == "py-peer: Not shown: 1 not about Git (--all shows them)"


def test_watch_waits_for_a_relay_that_is_not_there_yet(piped: Callable[..., Piped], relay: LocalRelay) -> None:
    relay.stop()
    program = piped("nostr", "watch", "--nostr-relay", relay.url, "--count", "1")
    expect_error(program, f"{relay.url}: Connection refused; it is tried again in 1 s$")
    relay.start()
    relay.publish(about_git("at last").json())
    program.expect("at last")
    assert program.leave() == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "py-peer: No relay is named that could be watched: --nostr-relay URL names one\n"),
        (("--nostr-relay", "relay.example"), "it begins with wss:// or ws://\n"),
        (("--nostr-relay", "ws://127.0.0.1:1", "--count", "none"), "argument --count: 'none' is not a number"),
        (tuple(f"--nostr-relay=ws://127.0.0.1:{port}" for port in range(1, 18)), "17 relays; 16 are the most\n"),
    ],
    ids=["none", "no URL", "no number", "too many"],
)
def test_what_cannot_be_watched_is_said(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    done = run_to_its_end(tmp_path, "nostr", "watch", *arguments)
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    assert says in done.stderr


def test_a_script_switches_it_on_and_off(piped: Callable[..., Piped], relay: LocalRelay) -> None:
    relay.publish(about_git().json())
    program = piped("--json", "--nostr-relay", relay.url)
    tell(program, "nostr", id="how")
    assert seen(program, "nostr_report", id="how")["on"] is False
    tell(program, "nostr", switch="on", id="on")
    assert seen(program, "nostr_report", id="on")["on"] is True
    assert seen(program, "nostr_heard")["text"] == "hello"
    tell(program, "nostr", switch="off", id="off")
    assert seen(program, "nostr_report", id="off")["on"] is False
    tell(program, "nostr", switch="perhaps", id="what")
    assert seen(program, "error", id="what")["reason"] == "'perhaps' is neither"
    assert read(program)


def test_the_full_screen_shows_it_in_the_room(terminal: Callable[..., Terminal], relay: LocalRelay) -> None:
    relay.publish(about_git("seen on a relay").json())
    program = terminal("--ui", "--nostr-relay", relay.url)
    program.expect("Joined chat room as")
    program.send("/nostr on\r")
    program.expect("seen on a relay")
    program.send("/nostr\r")
    program.expect("connected  1 event")
