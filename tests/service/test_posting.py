"""Commits posted in a real room: read on the other side, opened there, and refused where they cannot be, with why."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import trio

from py_peer.core import limits_git
from py_peer.core.events import Answer, MessageReceived, MessageRefused, MessageSent, MessageWaiting, PeerJoined, Ready
from py_peer.core.file_events import FileOffered, FileShared, FilesReport, TransferDone
from py_peer.core.git_events import CommitNotShown, CommitPosted, CommitShown, CommitSource
from py_peer.core.requests import GetFile, PostCommit, RequestFiles, ShowCommit, UnshareFile
from py_peer.core.settings import Settings
from py_peer.service import posting
from py_peer.service.files import Files
from py_peer.service.transfers import FAULT
from tests.git_repository import GitRepository, needs_git
from tests.loops import run
from tests.service.support import Person, in_trio, person

pytestmark = needs_git

HERE = {"intro": False, "loopback": True}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have patches written where the test can see them."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def repo(tmp_path: Path) -> GitRepository:
    made = GitRepository(tmp_path / "repo")
    made.commit("The first", {"a.txt": b"1\n2\n3\n"})
    made.commit("The second", {"a.txt": b"1\nzwei\n3\n"})
    return made


def post(one: Person, repo: GitRepository | Path, rev: str = "", *, patch: bool = False, topic: str = "") -> int:
    folder = repo.path if isinstance(repo, GitRepository) else repo
    where = {"topic": topic} if topic else {}
    return one.ask(lambda ticket: PostCommit(ticket, str(folder), rev, patch=patch, **where))


def is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


async def listed(one: Person) -> list[str]:
    """Return the IDs of the files that somebody shares."""
    asked = one.ask(RequestFiles)
    report = await one.see(FilesReport, lambda event: event.ticket == asked)
    return [file.file_id for file in report.shared]


async def refusal(one: Person, ticket: int) -> str:
    answer = await one.see(Answer, lambda event: event.ticket == ticket)
    assert answer.failed
    return answer.text


def test_a_commit_is_read_on_the_other_side_and_opened_there(repo: GitRepository) -> None:
    async def scene() -> None:
        async with (
            person("alice", **HERE) as alice,
            person("bob", **HERE, connect=(await alice.address(),)) as bob,
        ):
            await alice.see(PeerJoined)
            await bob.see(PeerJoined)
            ticket = post(alice, repo)
            posted = await alice.see(CommitPosted)
            assert (posted.ticket, posted.commit_id, posted.file) == (ticket, repo.head(), "")
            assert posted.text == f"commit {repo.head()[:12]}: The second — Ada Lovelace, 1 file, +1 -1"
            assert (await alice.see(MessageSent)).ticket == ticket
            assert (await bob.see(MessageReceived)).text == posted.text
            bob.ask(lambda ticket: ShowCommit(ticket, repo.head()[:12]))
            shown = await bob.see(CommitShown)
            assert (shown.verified, shown.source, shown.commit.id) == (True, CommitSource.PEER, repo.head())
            assert shown.commit.committer_email == "grace@example.org"
            assert "-2\n+zwei\n" in shown.patch

    run(scene())


def test_so_it_is_where_the_repository_hashes_with_sha_256_and_the_author_writes_strange_bytes(tmp_path: Path) -> None:
    made = GitRepository(tmp_path / "sha256", "--object-format=sha256")
    tree = made.git("hash-object", "-t", "tree", "-w", "/dev/null")
    author = b"\x1b[31mJ\xf6rg\r\n\xe2\x80\xae <j@b> 1700000000 +0000".replace(b"\n", b"")
    text = "Grüße\x1b]0;x\x07 \u202eevil".encode("latin-1", "ignore")
    raw = b"tree %s\nauthor %s\ncommitter %s\nencoding latin1\n\n%s" % (tree.encode(), author, author, text)
    full_id = made.write_object(raw)

    async def scene() -> None:
        async with (
            person("alice", **HERE) as alice,
            person("bob", **HERE, connect=(await alice.address(),)) as bob,
        ):
            await bob.see(PeerJoined)
            post(alice, made)
            said = (await bob.see(MessageReceived)).text
            assert said.startswith(f"commit {full_id[:12]}: Grüße evil — J")
            assert said.isprintable()
            bob.ask(lambda ticket: ShowCommit(ticket, full_id[:12]))
            shown = await bob.see(CommitShown)
            assert (shown.verified, shown.commit.id, shown.commit.message) == (True, full_id, "Grüße evil")
            assert shown.commit.author_name.isprintable()

    run(scene())


def test_only_what_was_posted_is_given(repo: GitRepository) -> None:
    async def scene() -> None:
        async with (
            person("alice", **HERE) as alice,
            person("bob", **HERE, connect=(await alice.address(),)) as bob,
        ):
            await bob.see(PeerJoined)
            post(alice, repo)
            await bob.see(MessageReceived)
            alice_id = (await alice.see(Ready)).peer_id
            bob.ask(lambda ticket: ShowCommit(ticket, repo.git("rev-parse", "HEAD^"), alice_id))
            assert (await bob.see(CommitNotShown)).wrong_hash is False

    run(scene())


def test_a_patch_is_offered_as_a_file_and_applies(repo: GitRepository, tmp_path: Path, temporary: Path) -> None:
    async def scene() -> None:
        async with (
            person("alice", **HERE) as alice,
            person("bob", **HERE, connect=(await alice.address(),), downloads=tmp_path / "downloads") as bob,
        ):
            await bob.see(PeerJoined)
            await alice.see(PeerJoined)
            post(alice, repo, "main", patch=True)
            name = f"{repo.head()[:12]}.patch"
            assert (await alice.see(FileShared)).file.name == name
            posted = await alice.see(CommitPosted)
            assert (posted.file, posted.left_out) == (name, 0)
            assert (await bob.see(MessageReceived)).text == f"patch {name[:12]}: The second — {name}, 1 file, +1 -1"
            offer = (await bob.see(FileOffered)).offer
            bob.ask(lambda ticket: GetFile(ticket, offer.file_id))
            done = await bob.see(TransferDone)
            repo.git("checkout", "-q", "HEAD^")
            repo.git("apply", done.path)
            assert (repo.path / "a.txt").read_bytes() == b"1\nzwei\n3\n"
            assert is_empty(temporary)  # so nothing is left behind, however it ends

    run(scene())


def test_a_patch_that_is_posted_again_is_the_same_file_and_the_oldest_makes_room(
    repo: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits_git, "PATCH_FILES", 1)

    async def scene() -> None:
        async with person("alice", **HERE) as alice:
            for rev in ("HEAD", "HEAD"):
                post(alice, repo, rev, patch=True)
            await alice.see_all(CommitPosted, 2)
            first = await listed(alice)
            alice.ask(lambda ticket: UnshareFile(ticket, first[0]))
            post(alice, repo, patch=True)
            await alice.see_all(CommitPosted, 3)
            anew = await listed(alice)
            assert len(first) == len(anew) == 1
            assert first != anew  # who has unshared it has it shared again
            post(alice, repo, "HEAD^", patch=True)
            posted = (await alice.see_all(CommitPosted, 4))[-1]
            assert len(await listed(alice)) == 1
            assert (await alice.see_all(FileShared, 3))[-1].file.name == posted.file

    run(scene())


def test_a_patch_is_offered_when_the_node_runs_and_not_refused_before(tmp_path: Path) -> None:
    async def scene() -> None:
        with trio.move_on_after(1) as patience:
            await Files(Settings("alice"), lambda _: None).offer(tmp_path / "a.patch")
        assert patience.cancelled_caught

    in_trio(scene)


def test_it_waits_for_somebody_as_a_text_does_and_keeps_its_order(repo: GitRepository) -> None:
    async def scene() -> None:
        async with person("alice", **HERE) as alice:
            tickets = [post(alice, repo, rev) for rev in ("HEAD", "HEAD^")]
            assert (await alice.see(MessageWaiting)).waiting >= 1
            await alice.see_all(CommitPosted, 2)
            async with person("bob", **HERE, connect=(await alice.address(),)) as bob:
                assert [event.ticket for event in await alice.see_all(MessageSent, 2)] == tickets
                said = await bob.see_all(MessageReceived, 2)
                assert [one.text.split(": ")[1].split(" — ")[0] for one in said] == ["The second", "The first"]

    run(scene())


def test_it_is_said_on_the_topic_where_the_user_talks(repo: GitRepository) -> None:
    async def scene() -> None:
        async with (
            person("alice", **HERE, topics=("rust",)) as alice,
            person("bob", **HERE, topics=("rust",), connect=(await alice.address(),)) as bob,
        ):
            post(alice, repo, topic="rust")
            assert (await alice.see(CommitPosted)).topic == "rust"
            assert (await bob.see(MessageReceived)).topic == "rust"

    run(scene())


def test_what_goes_nowhere_is_not_given_either(repo: GitRepository) -> None:
    async def scene() -> None:
        async with person("alice", **HERE) as alice:
            ticket = post(alice, repo, topic="never joined")
            refused = await alice.see(MessageRefused)
            assert refused.ticket == ticket
            alice.ask(lambda ticket: ShowCommit(ticket, repo.head()))
            assert "nobody" in (await alice.see(CommitNotShown)).reason

    run(scene())


def test_what_cannot_be_posted_is_refused_in_a_sentence(repo: GitRepository, tmp_path: Path) -> None:
    async def scene() -> None:
        repo.commit("nothing", {})
        GitRepository(tmp_path / "unborn")
        async with person("alice", **HERE) as alice:
            outside = await refusal(alice, post(alice, tmp_path))
            assert outside == f"Not posted: {tmp_path} is in no Git repository"
            unborn = await refusal(alice, post(alice, tmp_path / "unborn"))
            assert unborn == "Not posted: the repository has no commit yet"
            assert "has no commit 'v9'" in await refusal(alice, post(alice, repo, "v9"))
            assert "it changes nothing" in await refusal(alice, post(alice, repo, patch=True))
            repo.git("clone", "-q", "--depth=1", f"file://{repo.path}", str(tmp_path / "shallow"))
            assert "shallow clone" in await refusal(alice, post(alice, tmp_path / "shallow", patch=True))
            post(alice, tmp_path / "shallow")
            assert (await alice.see(CommitPosted)).text.endswith(": nothing — Ada Lovelace")

    run(scene())


def test_a_fault_and_too_many_at_once_end_nothing(repo: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_git, "POSTS_WAITING", 2)

    async def fault(*_: object) -> None:
        raise ZeroDivisionError

    async def scene() -> None:
        async with person("alice", **HERE) as alice:
            await alice.see(Ready)
            with monkeypatch.context() as patched:
                patched.setattr(posting, "in_thread", fault)
                assert await refusal(alice, post(alice, repo)) == f"Not posted: {FAULT}"
            tickets = [post(alice, repo) for _ in range(20)]
            refused = await alice.see(Answer, lambda event: event.ticket in tickets)
            assert refused.text == "Not posted: 2 commits are to be posted already"
            await alice.see(CommitPosted)

    run(scene())
