"""Being named is noticed, and nothing else is taken for it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.mentions import is_named

ID8 = "Xy7AbCdE"


@pytest.mark.parametrize(
    "text",
    [
        "Alice",
        "alice: are you there?",
        "ask ALICE, she knows",
        "@Alice",
        "(alice)",
        "Alice's turn",
        "well,alice?",
        "two\nalice\nlines",
        "\uff21\uff4c\uff49\uff43\uff45 in wide letters",
        "Alice你好",
        f"hello {ID8}",
        f"[{ID8.lower()}]",
    ],
)
def test_the_nickname_or_the_short_id_as_a_word_names_the_user(text: str) -> None:
    assert is_named(text, "Alice", ID8)


@pytest.mark.parametrize(
    "text", ["", "malice", "alices", "alice2", "_alice", "al ice", "alice\u0308", "my" + ID8, "nobody is named"]
)
def test_a_part_of_another_word_does_not(text: str) -> None:
    assert not is_named(text, "Alice", ID8)


@pytest.mark.parametrize(
    ("nick", "text", "named"),
    [
        ("Al Ice", "hello al ice!", True),
        ("Al Ice", "hello al\n  ice", True),
        ("Al Ice", "hello al", False),
        ("C++ (fan)", "I am no c++ (FAN) of it", True),
        ("a.c", "abc", False),
        (".*", "anything", False),
        ("小明", "小明你好", True),
        ("小明", "你好,小明", True),
        ("明", "明天", False),
        ("明", "@明 你好", True),
        ("ยู", "ขอบคุณยูมาก", True),
        ("🐱", "hi🐱!", True),
        ("Straße", "STRASSE!", True),
        ("é", "e\u0301", True),
        ("", "anything", False),
    ],
)
def test_nicknames_of_every_kind(nick: str, text: str, named: bool) -> None:
    assert is_named(text, nick, "") is named


@given(st.text(max_size=40), st.text(max_size=8))
def test_no_text_and_no_nickname_is_too_odd(text: str, nick: str) -> None:
    assert is_named(text, nick, ID8) in (True, False)


@given(st.text("abc ,:", max_size=20), st.text("abc ,:", max_size=20))
def test_a_name_between_spaces_is_always_found(before: str, after: str) -> None:
    assert is_named(f"{before} Alice {after}", "alice", "")


@pytest.mark.parametrize("text", ["a" * 60_000, "ab" * 30_000, "\ufdfa" * 20_000, "aaaaaaa\u0e31" * 7_500])
def test_the_largest_message_is_looked_through_at_once(text: str) -> None:
    start = time.perf_counter()
    is_named(text, "aaaaaaa", ID8)
    is_named(text, "b", ID8)
    assert time.perf_counter() - start < 0.5
