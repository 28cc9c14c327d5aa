"""Files by name, whatever bytes come and however they come apart: a file, an answer, or an end that is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cbor2
import trio
from hypothesis import example, given
from hypothesis import strategies as st
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.net.counters import Counters
from py_peer.net.named_files import NamedFetch, NameServer, NotThereError, TooLargeError
from py_peer.net.served import Pace, Turns
from py_peer.net.streams import EndedError, GarbageError
from tests.net.pipes import Way

PARTS = st.lists(st.integers(1, 40), min_size=1, max_size=6)
FILES = st.binary(max_size=200)
ANSWERS = st.builds(lambda body, kind: cbor2.dumps(kind(body)), FILES, st.sampled_from([bytes, list]))
REQUESTS = st.one_of(st.sampled_from(["a.txt", "b", "", "x" * 255, "x" * 256]), st.text()).map(cbor2.dumps)
HEADS = [
    b"\x45",
    b"\x65",
    *(bytes([kind + power]) + (5).to_bytes(1 << power, "big") for kind in (0x58, 0x78) for power in range(4)),
]
"""What five bytes, or a text of so many, may begin with."""

CUT = st.builds(lambda data, end: data[: -end or None], ANSWERS, st.integers(0, 5))
PEER = ID(b"\x12 " + bytes(32))


class Stream:
    """A stream on which these bytes come in parts, and then the end; `said` is what was written."""

    def __init__(self, wire: bytes, parts: list[int]) -> None:
        self._way = Way(parts=parts)
        self._way.held += wire
        self._way.end()
        self.muxed_conn = SimpleNamespace(peer_id=PEER)
        self.muxed_stream = None
        self.said = b""
        self.end = ""

    async def read(self, most: int) -> bytes:
        return await self._way.take(most)

    async def write(self, data: bytes) -> None:
        self.said += data

    async def close(self) -> None:
        self.end = "closed"

    async def reset(self) -> None:
        self.end = "reset"


async def fetched(stream: Any) -> bytes | type[Exception]:
    """Return what is read, or the error that says why not."""
    fetch, body = NamedFetch(stream, trio.current_time() + 5), b""
    try:
        await fetch.begin(limits.MAX_NAMED_ANSWER)
        while data := await fetch.read(7):
            body += data
    except (NotThereError, TooLargeError, EndedError, GarbageError) as error:
        return type(error)
    finally:
        await fetch.aclose()
    assert len(body) == fetch.size
    return body


@given(st.one_of(ANSWERS, CUT, st.binary(max_size=200)), PARTS)
@example(b"", [1])
@example(b"\x82\x18", [1])
def test_whatever_is_answered_is_read_as_another_decoder_reads_it_or_told(wire: bytes, parts: list[int]) -> None:
    found = trio.run(fetched, Stream(wire, parts))
    if isinstance(found, bytes):
        value = cbor2.loads(wire)
        assert found == (value if isinstance(value, bytes) else bytes(value))
    else:
        assert (found is NotThereError) == (not wire)


@given(st.one_of(REQUESTS, st.binary(max_size=300)), PARTS)
@example(b"\x7b" + b"\xff" * 8, [3])
def test_whatever_is_asked_is_answered_or_told_and_only_what_is_provided_is_sent(wire: bytes, parts: list[int]) -> None:
    stream: Any = Stream(wire, parts)
    file: Any = SimpleNamespace(fault="", is_fit=fit, read=read, record=SimpleNamespace(size=5))
    shelf: Any = SimpleNamespace(
        counters=Counters(),
        turns=Turns(),
        pace=Pace(),
        by_name={"a.txt": file}.get,
        served=lambda *_: None,
    )

    async def run() -> bool:
        try:
            await NameServer(shelf).handle(stream)
        except GarbageError:
            return False
        return True

    was_read = trio.run(run)
    asks = any(wire.startswith(head + b"a.txt") for head in HEADS)
    assert stream.said == (b"\x85\x18h\x18e\x18l\x18l\x18o" if asks else b"")
    assert bool(stream.end) == was_read


async def fit() -> bool:
    return True


async def read(places: Any) -> None:
    for start, view in places:
        view[:] = b"hello"[start : start + len(view)]
