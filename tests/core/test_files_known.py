"""Which files there are, from events alone."""

from __future__ import annotations

from dataclasses import replace

from py_peer.core import limits
from py_peer.core.events import Answer
from py_peer.core.file_events import (
    FileOffered,
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
from py_peer.core.files_known import FilesKnown


def offer(file_id: str, name: str = "") -> Offer:
    return Offer(file_id, "12D3", "Ann", plain=True, seconds=0.0, name=name)


def shared(file_id: str, name: str) -> SharedFile:
    return SharedFile(file_id, f"/home/{name}", name, 1, "00", offered=True, served=0)


def transfer(number: int, name: str, received: int = 0) -> Transfer:
    return Transfer(number, f"id{number}", name, f"/d/{name}", (), received, 10, 0.0, None)


def test_what_is_offered_is_known_by_name_id_and_the_beginning_of_that() -> None:
    files = FilesKnown()
    files.tell(FileOffered(offer("k3xab", "my photo.jpg")))
    files.tell(FileOffered(offer("m7y")))
    assert files.offer_words() == ["my photo.jpg", "m7y", "k3xab"]
    for word in ("k3xab", "k3", "my photo.jpg", "m7y"):
        assert len(files.find_offers(word)) == 1
    for word in ("k3xabc", "my photo", "x", "photo.jpg"):
        assert not files.find_offers(word)


def test_a_file_without_a_name_is_not_found_by_an_empty_one() -> None:
    files = FilesKnown()
    files.tell(FileOffered(offer("k3xab")))
    assert files.offer_words() == ["k3xab"]


def test_what_is_fetched_is_known_until_it_is_there_or_given_up() -> None:
    files = FilesKnown()
    files.tell(TransferStarted(1, transfer(1, "a")))
    files.tell(TransferProgress(transfer(1, "a", received=5)))
    files.tell(TransferProgress(transfer(2, "b")))
    assert files.transfers[1].received == 5
    assert files.transfer_words() == ["b", "a", "id2", "id1"]
    files.tell(TransferDone(1, "id1", "a", "/d/a", 10, 1.0, verified=True))
    files.tell(TransferFailed(2, "id2", "b", "gone", 0))
    assert files.transfer_words() == []


def test_what_is_read_is_known_until_it_is_offered_or_refused() -> None:
    files = FilesKnown()
    for ticket in (1, 2):
        files.tell(HashingProgress(ticket, "big.iso", 1, 2))
    files.tell(FileShared(1, shared("k3x", "big.iso")))
    assert list(files.reading) == [2]
    files.tell(Answer(2, "it cannot be read", failed=True))
    assert not files.reading
    assert files.shared_words() == ["big.iso", "k3x"]


def test_a_report_is_all_there_is() -> None:
    files = FilesKnown()
    files.tell(FileOffered(offer("old")))
    files.tell(FileShared(1, shared("old", "old.txt")))
    files.tell(TransferStarted(1, transfer(1, "old")))
    files.tell(FilesReport(1, (offer("new"),), (shared("s", "s.txt"),), (transfer(7, "t"),), "/d", {}))
    assert files.offer_words() == ["new"]
    assert files.shared_words() == ["s.txt", "s"]
    assert files.transfer_words() == ["t", "id7"]


def test_what_has_not_started_is_not_shown_as_a_bar_that_nothing_would_take_away() -> None:
    files = FilesKnown()
    waiting = replace(transfer(8, "w"), state=TransferState.WAITING)
    asking = replace(transfer(9, "a"), state=TransferState.ASKING)
    files.tell(FilesReport(1, (), (), (transfer(7, "t"), waiting, asking), "/d", {}))
    assert list(files.transfers) == [7]


def test_the_oldest_offers_make_room() -> None:
    files = FilesKnown()
    for number in range(limits.OFFERS + 5):
        files.tell(FileOffered(offer(f"k{number}")))
    files.tell(FileOffered(offer("k5")))
    assert len(files.offers) == limits.OFFERS
    assert next(iter(files.offers)) == "k6"
    assert next(reversed(files.offers)) == "k5"
