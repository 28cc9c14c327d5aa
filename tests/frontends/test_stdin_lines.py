"""Standard input as lines: none is lost, none is forged, and none can fill the memory."""

from __future__ import annotations

import asyncio
import itertools
import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from py_peer.frontends.stdin_lines import InputLine, LineSplitter, LineTooLong, StdinReader
from tests.loops import run

DEADLINE = 5.0


def split(data: bytes, cuts: list[int], limit: int = 10) -> list[InputLine | LineTooLong]:
    splitter = LineSplitter(limit)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    lines = [line for start, end in itertools.pairwise(edges) for line in splitter.feed(data[start:end])]
    return lines + list(splitter.finish())


@given(
    st.lists(st.binary(max_size=14).map(lambda line: line.replace(b"\n", b"")), max_size=8), st.lists(st.integers(0))
)
def test_lines_are_the_same_however_the_bytes_arrive(lines: list[bytes], cuts: list[int]) -> None:
    found = split(b"".join(line + b"\n" for line in lines), cuts)
    assert [line.number for line in found] == list(range(1, len(lines) + 1))
    for line, shown in zip(lines, found, strict=True):
        if isinstance(shown, InputLine):
            kept = line.removesuffix(b"\r")
            kept = kept.removeprefix(b"\xef\xbb\xbf") if shown.number == 1 else kept
            assert shown.text == kept.decode("utf-8", "replace")
            assert len(kept) <= 10
        else:
            assert shown.size == len(line) > 10


def test_a_last_line_without_its_end_is_a_line() -> None:
    assert split(b"one\r\ntwo", []) == [InputLine(1, b"one"), InputLine(2, b"two")]


def test_a_line_of_the_limit_is_kept_and_one_more_byte_is_not() -> None:
    assert split(b"0123456789\n0123456789\r\n01234567890\n", []) == [
        InputLine(1, b"0123456789"),
        InputLine(2, b"0123456789"),
        LineTooLong(3, 11),
    ]


def test_of_an_endless_line_only_the_limit_is_kept() -> None:
    splitter = LineSplitter(10)
    for _ in range(1000):
        assert list(splitter.feed(b"x" * 1000)) == []
        assert len(splitter._line) <= 11
    assert list(splitter.feed(b"\nnext\n")) == [LineTooLong(1, 1_000_000), InputLine(2, b"next")]


def read_all(path_or_fd: int, read_ahead: int) -> tuple[bytes, int]:
    """Return all that was read and the most that was read ahead."""

    async def read() -> tuple[bytes, int]:
        with os.fdopen(path_or_fd, "rb", buffering=0) as raw:
            reader = StdinReader(raw, lambda: None, read_ahead)
            reader.start()
            data, most = b"", 0
            while some := await asyncio.wait_for(reader.take(), DEADLINE):
                most = max(most, len(reader._buffer) + len(some))
                data += some
            return data, most

    return run(read())


def test_a_file_is_read_to_its_end_and_never_far_ahead(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(os.urandom(3_000_000))
    data, most = read_all(os.open(path, os.O_RDONLY), 100_000)
    assert data == path.read_bytes()
    assert most < 300_000


def test_the_end_is_seen_before_what_came_before_it_is_taken() -> None:
    async def read() -> None:
        out, into = os.pipe()
        os.write(into, b"one\ntwo\n")
        os.close(into)
        ended = asyncio.Event()
        with os.fdopen(out, "rb", buffering=0) as raw:
            reader = StdinReader(raw, ended.set)
            reader.start()
            await asyncio.wait_for(ended.wait(), DEADLINE)
            assert reader.ended
            assert await reader.take() == b"one\ntwo\n"
            assert await reader.take() == b""

    run(read())


def test_an_input_that_does_not_block_is_waited_for() -> None:
    async def read() -> None:
        out, into = os.pipe()
        os.set_blocking(out, False)
        with os.fdopen(out, "rb", buffering=0) as raw:
            reader = StdinReader(raw, lambda: None)
            reader.start()
            taking = asyncio.create_task(reader.take())
            done, _ = await asyncio.wait((taking,), timeout=0.05)
            assert not done
            os.write(into, b"late\n")
            assert await asyncio.wait_for(taking, DEADLINE) == b"late\n"
            os.close(into)
            assert await asyncio.wait_for(reader.take(), DEADLINE) == b""

    run(read())


def test_no_standard_input_is_an_input_that_has_ended() -> None:
    async def read() -> None:
        reader = StdinReader(None, lambda: None)
        reader.start()
        assert await asyncio.wait_for(reader.take(), DEADLINE) == b""

    run(read())
