"""The table of what others offer is bounded, and nobody pushes out the offers of others."""

from __future__ import annotations

import pytest

from py_peer.core import limits, tree_hash
from py_peer.core.file_record import FileRecord
from py_peer.core.offers import OfferError, Offers

ALICE, BOB, MALLORY = "alice", "bob", "mallory"


def record(file_id: str, peer_id: str, name: str = "a.txt") -> FileRecord:
    return FileRecord(file_id, name, 0, "", limits.SMALLEST_PIECE, tree_hash.EMPTY, 0, peer_id)


def ids(offers: Offers, now: float = 0.0) -> list[str]:
    return [offer.file_id for offer in offers.offers(now)]


def test_an_offer_is_news_once_and_stands_last_when_it_is_said_again() -> None:
    offers = Offers()
    first = offers.hear(b"one", ALICE, 1.0)
    assert first is not None
    assert (first.file_id, first.peer_id, first.name) == ("one", ALICE, "")
    assert offers.hear(b"two", ALICE, 2.0) is not None
    assert offers.hear(b"one", ALICE, 3.0) is None
    assert ids(offers, 3.0) == ["two", "one"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xfe", "no UTF-8"),
        (b"x" * 129, "too long"),
        (b"", "characters"),
        (b"a b", "characters"),
        (b"a\n", "characters"),
        (b"a\x1b[2J", "characters"),
        ("a\u202eb".encode(), "characters"),
    ],
)
def test_what_cannot_be_an_id_is_refused_and_counted(data: bytes, reason: str) -> None:
    offers = Offers()
    with pytest.raises(OfferError, match=reason) as refused:
        offers.hear(data, ALICE, 0.0)
    assert offers.refused == {str(refused.value): 1}
    assert ids(offers) == []


def test_who_says_what_another_has_offered_does_not_get_it() -> None:
    offers = Offers()
    offers.hear(b"one", ALICE, 0.0)
    with pytest.raises(OfferError, match="another peer"):
        offers.hear(b"one", MALLORY, 0.0)
    assert offers.listed(MALLORY, [record("one", MALLORY, "evil.exe")], [], 0.0) == []
    assert offers.refused["another peer has offered it before"] == 2
    assert [(offer.peer_id, offer.name) for offer in offers.offers(0.0)] == [(ALICE, "")]


def test_a_description_is_kept_with_the_offer_and_is_one_by_itself() -> None:
    offers = Offers()
    offers.hear(b"one", ALICE, 0.0)
    news = offers.listed(ALICE, [record("one", ALICE), record("two", ALICE)], offers.of(ALICE), 9.0)
    assert [(offer.file_id, offer.name) for offer in news] == [("two", "a.txt")]
    assert [(offer.name, offer.heard) for offer in offers.of(ALICE)] == [("a.txt", 0.0), ("a.txt", 9.0)]


def test_what_its_offerer_does_not_list_any_more_is_forgotten_and_what_came_meanwhile_is_not() -> None:
    offers = Offers()
    gone = offers.hear(b"gone", ALICE, 0.0)
    offers.hear(b"bobs", BOB, 0.0)
    offers.listed(ALICE, [record("gone", ALICE), record("here", ALICE)], [], 0.0)
    known = offers.of(ALICE)
    offers.hear(b"new", ALICE, 0.0)
    assert offers.listed(ALICE, [record("here", ALICE)], known, 0.0) == []
    assert ids(offers) == ["bobs", "here", "new"]
    assert gone is not None
    assert gone not in offers


def test_there_is_room_for_all_that_one_may_share() -> None:
    offers = Offers()
    records = [record(f"id{number}", ALICE) for number in range(limits.SHARED_FILES)]
    assert len(offers.listed(ALICE, records, [], 0.0)) == len(ids(offers)) == limits.SHARED_FILES


def test_one_who_offers_too_fast_is_held_back_and_the_others_are_not() -> None:
    offers = Offers()
    for number in range(limits.OFFER_BURST):
        offers.hear(b"m%d" % number, MALLORY, 0.0)
    with pytest.raises(OfferError, match="too many"):
        offers.hear(b"more", MALLORY, 0.0)
    assert offers.hear(b"one", ALICE, 0.0) is not None
    assert offers.hear(b"more", MALLORY, 1 / limits.OFFER_RATE) is not None


def test_a_flood_of_one_peer_pushes_out_only_its_own_offers() -> None:
    offers = Offers(most=10, most_of_one=6)
    offers.hear(b"one", ALICE, 0.0)
    offers.hear(b"two", BOB, 0.0)
    for number in range(20):
        offers.listed(MALLORY, [record(f"m{number}", MALLORY)], [], 0.0)
    assert ids(offers) == ["one", "two", *(f"m{number}" for number in range(14, 20))]
    for number in range(4):
        offers.listed(BOB, [record(f"b{number}", BOB)], [], 0.0)
    assert len(ids(offers)) == 10
    assert "one" in ids(offers)
    assert "m14" not in ids(offers)
    assert offers.refused["forgotten for newer ones"] == 16


def test_the_paces_of_many_peers_are_bounded() -> None:
    offers = Offers(most=10)
    for number in range(50):
        offers.hear(b"x%d" % number, f"peer{number}", 0.0)
    assert len(offers._paces) == 10
    assert len(ids(offers)) == 10


def test_an_offer_is_forgotten_after_a_day() -> None:
    offers = Offers()
    offers.hear(b"one", ALICE, 0.0)
    offers.hear(b"two", ALICE, limits.OFFER_SECONDS)
    assert ids(offers, limits.OFFER_SECONDS + 1) == ["two"]
