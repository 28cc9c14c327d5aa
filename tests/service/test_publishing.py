"""Commits of a repository, published by one of five who take part in the DHT, and read by others when it is gone."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import trio

from py_peer.core import limits, limits_git
from py_peer.core.commits import commit_json
from py_peer.core.dht_events import LookupFailed
from py_peer.core.events import Answer, PeerDisconnected, Started
from py_peer.core.git_events import CommitShown, CommitsPublished, NotPublished, PublishProgress
from py_peer.core.git_records import own_keys
from py_peer.core.records import RecordRefusedError
from py_peer.core.requests import ForgetCommits, PublishCommits, PutValue, ShowPublished
from py_peer.core.settings import Settings
from py_peer.net.counters import UNEXPECTED, Counters
from py_peer.net.kad_values import Lookup, Told
from py_peer.service import publishing
from py_peer.service.repository import read_commits
from py_peer.service.transfers import FAULT
from tests.git_repository import GitRepository, needs_git
from tests.loops import run
from tests.service.support import in_trio, person
from tests.service.test_data import QUIET, OddError, answer, network

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from py_peer.core.events import Event
    from tests.service.support import Person

pytestmark = needs_git
COMMITS = 50

Done: Any = CommitsPublished | Answer
Shown: Any = CommitShown | LookupFailed | Answer


async def publish(someone: Person, path: Path, revs: str, **wishes: bool) -> Any:
    """Publish, and return what has come of it."""
    ticket = someone.ask(lambda number: PublishCommits(number, str(path), revs, **wishes))
    return await someone.see(Done, lambda event: event.ticket == ticket)


async def forget_of(someone: Person, path: Path, revs: str) -> Answer:
    """Forget, and return what is said of it."""
    ticket = someone.ask(lambda number: ForgetCommits(number, str(path), revs))
    return await someone.see(Answer, lambda event: event.ticket == ticket)


async def show(someone: Person, what: str, *, patch: bool = True) -> Any:
    ticket = someone.ask(lambda number: ShowPublished(number, what, patch))
    return await someone.see(Shown, lambda event: event.ticket == ticket)


def history(folder: Path, count: int) -> tuple[GitRepository, list[str]]:
    """Return a repository, and the IDs of its commits."""
    repository = GitRepository(folder / "repository")
    return repository, repository.history(count)


def test_of_five_another_reads_and_verifies_fifty_commits_of_one_who_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "KAD_REQUEST_BURST", 10_000)  # else it takes half a minute

    async def scene() -> None:
        repository, ids = history(tmp_path, COMMITS + 1)
        repository.git("tag", "v1", ids[7])
        repository.git("tag", "-a", "v2", "-m", "the second", ids[COMMITS])
        async with network(5) as (a, b, c, *_):
            published = await publish(b, repository.path, f"{ids[0]}..main")
            assert published.commits == tuple(ids[1:])
            assert (published.values, published.stored) == (4 * COMMITS + 2,) * 2
            assert published.asked == 4
            assert published.peers >= 1
            told = [event for event in b.events if isinstance(event, PublishProgress)]
            assert (told[0].done, told[0].total) == (0, published.values)
            assert [event.done for event in told] == sorted({event.done for event in told})
            await b.leave()
            gone = (await b.see(Started)).peer_id
            for one in (a, c):
                await one.see(PeerDisconnected, lambda event: event.peer_id == gone)
            tickets = [c.ask(lambda number, one=one: ShowPublished(number, one)) for one in ids[1:]]  # type: ignore[misc]
            for number, ticket in enumerate(tickets, 1):
                shown = await c.see(CommitShown, lambda event: event.ticket == ticket)  # noqa: B023 - awaited here
                assert shown.verified
                assert shown.commit.id == ids[number]
                assert shown.commit.message == f"Change {number}\n\nIts reason."
                assert shown.commit.parents == (ids[number - 1],)
                assert shown.commit.author_name == "Ada Lovelace"
                assert f"+line {number}" in shown.patch
                assert shown.peers >= 1
            for tag, commit_id in (("v1", ids[7]), ("v2", ids[COMMITS])):
                shown = await show(a, tag, patch=False)
                assert (shown.tag, shown.commit.id, shown.verified, shown.patch) == (tag, commit_id, True, "")

    run(scene())


def test_who_is_held_back_by_those_who_keep_it_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KAD_REQUEST_BURST", 3)
    monkeypatch.setattr(limits, "KAD_REQUESTS_PER_SECOND", 40.0)

    async def scene() -> None:
        repository, ids = history(tmp_path, 11)
        async with network(2) as (_, b):
            published = await publish(b, repository.path, f"{ids[0]}..main")
            assert (published.values, published.stored) == (40, 40)

    run(scene())


def test_where_there_is_no_room_for_everything_the_objects_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "KAD_SENDER_WEIGHT", 30_000)  # a dozen values

    async def scene() -> None:
        repository, ids = history(tmp_path, 6)
        async with network(2) as (a, b):
            published = await publish(b, repository.path, f"{ids[0]}..main")
            assert published.commits == tuple(ids[1:])
            assert len(ids) - 1 < published.stored < published.values == 20
            refused = [event for event in b.events if isinstance(event, NotPublished)]
            assert len(refused) == published.values - published.stored
            assert {event.part for event in refused} <= {"json", "message", "patch"}
            assert all(event.reason.startswith("one value too many") for event in refused)
            assert all([(await show(a, one)).verified for one in ids[1:]])

    run(scene())


def test_what_is_too_large_is_refused_by_its_name_with_the_limit_and_the_rest_is_published(tmp_path: Path) -> None:
    async def scene() -> None:
        repository, (first,) = history(tmp_path, 1)
        large_patch = repository.commit("A large patch", {"large": b"a line of it\n" * 1_000})
        large_object = repository.commit(f"Large\n\n{'a line of it ' * 1_000}")
        async with network(2) as (a, b):
            published = await publish(b, repository.path, f"{first}..main")
            assert (published.commits, published.values, published.stored) == ((large_patch,), 7, 3)
            refused = {(one.commit_id, one.part): one.reason for one in b.events if isinstance(one, NotPublished)}
            assert set(refused) == {
                (large_patch, "patch"),
                *((large_object, part) for part in ("object", "json", "message")),
            }
            for reason in refused.values():
                assert reason.startswith(f"a value has at most {limits.MAX_KAD_VALUE:,} bytes, and this one has 1")
            shown = await show(a, large_patch)
            assert (shown.verified, shown.patch) == (True, "")
            assert isinstance(await show(a, large_object), LookupFailed)
            small = await publish(b, repository.path, large_patch, patches=False)
            assert (small.values, small.stored) == (3, 3)

    run(scene())


def test_what_anyone_puts_in_the_place_of_the_texts_is_never_shown_as_the_commit(tmp_path: Path) -> None:
    async def scene() -> None:
        repository, (first, second) = history(tmp_path, 2)
        repository.git("tag", "v1", second)
        async with network(3) as (a, b, c):
            await publish(b, repository.path, f"{first}..main")
            honest = (await show(a, second)).commit
            forged = commit_json(replace(honest, message="Not what it was", author_name="Mallory"))
            for key, text in (
                (second, "Not what it was"),
                (f"{second}/commit", forged),
                (f"{second}/diff", "+not what it was"),
                ("v1", first),
                (first, "What nobody has published"),
                (f"{first}/commit", commit_json(replace(honest, id=first, author_name="Mallory"))),
            ):
                assert not isinstance(await answer(c, PutValue, key, text), Answer)
            refused = await answer(c, PutValue, f"/py-peer-commit/{second}", "Not what it was")
            assert refused.text.endswith("a commit that does not hash to its ID")
            shown = await show(a, second)
            assert (shown.verified, shown.commit, shown.patch) == (True, honest, "+not what it was")
            by_tag = await show(a, "v1")  # the tag leads elsewhere, to what nothing verifies, and is said to be one
            assert (by_tag.tag, by_tag.commit.id, by_tag.verified) == ("v1", first, False)
            assert by_tag.commit.author_name == "Mallory"

    run(scene())


def test_a_tag_that_leads_to_no_commit_and_what_nobody_has_are_not_found(tmp_path: Path) -> None:
    async def scene() -> None:
        repository, (first,) = history(tmp_path, 1)
        async with network(2) as (a, b):
            await publish(b, repository.path, "HEAD")
            await answer(b, PutValue, "colour", "dark blue")
            reasons = {
                "colour": "what stands there is the ID of no commit",
                first[:12]: "none of the 1 peer(s) that were asked has a tag of that name; a commit is found by all",
                "f" * 40: "none of the 1 peer(s) that were asked has it",
            }
            for what, reason in reasons.items():
                missed = await show(a, what)
                assert (missed.key, missed.asked) == (what, 1)
                assert missed.reason.startswith(reason)
            assert (await show(a, first.upper())).verified
            outside = await show(a, "/tag")
            assert (outside.failed, outside.text.startswith("Not shown: /tag: ")) == (True, True)

    run(scene())


def test_what_a_repository_cannot_give_is_said(tmp_path: Path) -> None:
    async def scene() -> None:
        repository, _ = history(tmp_path, 2)
        GitRepository(tmp_path / "unborn")
        (tmp_path / "nothing").mkdir()
        async with person("a", **QUIET, kademlia=True) as one:
            for path, revs, reason in (
                ("nothing", "HEAD", "is in no Git repository"),
                ("unborn", "HEAD", "has no commit yet"),
                ("repository", "nobody", "no commit 'nobody'"),
                ("repository", "main..HEAD", "there is no commit in that range"),
                ("repository", "HEAD~7", "does not exist"),
            ):
                refused = await publish(one, tmp_path / path, revs)
                assert isinstance(refused, Answer)
                assert (refused.failed, reason in refused.text) == (True, True), refused.text
                assert refused.text.startswith(f"Not published: {revs}: ")
            alone = await publish(one, repository.path, "HEAD")
            assert alone == CommitsPublished(alone.ticket, (), 4, 0, 0, 0)
        async with person("a", **QUIET) as one:
            assert "--bootstrap" in (await publish(one, repository.path, "HEAD")).text
            assert "--bootstrap" in (await show(one, "v1")).text

    run(scene())


def test_a_commit_of_sha256_is_verified_and_of_the_end_of_a_shallow_clone_the_patch_alone_is_missing(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        modern = GitRepository(tmp_path / "modern", "--object-format=sha256")
        only = modern.commit("With another hash", {"file": b"a line\n"})
        whole, (_, last) = history(tmp_path, 2)
        whole.git("clone", "-q", "--depth", "1", f"file://{whole.path}", str(tmp_path / "shallow"))
        async with network(2) as (a, b):
            assert (await publish(b, modern.path, "main")).commits == (only,)
            shown = await show(a, only)
            assert (len(only), shown.verified, shown.commit.message) == (64, True, "With another hash")
            told = await publish(b, tmp_path / "shallow", "HEAD")
            assert (told.commits, told.values, told.stored) == ((last,), 3, 3)
            (missing,) = (event for event in b.events if isinstance(event, NotPublished))
            assert (missing.commit_id, missing.part) == (last, "patch")
            assert "git fetch --unshallow" in missing.reason
            assert (await show(a, last)).verified

    run(scene())


def test_what_is_forgotten_is_put_anew_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        repository, ids = history(tmp_path, 2)
        repository.git("tag", "v1", ids[1])
        async with network(2) as (a, b):

            async def forget() -> Answer:
                return await forget_of(b, repository.path, f"{ids[0]}..main")

            assert (await forget()).failed
            await publish(b, repository.path, f"{ids[0]}..main")
            monkeypatch.setattr("py_peer.service.repository._with_patch", None)  # nor is one needed to forget it
            told = await forget()
            assert (told.failed, told.text.startswith("Forgotten: 5 value(s)")) == (False, True)
            assert (await forget()).failed
            assert (await show(a, ids[1])).verified  # others have it for a while

    run(scene())


def test_tags_that_were_moved_or_deleted_are_forgotten_and_so_is_a_commit_that_is_no_more(tmp_path: Path) -> None:
    async def scene() -> None:
        repository, ids = history(tmp_path, 2)
        for tag in ("moved", "deleted"):
            repository.git("tag", tag, ids[1])
        async with network(2) as (_, b):
            await publish(b, repository.path, "main")
            await answer(b, PutValue, "colour", "dark blue")
            repository.git("tag", "-d", "deleted")
            repository.git("tag", "-f", "moved", ids[0])
            assert (await forget_of(b, repository.path, "main")).text.startswith("Forgotten: 6 value(s)")
            await publish(b, repository.path, "main")
            nowhere = tmp_path / "nothing"
            assert (await forget_of(b, nowhere, ids[1].upper())).text.startswith("Forgotten: 4 value(s)")
            assert (await forget_of(b, nowhere, ids[1])).failed

    run(scene())


# --- Over a double --------------------------------------------------------------------------------


class Double:
    """A Kademlia with somebody in its table, who takes what he is told to."""

    def __init__(self) -> None:
        self.looks_in_vain = 0
        self.at_once = self.most = 0
        self.order: list[bytes] = []
        self.takes: dict[bytes, Told | Exception] = {}

    async def get_value(self, _key: bytes) -> Lookup:
        return Lookup(None, 0, 3, 2)

    @property
    def table(self) -> tuple[str, ...]:
        self.looks_in_vain -= 1
        return () if self.looks_in_vain >= 0 else ("somebody",)

    async def put_value(self, key: bytes, _value: bytes) -> Told:
        self.order.append(key)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await trio.sleep(1)
        self.at_once -= 1
        told = self.takes.get(key, Told(3, 4))
        if isinstance(told, Exception):
            raise told
        return told


@pytest.fixture
def _read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read repositories in no thread: for one the clock that jumps would not wait."""

    async def at_once(read: Callable[..., Any], *args: object, seconds: float | None = None) -> Any:
        del seconds
        return read(*args)

    monkeypatch.setattr(publishing, "in_thread", at_once)


def published_over(double: Double, path: Path, revs: str, times: int = 1) -> list[Any]:
    """Return the events of publishing over a double, asked for so many times."""
    return asked_over(double, *(PublishCommits(ticket, str(path), revs) for ticket in range(1, times + 1)))


def asked_over(double: Double, *requests: PublishCommits | ShowPublished) -> list[Any]:
    """Return the events of what is asked over a double, whose tickets count from 1."""
    events: list[Any] = []
    ended = trio.Event()

    def emit(event: Event) -> None:
        events.append(event)
        if isinstance(event, CommitsPublished | Answer | LookupFailed) and event.ticket == len(requests):
            ended.set()

    part = publishing.Publishing(Settings("a", kademlia=True), emit)

    async def somebody() -> Any:
        return double

    async def scene() -> None:
        part.somebody_to_ask = somebody
        async with trio.open_nursery() as nursery:
            nursery.start_soon(part.run, SimpleNamespace(counters=Counters()))
            for request in requests:
                part.handlers[type(request)](request)
            await ended.wait()
            nursery.cancel_scope.cancel()

    in_trio(scene)
    return events


@pytest.mark.usefixtures("_read_at_once")
def test_a_few_values_are_put_side_by_side_all_objects_first_and_patches_last(tmp_path: Path) -> None:
    repository, ids = history(tmp_path, 4)
    repository.git("tag", "v1", ids[3])
    double = Double()
    *progress, told = published_over(double, repository.path, f"{ids[0]}..main")
    assert [(one.done, one.total) for one in progress] == [(0, 13), (limits_git.PUT_AT_ONCE + 1, 13)]  # after 2 of 3 s
    assert [sorted(one.commits) for one in progress] == [[], sorted(ids[1:])]
    assert told == CommitsPublished(1, tuple(ids[1:]), 13, 13, 3, 4)
    assert double.most == limits_git.PUT_AT_ONCE
    assert double.order[:3] == [f"/py-peer-commit/{one}".encode() for one in ids[1:]]
    assert double.order[9] == b"v1"
    assert set(double.order[-3:]) == {f"{one}/diff".encode() for one in ids[1:]}


@pytest.mark.usefixtures("_read_at_once")
def test_what_nobody_takes_and_for_which_there_is_no_room_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    repository, (only,) = history(tmp_path, 1)
    double = Double()
    double.takes = {
        f"/py-peer-commit/{only}".encode(): Told(0, 4),
        only.encode(): RecordRefusedError("one value too many"),
        f"{only}/diff".encode(): Told(1, 4),
    }
    told = published_over(double, repository.path, "main")
    refused = {event.part: event.reason for event in told if isinstance(event, NotPublished)}
    assert refused == {"object": "none of the 4 peer(s) that were asked has taken it", "message": "one value too many"}
    assert told[-1] == CommitsPublished(1, (), 4, 2, 1, 4)


@pytest.mark.usefixtures("_read_at_once")
def test_a_tag_that_is_called_as_a_commit_is_told_and_never_put(tmp_path: Path) -> None:
    repository, (only,) = history(tmp_path, 1)
    for tag in (f"{only}/commit", "v1"):
        repository.git("tag", tag, only)
    double = Double()
    told = published_over(double, repository.path, "main")
    assert [event.part for event in told if isinstance(event, NotPublished)] == [f"{only}/commit"]
    assert told[-1] == CommitsPublished(1, (only,), 5, 5, 3, 4)
    assert sorted(double.order) == sorted([*own_keys(only), b"v1"])


@pytest.mark.usefixtures("_read_at_once")
def test_a_fault_is_one_of_this_request_alone(tmp_path: Path) -> None:
    repository, _ = history(tmp_path, 1)
    double = Double()
    double.takes = dict.fromkeys([f"{repository.head()}/diff".encode()], OddError("disk"))
    assert published_over(double, repository.path, "main")[-1].text.endswith(FAULT)
    assert UNEXPECTED.pop("OddError") == 1


@pytest.mark.usefixtures("_read_at_once")
def test_what_nobody_was_there_to_take_is_not_read_again_when_it_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, (only,) = history(tmp_path, 1)
    read: list[str] = []

    def counted(path: str, revs: str, *args: Any, **wishes: Any) -> Any:
        read.append(revs)
        return read_commits(path, revs, *args, **wishes)

    monkeypatch.setattr(publishing, "read_commits", counted)
    double = Double()
    double.looks_in_vain = 2
    told = [
        event for event in published_over(double, repository.path, "main", 4) if isinstance(event, CommitsPublished)
    ]
    assert told == [
        CommitsPublished(1, (), 4, 0, 0, 0),
        CommitsPublished(2, (), 4, 0, 0, 0),
        CommitsPublished(3, (only,), 4, 4, 3, 4),
        CommitsPublished(4, (only,), 4, 4, 3, 4),
    ]
    assert read == ["main"] * 2  # anew when it was published: the branch may have moved


@pytest.mark.parametrize(
    ("what", "has_it"), [("a" * 40, "has it"), ("v1", "has a tag of that name")], ids=["id", "tag"]
)
def test_how_many_could_not_be_asked_is_told_where_nothing_is_found(what: str, has_it: str) -> None:
    (told,) = asked_over(Double(), ShowPublished(1, what))
    assert (told.asked, told.unasked) == (3, 2)
    assert told.reason.startswith(f"none of the 3 peer(s) that were asked {has_it}")
    assert told.reason.endswith("; 2 more could not be asked just now, as too much was dialled lately")
