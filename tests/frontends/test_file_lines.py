"""What is said of files, and the answer to /files."""

from __future__ import annotations

from dataclasses import replace

import pytest
from wcwidth import wcswidth

from py_peer.core.addresses import short_id
from py_peer.core.bars import progress_line
from py_peer.core.events import Event
from py_peer.core.file_events import (
    FileOffered,
    FileServed,
    FileShared,
    FilesReport,
    HashingProgress,
    Offer,
    SharedFile,
    Transfer,
    TransferDone,
    TransferFailed,
    TransferProgress,
    TransferStarted,
    TransferState,
)
from py_peer.frontends.file_lines import MOST_LISTED, files_lines
from py_peer.frontends.lines import Narrator
from py_peer.frontends.printer import headless_lines
from tests.frontends.fakes import ANN

OFFER = Offer("k3xabcdefghijklm", ANN, "Ann", plain=True, seconds=65.0, name="photo.jpg", size=1_200_000)
OF_GO = replace(OFFER, file_id="0f0e-4c", name="", size=None)
SHARED = SharedFile("m7yabcdefghijklm", "/home/bob/notes.txt", "notes.txt", 2_000, "00", offered=True, served=0)
MOVING = Transfer(3, OFFER.file_id, "photo.jpg", "/d/photo.jpg", (ANN,), 300_000, 1_200_000, 100_000.0, 9.0)
ANN_8 = short_id(ANN)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (FileOffered(OFFER), "📎 Ann offers photo.jpg (1.2 MB): /get k3xabcdefghijklm"),
        (FileOffered(replace(OF_GO, plain=False)), f"📎 Ann({ANN_8}) offers a file: /get 0f0e-4c"),
        (HashingProgress(1, "big.iso", 5, 10), "📎 Reading big.iso before it is offered: 50 %"),
        (
            FileShared(1, SHARED),
            "📎 You offer notes.txt (2.0 kB); others fetch it with /get m7yabcdefghijklm",
        ),
        (
            FileShared(1, replace(SHARED, remark="too large for Go")),
            "📎 You offer notes.txt (2.0 kB); others fetch it with /get m7yabcdefghijklm; too large for Go",
        ),
        (FileServed(ANN, "Ann", True, "m7y", "notes.txt", 2_000), "📎 Ann has fetched notes.txt"),
        (
            FileServed(ANN, "Ann", True, "m7y", "notes.txt", 1_000, "it took nothing for 30 s"),
            "📎 Ann has not got all of notes.txt, but 1.0 kB: it took nothing for 30 s",
        ),
        (
            TransferStarted(1, replace(MOVING, received=0)),
            f"📎 Fetching photo.jpg (1.2 MB) from {ANN_8}: transfer 3",
        ),
        (
            TransferStarted(0, replace(MOVING, peer_ids=())),
            "📎 Fetching photo.jpg (1.2 MB), as --auto-get says: transfer 3; 300.0 kB are here already",
        ),
        (
            TransferProgress(MOVING),
            "📎 Fetching photo.jpg: 25 % · 300.0 kB of 1.2 MB · 100.0 kB/s · 9 s left",
        ),
        (
            TransferDone(3, "k3x", "photo.jpg", "/d/photo (1).jpg", 1_200_000, 2.9, verified=True),
            "✓ Fetched photo.jpg (1.2 MB) in 2 s: /d/photo (1).jpg",
        ),
        (
            TransferDone(3, "0f0e-4c", "", "/d/0f0e-4c", 5, 1.0, verified=False),
            "✓ Fetched 0f0e-4c (5 B) in 1 s: /d/0f0e-4c; it came without a hash, so nothing shows whether it is right",
        ),
        (
            TransferFailed(3, "k3x", "photo.jpg", "the disk is full", 600_000),
            "❌ Not fetched: photo.jpg: the disk is full; 600.0 kB are kept: /get k3x goes on",
        ),
        (
            TransferFailed(3, "k3x", "passwd", "nobody has it", 9, wanted="../passwd"),
            "❌ Not fetched: ../passwd: nobody has it; 9 B are kept: /fetch ../passwd goes on",
        ),
        (TransferFailed(3, "k3x", "photo.jpg", "", 0, cancelled=True), "❌ Cancelled: photo.jpg"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Event) else "",
)
def test_every_event_is_told_in_one_line(event: Event, line: str) -> None:
    assert Narrator().lines([event]) == [line]
    assert headless_lines(event) == [line[2:]]


def test_only_every_tenth_of_a_transfer_is_a_line() -> None:
    narrator = Narrator()
    progress = [TransferProgress(replace(MOVING, received=done)) for done in range(0, 1_200_001, 10_000)]
    assert len(narrator.lines([TransferStarted(1, replace(MOVING, received=0)), *progress])) == 10


def test_files_are_listed_in_three_parts() -> None:
    report = FilesReport(1, (OF_GO, OFFER), (SHARED,), (MOVING,), "/home/bob/Downloads", {"no letters": 2, "late": 1})
    assert files_lines(report) == [
        "📎 Being fetched (1):",
        f"  - 3  photo.jpg  25 % · 300.0 kB of 1.2 MB · 100.0 kB/s · 9 s left  from {ANN_8}",
        "📎 Shared by you (1), for as long as you are here:",
        "  - m7yabcdefghijklm  notes.txt  2.0 kB  fetched by nobody yet  /home/bob/notes.txt",
        "📎 Offered by others (2), the latest last; /get fetches:",
        "  - 0f0e-4c  Ann, 1 min 5 s ago",
        "  - k3xabcdefghijklm  photo.jpg  1.2 MB  Ann, 1 min 5 s ago",
        "  Offers that were not taken:",
        "    - 2 times: no letters",
        "    - once: late",
        "  What is fetched goes to /home/bob/Downloads",
    ]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (TransferState.WAITING, "waits for its turn"),
        (TransferState.ASKING, "asking who has it"),
        (TransferState.NO_SOURCE, "nobody is here who sends it"),
    ],
)
def test_a_transfer_to_which_nothing_comes_says_why_in_place_of_a_rate(state: TransferState, words: str) -> None:
    still = replace(MOVING, peer_ids=(), state=state)
    assert files_lines(FilesReport(1, (), (), (still,), "", {}))[1] == (
        f"  - 3  photo.jpg  25 % · 300.0 kB of 1.2 MB · {words}"
    )
    assert progress_line(still, 60).endswith(f"25 % · {words}")


def test_where_there_is_nothing_it_says_what_to_do() -> None:
    assert files_lines(FilesReport(1, (), (), (), "", {})) == [
        "📎 Nobody else offers a file; /share offers one of yours",
    ]


def test_a_file_that_was_fetched_is_told_from_one_that_is_offered() -> None:
    fetched = replace(SHARED, offered=False, served=3, remark="not for JavaScript's peers")
    (_, row, *_) = files_lines(FilesReport(1, (), (fetched,), (), "", {}))
    assert row.split("  ")[3:] == [
        *("2.0 kB", "fetched from others", "fetched 3 times", "/home/bob/notes.txt", "not for JavaScript's peers"),
    ]


def test_of_many_offers_the_latest_are_listed() -> None:
    offers = tuple(replace(OFFER, file_id=f"k{number}") for number in range(1_000))
    lines = files_lines(FilesReport(1, offers, (), (), "", {}))
    assert lines[1] == "    … 970 older ones; --json has them all"
    assert len(lines) == 2 + MOST_LISTED
    assert lines[-1].startswith("  - k999  ")


def test_on_a_terminal_nothing_is_wider_than_it_and_no_row_begins_like_another() -> None:
    offer = replace(OFFER, name="x" * 200, file_id="y" * 40)
    shared = replace(SHARED, path=f"/home/{'d' * 300}/\x1b[2J\nnotes.txt")
    report = FilesReport(1, (offer,), (shared,), (MOVING,), "/d" * 20, {})
    lines = files_lines(report, 48)
    assert all(wcswidth(line) <= 48 and line.isprintable() for line in lines)
    assert sum(line.startswith("  - ") for line in lines) == 3
    assert sum(not line.startswith("  ") for line in lines) == 3  # the headings
    for event in (FileOffered(offer), FileShared(1, shared)):
        first, *others = Narrator(lambda: 48).lines([event])
        assert first.startswith("📎 ")
        assert all(wcswidth(line) <= 48 and line.startswith("    ") for line in others)
