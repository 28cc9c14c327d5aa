"""Commits between peers: asked of who has posted them, verified, and told why not, whoever lies or goes."""

from __future__ import annotations

import base64
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer import id as peer_ids

from py_peer.core import limits_git
from py_peer.core.addresses import short_id
from py_peer.core.commits import DiffStat, commit_id, commit_line, parse_commit
from py_peer.core.events import Notice
from py_peer.core.git_events import CommitNotShown, CommitShown, CommitSource
from py_peer.core.requests import ShowCommit
from py_peer.core.settings import Settings
from py_peer.core.speakers import Name
from py_peer.net.commit_exchange import COMMIT, GIVEN, Answer
from py_peer.net.dial import DialError
from py_peer.service.commits import Commits
from tests.net.answering import replying
from tests.net.raw_peer import RawStream, raw_peer, silence
from tests.net.support import Member, member, naming, trio_test, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import pytest

    from py_peer.core.events import Event
    from tests.net.raw_peer import Handlers

PATCH = b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n"


def an_object(subject: str = "A first line", *, more: bytes = b"") -> bytes:
    """Return a commit object."""
    person = b"Ada <ada@example.org> 1700000000 +0100"
    head = [b"tree " + b"ab" * 20, b"parent " + b"cd" * 20, b"author " + person, b"committer " + person]
    return b"\n".join(
        [*head, more, b"", subject.encode(), b"", b"- more\n"] if more else [*head, b"", subject.encode()]
    )


RAW = an_object()
ID = commit_id(RAW, "sha1")
SOMEBODY = "12D3KooWGRUVhdLJB6D6MaqDzPRLqWWKPBB6LcVEZQFyYjqHbpKT"
LINE = commit_line(parse_commit(RAW), DiffStat(1, 1, 1))


def blob_id(data: bytes) -> str:
    return commit_id(data, "sha1")


@dataclass
class Asker:
    """A member who can show commits, and what it was told."""

    member: Member
    commits: Commits
    told: list[Event] = field(default_factory=list)

    async def show(self, asked: str, peer_id: str = "") -> Any:
        """Ask for a commit, and return what answers."""
        ticket = len(self.told) + 1
        self.commits.handlers[ShowCommit](ShowCommit(ticket, asked, peer_id))
        await until(lambda: len(self.told) == ticket)
        answer: Any = self.told[-1]
        assert answer.ticket == ticket
        return answer


async def nobody(_peer_id: str) -> object:
    raise DialError("nobody has told where it is")


@asynccontextmanager
async def asker(call: Callable[[str], Awaitable[object]] = nobody, **wishes: Any) -> AsyncIterator[Asker]:
    async with member(loopback=True) as one, trio.open_nursery() as nursery:
        told: list[Event] = []
        commits = Commits(Settings("nick", **wishes), told.append, lambda peer_id: Name(short_id(peer_id)), call)
        for protocol, handler in commits.streams.items():
            one.node.host.set_stream_handler(protocol, handler)
        nursery.start_soon(commits.run, one.node)
        yield Asker(one, commits, told)
        nursery.cancel_scope.cancel()


def giving(**fields: Any) -> Callable[[RawStream], Awaitable[None]]:
    return replying(Answer(status=GIVEN, **fields))


# --- What goes well -------------------------------------------------------------------------------


@trio_test
async def test_a_commit_that_was_posted_is_shown_by_who_has_heard_of_it() -> None:
    async with asker() as alice, asker() as bob:
        alice.commits.posted.add(ID, RAW, PATCH)
        await bob.member.dial(alice.member)
        bob.commits.hear(str(alice.member.id), LINE)
        for asked in (ID[:7], ID[:12], ID):
            shown = await bob.show(asked)
            assert shown.commit == parse_commit(RAW)
            assert (shown.verified, shown.source, shown.peer_id) == (True, CommitSource.PEER, str(alice.member.id))
            assert shown.patch == PATCH.decode().rstrip("\n")
            assert shown.patch_base64 == ""
        assert (await alice.show(ID[:12])).source is CommitSource.OWN
        assert bob.member.counts("commits: shown", "unexpected faults") == [3, 0]
        assert alice.member.counts("commits: given") == [3]


@trio_test
async def test_a_peer_that_is_named_is_asked_though_it_has_said_nothing() -> None:
    async with asker() as alice, asker() as bob:
        alice.commits.posted.add(ID, RAW, PATCH)
        await bob.member.dial(alice.member)
        assert (await bob.show(ID, str(alice.member.id))).commit.id == ID
        failed = await bob.show("0" * 40, str(alice.member.id))
        name = str(alice.member.id)[-8:]
        assert failed == CommitNotShown(2, "0" * 40, f"{name}: it has posted no such commit, or a while ago")


@trio_test
async def test_who_is_not_connected_is_called() -> None:

    async def call(peer_id: str) -> object:
        assert peer_id == str(alice.member.id)
        return await bob.member.node.dial(alice.member.address)

    async with asker() as alice, asker(call) as bob:
        alice.commits.posted.add(ID, RAW, PATCH)
        bob.commits.hear(str(alice.member.id), LINE)
        assert (await bob.show(ID)).commit.id == ID


@trio_test
async def test_what_others_have_written_is_cleaned_and_none_of_it_is_lost() -> None:
    raw = an_object("Red \x1b[31malert\u202e\x07", more=b"gpgsig a\n b\x1b[2J")
    patch = b"diff --git a/x b/x\n+\x1b]0;title\n-hid\x07den\t\xff\n+windows\r\n+one\r-two\xe2\x80\xa8-three\n+\x1b[2J"
    full_id = commit_id(raw, "sha1")
    async with asker() as alice, asker() as bob:
        alice.commits.posted.add(full_id, raw, patch)
        await bob.member.dial(alice.member)
        shown = await bob.show(full_id, str(alice.member.id))
        assert shown.commit.message == "Red alert\n\n- more"
        assert shown.patch == "diff --git a/x b/x\n+0;title\n-hidden    \ufffd\n+windows\n+one -two -three\n+"
        assert base64.b64decode(shown.patch_base64) == patch


# --- What does not --------------------------------------------------------------------------------


@trio_test
async def test_nobody_is_asked_who_has_not_posted_it() -> None:
    async with asker() as bob:
        assert (await bob.show(ID)).reason == "nobody who was heard here has posted it; /show COMMIT PEER asks one peer"
        bob.commits.hear(SOMEBODY, "commit? " + LINE)
        assert "nobody who was heard" in (await bob.show(ID)).reason


@trio_test
async def test_what_is_no_id_is_refused_whoever_asks_for_it() -> None:
    async with asker() as bob:
        for asked in ("abcdef", "fish fish", ID.upper(), "0" * 65):
            assert (await bob.show(asked)).reason == "that is no ID of a commit, nor the beginning of one"
        assert (await bob.show(ID, "Ann")).reason == "there is no such peer ID"
        assert bob.member.counts("unexpected faults") == [0]


@trio_test
async def test_of_a_poster_all_digits_are_wanted_that_he_has_said() -> None:
    other = ID[:7] + "0" * 33
    async with asker() as bob, raw_peer(bob.member.port, handlers={COMMIT: giving(id=other, object=RAW)}) as peer:
        await until(lambda: peer.id in bob.member.node.peers.records)
        bob.commits.hear(str(peer.id), LINE)
        assert "another commit" in (await bob.show(ID[:7])).reason


@trio_test
async def test_of_several_that_begin_so_their_ids_are_told() -> None:
    first, second = "abcdef0" + "1" * 5, "abcdef0" + "2" * 5
    async with asker() as bob:
        for short in (second, first):
            bob.commits.hear(SOMEBODY, f"commit {short}: x")
        assert (await bob.show("abcdef0")).reason == f"several commits begin so: {first}, {second}"


@trio_test
async def test_the_author_who_has_gone_is_told_to_have() -> None:
    async with asker() as bob:
        async with asker() as alice:
            gone = str(alice.member.id)
            await bob.member.dial(alice.member)
            bob.commits.hear(gone, LINE)
        await until(lambda: alice.member.id not in bob.member.node.peers.records)
        shown = await bob.show(ID[:12])
        assert shown.reason == f"{gone[-8:]}: is not connected to you, and may have gone: nobody has told where it is"
        assert not shown.wrong_hash


@trio_test
async def test_each_way_to_fail_a_peer_is_told_in_words_and_lies_are_held_against_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits_git, "COMMIT_SILENCE", 0.3)
    blob = b"something"
    zeros = "0" * 40
    scenes: dict[str, tuple[str, Any, str, bool, int]] = {
        "another object": (ID, giving(id=ID, object=an_object("Another")), "does not hash to that ID", True, 1),
        "a byte more": (ID, giving(id=ID, object=RAW + b"\n"), "does not hash to that ID", True, 1),
        "no object": (ID, giving(id=ID), "does not hash to that ID", True, 1),
        "another commit": (zeros, giving(id=ID, object=RAW), "another commit", False, 1),
        "no commit": (blob_id(blob), giving(id=blob_id(blob), object=blob), "it is no commit", False, 0),
        "five megabytes": (ID, giving(id=ID, object=RAW, patch=bytes(5_000_000)), "it announced 5,000,", False, 1),
        "silence": (ID, silence, "nothing came for", False, 0),
        "a reset": (ID, RawStream.abort, "the stream", False, 0),
        "nothing": (ID, None, "it does not speak /py-peer/commit/1.0.0", False, 0),
    }
    async with asker() as bob:
        for scene, (asked, handler, reason, is_wrong, cost) in scenes.items():
            before = bob.member.node.counters["strikes"]
            handlers: Handlers = {COMMIT: handler} if handler else {}
            with naming(scene):
                async with raw_peer(bob.member.port, handlers=handlers) as peer:
                    await until(lambda peer=peer: peer.id in bob.member.node.peers.records)
                    failed = await bob.show(asked, str(peer.id))
                    assert isinstance(failed, CommitNotShown)
                    assert failed.reason.startswith(f"{str(peer.id)[-8:]}: ")
                    assert reason in failed.reason
                    assert failed.wrong_hash is is_wrong
                    assert bob.member.node.counters["strikes"] - before == cost
        assert bob.member.counts("unexpected faults", "commits: shown") == [0, 0]


@trio_test
async def test_behind_a_liar_the_next_who_has_posted_it_is_asked() -> None:
    lie = giving(id=ID, object=an_object("A lie"), patch=b"lies")
    async with asker() as alice, asker() as bob, raw_peer(bob.member.port, handlers={COMMIT: lie}) as liar:
        alice.commits.posted.add(ID, RAW, PATCH)
        await bob.member.dial(alice.member)
        await until(lambda: liar.id in bob.member.node.peers.records)
        for peer_id in (alice.member.id, liar.id):
            bob.commits.hear(str(peer_id), LINE)
        shown = await bob.show(ID)
        assert isinstance(shown, CommitShown)
        assert shown.peer_id == str(alice.member.id)
        assert bob.member.counts("commits: not got, WrongHashError", "strikes") == [1, 1]


@trio_test
async def test_whoever_has_posted_it_before_does_not_shut_out_who_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_git, "POSTERS_ASKED", 3)
    monkeypatch.setattr(limits_git, "POSTERS_TOLD", 1)
    gone = [str(peer_ids.ID.from_pubkey(create_new_key_pair(bytes([seed]) * 32).public_key)) for seed in range(5)]
    async with asker() as alice, asker() as bob:
        alice.commits.posted.add(ID, RAW, PATCH)
        await bob.member.dial(alice.member)
        for peer_id in (*gone[:4], str(alice.member.id), gone[4]):
            bob.commits.hear(peer_id, LINE)
        assert (await bob.show(ID)).peer_id == str(alice.member.id)
        for peer_id in gone:
            bob.commits.hear(peer_id, LINE.replace(ID[:12], "0" * 12))
        failed = await bob.show("0" * 12)
        assert failed.reason == (
            f"{gone[4][-8:]}: is not connected to you, and may have gone: nobody has told where it is; "
            "2 more have not given it either; 2 more who have posted it were not asked"
        )


@trio_test
async def test_beside_one_who_is_silent_the_next_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_git, "COMMIT_LEAD", 0.2)
    async with asker() as alice, asker() as bob, raw_peer(bob.member.port, handlers={COMMIT: silence}) as mute:
        alice.commits.posted.add(ID, RAW, PATCH)
        await bob.member.dial(alice.member)
        await until(lambda: mute.id in bob.member.node.peers.records)
        for peer_id in (alice.member.id, mute.id):
            bob.commits.hear(str(peer_id), LINE)
        assert (await bob.show(ID)).peer_id == str(alice.member.id)


@trio_test
async def test_while_somebody_is_silent_it_is_said_who(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("py_peer.service.commits.TELL_AFTER", 0.2)
    async with asker() as bob, raw_peer(bob.member.port, handlers={COMMIT: silence}) as mute:
        await until(lambda: mute.id in bob.member.node.peers.records)
        bob.commits.handlers[ShowCommit](ShowCommit(1, ID, str(mute.id)))
        await until(lambda: bob.told)
        assert bob.told == [Notice(f"Waiting for {str(mute.id)[-8:]}, who was asked for commit {ID[:12]}")]


@trio_test
async def test_when_too_many_are_asked_for_the_next_is_refused_at_once() -> None:
    async with asker() as bob, raw_peer(bob.member.port, handlers={COMMIT: silence}) as peer:
        await until(lambda: peer.id in bob.member.node.peers.records)
        for ticket in range(limits_git.SHOWS_WAITING + limits_git.SHOWS_AT_ONCE + 1):
            bob.commits.handlers[ShowCommit](ShowCommit(ticket, ID, str(peer.id)))
            await trio.lowlevel.checkpoint()
        await until(lambda: bob.told)
        assert [event.reason for event in bob.told] == ["64 commits are being asked for already"]  # type: ignore[attr-defined]
