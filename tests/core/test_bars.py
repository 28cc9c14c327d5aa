"""How far a file is, in a line that fits, and in few lines where there is no bar."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from py_peer.core.bars import MOST_LINES, Steps, cut_name, duration, percent, progress_line, progress_lines
from py_peer.core.cleaning import clean_line
from py_peer.core.events import Answer, Event
from py_peer.core.file_events import HashingProgress, Transfer, TransferDone, TransferProgress, TransferStarted
from py_peer.core.files_known import FilesKnown

MB = 1_000_000


def transfer(received: int, size: int | None, name: str = "photo.jpg", number: int = 1, rate: float = 45e6) -> Transfer:
    left = None if size is None or not rate else (size - received) / rate
    return Transfer(number, "k3xab", name, "/d/photo.jpg", ("12D3",), received, size, rate, left)


def test_a_line_has_the_name_a_bar_and_what_one_wants_to_know() -> None:
    line = progress_line(transfer(250 * MB, 1_000 * MB), 100)
    assert line == f"photo.jpg  {'█' * 7}{'░' * 23}  25 % · 250.0 MB of 1.0 GB · 45.0 MB/s · 17 s left"


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (80, f"photo.jpg  {'█' * 4}{'░' * 14}  25 % · 250.0 MB of 1.0 GB · 45.0 MB/s · 17 s left"),
        (64, f"photo.jpg  {'█' * 3}{'░' * 11}  25 % · 250.0 MB of 1.0 GB · 17 s left"),
        (48, f"photo.jpg  {'█' * 4}{'░' * 15}  25 % · 17 s left"),
        (30, "photo.jpg  25 % · 17 s left"),
        (24, "photo…  25 % · 17 s left"),
        (20, "p…  25 % · 17 s left"),
    ],
)
def test_in_a_narrow_window_the_time_left_stays_longest(columns: int, line: str) -> None:
    assert progress_line(transfer(250 * MB, 1_000 * MB), columns) == line


def test_without_a_size_there_is_no_bar() -> None:
    assert progress_line(transfer(3 * MB, None), 80) == "photo.jpg  3.0 MB · 45.0 MB/s"
    assert progress_line(transfer(3 * MB, None, name=""), 80) == "k3xab  3.0 MB · 45.0 MB/s"


def test_an_empty_file_is_whole_and_one_that_stands_still_has_no_time_left() -> None:
    assert "100 %" in progress_line(transfer(0, 0), 80)
    assert progress_line(transfer(5 * MB, 10 * MB, rate=0), 60).endswith("50 % · 5.0 MB of 10.0 MB")
    assert percent(999, 1_000) == 99


@given(
    st.text(max_size=60).map(lambda text: clean_line(text, 60)),
    st.integers(0, 2**50),
    st.none() | st.integers(0, 2**50),
    st.floats(0, 1e12),
    st.integers(20, 200),
)
def test_whatever_it_is_called_the_line_fits(name: str, done: int, size: int | None, rate: float, columns: int) -> None:
    line = progress_line(transfer(done, size, name=name, rate=rate), columns)
    assert "\n" not in line
    assert 0 < wcswidth(line) <= columns


@given(st.text(min_size=1, max_size=60).map(lambda text: clean_line(text, 60)).filter(bool), st.integers(2, 80))
def test_a_name_that_is_cut_fits(name: str, columns: int) -> None:
    assert wcswidth(cut_name(name, columns)) <= columns


def test_the_ending_of_a_name_that_is_cut_stays() -> None:
    assert cut_name("a very long name of a picture.jpg", 16) == "a very long….jpg"
    assert cut_name("写真写真写真写真写真.jpg", 16) == "写真写真写….jpg"


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0 s"), (59.9, "59 s"), (3_700, "1 h 1 min"), (-1, "0 s")])
def test_a_time_has_two_units_at_most(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_of_many_files_a_few_have_lines() -> None:
    files = FilesKnown()
    files.tell(HashingProgress(9, "big.iso", 1, 2))
    for number in range(8):
        files.tell(TransferStarted(1, transfer(0, 10, number=number)))
    lines = progress_lines(files, 60)
    assert len(lines) == MOST_LINES + 1
    assert lines[0].startswith("reading big.iso  █")
    assert lines[-1] == "… and 4 more; /files lists them"


def steps(*events: Event) -> list[int | None]:
    """Return how many percent are told."""
    told = Steps()
    told_ones = [event for event in events if told.tells(event)]
    return [
        percent(event.transfer.received, event.transfer.size)
        for event in told_ones
        if isinstance(event, TransferProgress)
    ]


def test_every_tenth_is_told_once() -> None:
    assert steps(*(TransferProgress(transfer(done, 1_000)) for done in range(0, 1_001, 7))) == [
        *(10, 20, 30, 40, 50, 60, 70, 80, 90),
    ]


def test_a_fetch_that_goes_on_is_told_from_there_on() -> None:
    begun = TransferStarted(1, transfer(550, 1_000))
    assert steps(begun, *(TransferProgress(transfer(done, 1_000)) for done in (550, 590, 600, 601))) == [60]


def test_without_a_size_some_bytes_are_a_step() -> None:
    assert len(steps(*(TransferProgress(transfer(done * MB, None)) for done in range(200)))) == 3


def test_two_files_are_told_each_for_itself_and_forgotten_at_their_ends() -> None:
    told = Steps()
    for number in (1, 2):
        assert told.tells(TransferProgress(transfer(50, 100, number=number)))
        assert not told.tells(TransferProgress(transfer(51, 100, number=number)))
    assert told.tells(HashingProgress(1, "big.iso", 50, 100))
    assert not told.tells(HashingProgress(1, "big.iso", 51, 100))
    assert told.tells(TransferDone(1, "k3xab", "x", "/x", 1, 1.0, verified=True))
    assert told.tells(Answer(1, "failed", failed=True))
    assert told.tells(TransferProgress(transfer(50, 100)))
    assert told.tells(HashingProgress(1, "big.iso", 50, 100))


def test_a_rate_of_next_to_nothing_foretells_nothing() -> None:
    assert "left" not in progress_line(transfer(0, 2**50, rate=1e-9), 100)
    assert "left" not in progress_line(Transfer(1, "k", "x", "/x", (), 0, 5, 1.0, math.inf), 100)
