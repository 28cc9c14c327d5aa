"""Any bytes, in any parts: our Yamux makes of them what the library's makes of them, or ends the connection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
import trio
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from py_peer.net.header_gate import BROKE_THE_PROTOCOL
from tests.net.pipes import OURS, STOCK, Frame, Way, frame, muxed, settled
from tests.net.raw_peer import ACK, DATA, FIN, GO_AWAY, HEADER, PING, RST, SYN, WINDOW, WINDOW_UPDATE

STREAMS = st.sampled_from([1, 3, 5, 7, 2**31 + 1])
# What the library makes of an ACK beside these is tested by itself: it forgets the other flag.
FLAGS = st.sampled_from([0, 0, SYN, SYN, ACK, FIN, RST, SYN | FIN, SYN | RST, SYN | ACK, FIN | RST])
PARTS = st.lists(st.one_of(st.integers(1, 30), st.integers(1, 4_000)), max_size=6)


@st.composite
def good_frames(draw: st.DrawFn) -> bytes:
    """Draw a frame that both take: of a stream that is there, or is not, or of none."""
    kind = draw(st.sampled_from([DATA, DATA, DATA, WINDOW_UPDATE, PING]))
    if kind == PING:
        return frame(PING, draw(st.sampled_from([SYN, ACK])), 0, length=draw(st.integers(0, 2**32 - 1)))
    if kind == WINDOW_UPDATE:
        return frame(kind, draw(FLAGS), draw(STREAMS), length=draw(st.integers(0, 2**20)))
    size = draw(st.sampled_from([0, 1, 11, 12, 13, 300, 2_000]))
    return frame(kind, draw(FLAGS), draw(STREAMS), bytes(index % 251 for index in range(size)))


GOOD = st.lists(good_frames(), max_size=10).map(b"".join)
# A room of any of the four types and of types that are not there, of lengths near the window and far beyond it.
BAD = st.builds(
    HEADER.pack,
    st.sampled_from([0, 0, 0, 1, 255]),
    st.integers(0, 5),
    st.integers(0, 15),
    st.sampled_from([0, 1, 2, 3, 4]),
    st.sampled_from([0, 100, WINDOW, WINDOW + 1, 2**24, 2**32 - 1]),
)


@dataclass
class Outcome:
    """What a muxer has made of what came."""

    ended: bool
    streams: dict[int, tuple[Any, ...]]
    """Of each stream that is open: what it holds, how it stands, and what its windows are."""
    opened: list[int]
    answers: list[Frame]
    broke: bool


async def take(kind: str, wire: bytes, parts: list[int], *, end: bool) -> Outcome:
    inward, outward = Way(parts=parts), Way()
    async with muxed(kind, inward, outward) as one:
        inward.held += wire
        inward.ended = end
        inward.widen(inward.room)
        with trio.fail_after(10):
            await settled()
            while not one.has_ended and (inward.held or end):
                await trio.sleep(0.001)  # the library pauses where it is surprised
                await settled()
        muxer = one.muxer
        streams = {
            stream_id: (
                bytes(muxer.stream_buffers[stream_id]),
                (stream.closed, stream.send_closed, stream.recv_closed, stream.reset_received),
                (stream.send_window, stream.recv_window),
            )
            for stream_id, stream in muxer.streams.items()
            if not stream.reset_received  # the library keeps them for a while
        }
        assert muxer.streams.keys() == muxer.stream_buffers.keys() == muxer.stream_events.keys()
        opened = [stream.stream_id for stream in one.accepted]
        broke = getattr(muxer, "ended", "") == BROKE_THE_PROTOCOL
        return Outcome(one.has_ended, streams, opened, one.frames(), broke)


def reopens(wire: bytes) -> bool:
    """Say whether a stream is opened again after it was reset, which the library refuses while it remembers it."""
    gone = set()
    while len(wire) >= HEADER.size:
        _, kind, flags, stream_id, length = HEADER.unpack(wire[: HEADER.size])
        wire = wire[HEADER.size + length * (kind == DATA) :]
        if flags & SYN and stream_id in gone:
            return True
        if flags & RST:
            gone.add(stream_id)
    return False


def both(wire: bytes, parts: list[int], *, end: bool) -> tuple[Outcome, Outcome]:
    assume(not reopens(wire))

    async def run() -> tuple[Outcome, Outcome]:
        return await take(OURS, wire, parts, end=end), await take(STOCK, wire, parts, end=end)

    return trio.run(run)


def assert_the_same(ours: Outcome, stock: Outcome) -> None:
    """Compare what both have made of the same. Answers that are not out when the connection ends are not sent."""
    if ours.ended:
        assert ours.streams == stock.streams == {}
        assert ours.answers == stock.answers[: len(ours.answers)]
        stock = replace(stock, answers=ours.answers)
    assert ours == stock


@settings(max_examples=100)
@given(GOOD, PARTS, st.booleans())
@example(frame(DATA, SYN, 1, bytes(30_000)) + frame(DATA, 0, 1, bytes(30_000)), [1, 12, 40_000], False)
def test_frames_that_both_take_become_the_same_however_they_are_split_and_merged(
    wire: bytes, parts: list[int], end: bool
) -> None:
    ours, stock = both(wire, parts, end=end)
    assert_the_same(ours, stock)
    assert not ours.broke


@given(GOOD, PARTS, st.integers(0, 6_000))
def test_bytes_that_end_anywhere_end_the_connection_and_leave_nothing(wire: bytes, parts: list[int], size: int) -> None:
    ours, stock = both(wire[:size], parts, end=True)
    assert ours.ended
    assert stock.ended
    assert not ours.broke
    assert_the_same(ours, stock)


@settings(max_examples=100)
@given(GOOD, BAD, st.binary(max_size=300), PARTS)
def test_hostile_bytes_are_taken_as_the_library_takes_them_or_end_the_connection(
    good: bytes, bad: bytes, rest: bytes, parts: list[int]
) -> None:
    ours, stock = both(good + bad + rest, parts, end=False)
    if not ours.broke:
        assert_the_same(ours, stock)
    else:
        assert ours.ended
        assert ours.streams == {}
    if _breaks_a_rule(bad):
        assert ours.broke


def _breaks_a_rule(header: bytes) -> bool:
    version, kind, flags, stream_id, length = HEADER.unpack(header)
    opens = flags & SYN and kind in (DATA, WINDOW_UPDATE)
    return bool(version or kind > GO_AWAY or (kind == DATA and length > WINDOW) or (opens and stream_id % 2 == 0))


@pytest.mark.parametrize("kind", [DATA, WINDOW_UPDATE])
@pytest.mark.parametrize("flag", [FIN, RST])
@pytest.mark.parametrize("size", [0, 5_000])
def test_an_end_that_comes_with_an_acknowledgement_is_an_end(kind: int, flag: int, size: int) -> None:
    """Rust sends both at once when it closes a stream on which it has said nothing; the library forgets one."""
    body = bytes(size) if kind == DATA else b""
    opened = frame(WINDOW_UPDATE, SYN, 1)
    both_at_once = trio.run(take_open, opened + frame(kind, flag | ACK, 1, body))
    assert both_at_once == trio.run(take_open, opened + frame(kind, flag, 1, body))
    assert both_at_once != trio.run(take_open, opened + frame(kind, 0, 1, body))


async def take_open(wire: bytes) -> Outcome:
    return await take(OURS, wire, [], end=False)
