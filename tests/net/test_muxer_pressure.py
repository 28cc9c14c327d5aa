"""Who reads slowly, gives up, resets or says nothing costs his own stream at most: no memory, no window, no halt."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from libp2p.stream_muxer.exceptions import MuxedStreamEOF, MuxedStreamError, MuxedStreamReset

from py_peer.core import limits
from tests.net.pipes import OURS, Muxed, Way, frame, muxed, settled, two_muxed
from tests.net.raw_peer import ACK, DATA, PING, SYN, WINDOW, WINDOW_UPDATE
from tests.net.support import trio_test

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SMALL = 4_096
"""What a connection holds where it is to be full at once."""


async def connect(a: Muxed, b: Muxed) -> tuple[Any, Any]:
    """Open a stream, and return its two ends."""
    before = len(b.accepted)
    opened = await a.muxer.open_stream()
    with trio.fail_after(5):
        while len(b.accepted) == before:  # noqa: ASYNC110 - what is waited for has no event
            await trio.sleep(0.001)
    return opened, b.accepted[-1]


async def give_up(step: int, what: Callable[..., Awaitable[Any]], *arguments: Any) -> None:
    """Do something, and give it up after so many steps of the scheduler."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(what, *arguments)
        for _ in range(step):
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()


@trio_test
async def test_two_that_send_with_all_their_might_and_ask_each_other_do_not_stand_still() -> None:
    """Each answers where it reads: were it to wait there until the answer is out, neither would read any more."""
    async with two_muxed(SMALL) as (a, b), trio.open_nursery() as nursery:
        got = dict.fromkeys("ab", 0)
        there, back = await connect(a, b)

        async def pour(stream: Any) -> None:
            while True:
                await stream.write(bytes(20_000))

        async def drain(name: str, stream: Any) -> None:
            while True:
                got[name] += len(await stream.read(65_536))

        for name, stream in (("a", there), ("b", back)):
            nursery.start_soon(pour, stream)
            nursery.start_soon(drain, name, stream)
        for _ in range(20):
            for one in (a, b):
                one.muxer.probe(limits.PING_TIMEOUT)
            before = dict(got)
            with trio.fail_after(5):
                while any(got[name] - before[name] < 50_000 for name in got):  # noqa: ASYNC110
                    await trio.sleep(0.001)
        nursery.cancel_scope.cancel()


@trio_test
async def test_a_window_is_not_used_up_by_who_gives_up_before_his_turn() -> None:
    async with two_muxed(SMALL) as (a, b):
        (first, first_end), (second, second_end) = await connect(a, b), await connect(a, b)
        b.inward.widen(0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(first.write, bytes(SMALL))
            await settled()
            for _ in range(30):
                with trio.CancelScope() as scope:
                    nursery.start_soon(cancel_when_settled, scope)
                    await second.write(bytes(10_000))
            b.inward.widen(SMALL)
            got = 0
            while got < SMALL:
                got += len(await first_end.read(65_536))
            nursery.start_soon(second.write, bytes(WINDOW))
            got = 0
            while got < WINDOW:
                got += len(await second_end.read(65_536))
        await settled()
        assert second.send_window == second_end.recv_window


async def cancel_when_settled(scope: trio.CancelScope) -> None:
    await settled()
    scope.cancel()


@settings(max_examples=60)
@given(st.integers(0, 12), st.integers(0, 12), st.booleans())
def test_a_stream_whose_opening_is_given_up_leaves_nothing_behind(first: int, second: int, full: bool) -> None:
    async def run() -> None:
        async with two_muxed(SMALL) as (a, b):
            one, _ = await connect(a, b)
            slots = a.muxer.stream_backlog_semaphore.value
            b.inward.widen(0 if full else SMALL)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(one.write, bytes(SMALL))
                for step in (first, second):
                    await give_up(step, open_and_reset, a)
                b.inward.widen(SMALL)
            await settled()
            assert a.muxer.stream_backlog_semaphore.value == slots
            assert list(a.muxer.streams) == [one.stream_id]

    trio.run(run)


async def open_and_reset(one: Muxed) -> None:
    await (await one.muxer.open_stream()).reset()


@trio_test
async def test_what_was_not_read_of_a_stream_that_we_reset_is_let_go_at_once_and_nothing_more_is_kept() -> None:
    async with two_muxed() as (a, b):
        for _ in range(10):
            there, back = await connect(a, b)
            await there.write(bytes(100_000))
            await settled()
            assert len(b.muxer.stream_buffers[back.stream_id]) == 100_000
            await back.reset()
            assert back.stream_id not in b.muxer.stream_buffers
        await settled()
        for one in (a, b):
            assert not one.muxer.streams
            assert not one.muxer.stream_buffers
            assert not one.muxer.stream_events


@trio_test
async def test_streams_that_end_under_a_reader_leave_nothing_behind() -> None:
    async with two_muxed() as (a, b):
        for end in ("close", "reset"):
            for size in (10, -1):
                there, back = await connect(a, b)
                await back.close()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_read_to_the_end, back, size)
                    await settled()
                    await getattr(there, end)()
        await settled()
        for one in (a, b):
            assert not one.muxer.streams
            assert not one.muxer.stream_buffers
            assert not one.muxer.stream_events


async def _read_to_the_end(stream: Any, size: int) -> None:
    with suppress(MuxedStreamEOF, MuxedStreamReset):
        while True:
            await stream.read(size)


@pytest.mark.parametrize("size", [10, -1])
@trio_test
async def test_a_reset_reaches_a_reader_that_waits_and_one_that_comes_later_as_a_reset(size: int) -> None:
    """And not as the end of the stream, which would make a part of a file a whole one."""
    async with two_muxed() as (a, b):
        there, back = await connect(a, b)
        async with trio.open_nursery() as nursery:

            async def wait() -> None:
                with pytest.raises(MuxedStreamReset):
                    await back.read(size)

            nursery.start_soon(wait)
            await settled()
            await there.reset()
        with pytest.raises(MuxedStreamReset):
            await back.read(size)


@trio_test
async def test_a_thousand_writers_who_give_up_leave_one_message_to_be_sent() -> None:
    """And not one each, on a connection that takes nothing."""
    async with two_muxed(SMALL) as (a, b):
        pairs = [await connect(a, b) for _ in range(10)]
        b.inward.widen(0)
        tcp = a.muxer.secured_conn.conn
        for number in range(1_000):
            await give_up(3, pairs[number % 10][0].write, bytes(60_000))
            assert tcp.unsent < 65_536
        b.inward.open_wide()
        for pair in pairs:
            await use(*pair)


@trio_test
async def test_a_thousand_streams_at_once_are_taken_in_turn_or_refused_and_leave_nothing() -> None:
    outcomes = dict.fromkeys(["answered", "refused"], 0)
    most = 0

    async def answer(b: Muxed) -> None:
        nonlocal most
        async with trio.open_nursery() as nursery:
            taken = 0
            while True:
                await settled()
                for stream in b.accepted[taken:]:
                    nursery.start_soon(echo, stream)
                taken = len(b.accepted)
                most = max(most, len(b.muxer.streams))

    async def ask(a: Muxed, number: int) -> None:
        stream = await a.muxer.open_stream()
        try:
            await stream.write(b"%d" % number)
            await stream.close()
            assert await stream.read(100) == b"%d" % number
            outcomes["answered"] += 1
        except (MuxedStreamError, MuxedStreamReset):
            outcomes["refused"] += 1
            await stream.reset()

    async with two_muxed(100_000) as (a, b), trio.open_nursery() as nursery:
        nursery.start_soon(answer, b)
        async with trio.open_nursery() as asking:
            for number in range(1_000):
                asking.start_soon(ask, a, number)
        assert sum(outcomes.values()) == 1_000
        assert outcomes["answered"] >= limits.MAX_STREAMS_PER_PEER
        assert most <= limits.MAX_STREAMS_PER_PEER
        await settled()
        nursery.cancel_scope.cancel()
        for one in (a, b):
            assert not one.has_ended
            assert not one.muxer.streams
            assert not one.muxer.stream_buffers
            assert not one.muxer.stream_events
        assert a.muxer.stream_backlog_semaphore.value == a.muxer.stream_backlog_limit


async def echo(stream: Any) -> None:
    with suppress(MuxedStreamEOF, MuxedStreamReset):
        await stream.write(await stream.read(100))
        await stream.close()


@pytest.mark.parametrize("flags", [SYN, 0])
@trio_test
async def test_who_wants_answers_and_takes_none_is_not_read_on(flags: int) -> None:
    """Pings, and streams beyond the limit: each is answered, and no more answers wait than fit in one message."""
    asked = frame(PING, SYN, 0, length=7) if flags == 0 else frame(WINDOW_UPDATE, SYN, 9)
    inward, outward = Way(), Way(0)
    async with muxed(OURS, inward, outward) as one:
        await settled()
        inward.held += asked * 20_000
        inward.widen(inward.room)
        await settled()
        assert one.muxer.owes_much
        assert len(one.muxer._headers) < (limits.ANSWERS + 10) * 12
        left = len(inward.held)
        await settled()
        assert 0 < left == len(inward.held)
        outward.open_wide()
        await settled()
        assert not inward.held
        assert len(one.frames()) == 20_000


@trio_test
async def test_half_a_frame_is_held_to_its_length_and_holds_up_no_writer() -> None:
    inward, outward = Way(), Way()
    async with muxed(OURS, inward, outward) as one:
        inward.held += frame(WINDOW_UPDATE, SYN, 1) + frame(DATA, 0, 1, b"half", length=200_000)
        inward.widen(inward.room)
        await settled()
        (stream,) = one.accepted
        assert await stream.read(100) == b"half"
        await stream.write(b"and we speak")
        assert one.frames()[-1][-1] == b"and we speak"
        inward.held += bytes(199_996) + frame(PING, SYN, 0, length=7)
        inward.widen(inward.room)
        await settled()
        assert len(one.muxer.stream_buffers[1]) == 199_996
        assert (PING, ACK, 0, 7, b"") in one.frames()


@pytest.mark.parametrize("size", [10, -1])
@trio_test
async def test_a_reader_and_a_writer_who_wait_are_told_that_we_have_reset(size: int) -> None:
    async with two_muxed() as (a, b), trio.open_nursery() as nursery:
        there, back = await connect(a, b)

        async def read() -> None:
            with pytest.raises(MuxedStreamReset):
                await there.read(size)

        async def write() -> None:
            with pytest.raises(MuxedStreamError):
                await there.write(bytes(2 * WINDOW))

        nursery.start_soon(read)
        nursery.start_soon(write)
        await settled()
        await there.reset()
        with trio.fail_after(5):
            while back.stream_id in b.muxer.streams:  # noqa: ASYNC110 - what is waited for has no event
                await trio.sleep(0.001)


# --- Anything, in any order -----------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "write", "read", "read", "widen", "ping"]),
        st.integers(0, 2),  # the stream
        st.booleans(),  # which end
        st.sampled_from([1, 300, 5_000, 70_000, WINDOW]),
        st.one_of(st.none(), st.integers(0, 12)),  # given up after so many steps
    ),
    max_size=16,
)


ENOUGH = 200
"""Steps of the scheduler in which most things are done."""


async def do(what: str, stream: Any, size: int) -> None:
    if what == "write":
        await stream.write(bytes(size))
    elif what == "read":
        await stream.read(size)
    elif what == "widen":
        await stream.widen(size)
    else:
        stream.conn.probe(limits.PING_TIMEOUT)


@settings(max_examples=100)
@given(STEPS, st.sampled_from([100, SMALL, 100_000]), st.lists(st.integers(1, 5_000), max_size=4))
def test_whatever_is_written_read_widened_and_given_up_both_sides_agree_on_the_windows(
    steps: list[tuple[str, int, bool, int, int | None]], room: int, parts: list[int]
) -> None:
    """And then all streams can be used, to the last byte of their windows."""

    async def run() -> None:
        async with two_muxed(room, parts) as (a, b):
            pairs = [await connect(a, b) for _ in range(3)]
            async with trio.open_nursery() as nursery:
                for what, number, end, size, patience in steps:
                    stream = pairs[number][end]
                    nursery.start_soon(give_up, ENOUGH if patience is None else patience, do, what, stream, size)
                    await trio.lowlevel.checkpoint()
            for one in (a, b):
                one.inward.open_wide()
                one.muxer.probe(limits.PING_TIMEOUT)  # what was begun goes out before it
            await settled()
            for pair in pairs:
                for writer, reader in (pair, reversed(pair)):
                    assert writer.send_window == reader.recv_window
                    await use(writer, reader)
                    await settled()
                    assert writer.send_window == reader.recv_window
            assert not a.muxer.ended
            assert not b.muxer.ended

    trio.run(run)


async def use(writer: Any, reader: Any) -> None:
    """Write and read more than a window."""
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.write, bytes(reader.window) + b"end")
            tail = b""
            while not tail.endswith(b"end"):
                tail = (tail + await reader.read(65_536))[-3:]


@pytest.mark.parametrize("tiny", [frame(PING, ACK, 0), frame(DATA, 0, 1), frame(WINDOW_UPDATE, 0, 1, length=1)])
@trio_test
async def test_others_have_their_turn_while_thousands_of_tiny_frames_are_read(tiny: bytes) -> None:
    inward, outward = Way(), Way()
    async with muxed(OURS, inward, outward) as one:
        inward.held += frame(DATA, SYN, 1) + tiny * 10_000 + frame(PING, SYN, 0, length=7)
        inward.widen(inward.room)
        turns = 0
        with trio.fail_after(20):
            while (PING, ACK, 0, 7, b"") not in one.frames():
                await trio.lowlevel.checkpoint()
                turns += 1
        assert turns > 100
