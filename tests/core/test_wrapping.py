"""Lines fit the terminal, lose nothing but spaces at a break, and never come back to column 0."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth, wcwidth

from py_peer.core.cleaning import clean_text
from py_peer.core.wrapping import NARROWEST, limit_lines, wrap_lines, wrap_spans

INDENT = "    "


def test_words_stay_whole_where_they_fit() -> None:
    assert wrap_lines("[bob]: one two three four", 20, INDENT) == ["[bob]: one two three", "    four"]


def test_line_breaks_and_the_spaces_after_them_are_kept() -> None:
    assert wrap_lines("def f():\n    return 1\n\nend", 80, INDENT) == ["def f():", "        return 1", "", "    end"]


def test_a_padded_text_cannot_put_a_line_of_the_program_at_column_0() -> None:
    lines = wrap_lines("[bob]: hi" + " " * 11 + "📡 Peer left: abcdefgh", 20, INDENT)
    assert lines[0] == "[bob]: hi"
    assert all(line.startswith(INDENT) for line in lines[1:])


@pytest.mark.parametrize("unit", ["x", "漢", "👨‍👩‍👧", "e\u0301", " ", "ab "])
def test_sixty_thousand_characters_are_broken_at_once(unit: str) -> None:
    lines = wrap_lines(unit * (60_000 // len(unit)), 80, INDENT)
    assert max(wcswidth(line) for line in lines) <= 80


@given(st.text(), st.integers(1, 300))
def test_every_line_fits_and_nothing_but_spaces_is_lost(text: str, width: int) -> None:
    cleaned = clean_text(text)
    lines = wrap_lines(cleaned, width, INDENT)
    assert all(wcswidth(line) <= max(width, NARROWEST) for line in lines)
    assert all(not line or line.startswith(INDENT) for line in lines[1:])
    assert "".join("".join(lines).split()) == "".join(cleaned.split())


def test_ideographs_and_pictures_break_anywhere_but_a_row_begins_with_no_closing_sign() -> None:
    assert wrap_lines("漢字" * 5 + "。終", 20, "") == ["漢字" * 4 + "漢", "字。終"]
    assert wrap_lines("ab 👍👍👍👍👍👍👍👍👍 cd", 20, "") == ["ab 👍👍👍👍👍👍👍👍", "👍 cd"]


@pytest.mark.parametrize("unit", ["\U0001f3fd", "\u1112", "👩\u200d", "\u0915\u094d"])
def test_what_is_one_character_by_the_rules_alone_is_broken(unit: str) -> None:
    lines = wrap_lines(unit * 100, 20, "")
    assert "".join(lines) == unit * 100
    assert all(sum(max(wcwidth(ch), 0) for ch in line) <= 20 for line in lines)  # what a simple terminal shows


def test_a_family_stays_together() -> None:
    family = "👨🏻\u200d❤\ufe0f\u200d💋\u200d👨🏿"
    assert wrap_lines(family * 12, 20, "") == [family * 10, family * 2]


def test_korean_words_stay_whole() -> None:
    assert wrap_lines("안녕하세요 여러분 반갑습니다", 20, "") == ["안녕하세요 여러분", "반갑습니다"]


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        ("  - Peers: one two three four", ["  - Peers: one two", "    three four"]),
        ("   12  dropped: not signed", ["   12  dropped: not", "       signed"]),
        ("  1.2 kB  sent to all peers", ["  1.2 kB  sent to", "          all peers"]),
        ("  just an indented line here", ["  just an indented", "line here"]),
        ("  123456789012  too far to the right", ["  123456789012  too", "far to the right"]),
        ("  漢  字漢字漢字漢字漢字", ["  漢  字漢字漢字漢字", "漢字"]),
    ],
)
def test_a_row_of_a_list_or_a_table_goes_on_under_its_words(line: str, rows: list[str]) -> None:
    assert wrap_lines(line, 20, "") == rows
    assert wrap_lines(f"head\n{line}", 24, INDENT) == ["head", *(INDENT + row for row in rows)]


def test_a_span_says_where_in_the_text_a_row_stands() -> None:
    text = "one two\nthree  four"
    assert [text[start:end] for start, end in wrap_spans(text, 9, 2)] == ["one two", "three", "four"]


@given(st.text("ab  \u00e9", max_size=60), st.integers(1, 20), st.integers(0, 4))
def test_a_text_of_one_column_a_character_is_broken_like_any_other(text: str, width: int, indent: int) -> None:
    with_a_mark = text.replace("\u00e9", "e\u0301")
    plain, marked = wrap_spans(text, width, indent), wrap_spans(with_a_mark, width, indent)
    assert [text[slice(*span)] for span in plain] == [
        with_a_mark[slice(*span)].replace("e\u0301", "\u00e9") for span in marked
    ]


def test_of_many_lines_the_first_are_left_and_the_others_counted() -> None:
    assert limit_lines("a\nb\nc", 2) == "a\nb\n[… 1 more lines not shown]"
    assert limit_lines("a\nb", 2) == "a\nb"
