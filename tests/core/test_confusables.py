"""Names that a reader may take for one another have a form in common; names that nobody confuses have none."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import confusables
from py_peer.core.cleaning import clean_nick
from py_peer.core.confusables import forms, words

NICKS = st.text(min_size=1, max_size=20).map(clean_nick).filter(bool)


def look_alike(one: str, other: str) -> bool:
    return bool(forms(one) & forms(other))


@pytest.mark.parametrize(
    ("honest", "thief"),
    [
        ("Alice", "Alice"),
        ("Alice", "ALICE"),
        ("Alice", "\u0410lice"),  # Cyrillic A
        ("alice", "\u0430lic\u0435"),
        ("Nina", "\u039dina"),  # Greek Nu
        ("Poppy", "\u03a1o\u03c1\u03c1y"),
        ("Alice", "\u13aalice"),  # Cherokee, whose small letters are the new ones
        ("Bob", "Ｂｏｂ"),  # noqa: RUF001 - full width
        ("Bob", "𝐁𝐨𝐛"),  # noqa: RUF001 - mathematical
        ("Bob", "ⓑⓞⓑ"),
        ("Mike", "rnike"),
        ("rnike", "MIKE"),
        ("Bob", "B0b"),
        ("Bob", "b0B"),
        ("alice", "a1ice"),
        ("Alice", "AIice"),
        ("ALICE", "A1ICE"),
        ("Alice", "A|ice"),
        ("Bill", "B1LL"),
        ("VICKY", "\u03bdicky"),  # Greek nu, whose capital looks like N
        ("Alice", "Ali\u200bce"),
        ("Alice", "Al\u0131ce"),  # without its dot
        ("Alice", "Alícé"),
        ("Jose", "José"),
        ("Alice", "A\u0338lice"),
        ("Alice", "Alice "),
        ("Alice", "Alice."),
        ("Alice", "_Alice_"),
        ("Alice", "Alice ✓"),
        ("Alice", "Al ice"),
        ("Straße", "STRASSE"),
    ],
)
def test_what_looks_alike_has_a_form_in_common(honest: str, thief: str) -> None:
    assert look_alike(honest, thief)
    assert look_alike(thief, honest)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice", "Alicia"),
        ("Bob", "Rob"),
        ("Vina", "Nina"),
        ("Anna", "Hanna"),
        ("user1", "user2"),
        ("がく", "かく"),
        ("सीता", "सता"),
        ("🙂", "🎉"),
        ("Иван", "Иоан"),
        ("太郎", "次郎"),
    ],
)
def test_what_nobody_confuses_has_none(one: str, other: str) -> None:
    assert not look_alike(one, other)


@given(NICKS)
def test_every_name_has_one_to_three_forms_that_are_not_empty(nick: str) -> None:
    found = forms(nick)
    assert 1 <= len(found) <= 3
    assert "" not in found


@given(NICKS)
def test_case_width_and_style_do_not_make_another_name(nick: str) -> None:
    assert look_alike(nick, nick.casefold())
    assert look_alike(nick, unicodedata.normalize("NFKC", nick))
    assert look_alike(nick, unicodedata.normalize("NFD", nick))


def test_the_part_of_the_table_that_stands_in_the_program_is_the_tables() -> None:
    assert {char: to for char, to in confusables._table().items() if char.isascii()} == confusables._ASCII


def test_names_in_ascii_are_compared_without_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confusables, "_table", lambda: pytest.fail("the file was read"))
    assert look_alike("Mike", "rnike")
    assert words("you, A1ice") == ["you", "Alice"]


def test_words_are_read_in_the_letters_that_they_look_like() -> None:
    assert words("Ali\u0441e, \u0423ou") == ["Alice", "You"]
