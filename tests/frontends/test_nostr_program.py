"""`py-peer nostr publish` and `verify`: what docs/nostr.md shows is what happens, and what goes wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from py_peer.core import limits_nostr, nip19, nostr
from py_peer.core.commits import read_commit_json
from py_peer.core.exit_codes import ExitCode
from py_peer.frontends.nostr_publish import nevent
from tests.frontends.programs import DEADLINE, ROOT, environment
from tests.git_repository import GitRepository, needs_git
from tests.nostr_relay import LocalRelay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.frontends.programs import SubCommand

pytestmark = needs_git

PAGE = (ROOT / "docs" / "nostr.md").read_text(encoding="utf-8")
NSEC = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"
NPUB = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"
SECRET = nip19.decode(NSEC).data
NAME = re.compile(r"\b(npub|note|nevent)1[a-z0-9]+")
KEY = "~/.local/share/py-peer/nostr.key"


@pytest.fixture(scope="module")
def relay() -> Iterator[LocalRelay]:
    with LocalRelay() as running:
        yield running


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    """Two commits, to which no test adds one."""
    made = GitRepository(tmp_path_factory.mktemp("nostr") / "work")
    made.commit("Engines weave", {"loom": b"cards\n"})
    made.commit("Grüße an alle\n\nund mehr\t🎉\n", {"loom": b"more cards\n"})
    return made


@pytest.fixture
def here(sub_command: SubCommand, repository: GitRepository) -> SubCommand:
    """Do in the repository, and in this process, what a sub-command does."""
    return partial(sub_command, folder=repository.path)


def shell(repository: GitRepository, line: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Do what a line says in the repository; py-peer is the program, and its data folder is beside it."""
    here = repository.path.parent
    command = here / "bin" / "py-peer"
    if not command.exists():
        command.parent.mkdir()
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m py_peer "$@"\n')
        command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(  # noqa: S602 - as the page has it
        line,
        shell=True,
        cwd=repository.path,
        env=environment(PATH=path, XDG_DATA_HOME=str(here / "data"), **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )


def test_the_page_shows_what_happens(repository: GitRepository, relay: LocalRelay) -> None:
    page = PAGE[PAGE.index("Make a key, once:") : PAGE.index("| command | what it does |")]
    lines = [line.removeprefix("    ") for line in page.splitlines() if line.startswith("    ")]
    examples = "\n".join(lines).removeprefix("$ ").split("\n$ ")
    assert len(examples) == 6
    key = repository.path.parent / "data" / "py-peer" / "nostr.key"
    names: dict[str, str] = {}
    for example in examples:
        command, *promised = example.splitlines()
        command = NAME.sub(lambda name: names[name[0]], command.replace("wss://relay.example", relay.url))
        ended = shell(repository, command)
        shown = (ended.stderr + ended.stdout).replace(str(key), KEY).replace(relay.url, "wss://relay.example")
        for line, wanted in zip(shown.splitlines(), promised, strict=True):
            here, there = NAME.findall(line), NAME.findall(wanted)
            assert NAME.sub(r"\1", line) == NAME.sub(r"\1", wanted)
            assert here == there
            for own, written in zip(NAME.finditer(line), NAME.finditer(wanted), strict=True):
                assert names.setdefault(written[0], own[0]) == own[0]  # what is one thing there is one here
        assert ended.returncode == (ExitCode.BAD_SIGNATURE if "Eve" in command else 0)


def test_an_event_about_a_commit_is_what_gnostr_makes_and_a_relay_has_it(
    here: SubCommand, repository: GitRepository, relay: LocalRelay
) -> None:
    before = int(time.time())
    done = here("nostr", "publish", "--json", "--nostr-relay", relay.url, PY_PEER_NSEC=NSEC)
    assert (done.returncode, done.stderr.splitlines()) == (
        0,
        [f"py-peer: verified: signed by {NPUB}", f"py-peer: {relay.url} has taken it"],
    )
    said = json.loads(done.stdout)
    assert said["relays"] == [{"relay": relay.url, "taken": True, "words": ""}]
    event = nostr.read_event(said["event"])
    nostr.check_event(event)
    head = repository.head()
    assert (event.kind, event.tags) == (1, (("gnostr", "git"), ("commit", head)))
    assert before <= event.created_at <= time.time()
    commit = read_commit_json(event.content)
    assert (commit.id, commit.message) == (head, "Grüße an alle\n\nund mehr\t🎉\n")
    entity = nip19.decode(said["nevent"])
    assert (entity.data.hex(), entity.relays, entity.kind) == (event.id, (relay.url,), 1)
    assert entity.author == bytes.fromhex(event.pubkey)
    assert event.json() in {nostr.read_event(there).json() for there in relay.events()}


def test_of_many_relays_with_long_names_as_many_stand_in_a_nevent_as_fit() -> None:
    event = nostr.sign_event(SECRET, 1_700_000_000, 1, [], "hello")
    relays = ["wss://" + "a" * 300, *(f"wss://{number:02}.{'a' * 240}" for number in range(16))]
    entity = nip19.decode(nevent(event, relays))
    assert 8 < len(entity.relays) < 16
    assert entity.relays == tuple(relays[1 : 1 + len(entity.relays)])
    assert nip19.decode(nevent(event)).relays == ()


def test_events_of_others_are_fetched_from_a_relay_and_checked(here: SubCommand, relay: LocalRelay) -> None:
    event = nostr.sign_event(SECRET, 1_700_000_000, 1, [], "hello")
    relay.publish(event.json())
    note = nip19.encode(nip19.Entity("note", bytes.fromhex(event.id)))
    for name in (note, f"nostr:{note}", event.id):
        done = here("nostr", "verify", name, "--nostr-relay", relay.url)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"relay: {note}: verified: signed by {NPUB}\n"
    lacking = here("nostr", "verify", "0" * 64, "--nostr-relay", relay.url)
    assert (lacking.returncode, lacking.stdout) == (ExitCode.NOT_FOUND, "")
    assert "was not found: no relay that was asked has sent it" in lacking.stderr


def test_a_relay_that_is_not_there_is_said_and_the_others_are_asked_all_the_same(
    here: SubCommand, relay: LocalRelay
) -> None:
    nobody = "ws://127.0.0.1:1"
    done = here("nostr", "publish", "--derived", "--nostr-relay", nobody, "--nostr-relay", relay.url)
    assert done.returncode == 0
    assert f"py-peer: {nobody}: Connection refused" in done.stderr
    assert f"py-peer: {relay.url} has taken it" in done.stderr
    assert nip19.decode(done.stdout.strip()).relays == (relay.url,)
    alone = here("nostr", "publish", "--derived", "--nostr-relay", nobody)
    assert (alone.returncode, alone.stdout) == (ExitCode.NOBODY_REACHED, "")
    unread = here("nostr", "verify", done.stdout.strip(), "--nostr-relay", nobody)
    assert (unread.returncode, unread.stdout) == (ExitCode.NOBODY_REACHED, "")
    unasked = here("nostr", "verify", done.stdout.strip())
    assert (unasked.returncode, unasked.stdout) == (ExitCode.USAGE, "")
    assert f"No relay is named that could be asked for it: --nostr-relay URL names one; it may be on {relay.url}" in (
        unasked.stderr
    )


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("nostr publish", ExitCode.USAGE, "There is no key of Nostr in "),
        ("nostr publish", ExitCode.USAGE, "or sign with the commit's own key: --derived"),
        ("nostr publish nowhere --derived", ExitCode.NOT_FOUND, "no commit 'nowhere'"),
        ("nostr publish --derived --repo /", ExitCode.NOT_FOUND, "/ is in no Git repository"),
        ("nostr publish --nostr-relay https://a", ExitCode.USAGE, "is not the URL of a relay"),
        ("nostr verify nothing", ExitCode.NOT_FOUND, "nothing cannot be read: No such file"),
        ("nostr verify .", ExitCode.NOT_FOUND, ". cannot be read: Is a directory"),
        ("nostr verify", ExitCode.NOT_FOUND, "there is no event in standard input"),
        (f"nostr verify {NPUB}", ExitCode.USAGE, f"{NPUB}: this npub names no event"),
        ("nostr verify note1abc", ExitCode.USAGE, "note1abc: this is no npub"),
        ("nostr verify note1abc", ExitCode.USAGE, "a file of such a name is written with ./ before it"),
        (f"nostr verify nsec1{NPUB[5:]}", ExitCode.USAGE, "py-peer: this nsec is not whole"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_code(here: SubCommand, line: str, code: int, words: str) -> None:
    done = here(*line.split())
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr


def test_a_standard_input_that_is_closed_is_said(repository: GitRepository) -> None:
    done = shell(repository, "py-peer nostr verify <&-")
    assert (done.returncode, done.stdout) == (ExitCode.NOT_FOUND, "")
    assert "standard input" in done.stderr


def test_a_commit_that_is_too_large_for_an_event_is_refused_with_the_limit(
    here: SubCommand, repository: GitRepository
) -> None:
    message = b"x" * limits_nostr.MAX_EVENT_BYTES
    commit_id = repository.git("commit-tree", "HEAD^{tree}", "-F", "-", stdin=message)
    done = here("nostr", "publish", commit_id, "--derived")
    assert (done.returncode, done.stdout) == (ExitCode.NOT_SENT, "")
    assert "There can be no event about this commit: it has " in done.stderr
    assert f"{limits_nostr.MAX_EVENT_BYTES:,} are the most" in done.stderr


def test_good_bad_and_garbage_of_one_file_are_told_line_by_line(here: SubCommand, tmp_path: Path) -> None:
    good = nostr.sign_event(SECRET, 1_700_000_000, 1, [], "hello\n")
    events = tmp_path / "events"
    lines = [
        good.json(),
        "",
        json.dumps(["EVENT", "sub", json.loads(good.json())]),
        good.json().replace("1700000000", "1700000001"),
        good.json().replace(good.sig, "0" * 128),
        good.json().replace('"id":', '"ID":'),
        "x" * 500_000,
        "\x1b[31m",
        json.dumps(json.loads(good.json())),  # blanks between, and \\u escapes, are no harm
    ]
    events.write_text("\n".join(lines))
    done = here("nostr", "verify", "events", folder=tmp_path)
    note = nip19.encode(nip19.Entity("note", bytes.fromhex(good.id)))
    assert done.stdout.splitlines() == [
        f"events:1: {note}: verified: signed by {NPUB}",
        f"events:3: {note}: verified: signed by {NPUB}",
        f"events:4: {note}: bad: its ID is not the hash of what it says",
        f"events:5: {note}: bad: its signature does not hold",
        "events:6: bad: it has no id",
        "events:7: bad: it has more than 131,072 bytes",
        "events:8: bad: it is not JSON, at its character 1",
        f"events:9: {note}: verified: signed by {NPUB}",
    ]
    assert (done.returncode, done.stderr) == (ExitCode.BAD_SIGNATURE, "")
    lines = here("nostr", "verify", "--json", "events", folder=tmp_path).stdout.splitlines()
    told = [json.loads(line) for line in lines]
    assert [one["standing"] for one in told].count("verified") == 3
    assert told[2] == {
        "where": "events:4",
        "id": good.id,
        "npub": None,
        "standing": "bad",
        "reason": "its ID is not the hash of what it says",
    }


def test_who_reads_no_further_ends_the_checking_without_a_word(repository: GitRepository) -> None:
    good = nostr.sign_event(SECRET, 1_700_000_000, 1, [], "hello\n")
    events = repository.path.parent / "events"
    events.write_text((good.json() + "\n") * 3_000)
    done = shell(repository, f"py-peer nostr verify {events} | head -1")
    assert (done.stdout.count("\n"), done.stderr) == (1, "")
