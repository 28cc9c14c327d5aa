"""Frames come out as they went in, however their bytes arrive, and a hostile length costs nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.frames import FrameBuffer, FrameError


def framed(body: bytes) -> bytes:
    length, head = len(body), bytearray()
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + body


def take_all(buffer: FrameBuffer) -> list[bytes]:
    frames = []
    while (frame := buffer.take()) is not None:
        frames.append(frame)
    return frames


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(0, 1_000), max_size=20))
def test_frames_are_the_same_however_the_bytes_arrive(bodies: list[bytes], cuts: list[int]) -> None:
    wire = b"".join(framed(body) for body in bodies)
    ends = sorted({min(cut, len(wire)) for cut in cuts} | {len(wire)})
    buffer, found, start = FrameBuffer(300), [], 0
    for end in ends:
        buffer.feed(wire[start:end])
        found += take_all(buffer)
        start = end
    assert found == bodies
    assert len(buffer) == 0


@given(st.binary(max_size=2_000))
def test_whatever_comes_is_frames_or_a_frame_error(data: bytes) -> None:
    buffer = FrameBuffer(64)
    buffer.feed(data)
    try:
        assert all(len(frame) <= 64 for frame in take_all(buffer))
    except FrameError:
        pass
    else:
        assert len(buffer) <= 64 + 9


@pytest.mark.parametrize("head", [b"\x41", b"\xff" * 8 + b"\x7f", b"\xff" * 9])
def test_a_length_beyond_the_limit_is_refused_before_a_byte_of_it_came(head: bytes) -> None:
    buffer = FrameBuffer(64)
    buffer.feed(head)
    with pytest.raises(FrameError):
        buffer.take()


def test_a_frame_of_the_largest_size_passes_and_half_of_one_waits() -> None:
    buffer = FrameBuffer(64)
    buffer.feed(framed(bytes(64))[:-1])
    assert buffer.take() is None
    buffer.feed(b"\0")
    assert buffer.take() == bytes(64)
