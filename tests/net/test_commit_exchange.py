"""Commits from peer to peer on the wire: given, or refused in words, and never more than was allowed."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio
from libp2p.utils.varint import encode_uvarint

from py_peer.core import limits_git
from py_peer.net.commit_exchange import (
    COMMIT,
    GIVEN,
    NOT_NOW,
    SEVERAL,
    UNKNOWN,
    Answer,
    CommitServer,
    GivenCommit,
    NotGivenError,
    Request,
    ask_for_commit,
)
from py_peer.net.streams import EndedError, GarbageError, NotSupportedError, SilentError
from tests.net.answering import abort, endless, half, hang_up, replying, rubbish
from tests.net.raw_peer import RawPeer, RawStream, raw_peer, silence
from tests.net.support import Member, member, naming, still_hears, trio_test, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.net.raw_peer import Handlers

SOON = 0.3
ID = "3f2a9c1be0" * 4
OTHER = "3f2a9c1bff" * 4
OBJECT = b"tree 00\n\nhello"
PATCH = b"diff --git a/x b/x\n+\xff\n"


@asynccontextmanager
async def server(*commits: GivenCommit) -> AsyncIterator[Member]:
    """Run a member that gives commits; without any it gives one."""
    given = commits or (GivenCommit(ID, OBJECT, PATCH),)
    async with member(loopback=True) as one:
        serves = CommitServer(lambda asked: [commit for commit in given if commit.id.startswith(asked)])
        serves.counters = one.node.counters
        host: Any = one.node.host
        host.set_stream_handler(COMMIT, serves.handle)
        yield one


def request(asked: str) -> bytes:
    return bytes(Request(id=asked).SerializeToString())


async def ask(peer: RawPeer, asked: str) -> Any:
    """Send a request, and return the answer, behind which the node must close its side."""
    stream = await peer.open(COMMIT)
    await stream.write_frame(request(asked))
    answer = Answer.FromString(await stream.read_frame())
    await stream.wait_end()
    assert stream.fin
    await stream.finish()
    return answer


# --- Answering ------------------------------------------------------------------------------------


@trio_test
async def test_a_commit_is_given_by_its_id_or_the_beginning_of_it() -> None:
    async with server() as one, raw_peer(one.port) as peer:
        for asked in (ID, ID[:12], ID[:7]):
            answer = await ask(peer, asked)
            assert (answer.status, answer.id, answer.object, answer.patch) == (GIVEN, ID, OBJECT, PATCH)
        assert one.counts("commits: given", "strikes", "unexpected faults") == [3, 0, 0]


@trio_test
async def test_what_was_not_posted_and_what_is_not_plain_is_refused_in_words() -> None:
    async with server(GivenCommit(ID, b"", b""), GivenCommit(OTHER, b"", b"")) as one:
        async with raw_peer(one.port) as peer:
            unknown = await ask(peer, "0" * 40)
            assert (unknown.status, unknown.reason) == (UNKNOWN, "it has posted no such commit, or a while ago")
            several = await ask(peer, ID[:8])
            assert (several.status, several.reason) == (SEVERAL, "it has posted 2 commits whose IDs begin so")
            assert (several.id, several.object, several.patch) == ("", b"", b"")
            assert (await ask(peer, OTHER[:9])).id == OTHER
        assert one.counts("commits: not given, unknown", "commits: not given, several", "strikes") == [1, 1, 0]


@trio_test
async def test_the_largest_comes_whole() -> None:
    raw, patch = bytes(limits_git.MAX_COMMIT), bytes(range(256)) * (limits_git.MAX_PATCH // 256)
    async with server(GivenCommit(ID, raw, patch)) as bob, member(loopback=True) as alice:
        await alice.dial(bob)
        assert await ask_for_commit(alice.node.host, bob.id, ID[:12]) == GivenCommit(ID, raw, patch)


@trio_test
async def test_who_asks_without_an_end_is_told_to_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_git, "COMMIT_REQUEST_BURST", 3)
    monkeypatch.setattr(limits_git, "COMMIT_REQUESTS_PER_SECOND", 0.001)
    async with server() as one, raw_peer(one.port) as greedy, raw_peer(one.port) as modest:
        assert [(await ask(greedy, ID)).status for _ in range(5)] == [GIVEN] * 3 + [NOT_NOW] * 2
        assert (await ask(modest, ID)).status == GIVEN
        assert one.counts("commits: not given, too many at once", "strikes") == [2, 0]


@trio_test
async def test_garbage_costs_a_strike_and_an_end_in_the_middle_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_git, "COMMIT_SILENCE", SOON)
    too_long = request("a" * 200)
    scenes = {
        "no protobuf": (encode_uvarint(4) + b"\xff\xff\xff\xff", 1),
        "no UTF-8": (encode_uvarint(4) + b"\x0a\x02\xff\xfe", 1),
        "no length": (b"\xff" * 20, 1),
        "a huge size": (encode_uvarint(2**62), 1),
        "a long request": (encode_uvarint(len(too_long)) + too_long, 1),
        "no ID": (b"\x00", 1),
        "too short an ID": (encode_uvarint(8) + request("abcdef"), 1),
        "a name": (encode_uvarint(14) + request("../../secret"), 1),
        "capitals": (encode_uvarint(42) + request(ID.upper()), 1),
        "half a frame": (encode_uvarint(42) + b"\x0a", 0),
        "half a length": (b"\x80", 0),
        "nothing": (b"", 0),
    }
    async with server() as one, raw_peer(one.port) as peer:
        strikes = 0
        for scene, (data, cost) in scenes.items():
            for ends in (True, False):
                one.node.bans.forgiven(peer.id)  # at ten strikes it would be let go, as it should
                with naming(f"{scene}, and {'an end' if ends else 'silence'}"):
                    stream = await peer.open(COMMIT)
                    await stream.write(data)
                    if ends:
                        await stream.finish()
                    await stream.wait_end()
                    assert stream.rst
                    strikes += cost
                    assert one.counts("strikes", "unexpected faults") == [strikes, 0]
        assert one.counts("commits: given") == [0]
        await still_hears(one)


@trio_test
async def test_who_takes_nothing_is_let_go_and_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_git, "COMMIT_SILENCE", SOON)
    commits = GivenCommit(ID, OBJECT, bytes(limits_git.MAX_PATCH)), GivenCommit(OTHER, OBJECT, b"")
    async with server(*commits) as one, raw_peer(one.port) as stingy, raw_peer(one.port) as honest:
        streams = [await stingy.open(COMMIT) for _ in range(4)]
        stingy.stingy = frozenset(stream.id for stream in streams)
        for stream in streams:
            await stream.write_frame(request(ID))
        assert (await ask(honest, OTHER)).status == GIVEN
        for stream in streams:
            await stream.wait_end()
            assert stream.rst
        assert one.counts("commits: took nothing and were let go", "commits: given", "strikes") == [4, 1, 0]


# --- Asking ---------------------------------------------------------------------------------------


def answering(**fields: Any) -> Callable[[RawStream], Awaitable[None]]:
    return replying(Answer(**fields))


async def a_byte_too_much(stream: RawStream) -> None:
    await stream.write(encode_uvarint(limits_git.MAX_COMMIT_ANSWER + 1))


async def drip(stream: RawStream) -> None:
    await stream.write(encode_uvarint(100_000))
    while True:
        await stream.write(b"\x00")
        await trio.sleep(SOON / 5)


@trio_test
async def test_what_is_asked_is_a_frame_with_the_id_alone() -> None:
    got: list[bytes] = []

    async def take(stream: RawStream) -> None:
        got.append(await stream.read_frame())
        await stream.write_frame(bytes(Answer(status=GIVEN, id=ID, object=OBJECT).SerializeToString()))
        await stream.finish()

    async with member(loopback=True) as one, raw_peer(one.port, handlers={COMMIT: take}) as peer:
        await until(lambda: peer.id in one.node.peers.records)
        given = await ask_for_commit(one.node.host, peer.id, "3f2a9c1")
        assert given == GivenCommit(ID, OBJECT, b"")
        assert got == [b"\x0a\x073f2a9c1"]


@trio_test
async def test_a_commit_that_does_not_come_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_git, "COMMIT_SILENCE", SOON)
    monkeypatch.setattr(limits_git, "COMMIT_SECONDS", 4 * SOON)
    large = bytes(limits_git.MAX_COMMIT + 1)
    scenes: dict[str, tuple[Any, type[Exception], str]] = {
        "a refusal": (answering(status=404, reason="not\x1b[2J\nhere"), NotGivenError, "^not here$"),
        "a bare refusal": (answering(status=404), NotGivenError, "it answers with the status 404"),
        "nothing in the answer": (answering(), NotGivenError, "it answers with the status 0"),
        "another commit": (answering(status=GIVEN, id="0" * 40, object=OBJECT), GarbageError, "another commit"),
        "half an ID": (answering(status=GIVEN, id=ID[:20], object=OBJECT), GarbageError, "another commit"),
        "no ID": (answering(status=GIVEN, object=OBJECT), GarbageError, "another commit"),
        "too large an object": (answering(status=GIVEN, id=ID, object=large), GarbageError, "larger"),
        "too large a patch": (
            answering(status=GIVEN, id=ID, patch=bytes(limits_git.MAX_PATCH + 1)),
            GarbageError,
            "larger",
        ),
        "five megabytes": (answering(status=GIVEN, id=ID, patch=bytes(5_000_000)), GarbageError, "announced 5,000,0"),
        "rubbish": (rubbish, GarbageError, "cannot be read"),
        "a huge size": (endless, GarbageError, "announced 1,099,511,627,776 bytes"),
        "a byte too much": (a_byte_too_much, GarbageError, "announced"),
        "an end": (hang_up, EndedError, "hung up"),
        "a reset": (abort, EndedError, ""),
        "half an answer": (half, EndedError, "too early"),
        "silence": (silence, SilentError, ""),
        "a byte now and then": (drip, SilentError, "not all of it came"),
        "another protocol": (None, NotSupportedError, ""),
    }
    async with member(loopback=True) as one:
        for scene, (handler, error, text) in scenes.items():
            handlers: Handlers = {COMMIT: handler} if handler else {}
            with naming(scene):
                async with raw_peer(one.port, handlers=handlers) as peer:
                    await until(lambda: peer.id in one.node.peers.records)
                    with pytest.raises(error, match=text or None):
                        await ask_for_commit(one.node.host, peer.id, ID[:12])
        assert one.counts("unexpected faults") == [0]
        await still_hears(one)


@trio_test
async def test_a_thousand_streams_of_one_peer_take_nothing_from_another() -> None:
    async with server() as one, raw_peer(one.port) as flood, raw_peer(one.port) as honest:
        for _ in range(1_000):
            stream = flood.streams[flood._next_id] = RawStream(flood, flood._next_id)
            flood._next_id += 2
            await flood.send(1, 1, stream.id)
            await stream.say("/multistream/1.0.0")
            await stream.say(COMMIT)
        assert (await ask(honest, ID)).status == GIVEN
        await until(lambda: one.counts("commits: too many streams of one peer") >= [1])
        assert one.counts("unexpected faults") == [0]
        await still_hears(one)
