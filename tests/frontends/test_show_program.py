"""Commits between real programs: posted by one, opened by the other, and what is said where that cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair

from py_peer.chatroom import CHAT_TOPIC
from py_peer.core.commits import commit_id
from py_peer.net.commit_exchange import COMMIT, GIVEN, Answer
from tests.frontends.programs import DEADLINE, run_to_its_end
from tests.frontends.test_scripted_program import address, read, seen, tell
from tests.git_repository import GitRepository, needs_git
from tests.net.answering import abort, endless, replying, rubbish
from tests.net.raw_peer import RawStream, raw_peer, signed, silence

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.frontends.programs import Piped, Terminal

pytestmark = needs_git

PERSON = b"Ada <ada@example.org> 1700000000 +0000"
TRUE = b"tree %s\nauthor %s\ncommitter %s\n\nThe truth\n" % (b"ab" * 20, PERSON, PERSON)
FALSE = TRUE.replace(b"truth", b"lie")
ID = commit_id(TRUE, "sha1")


@pytest.fixture
def repo(tmp_path: Path) -> GitRepository:
    """Return a repository in the folder where the programs are started, with two commits."""
    made = GitRepository(tmp_path)
    made.commit("One", {"a.txt": b"one\ntwo\n", ".gitignore": b"system_messages.txt\n"})
    made.commit("Two\n\n- \x1b[31mwith more\n", {"a.txt": b"one\nzwei\n"})
    return made


class Posted(NamedTuple):
    """One who has posted a commit, and one who has read that."""

    alice: Piped
    bob: Piped
    short_id: str


@pytest.fixture
def posted(piped: Callable[..., Piped], repo: GitRepository) -> Posted:
    alice = piped("--no-intro", "--nick", "alice")
    bob = piped("--no-intro", "--nick", "bob", "-c", alice.address())
    bob.expect("^📡 Peer joined: ")
    alice.expect("^📡 Peer joined: ")
    bob.expect("alice")
    alice.send("/commit\n")
    short_id = repo.head()[:12]
    bob.expect(rf"^\[alice\(\w{{8}}\)\]: commit {short_id}: Two — Ada Lovelace, 1 file, \+1 -1$")
    return Posted(alice, bob, short_id)


def test_a_commit_that_is_posted_appears_on_the_other_side_and_is_opened(posted: Posted, repo: GitRepository) -> None:
    alice, bob, short_id = posted
    bob.send(f"/show {short_id}\n")
    bob.expect(r"^    \+zwei$")
    shown = bob.text[bob.text.index("🔎") :].splitlines()
    assert shown[0].startswith(f"🔎 Commit {short_id} from ")
    assert shown[0].endswith(" (alice): its object hashes to its ID")
    assert shown[1:14] == [
        f"    commit     {repo.head()}",
        f"    tree       {repo.git('rev-parse', 'HEAD^{tree}')}",
        f"    parents    {repo.git('rev-parse', 'HEAD^')}",
        "    author     Ada Lovelace <ada@example.org>",
        "    committer  Grace Hopper <grace@example.org>",
        "    time       2023-11-14 22:15:00 UTC",
        "",
        "        Two",
        "",
        "        - with more",
        "",
        "    The patch, which nothing verifies:",
        "    diff --git a/a.txt b/a.txt",
    ]
    assert [f"    {line}" for line in ("@@ -1,2 +1,2 @@", " one", "-two", "+zwei")] == shown[-4:]
    alice.send(f"/show {short_id[:7]}\n")
    alice.expect(f"^🔎 Commit {short_id} of your own: its object hashes to its ID$")


def test_a_patch_that_is_shared_appears_on_the_other_side_and_is_opened(posted: Posted, tmp_path: Path) -> None:
    alice, bob, short_id = posted
    alice.send("/diff HEAD~1\n")
    found = bob.expect(r"^\[alice\(\w{8}\)\]: patch (\w{12}): One — (\w{12}\.patch), 2 files, \+3 -0$")
    assert found[2] == f"{found[1]}.patch" != f"{short_id}.patch"
    bob.send(f"/show {found[1]}\n")
    bob.expect(r"^    \+two$")
    goal = tmp_path / "fetched.patch"
    bob.expect(rf"{found[2]}")
    bob.send(f"/get {found[2]} {goal}\n")
    bob.expect("Fetched ")
    assert goal.read_bytes().startswith(b"diff --git ")


def test_what_nobody_has_posted_and_who_has_gone_is_told(posted: Posted) -> None:
    alice, bob, short_id = posted
    bob.send("/show 0000000\n")
    bob.expect(
        "^❌ Not shown: commit 0000000: nobody who was heard here has posted it; /show COMMIT PEER asks one peer$"
    )
    bob.send(f"/show {'0' * 40} alice\n")
    bob.expect(r"^❌ Not shown: commit 0{40}: alice.*: it has posted no such commit, or a while ago$")
    bob.send("/show fish\n")
    bob.expect(r"^/show COMMIT \[PEER\]: 'fish' is no ID of a commit, nor the beginning of one of 7 digits$")
    alice.send("/quit\n")
    assert alice.leave() == 0
    bob.expect("Failed to connect to .*: connection refused")  # now it is gone for bob, too
    bob.send(f"/show {short_id}\n")
    bob.expect(rf"^❌ Not shown: commit {short_id}: alice.*: is not connected to you, and may have gone: ")


def test_a_pipe_waits_for_what_it_has_asked_for_and_its_code_says_what_became_of_it(
    posted: Posted, tmp_path: Path
) -> None:
    alice, _, short_id = posted
    options = ("--no-intro", "--nick", "carl", "-c", alice.address())
    ended = run_to_its_end(tmp_path, *options, given=f"/show {short_id} alice\n")
    assert ended.returncode == 0, ended.stdout
    assert "    +zwei" in ended.stdout.splitlines()
    missed = run_to_its_end(tmp_path, *options, given="/show 0000000 alice\n")
    assert missed.returncode == 6
    assert "⚠️  Not shown: 1 commit(s)" in missed.stdout.splitlines()


def test_a_script_has_all_of_it(piped: Callable[..., Piped], repo: GitRepository) -> None:
    full_id = repo.commit("Large", {"large.txt": b"".join(b"line %d\n" % number for number in range(5_000))})
    alice = piped("--json", "--no-intro", "--nick", "alice")
    bob = piped("--json", "--no-intro", "--nick", "bob", "--connect", address(alice))
    seen(alice, "peer_joined")
    tell(alice, "commit", id="post")
    line = seen(bob, "message_received")["text"]
    assert line.startswith(f"commit {full_id[:12]}: Large — ")
    tell(bob, "show", commit=full_id[:7].upper(), id=1)
    shown = seen(bob, "commit_shown", id=1)
    assert shown["commit"]["id"] == full_id
    assert (shown["verified"], shown["source"]) == (True, "peer")
    assert shown["patch"].endswith("\n+line 4999")
    tell(bob, "show", commit="0" * 40, id=2)
    assert not seen(bob, "commit_not_shown", id=2)["wrong_hash"]
    bob.end_input()
    assert bob.leave(DEADLINE) == 6
    assert read(bob)[-1]["event"] == "ended"


def test_of_five_megabytes_is_shown_what_a_patch_may_have_and_the_rest_is_told(
    piped: Callable[..., Piped], repo: GitRepository
) -> None:
    full_id = repo.commit(
        "Huge", {"huge.txt": b"x" * 79 + b"\n" * 1 + (b"y" * 79 + b"\n") * 62_500, "b.txt": b"small\n"}
    )
    alice = piped("--no-intro", "--nick", "alice")
    bob = piped("--no-intro", "--nick", "bob", "-c", alice.address())
    alice.expect("^📡 Peer joined: ")
    alice.send("/commit\n")
    bob.expect(f"commit {full_id[:12]}: Huge")
    bob.send(f"/show {full_id}\n")
    bob.expect(r"^    \+small$")
    bob.expect("^    # left out, too large to be compared: ")
    assert len(bob.text) < 100_000


def test_what_nobody_here_has_is_shown_from_the_dht_and_needs_its_whole_id(
    piped: Callable[..., Piped], repo: GitRepository, tmp_path: Path
) -> None:
    first = piped("--dht", "--no-intro", "--nick", "first")
    assert run_to_its_end(tmp_path, "git", "publish", "--connect", first.address()).returncode == 0
    bob = piped("--no-intro", "--nick", "bob", "--bootstrap", first.address())
    bob.send(f"/show {repo.head()}\n")
    bob.expect(f"^🔎 Commit {repo.head()[:12]} from the DHT: its object hashes to its ID$")
    bob.expect(r"^    \+zwei$")
    bob.send(f"/show {repo.head()[:12]}\n/show {'0' * 40}\n")
    nobody = "nobody who was heard here has posted it; /show COMMIT PEER asks one peer"
    bob.expect(
        f"^❌ Not shown: commit {repo.head()[:12]}: {nobody}; the DHT, which may have it, knows whole IDs alone$"
    )
    none = r"none of the 1 peer\(s\) that were asked has it"
    bob.expect(f"^❌ Not shown: commit 0{{40}}: {nobody}; in the DHT {none}$")


def test_on_a_terminal_the_patch_has_colours(posted: Posted, terminal: Callable[..., Terminal]) -> None:
    alice, _, short_id = posted
    for more, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        one = terminal("--no-intro", "-c", alice.address(), **more)
        one.expect("is called alice|alice")
        one.send(f"/show {short_id} alice\r")
        one.expect(r"^    \+zwei$")
        for text in ("\x1b[32m    +zwei\x1b[0m", "\x1b[31m    -two\x1b[0m", "\x1b[36m    @@ -1,2 +1,2 @@\x1b[0m"):
            assert (text.encode() in one.raw) is coloured


# --- Strangers ------------------------------------------------------------------------------------


def giving(**fields: Any) -> Callable[[RawStream], Awaitable[None]]:
    return replying(Answer(status=GIVEN, **fields))


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (giving(id=ID, object=FALSE), "what it gives does not hash to that ID"),
        (giving(id="0" * 40, object=TRUE), "it answered about another commit than it was asked for"),
        (giving(id=ID, object=TRUE, patch=bytes(5_000_000)), "it announced 5,000,"),
        (endless, "it announced 1,099,511,627,776 bytes, where "),
        (rubbish, "what it answers cannot be read"),
        (abort, "the stream was reset, or its connection has ended"),
    ],
    ids=["a lie", "another commit", "five megabytes", "a huge size", "rubbish", "a reset"],
)
def test_a_stranger_who_posts_a_commit_and_gives_none_is_refused_in_words(
    handler: Any, reason: str, piped: Callable[..., Piped]
) -> None:
    bob = piped("--no-intro", "--nick", "bob")
    port = int(bob.address().split("/")[4])
    keys = create_new_key_pair()

    async def scene() -> None:
        with trio.fail_after(DEADLINE):
            async with raw_peer(port, keys, handlers={COMMIT: handler}) as stranger:
                gossip = await stranger.join(CHAT_TOPIC)
                line = f"commit {ID[:12]}: The truth — Ada, 1 file, +1 -0"
                await gossip.send_rpc(publish=[signed(keys, CHAT_TOPIC, line.encode(), 1)])
                await trio.to_thread.run_sync(bob.expect, f"commit {ID[:12]}")
                bob.send(f"/show {ID[:12]}\n")
                await trio.to_thread.run_sync(bob.expect, rf"^❌ Not shown: commit {ID[:12]}: \w{{8}}: {reason}")

    trio.run(scene)
    bob.end_input()
    assert bob.leave(DEADLINE) == (7 if "hash" in reason else 6)
    assert "The truth" not in bob.text.partition("❌")[2]


def test_a_stranger_who_is_silent_holds_up_nobody_for_long(piped: Callable[..., Piped], repo: GitRepository) -> None:
    bob = piped("--no-intro", "--nick", "bob")
    alice = piped("--no-intro", "--nick", "alice", "-c", bob.address())
    alice.expect("^📡 Peer joined: ")
    line, keys = f"commit {repo.head()[:12]}: Mine — Mallory, 1 file, +1 -0", create_new_key_pair()

    async def scene() -> None:
        with trio.fail_after(2 * DEADLINE):
            async with raw_peer(int(bob.address().split("/")[4]), keys, handlers={COMMIT: silence}) as stranger:
                gossip = await stranger.join(CHAT_TOPIC)
                await gossip.send_rpc(publish=[signed(keys, CHAT_TOPIC, line.encode(), 1)])
                await trio.to_thread.run_sync(bob.expect, ": Mine")
                alice.send("/commit\n")
                await trio.to_thread.run_sync(bob.expect, ": Two")
                bob.send(f"/show {repo.head()}\n")
                await trio.to_thread.run_sync(bob.expect, rf"^🔎 Commit {repo.head()[:12]} from \w{{8}} \(alice\): ")

    trio.run(scene)
