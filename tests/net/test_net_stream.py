"""A stream without a lock around its state does what the library's does."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import trio
from libp2p.network.stream.exceptions import StreamError
from libp2p.network.stream.net_stream import NetStream, StreamState
from libp2p.stream_muxer.exceptions import (
    MuxedConnUnavailable,
    MuxedStreamClosed,
    MuxedStreamEOF,
    MuxedStreamError,
    MuxedStreamReset,
)

from py_peer.net.net_stream import UnlockedStream

ENDS = (
    None,
    MuxedStreamEOF("its end"),
    MuxedStreamReset("reset"),
    MuxedStreamClosed("closed"),
    MuxedStreamError("nothing was taken"),
    MuxedConnUnavailable("gone"),
    OSError("broken"),
)


class FakeMuxed:
    """A muxed stream that ends as it is told."""

    muxed_conn = None

    def __init__(self, end: Exception | None) -> None:
        self._end = end
        self.written: list[bytes] = []

    async def read(self, n: int | None) -> bytes:
        if self._end:
            raise self._end
        return b"x" * (n or 1)

    async def write(self, data: bytes) -> None:
        if self._end:
            raise self._end
        self.written.append(data)


def outcome(kind: type[NetStream], state: StreamState, end: Exception | None, *, writes: bool) -> tuple[Any, ...]:
    """Return what comes of one read or write: what is returned or raised, why, what was written, the state then."""
    muxed: Any = FakeMuxed(end)
    stream = kind(muxed, None, None)
    stream._state = state

    async def act() -> object:
        try:
            return await (stream.write(b"data") if writes else stream.read(3))
        except StreamError as error:
            return type(error), str(error), error.__cause__

    return trio.run(act), muxed.written, stream._state


@pytest.mark.parametrize("writes", [False, True])
def test_whatever_comes_of_a_read_or_a_write_is_what_comes_of_the_librarys(*, writes: bool) -> None:
    for state, end in itertools.product(StreamState, ENDS):
        expected = outcome(NetStream, state, end, writes=writes)
        assert outcome(UnlockedStream, state, end, writes=writes) == expected, (state, end)
