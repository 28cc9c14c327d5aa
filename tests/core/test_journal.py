"""What the service tells and the user says, as entries."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.addresses import short_id
from py_peer.core.entries import Delivery, Entry, Kind
from py_peer.core.events import (
    DialFailed,
    Dropped,
    Event,
    IgnoreList,
    KademliaBootstrap,
    MessageReceived,
    MessageRefused,
    MessageSent,
    MessageWaiting,
    NickLearned,
    NicknameChanged,
    Notice,
    PeerConnected,
    PeerDisconnected,
    PeerJoined,
    PeerLeft,
    PeerMuted,
    PeerUnmuted,
    Pinged,
    Ready,
    Started,
)
from py_peer.core.journal import Journal
from py_peer.core.speakers import Speakers

if TYPE_CHECKING:
    from collections.abc import Iterator

US, ANN, BOB, EVE = (f"12D3KooW{name * 8}" for name in ("UsUs", "AnnA", "BobB", "EveE"))
MIDNIGHT = time.mktime((2026, 3, 5, 0, 0, 0, 0, 0, -1))
"""The beginning of Thursday, local time."""

NOON = MIDNIGHT - 43_200


@pytest.fixture
def journal() -> Journal:
    journal = Journal()
    journal.tell(Started(US), NOON)
    journal.tell(Ready(US, "Alice", ()), NOON)
    return journal


def said(peer_id: str, nick: str, text: str, now: float = NOON) -> MessageReceived:
    return MessageReceived(peer_id, nick, text, now)


def texts(entries: list[Entry]) -> list[str]:
    return [entry.text for entry in entries]


# --- Messages -------------------------------------------------------------------------------------


def test_a_message_says_who_said_it_and_when_it_came(journal: Journal) -> None:
    assert journal.tell(said(BOB, "Bob", "hi\nthere", NOON + 5), NOON + 9) == [
        Entry(1, Kind.SAID, NOON + 5, "hi\nthere", author="Bob", peer_id=BOB)
    ]


def test_a_message_that_names_the_user_is_marked(journal: Journal) -> None:
    for text, named in (("@alice!", True), (f"{US[-8:]}: hi", True), ("malice", False)):
        assert [entry.mention for entry in journal.tell(said(BOB, "Bob", text), NOON)] == [named]


def test_an_own_text_waits_and_is_then_sent_in_its_place(journal: Journal) -> None:
    (waiting,) = journal.said(7, "hello", NOON)
    assert waiting == Entry(1, Kind.OWN, NOON, "hello", author="Alice", peer_id=US, delivery=Delivery.WAITING)
    journal.tell(said(BOB, "Bob", "first"), NOON)
    (sent,) = journal.tell(MessageSent(7, "hello", 3, NOON + 9), NOON + 9)
    assert sent == Entry(1, Kind.OWN, NOON, "hello", author="Alice", peer_id=US, delivery=Delivery.SENT, peers=3)


def test_a_refused_text_is_marked_in_its_place(journal: Journal) -> None:
    (waiting,) = journal.said(7, "hello", NOON)
    (refused,) = journal.tell(MessageRefused(7, "hello", "too much"), NOON)
    assert (refused.number, refused.delivery) == (waiting.number, Delivery.REFUSED)
    assert journal.tell(MessageRefused(7, "hello", "too much"), NOON) == []


def test_what_the_service_says_by_itself_is_an_own_message_too(journal: Journal) -> None:
    (intro,) = journal.tell(MessageSent(0, "Hello from Alice", 2, NOON + 1), NOON + 2)
    assert (intro.kind, intro.text, intro.delivery, intro.peers) == (Kind.OWN, "Hello from Alice", Delivery.SENT, 2)


def test_what_was_typed_before_the_user_had_a_name_is_signed_when_it_is_known() -> None:
    journal = Journal()
    (early,) = journal.said(1, "early", NOON)
    assert early.author == ""
    (signed,) = journal.tell(Ready(US, "Alice", ()), NOON)
    assert (signed.number, signed.author, signed.peer_id) == (early.number, "Alice", US)
    (sent,) = journal.tell(MessageSent(1, "early", 1, NOON), NOON)
    assert (sent.number, sent.author) == (early.number, "Alice")


def test_an_own_text_is_cleaned_for_the_screen(journal: Journal) -> None:
    assert texts(journal.said(1, "a\x1b[2Jb\r\nc", NOON)) == ["ab\nc"]


# --- Comings and goings ---------------------------------------------------------------------------


def test_who_has_spoken_comes_and_goes_by_name(journal: Journal) -> None:
    journal.tell(said(BOB, "Bob", "hi"), NOON)
    left = journal.tell(PeerLeft(BOB, 0), NOON)
    joined = journal.tell(PeerJoined(BOB, 1), NOON)
    assert texts(left + joined) == ["Bob left", "Bob joined"]
    assert left[0].number != joined[0].number
    assert {entry.kind for entry in left + joined} == {Kind.PRESENCE}


def test_who_has_not_spoken_is_folded_into_one_entry(journal: Journal) -> None:
    first = journal.tell(PeerJoined(ANN, 1), NOON)
    second = journal.tell(PeerJoined(BOB, 2), NOON)
    third = journal.tell(PeerLeft(ANN, 1), NOON + 3600)
    assert texts(first + second + third) == [f"{ANN[-8:]} joined", "2 joined", "2 joined, 1 left"]
    assert {entry.number for entry in first + second + third} == {1}


def test_the_fold_ends_when_something_was_said_after_it(journal: Journal) -> None:
    journal.tell(PeerJoined(ANN, 1), NOON)
    journal.tell(said(EVE, "Eve", "hi"), NOON + 1)
    joined = journal.tell(PeerJoined(BOB, 2), NOON + 2)
    left = journal.tell(PeerLeft(BOB, 1), NOON + 3)
    told = [(3, f"{BOB[-8:]} joined"), (3, "1 joined, 1 left")]
    assert [(entry.number, entry.text) for entry in joined + left] == told


def test_the_fold_ends_when_it_is_told_to(journal: Journal) -> None:
    journal.tell(PeerJoined(ANN, 1), NOON)
    journal.end_fold()
    assert texts(journal.tell(PeerJoined(BOB, 2), NOON + 1)) == [f"{BOB[-8:]} joined"]


def test_the_fold_ends_with_the_day(journal: Journal) -> None:
    journal.tell(PeerJoined(ANN, 1), MIDNIGHT - 1)
    assert texts(journal.tell(PeerJoined(BOB, 2), MIDNIGHT)) == ["Thursday, 5 March 2026", f"{BOB[-8:]} joined"]


# --- Days -----------------------------------------------------------------------------------------


def test_a_new_day_is_told_before_its_first_entry_and_the_first_day_is_not(journal: Journal) -> None:
    assert len(journal.tell(said(BOB, "Bob", "today", MIDNIGHT - 1), MIDNIGHT - 1)) == 1
    day, message = journal.tell(said(BOB, "Bob", "tomorrow", MIDNIGHT), MIDNIGHT)
    assert (day.kind, day.text, day.number) == (Kind.DATE, "Thursday, 5 March 2026", 2)
    assert message.number == 3
    assert len(journal.said(1, "still", MIDNIGHT + 1)) == 1


def test_a_clock_that_goes_back_over_midnight_tells_no_day_twice(journal: Journal) -> None:
    told = [
        entry
        for now in (MIDNIGHT - 1, MIDNIGHT + 1, MIDNIGHT - 2, MIDNIGHT + 2)
        for entry in journal.note("a line", now)
    ]
    assert [entry.kind for entry in told].count(Kind.DATE) == 1


def test_a_clock_that_was_years_ahead_is_followed_back(journal: Journal) -> None:
    journal.note("wrong", MIDNIGHT + 400 * 86_400)
    assert texts(journal.note("right", MIDNIGHT)) == ["Thursday, 5 March 2026", "right"]


# --- What is lost, and what is not told here ------------------------------------------------------


def test_losses_and_mutes_are_warnings(journal: Journal) -> None:
    journal.tell(said(BOB, "Bob", "hi"), NOON)
    told = [
        entry
        for event in (Dropped(5, "events"), PeerMuted(BOB, 30.0), PeerUnmuted(ANN, 7))
        for entry in journal.tell(event, NOON)
    ]
    assert {entry.kind for entry in told} == {Kind.WARNING}
    assert texts(told) == [
        "Lost: 5 (events)",
        "Bob is not shown for 30 s: too many messages at once",
        f"{ANN[-8:]} is heard again; 7 message(s) of this peer were not shown",
    ]


def test_connections_are_the_system_panels_business(journal: Journal) -> None:
    for event in (
        PeerConnected(ANN, "/ip4/127.0.0.1/tcp/1", inbound=True),
        PeerDisconnected(ANN),
        DialFailed("/ip4/127.0.0.1/tcp/1", "refused"),
        MessageWaiting(1, 1),
        KademliaBootstrap(3),
        Pinged(ANN, 0.1),
        Notice("a word"),
    ):
        assert journal.tell(event, NOON) == []


# --- Whatever comes -------------------------------------------------------------------------------

peer_ids = st.sampled_from([f"12D3KooW{number:08}" for number in range(8)])
tickets = st.integers(0, 5)
events = st.one_of(
    st.builds(PeerJoined, peer_ids, st.integers(0, 9)),
    st.builds(PeerLeft, peer_ids, st.integers(0, 9)),
    st.builds(MessageReceived, peer_ids, st.sampled_from(["Ann", "Bob"]), st.just("hi"), st.just(0.0)),
    st.builds(MessageSent, tickets, st.just("hi"), st.integers(0, 9), st.just(0.0)),
    st.builds(MessageRefused, tickets, st.just("hi"), st.just("no")),
    st.builds(PeerMuted, peer_ids, st.just(30.0)),
    st.just(Ready(US, "Alice", ())),
    tickets,  # something that the user says
)


@given(st.lists(st.tuples(events, st.integers(-200_000, 200_000)), max_size=60))
def test_numbers_rise_and_what_is_replaced_is_known(told: list[tuple[Event | int, int]]) -> None:
    journal = Journal()
    shown: dict[int, Entry] = {}

    def batches() -> Iterator[list[Entry]]:
        for event, offset in told:
            now = NOON + offset
            yield journal.said(event, "hi", now) if isinstance(event, int) else journal.tell(event, now)

    for entries in batches():
        for entry in entries:
            before = shown.get(entry.number)
            if before is None:
                assert entry.number == len(shown) + 1
            else:
                assert (before.kind, before.timestamp) == (entry.kind, entry.timestamp)
                assert before.delivery in (None, Delivery.WAITING)
            shown[entry.number] = entry
    assert all(entry.text for entry in shown.values())


def test_who_has_joined_is_named_as_soon_as_the_name_is_known(journal: Journal) -> None:
    (joined,) = journal.tell(PeerJoined(ANN, 1), NOON)
    (named,) = journal.tell(NickLearned(ANN, "Ann", plain=True), NOON)
    assert (named.number, named.text) == (joined.number, "Ann joined")
    assert texts(journal.tell(PeerLeft(ANN, 0), NOON)) == ["1 joined, 1 left"]


def test_a_new_name_of_somebody_who_is_there_is_told_once_and_of_strangers_none(journal: Journal) -> None:
    journal.tell(PeerJoined(ANN, 1), NOON)
    journal.tell(NickLearned(ANN, "Ann", plain=True), NOON)
    assert texts(journal.tell(NickLearned(ANN, "Bob", False, "Ann"), NOON)) == [
        f"Ann is now called Bob({short_id(ANN)})"
    ]
    assert texts(journal.tell(NickLearned(ANN, "Anna", True, "Bob", 7), NOON)) == [
        f"Bob({short_id(ANN)}) is now called Anna, after 7 more names"
    ]
    assert journal.tell(NickLearned("a stranger", "Eve", True, "Mallory"), NOON) == []


def test_a_new_name_of_who_is_ignored_is_not_told_even_when_he_goes(journal: Journal) -> None:
    journal.tell(MessageReceived(ANN, "Ann", "hi", NOON), NOON)
    journal.tell(IgnoreList((ANN,)), NOON)
    assert journal.tell(NickLearned(ANN, "a word to you", True, "Ann"), NOON) == []
    assert texts(journal.tell(PeerLeft(ANN, 0), NOON)) == ["Ann left"]
    journal.tell(IgnoreList(()), NOON)
    (told,) = journal.tell(NickLearned(ANN, "Anna", True, "a word to you"), NOON)
    assert told.text == "Ann is now called Anna"


def test_a_name_that_is_not_the_authors_alone_has_the_id_beside_it(journal: Journal) -> None:
    (entry,) = journal.tell(MessageReceived(ANN, "Bob", "hi", NOON, plain=False), NOON)
    assert entry.author == f"Bob({short_id(ANN)})"


def test_the_user_is_named_by_the_nickname_of_now(journal: Journal) -> None:
    journal.tell(NicknameChanged("Captain"), NOON)
    (entry,) = journal.tell(said(ANN, "Ann", "aye, captain"), NOON)
    assert entry.mention
    assert journal.said(1, "hello", NOON)[-1].author == "Captain"


def test_memory_is_bounded_however_many_strangers_speak(journal: Journal) -> None:
    for number in range(limits.KNOWN_SPEAKERS + 10):
        journal.tell(said(f"peer {number}", "Stranger", "hi"), NOON)
        journal.said(number, "hello", NOON)
        journal.tell(MessageSent(number, "hello", 1, NOON), NOON)
    assert texts(journal.tell(PeerLeft("peer 0", 0), NOON)) == ["peer 0 left"]
    kept = [value for value in vars(journal).values() if isinstance(value, (dict, Speakers))]
    assert sorted(map(len, kept)) == [0, limits.KNOWN_SPEAKERS, limits.KNOWN_SPEAKERS]
