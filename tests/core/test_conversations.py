"""Which conversations there are, what is unread in them, and what a flood of strangers does to them: little."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from py_peer.core import limits
from py_peer.core.conversations import ROOM, STRANGERS, Conversations, stranger_line
from py_peer.core.direct_events import DirectReceived, DirectRefused, DirectSent, DirectWaiting
from py_peer.core.entries import Delivery, Kind
from py_peer.core.events import (
    IgnoreList,
    NickLearned,
    NicknameChanged,
    PeerConnected,
    PeerDisconnected,
    Ready,
)
from py_peer.core.speakers import Name

if TYPE_CHECKING:
    from py_peer.core.conversations import Told
    from py_peer.core.entries import Entry
    from py_peer.core.events import Event

NOON = time.mktime((2026, 3, 4, 12, 0, 0, 0, 0, -1))
MIDNIGHT = time.mktime((2026, 3, 5, 0, 0, 0, 0, 0, -1))
US = "12D3KooWCPZEzZ2B3VJ4bK6t6m6rUsUsUsUsUsUsUsUsUsUsUsUs"
ANN = "12D3KooWCPZEzZ2B3VJ4bK6t6m6rAnnAnnAnnAnnAnnAnnAnnAnn"
BOB = "12D3KooWCPZEzZ2B3VJ4bK6t6m6rBobBobBobBobBobBobBobBob"


@pytest.fixture
def talks() -> Conversations:
    talks = Conversations("Alice")
    talks.tell(Ready(US, "Alice", ()), NOON)
    return talks


def wrote(text: str, peer_id: str = ANN, nick: str = "Ann", *, stranger: bool = False) -> DirectReceived:
    return DirectReceived(peer_id, nick, True, text, NOON, stranger)


def stranger(number: int) -> DirectReceived:
    return wrote("buy", f"12D3KooW{number:044}", f"S{number}", stranger=True)


def titles(talks: Conversations) -> list[str]:
    return [conversation.title for conversation in talks]


def only(told: list[Told]) -> list[Entry]:
    ((_, entries),) = told
    return entries


def texts(told: list[Told]) -> list[str]:
    return [entry.text for _, entries in told for entry in entries]


# --- Which there are --------------------------------------------------------------------------------


def test_at_first_there_is_the_room_and_it_stays(talks: Conversations) -> None:
    assert titles(talks) == ["Room"]
    assert not talks.close()
    assert talks.current.key == ROOM


def test_the_first_message_opens_a_conversation_and_the_user_stays_where_they_are(talks: Conversations) -> None:
    ((key, (entry,)),) = talks.tell(wrote("hello"), NOON)
    assert (key, entry.kind, entry.author, entry.peer_id, entry.text) == (ANN, Kind.SAID, "Ann", ANN, "hello")
    assert titles(talks) == ["Room", "Ann"]
    assert talks.current.key == ROOM


def test_who_names_a_peer_goes_there_and_comes_back_to_the_same_conversation(talks: Conversations) -> None:
    first = talks.open(ANN, Name("Ann"), NOON)
    talks.open(BOB, Name("Bob"), NOON)
    assert talks.current.key == BOB
    assert talks.open(ANN, Name("Ann"), NOON) is first
    assert titles(talks) == ["Room", "Ann", "Bob"]


def test_after_the_last_conversation_comes_the_first(talks: Conversations) -> None:
    talks.open(ANN, Name("Ann"), NOON)
    talks.open(BOB, Name("Bob"), NOON)
    assert [talks.turn(1).key for _ in range(3)] == [ROOM, ANN, BOB]
    assert talks.turn(-1).key == ANN


def test_a_closed_one_opens_again_behind_the_others_with_the_next_message(talks: Conversations) -> None:
    before = talks.open(ANN, Name("Ann"), NOON)
    talks.open(BOB, Name("Bob"), NOON)
    talks.turn(-1)
    assert talks.close()
    assert talks.current.key == ROOM
    assert titles(talks) == ["Room", "Bob"]
    talks.tell(wrote("once more"), NOON)
    assert titles(talks) == ["Room", "Bob", "Ann"]
    assert list(talks)[-1] is before


def test_who_closes_one_is_at_the_one_before(talks: Conversations) -> None:
    talks.open(ANN, Name("Ann"), NOON)
    talks.open(BOB, Name("Bob"), NOON)
    talks.close()
    assert talks.current.key == ANN


# --- What is unread ---------------------------------------------------------------------------------


def test_what_comes_elsewhere_is_counted_until_it_is_looked_at(talks: Conversations) -> None:
    talks.tell(wrote("one"), NOON)
    talks.tell(wrote("two"), NOON)
    ann = list(talks)[1]
    assert (ann.unread, ann.called) == (2, True)
    talks.turn(1)
    assert (ann.unread, ann.called) == (0, False)
    talks.tell(wrote("three"), NOON)
    assert ann.unread == 0


def test_the_room_counts_too_and_says_whether_the_user_was_named(talks: Conversations) -> None:
    talks.heard_in_room(1, called=True)
    assert talks.current.unread == 0
    talks.open(ANN, Name("Ann"), NOON)
    room = next(iter(talks))
    talks.heard_in_room(2, called=False)
    assert (room.unread, room.called) == (2, False)
    talks.heard_in_room(1, called=True)
    talks.heard_in_room(1, called=False)
    assert (room.unread, room.called) == (4, True)


# --- What is said -----------------------------------------------------------------------------------


def test_an_own_text_waits_and_is_then_sent_in_its_place(talks: Conversations) -> None:
    talks.open(ANN, Name("Ann"), NOON)
    key, (waiting,) = talks.said(7, "hello\x1b[2J", NOON)
    assert (key, waiting.kind, waiting.author, waiting.peer_id) == (ANN, Kind.OWN, "Alice", US)
    assert (waiting.text, waiting.delivery) == ("hello", Delivery.WAITING)
    talks.tell(wrote("meanwhile"), NOON)
    (sent,) = only(talks.tell(DirectSent(7, ANN, "Ann", True, "hello", NOON + 1), NOON + 1))
    assert (sent.number, sent.delivery) == (waiting.number, Delivery.SENT)


def test_why_something_waits_is_said_once_until_something_has_arrived(talks: Conversations) -> None:
    talks.open(ANN, Name("Ann"), NOON)
    talks.said(1, "one", NOON)
    talks.said(2, "two", NOON)

    def waits(ticket: int) -> list[str]:
        return texts(talks.tell(DirectWaiting(ticket, ANN, "Ann", True, "x", "Ann is away", ticket), NOON))

    assert waits(1) == ["Not delivered yet: Ann is away; it is tried again"]
    assert waits(2) == []
    sent, line = only(talks.tell(DirectSent(1, ANN, "Ann", True, "one", NOON), NOON))
    assert (sent.text, line.text) == ("one", "Not delivered at once: Ann is away")
    assert len(waits(2)) == 1


def test_what_will_not_arrive_is_marked_and_said_even_where_the_tab_was_closed(talks: Conversations) -> None:
    talks.open(ANN, Name("Ann"), NOON)
    _, (waiting,) = talks.said(7, "hello", NOON)
    talks.close()
    marked, line = only(talks.tell(DirectRefused(7, ANN, "Ann", True, "hello", "it is a day old"), NOON))
    assert (marked.number, marked.delivery) == (waiting.number, Delivery.REFUSED)
    assert (line.kind, line.text) == (Kind.WARNING, "Not delivered: it is a day old")
    assert [(known.title, known.unread) for known in talks] == [("Room", 0), ("Ann", 1)]


def test_a_text_of_an_earlier_run_begins_a_conversation_when_it_has_come_to_its_end(talks: Conversations) -> None:
    assert talks.tell(DirectWaiting(0, ANN, "Ann", True, "hi", "Ann is away", 1), NOON) == []
    (sent,) = only(talks.tell(DirectSent(0, ANN, "Ann", True, "hi", NOON, 3_600.0), NOON))
    assert (sent.author, sent.text, sent.delivery) == ("Alice", "hi", Delivery.SENT)
    (refused, _) = only(talks.tell(DirectRefused(0, BOB, "Bob", True, "ho", "a day old"), NOON))
    assert (refused.text, refused.delivery) == ("ho", Delivery.REFUSED)
    assert titles(talks) == ["Room", "Ann", "Bob"]


def test_own_texts_are_signed_with_the_name_of_the_moment(talks: Conversations) -> None:
    talks.open(ANN, Name("Ann"), NOON)
    talks.tell(NicknameChanged("Alicia"), NOON)
    assert talks.said(1, "hi", NOON)[1][0].author == "Alicia"


def test_a_new_day_is_told_in_each_conversation(talks: Conversations) -> None:
    talks.tell(wrote("late"), NOON)
    talks.turn(1)
    assert [entry.text for entry in talks.said(1, "later", MIDNIGHT)[1]] == ["Thursday, 5 March 2026", "later"]


# --- Who it is --------------------------------------------------------------------------------------


def test_a_name_that_changes_changes_on_the_conversation_and_is_told_there(talks: Conversations) -> None:
    talks.tell(wrote("hello"), NOON)
    assert texts(talks.tell(NickLearned(ANN, "Anna", plain=False, previous="Ann"), NOON)) == [
        f"Ann is now called Anna({ANN[-8:]})"
    ]
    assert titles(talks) == ["Room", f"Anna({ANN[-8:]})"]
    assert talks.tell(NickLearned(ANN, "Anna", plain=False), NOON) == []
    assert talks.tell(NickLearned(BOB, "Bobby", plain=True), NOON) == []


def test_the_name_of_who_is_ignored_says_nothing(talks: Conversations) -> None:
    talks.tell(wrote("hello"), NOON)
    talks.tell(IgnoreList((ANN,)), NOON)
    assert talks.tell(NickLearned(ANN, "read this!", plain=True), NOON) == []
    assert titles(talks) == ["Room", "Ann"]


def test_coming_and_going_is_one_line_until_something_else_is_said(talks: Conversations) -> None:
    def moved(event: Event) -> Entry:
        (entry,) = only(talks.tell(event, NOON))
        return entry

    talks.tell(wrote("hello"), NOON)
    gone, back = moved(PeerDisconnected(ANN)), moved(PeerConnected(ANN, "", inbound=True))
    assert (gone.text, back.text, gone.number == back.number) == ("Ann has gone", "Ann is here", True)
    talks.tell(wrote("here again"), NOON)
    assert moved(PeerDisconnected(ANN)).number > back.number
    assert talks.tell(PeerDisconnected(BOB), NOON) == []


# --- Strangers --------------------------------------------------------------------------------------


def test_before_the_first_message_of_a_stranger_stands_what_it_is(talks: Conversations) -> None:
    assert texts(talks.tell(wrote("hello", stranger=True), NOON)) == [stranger_line("Ann"), "hello"]
    assert texts(talks.tell(wrote("hello", stranger=True), NOON)) == ["hello"]


def test_a_stranger_is_marked_too_where_the_tab_was_opened_by_hand_first(talks: Conversations) -> None:
    talks.open(ANN, Name("Ann"), NOON)
    assert texts(talks.tell(wrote("hello", stranger=True), NOON)) == [stranger_line("Ann"), "hello"]
    talks.open(ANN, Name("Ann"), NOON)
    assert texts(talks.tell(wrote("hello", stranger=True), NOON)) == ["hello"]


def test_a_flood_of_strangers_is_gathered_in_one_conversation_that_calls_nobody(talks: Conversations) -> None:
    for number in range(200):
        talks.tell(stranger(number), NOON)
    assert titles(talks) == ["Room", *(f"S{number}" for number in range(limits.STRANGERS_TABS)), "Strangers"]
    gathered = list(talks)[-1]
    assert (gathered.key, gathered.called) == (STRANGERS, False)
    assert gathered.unread == 200 - limits.STRANGERS_TABS
    ((key, (entry,)),) = talks.tell(stranger(200), NOON)
    assert (key, entry.author) == (STRANGERS, "S200")
    assert len(talks.known) == limits.STRANGERS_TABS + 2


def test_strangers_never_gather_a_peer_that_the_user_knows(talks: Conversations) -> None:
    for number in range(20):
        talks.tell(stranger(number), NOON)
    talks.tell(wrote("hello"), NOON)
    assert titles(talks)[-1] == "Ann"


def test_who_was_answered_or_named_is_no_stranger_and_makes_room_for_another(talks: Conversations) -> None:
    for number in range(limits.STRANGERS_TABS):
        talks.tell(stranger(number), NOON)
    talks.turn(1)
    talks.said(1, "no, thank you", NOON)
    talks.tell(stranger(100), NOON)
    assert titles(talks)[-1] == "S100"
    talks.tell(stranger(101), NOON)
    assert titles(talks)[-1] == "Strangers"


def test_a_stranger_whose_tab_was_closed_is_gathered_too_where_there_are_many(talks: Conversations) -> None:
    talks.tell(stranger(0), NOON)
    talks.turn(1)
    talks.close()
    for number in range(1, 1 + limits.STRANGERS_TABS):
        talks.tell(stranger(number), NOON)
    assert [key for key, _ in talks.tell(stranger(0), NOON)] == [STRANGERS]


# --- How many ---------------------------------------------------------------------------------------


def test_of_too_many_the_one_that_is_missed_least_is_forgotten(talks: Conversations) -> None:
    def peer(number: int) -> str:
        return f"12D3KooW{number:044}"

    for number in range(limits.CONVERSATIONS):
        talks.open(peer(number), Name(str(number)), NOON + number)
    talks.current.draft = "the current one is never forgotten"
    list(talks)[1].draft = "half a sentence"
    talks.go_to(list(talks)[4])
    talks.close()
    for number in (1_000, 1_001, 1_002):
        talks.open(peer(number), Name(str(number)), NOON + number)
    kept = titles(talks)
    assert len(talks.known) <= limits.CONVERSATIONS + 2
    assert "3" not in kept
    assert "0" in kept
    assert "1" not in kept
