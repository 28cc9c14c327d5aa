"""Who had a name first keeps it plain, and strangers, however many, cannot take it."""

from __future__ import annotations

import hashlib

import base58
import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.addresses import short_id
from py_peer.core.announcement import Announcement
from py_peer.core.cleaning import clean_nick
from py_peer.core.names import Names
from py_peer.core.speakers import Name

NOON = 1_700_000_000_000


def peer_id(number: int) -> str:
    key = hashlib.sha256(number.to_bytes(4, "big")).digest()
    return base58.b58encode(b"\x00\x24\x08\x01\x12\x20" + key).decode()


US, ANN, BOB, EVE, MALLORY = map(peer_id, range(5))


class Session:
    """Names, and a clock that goes on with each announcement."""

    def __init__(self, most: int = 2_000, most_held: int = 10_000) -> None:
        self.names: Names[str] = Names("Me", US, most, most_held)
        self.now = 0.0

    def announce(self, who: str, nick: str) -> Name:
        """Have a peer announce a nickname, as it comes in; return what it is called then."""
        self.now += 10.0
        at = NOON + int(self.now * 1_000)
        self.names.announce(who, Announcement(clean_nick(nick), at), f"{nick} by {who}", self.now, at)
        return self.names.called(who)

    def shown(self, who: str) -> str:
        return self.names.called(who).of(who)


@pytest.fixture
def session() -> Session:
    return Session()


def test_who_is_not_known_by_name_is_called_by_the_end_of_the_id(session: Session) -> None:
    assert session.names.called(BOB) == Name(short_id(BOB), plain=True)
    session.names.connect(BOB)
    session.names.speak(BOB)
    assert session.names.called(BOB) == Name(short_id(BOB), plain=True)


def test_who_had_it_first_keeps_it_plain(session: Session) -> None:
    assert session.announce(BOB, "Bob") == Name("Bob", plain=True)
    assert session.announce(EVE, "Bob") == Name("Bob", plain=False)
    assert session.shown(EVE) == f"Bob({short_id(EVE)})"
    assert session.shown(BOB) == "Bob"


@pytest.mark.parametrize(
    "nick",
    [
        "bob",
        "BOB",
        "B\u043eb",
        "\u0412\u043eb",
        "\uff22\uff4f\uff42",
        "\U0001d401\U0001d428\U0001d41b",
        "B0b",
        "Bo\u200bb",
        "Böb",
        "Bob ",
        "Bob✓",
    ],
)
def test_a_name_that_looks_like_it_is_not_to_be_had_either(session: Session, nick: str) -> None:
    session.announce(BOB, "Bob")
    assert not session.announce(EVE, nick).plain
    assert session.names.called(BOB).plain


def test_nobody_takes_the_name_of_the_user(session: Session) -> None:
    assert not session.announce(EVE, "Me").plain
    session.names.rename("Captain")
    assert not session.announce(EVE, "captain").plain
    assert not session.announce(EVE, "Me").plain
    assert session.names.called(US) == Name("Captain", plain=True)


def test_a_user_who_takes_the_name_of_another_does_not_have_it_plain(session: Session) -> None:
    session.announce(BOB, "Bob")
    session.names.rename("bob")
    assert not session.names.called(US).plain
    assert session.names.called(BOB).plain


def test_to_go_by_another_name_does_not_free_the_first(session: Session) -> None:
    session.announce(BOB, "Bob")
    assert session.announce(BOB, "Rob") == Name("Rob", plain=True)
    assert not session.announce(EVE, "Bob").plain
    assert session.announce(BOB, "Bob").plain


def test_who_wants_a_taken_name_gets_nothing_of_it(session: Session) -> None:
    session.announce(BOB, "Bob")
    session.announce(EVE, "B0b")
    session.announce(EVE, "Eve")
    assert not session.announce(MALLORY, "b0b").plain
    assert session.names.called(BOB).plain


@pytest.mark.parametrize(
    "nick",
    [
        "You",
        "you",
        "\u0423ou",
        "System",
        "\u0405ystem",
        "py-peer",
        "PyPeer",
        "Universal Connectivity",
        "The System",
        "Peers",
    ],
)
def test_the_words_of_the_program_are_nobodys(session: Session, nick: str) -> None:
    assert not session.announce(EVE, nick).plain


def test_the_short_id_of_another_is_nobodys_else(session: Session) -> None:
    session.names.connect(BOB)
    assert not session.announce(EVE, short_id(BOB)).plain
    assert not session.announce(EVE, f"Bob {short_id(BOB)}").plain
    assert not session.announce(EVE, short_id(BOB).upper()).plain


def test_a_short_id_belongs_to_its_peer_even_if_another_was_called_so_before(session: Session) -> None:
    nick = short_id(BOB).lower()  # it does not look like an ID, and nobody knows Bob yet
    assert session.announce(EVE, nick).plain
    session.names.speak(BOB)
    assert not session.names.called(EVE).plain


@pytest.mark.parametrize("nick", ["H9vKs2wQ", "Bob H9vKs2wQ", "\u041d9vKs2wQ"])
def test_what_looks_like_a_short_id_is_nobodys(session: Session, nick: str) -> None:
    assert not session.announce(EVE, nick).plain


@pytest.mark.parametrize(
    "nick",
    [
        *(BOB[:32], BOB[:32].lower(), BOB[:12], f"Bob {BOB[:20]}", f"\u0406{BOB[1:32]}", f"12D3 {BOB[4:30]}"),
        *("npub1qqqsyq", "NPUB1qqqsyq", "npubl", "I am npub1"),
        *("16Uiu2HAm3Tq", "16uiu2ham3tq", "QmYwAPJzv5CZsnA", "QmYwAPJz", "qmywapjz"),
    ],
)
def test_what_begins_like_a_peer_id_is_nobodys_whether_that_peer_is_known_or_not(session: Session, nick: str) -> None:
    assert not session.announce(EVE, nick).plain


@pytest.mark.parametrize(
    "nick", ["Benjamin", "alice123", "Alice123", "DarkLord", "MARGARET", "user-1234", "Qmar", "12D", "Bob 12D3"]
)
def test_names_of_eight_letters_are_names(session: Session, nick: str) -> None:
    assert session.announce(EVE, nick).plain


@pytest.mark.parametrize(
    "nick", [f"Bob({short_id(BOB)})", f"Bob\uff08{short_id(BOB)}\uff09", "Me (You)", "x]: hi [Bob"]
)
def test_the_forms_of_the_program_cannot_be_forged(session: Session, nick: str) -> None:
    session.announce(BOB, "Bob")
    name = session.announce(EVE, nick)
    assert not set("()[]:") & set(name.nick)
    assert session.shown(EVE) not in ("Bob", "Me")
    if nick != "x]: hi [Bob":
        assert not name.plain


def test_of_30_changes_each_name_stays_with_who_had_it(session: Session) -> None:
    for number in range(30):
        assert session.announce(BOB, f"name {number}").plain
    assert not session.announce(EVE, "name 0").plain
    assert not session.announce(EVE, "name 29").plain


def test_who_collects_names_has_no_more_of_them_plain(session: Session) -> None:
    for number in range(limits.NAMES_PER_PEER):
        assert session.announce(EVE, f"name {number}").plain
    assert not session.announce(EVE, "one more").plain
    assert session.announce(EVE, "name 3").plain
    assert session.announce(BOB, "one more").plain


def test_an_older_announcement_is_refused_and_says_so(session: Session) -> None:
    session.announce(BOB, "Bob")
    session.announce(BOB, "Rob")
    old = Announcement("Bob", NOON + 10_000)
    assert session.names.announce(BOB, old, "", session.now, NOON + 90_000) == "not newer than what is known"
    assert session.shown(BOB) == "Rob"


def test_who_announces_too_often_is_heard_again_later() -> None:
    names = Session().names
    taken = [
        names.announce(EVE, Announcement(f"name {number}", NOON + number), "", 0.0, NOON + 1_000)
        for number in range(100)
    ]
    assert taken.count("") == limits.NICK_FLOOD_BURST
    assert taken[-1] == "too many of one author"
    later = names.announce(EVE, Announcement("Eve", NOON + 500), "", 60.0, NOON + 60_000)
    assert (later, names.called(EVE).nick) == ("", "Eve")


def test_a_flood_of_strangers_pushes_out_neither_who_is_connected_nor_who_has_spoken() -> None:
    session = Session(most=50)
    session.names.connect(ANN)
    session.announce(ANN, "Ann")
    session.names.speak(BOB)
    session.announce(BOB, "Bob")
    session.announce(EVE, "Eve")
    for number in range(100, 1_100):
        session.announce(peer_id(number), f"stranger {number}")
        session.announce(peer_id(number), "Bob")
    assert len(session.names) == 50
    assert (session.shown(ANN), session.shown(BOB)) == ("Ann", "Bob")
    assert session.shown(EVE) == short_id(EVE)
    assert not session.announce(MALLORY, "bob").plain


def test_who_is_met_takes_the_place_of_a_stranger_not_of_who_has_spoken() -> None:
    session = Session(most=2)
    session.names.speak(BOB)
    session.announce(BOB, "Bob")
    session.announce(EVE, "Eve")
    session.names.connect(ANN)
    assert (session.shown(BOB), session.shown(EVE)) == ("Bob", short_id(EVE))


def test_who_is_connected_stays_when_strangers_speak() -> None:
    session = Session(most=50)
    session.names.connect(ANN)
    session.announce(ANN, "Ann")
    for number in range(100, 300):
        session.names.speak(peer_id(number))
        session.announce(peer_id(number), f"stranger {number}")
    assert session.shown(ANN) == "Ann"
    session.names.disconnect(ANN)
    assert session.announce(ANN, "Anna").plain


def test_where_everybody_is_known_better_a_stranger_stays_without_a_name() -> None:
    session = Session(most=3)
    for who in (ANN, BOB, EVE):
        session.names.connect(who)
    assert session.announce(MALLORY, "Mallory") == Name(short_id(MALLORY))


def test_the_table_of_names_is_bounded_and_favours_who_is_known() -> None:
    session = Session(most_held=20)
    session.names.connect(ANN)
    session.announce(ANN, "Ann")
    for number in range(100, 200):
        session.announce(peer_id(number), f"stranger {number}")
    assert session.shown(ANN) == "Ann"
    assert not session.announce(MALLORY, "ann").plain
    assert session.announce(MALLORY, "Mallory").plain


def test_proofs_of_those_who_are_known_best_come_first() -> None:
    session = Session()
    session.announce(EVE, "Eve")
    session.names.speak(BOB)
    session.announce(BOB, "Bob")
    session.names.connect(ANN)
    session.announce(ANN, "Ann")
    session.announce(MALLORY, "Mallory")
    assert session.names.proofs(3) == [f"Ann by {ANN}", f"Bob by {BOB}", f"Mallory by {MALLORY}"]
    assert len(session.names.proofs(100)) == 4


@given(
    st.lists(
        st.tuples(st.sampled_from([ANN, BOB, EVE, MALLORY]), st.text(max_size=12).map(clean_nick).filter(bool)),
        max_size=12,
    )
)
def test_whatever_is_announced_no_two_are_shown_alike(said: list[tuple[str, str]]) -> None:
    session = Session()
    for who, nick in said:
        session.announce(who, nick)
    shown = [session.shown(who) for who in (US, ANN, BOB, EVE, MALLORY)]
    assert len(set(shown)) == 5


def test_a_nostr_key_is_bound_to_peers_until_it_is_another(session: Session) -> None:
    names = session.names
    assert not names.bind(BOB, "npub1bob")  # nobody knows Bob
    for peer_id in (BOB, EVE):
        session.announce(peer_id, "Bob")
        assert names.bind(peer_id, "npub1bob")
        assert not names.bind(peer_id, "npub1bob")
    assert names.bound("npub1bob") == EVE
    assert names.bind(EVE, "npub1eve")
    assert (names.bound("npub1bob"), names.bound("npub1eve")) == (BOB, EVE)
    assert (names.npub(BOB), names.npub(EVE)) == ("npub1bob", "npub1eve")
    assert names.bind(BOB, "")
    assert (names.bound("npub1bob"), names.npub(BOB)) == ("", "")


def test_who_is_forgotten_is_forgotten_with_the_nostr_key() -> None:
    session = Session(most=2)
    for peer_id in (BOB, EVE, MALLORY):
        session.announce(peer_id, "x")
        session.names.bind(peer_id, f"npub1{peer_id}")
    assert BOB not in session.names
    assert MALLORY in session.names
    assert session.names.bound(f"npub1{BOB}") == ""
    assert session.names.bound(f"npub1{MALLORY}") == MALLORY
