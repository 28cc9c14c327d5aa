"""Lines fit the terminal, lose nothing but spaces at a break, and never come back to column 0."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from py_peer.core.cleaning import clean_text
from py_peer.core.wrapping import NARROWEST, wrap_lines

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
