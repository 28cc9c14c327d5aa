"""Whatever is done to both ends of a stream, in any order: what was written comes, once, in order, and nothing hangs.

Who has to wait is cancelled as soon as nobody has anything else to do, in the middle of a read or of a write.
"""

from __future__ import annotations

import itertools
from typing import Any

import trio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from libp2p.network.stream.exceptions import StreamEOF, StreamError, StreamReset
from libp2p.network.stream.net_stream import NetStream, StreamState

from py_peer.core import limits
from py_peer.net.net_stream import UnlockedStream
from tests.net.pipes import ENDLESS, Muxed, settled, two_muxed
from tests.net.support import trio_test

WAITED = "waited, and was cancelled"
WINDOW = limits.MAX_STREAM_WINDOW
SIZES = st.sampled_from([0, 1, 2, 65_506, 65_507, 65_508, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW])
ACTS = st.one_of(
    st.tuples(st.just("write"), SIZES),
    st.tuples(st.just("read"), st.one_of(st.none(), SIZES.filter(bool))),
    st.tuples(st.sampled_from(["close_write", "close_read", "close", "reset"]), st.none()),
)
SCRIPTS = st.lists(st.tuples(st.sampled_from([0, 1]), ACTS), max_size=10)
PARTS = st.lists(st.integers(20_000, 200_000), max_size=4)
ROOMS = st.sampled_from([30_000, 70_000, ENDLESS])

Script = list[tuple[int, tuple[str, int | None]]]


async def ends(kind: type[NetStream], a: Muxed, b: Muxed) -> list[Any]:
    """Return both ends of a stream, as its hosts have them."""
    muxed = [await a.muxer.open_stream()]
    await settled()
    muxed += b.accepted
    streams = [kind(one, None, None) for one in muxed]
    for stream in streams:
        await stream.set_state(StreamState.OPEN)
    return streams


async def outcome_of(stream: Any, act: str, argument: Any) -> Any:
    """Return what comes of an act: what is returned, what is raised, or that it would wait."""
    outcome: list[Any] = []

    async def do() -> None:
        try:
            method = getattr(stream, act)
            outcome.append(await (method() if act.startswith(("close", "reset")) else method(argument)))
        except StreamError as error:
            outcome.append(type(error).__name__)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(do)
        await settled()
        nursery.cancel_scope.cancel()
    return outcome[0] if outcome else WAITED


def follow(kind: type[NetStream], script: Script, room: int, parts: list[int]) -> list[Any]:
    """Do what a script says; return what came of each act, and how the ends stand then."""
    outcomes: list[Any] = []

    async def run() -> None:
        written: list[list[tuple[bytes, bool]]] = [[], []]
        read = [bytearray(), bytearray()]
        with trio.fail_after(20):
            async with two_muxed(room, parts) as (a, b):
                streams = await ends(kind, a, b)
                for number, (side, (act, argument)) in enumerate(script):
                    data: Any = bytes([number + 1]) * (argument or 0) if act == "write" else argument
                    outcome = await outcome_of(streams[side], act, data)
                    if act == "write":
                        written[side].append((data, outcome is None))
                    if isinstance(outcome, bytes):
                        read[side] += outcome
                        outcome = len(outcome)
                    outcomes.append((act, outcome, streams[side]._state))
                    for one in (a, b):
                        assert sum(map(len, one.muxer.stream_buffers.values())) <= WINDOW
                        assert one.muxer._carrier.unsent <= 2 * 65_535
                for side in (0, 1):
                    assert_comes_of(bytes(read[1 - side]), written[side])
                assert not a.has_ended
                assert not b.has_ended

    trio.run(run)
    return outcomes


def assert_comes_of(read: bytes, written: list[tuple[bytes, bool]]) -> None:
    """What was read is a beginning of what was written; of a write that was given up there is only a beginning."""
    for data, whole in written:
        count = len(read) - len(read.lstrip(data[:1])) if data else 0
        assert count == len(data) or not whole or count == len(read)
        assert count <= len(data)
        read = read[count:]
    assert not read


@settings(max_examples=20)
@given(SCRIPTS, ROOMS, PARTS)
@example([(0, ("write", 3 * WINDOW)), (1, ("read", None)), (0, ("close_write", None)), (1, ("read", None))], 30_000, [])
@example([(0, ("close_write", None)), (0, ("write", 1)), (1, ("read", 1)), (1, ("write", 5)), (0, ("read", 9))], 9, [1])
@example([(0, ("write", 5)), (0, ("reset", None)), (1, ("read", 1)), (1, ("write", 1)), (0, ("read", 1))], ENDLESS, [])
def test_what_comes_of_anything_that_is_done_is_what_comes_of_the_librarys_stream(
    script: Script, room: int, parts: list[int]
) -> None:
    assert follow(UnlockedStream, script, room, parts) == follow(NetStream, script, room, parts)


@trio_test
async def test_after_the_end_there_is_nothing_more_however_often_it_is_asked_for() -> None:
    async with two_muxed() as (a, b):
        near, far = await ends(UnlockedStream, a, b)
        await near.write(b"the last word")
        await near.close_write()
        await settled()
        assert await far.read(100) == b"the last word"
        assert [await outcome_of(far, "read", n) for n in (1, None, 1)] == ["StreamEOF"] * 3
        await far.write(b"and mine")
        assert await near.read(100) == b"and mine"
        assert await outcome_of(near, "write", b"more") == "StreamClosed"


@trio_test
async def test_a_hundred_streams_one_after_the_other_leave_nothing_however_they_end() -> None:
    async with two_muxed() as (a, b):
        ways = itertools.cycle(["close", "reset", "close_write"])
        for way in itertools.islice(ways, 100):
            near, far = await ends(UnlockedStream, a, b)
            b.accepted.clear()
            await near.write(b"ask")
            await getattr(near, way)()
            await settled()
            try:
                while await far.read(2):
                    pass
            except (StreamEOF, StreamReset):
                pass
            await (far.reset if way == "reset" else far.close)()
            await settled()
        for one in (a, b):
            assert not one.muxer.streams
            assert not one.muxer.stream_buffers
            assert not one.muxer.stream_events
