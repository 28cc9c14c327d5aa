"""Direct messages on the wire: taken, answered, and refused in time, whatever the other side sends."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing
from google.protobuf.message import DecodeError
from libp2p.utils.varint import encode_uvarint

from py_peer.core import limits
from py_peer.net.direct import (
    DIRECT,
    DirectMessage,
    Metadata,
    NotNowError,
    NotTakenError,
    Receiver,
    Request,
    Response,
    send,
)
from py_peer.net.streams import EndedError, GarbageError, NotSupportedError, SilentError
from tests.net.answering import abort, endless, half, hang_up, replying, rubbish
from tests.net.raw_peer import GoneError, RawPeer, RawStream, raw_peer, silence
from tests.net.support import Member, member, naming, still_hears, trio_test, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.net.raw_peer import Handlers

SOON = 0.3


@asynccontextmanager
async def receiver(answer: str = "") -> AsyncIterator[tuple[Member, list[DirectMessage]]]:
    """Run a member that takes direct messages, or refuses them with a reason, and what it was sent."""
    taken: list[DirectMessage] = []

    def judge(message: DirectMessage) -> str:
        taken.append(message)
        return answer

    async with member(loopback=True) as one:
        receives = Receiver(judge)
        receives.counters = one.node.counters
        host: Any = one.node.host
        host.set_stream_handler(DIRECT, receives.handle)
        yield one, taken


def request(text: str = "hello", when: int = 1_700_000_000_000, kind: str = "text/plain") -> bytes:
    metadata = Metadata(clientVersion="0.0.1", timestamp=when)
    return bytes(Request(metadata=metadata, content=text, type=kind).SerializeToString())


async def say(peer: RawPeer, data: bytes) -> Any:
    """Send a request, and return the answer; the node must close its side behind it. Raises GoneError."""
    stream = await peer.open(DIRECT)
    await stream.write_frame(data)
    answer = Response.FromString(await stream.read_frame())
    await stream.wait_end()
    assert stream.fin
    await stream.finish()
    return answer


# --- Taking ---------------------------------------------------------------------------------------


@trio_test
async def test_a_message_is_taken_and_confirmed_as_the_javascript_peer_wants_it() -> None:
    async with receiver() as (one, taken), raw_peer(one.port) as peer:
        answer = await say(peer, request("hello\nyou", 1_700_000_000_123))
        assert taken == [DirectMessage(peer.id, "hello\nyou", 1_700_000_000_123)]
        assert answer.status == 200
        assert answer.HasField("metadata")
        assert answer.metadata.clientVersion.startswith("py-peer/")
        assert not answer.HasField("statusText")
        await say(peer, bytes(Request(content="bare").SerializeToString()))
        assert taken[1] == DirectMessage(peer.id, "bare", 0)


@trio_test
async def test_who_is_refused_is_told_why() -> None:
    async with receiver("takes nothing") as (one, _), raw_peer(one.port) as peer:
        answer = await say(peer, request())
        assert (answer.status, answer.statusText) == (500, "takes nothing")
        assert answer.HasField("metadata")


@trio_test
async def test_another_type_than_text_is_refused() -> None:
    async with receiver() as (one, taken), raw_peer(one.port) as peer:
        answer = await say(peer, request(kind="image/png"))
        assert (answer.status, answer.statusText, taken) == (500, "takes text/plain alone", [])
        assert one.counts("dropped: direct messages, of a type that is not text/plain") == [1]


@trio_test
async def test_too_large_a_message_is_answered_and_costs_no_memory_and_no_strike() -> None:
    """A JavaScript peer may well be asked to send one."""
    async with receiver() as (one, taken), raw_peer(one.port) as peer:
        honest = await peer.open(DIRECT)
        await honest.write_frame(request("x" * 200_000))
        assert Response.FromString(await honest.read_frame()).statusText == "a message may have 60,000 bytes"
        liar = await peer.open(DIRECT)
        await liar.write(encode_uvarint(2**62))
        assert Response.FromString(await liar.read_frame()).status == 500
        await honest.finish()
        await honest.wait_end()
        assert one.counts("dropped: direct messages, too large", "strikes", "unexpected faults") == [2, 0, 0]
        assert not taken
        assert (await say(peer, request())).status == 200


@trio_test
async def test_a_text_of_the_largest_size_is_taken_and_a_byte_more_is_refused() -> None:
    async with receiver() as (one, taken), raw_peer(one.port) as peer:
        for text in ("x" * 60_000, "\u00fc" * 30_000):
            assert (await say(peer, request(text))).status == 200
        for text in ("x" * 60_001, "\u00fc" * 30_000 + "x"):
            answer = await say(peer, request(text))
            assert (answer.status, answer.statusText) == (500, "a message may have 60,000 bytes")
        assert len(taken) == 2
        assert one.counts("dropped: direct messages, too large") == [2]


@trio_test
async def test_who_sends_garbage_gets_a_strike_and_who_just_goes_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DIRECT_SECONDS", SOON)
    scenes = {
        "no protobuf": (encode_uvarint(4) + b"\xff\xff\xff\xff", 1),
        "no UTF-8": (encode_uvarint(4) + b"\x12\x02\xff\xfe", 1),
        "no length": (b"\xff" * 20, 1),
        "half a frame": (encode_uvarint(100) + b"\x12", 0),
        "half a length": (b"\x80", 0),
        "nothing": (b"", 0),
    }
    async with receiver() as (one, taken), raw_peer(one.port) as peer:
        strikes = 0
        for scene, (data, cost) in scenes.items():
            for ends in (True, False):
                with naming(f"{scene}, and {'an end' if ends else 'silence'}"):
                    stream = await peer.open(DIRECT)
                    await stream.write(data)
                    if ends:
                        await stream.finish()
                    await stream.wait_end()
                    assert stream.rst
                    strikes += cost
                    assert one.counts("strikes", "unexpected faults") == [strikes, 0]
        assert not taken
        await still_hears(one)


@trio_test
async def test_a_thousand_streams_of_one_peer_take_nothing_from_another() -> None:
    async with receiver() as (one, taken), raw_peer(one.port) as flood, raw_peer(one.port) as honest:
        for _ in range(1_000):
            stream = flood.streams[flood._next_id] = RawStream(flood, flood._next_id)
            flood._next_id += 2
            await flood.send(1, 1, stream.id)
            await stream.say("/multistream/1.0.0")
            await stream.say(DIRECT)
        assert (await say(honest, request())).status == 200
        assert len(taken) == 1
        await until(lambda: one.counts("dropped: direct messages, too many of one peer at once") >= [1])
        assert one.counts("unexpected faults") == [0]
        await still_hears(one)


# --- Sending --------------------------------------------------------------------------------------


def answering(**fields: Any) -> Callable[[RawStream], Awaitable[None]]:
    return replying(Response(**fields))


@trio_test
async def test_what_is_sent_is_what_the_javascript_peer_reads() -> None:
    got: list[Any] = []

    async def take(stream: RawStream) -> None:
        got.append(Request.FromString(await stream.read_frame()))
        await stream.write_frame(bytes(Response(metadata=Metadata(), status=200).SerializeToString()))
        await stream.finish()

    async with member(loopback=True) as one, raw_peer(one.port, handlers={DIRECT: take}) as peer:
        await until(lambda: peer.id in one.node.peers.records)
        await send(one.node.host, peer.id, "hello", 1_700_000_000_123)
        (request,) = got
        assert (request.content, request.type, request.metadata.timestamp) == ("hello", "text/plain", 1_700_000_000_123)


@trio_test
async def test_a_message_that_is_not_confirmed_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DIRECT_SECONDS", SOON)
    scenes: list[tuple[Any, type[Exception], str]] = [
        (answering(status=500, statusText="not\x1b[2J\nnow"), NotTakenError, "^not now$"),
        (answering(status=500, statusText="not now: sleeps\n"), NotNowError, "^it sleeps just now$"),
        (answering(status=500), NotTakenError, "it answers with the status 500"),
        (answering(), NotTakenError, "it answers with the status 0"),
        (rubbish, DecodeError, ""),
        (endless, GarbageError, ""),
        (hang_up, EndedError, ""),
        (abort, EndedError, ""),
        (half, EndedError, ""),
        (silence, SilentError, ""),
        (None, NotSupportedError, ""),
    ]
    async with member(loopback=True) as one:
        for handler, error, text in scenes:
            handlers: Handlers = {DIRECT: handler} if handler else {}
            with naming(getattr(handler, "__name__", "not spoken")):
                async with raw_peer(one.port, handlers=handlers) as peer:
                    await until(lambda: peer.id in one.node.peers.records)
                    with pytest.raises(error, match=text or None):
                        await send(one.node.host, peer.id, "hello", 1)
        await still_hears(one)


@trio_test
async def test_hundreds_of_messages_leave_nothing_behind() -> None:
    async with receiver() as (bob, taken), member(loopback=True) as alice:
        await alice.dial(bob)
        (conn,) = alice.node.host.get_network().get_connections(bob.id)
        (back,) = bob.node.host.get_network().get_connections(alice.id)
        await until(lambda: alice.seen.count("identified") and bob.seen.count("identified"))
        await trio.testing.wait_all_tasks_blocked(0.05)
        before = len(conn.muxed_conn.streams), len(back.muxed_conn.streams)  # type: ignore[attr-defined]
        for number in range(200):
            await send(alice.node.host, bob.id, str(number), number)
        assert [message.text for message in taken] == [str(number) for number in range(200)]
        await until(lambda: len(conn.muxed_conn.streams) <= before[0] + 1)  # type: ignore[attr-defined]
        await until(lambda: len(back.muxed_conn.streams) <= before[1] + 1)  # type: ignore[attr-defined]


@trio_test
async def test_an_answer_that_does_not_come_is_not_waited_for_longer_than_five_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "DIRECT_SECONDS", SOON)

    async def drip(stream: RawStream) -> None:
        await stream.write(encode_uvarint(1_000))
        try:
            while True:
                await stream.write(b"\x00")
                await trio.sleep(SOON / 5)
        except GoneError:
            pass

    async with member(loopback=True) as one, raw_peer(one.port, handlers={DIRECT: drip}) as peer:
        await until(lambda: peer.id in one.node.peers.records)
        began = trio.current_time()
        with pytest.raises(SilentError, match="has not confirmed"):
            await send(one.node.host, peer.id, "hello", 1)
        assert trio.current_time() - began < 10 * SOON
