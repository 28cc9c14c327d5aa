"""What the peers of the demo say: enough to see a conversation, at a pace that a person can read."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from py_peer.core.cleaning import clean_text
from py_peer.demo import script
from py_peer.demo.script import NAMES, Line, Visit, reply, visits

OTHERS = NAMES[1:]


def lines(nick: str = "Alice") -> list[tuple[Line, str]]:
    found = [(line, name) for name in NAMES for visit in visits(name, nick) for line in visit.lines]
    return sorted(found, key=lambda pair: pair[0].at)


def texts(nick: str = "Alice") -> list[str]:
    return [line.text for line, _ in lines(nick)]


def test_there_are_some_thirty_lines_at_a_pace_that_a_person_can_read() -> None:
    times = [line.at for line, _ in lines()]
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert 28 <= len(times) <= 35
    assert min(pauses) >= 1.5
    assert times[-1] <= 180


def test_every_performance_is_the_same() -> None:
    assert lines() == lines()


def test_everybody_says_who_they_are_with_their_first_line() -> None:
    for name in NAMES:
        for visit in visits(name, "Alice"):
            assert name in visit.lines[0].text


def test_the_user_is_named_once() -> None:
    assert sum(text.count("Zoë") for text in texts("Zoë")) == 1


def test_a_nickname_is_no_pattern() -> None:
    assert any("{nick} {0} %s" in text for text in texts("{nick} {0} %s"))


def test_what_is_said_is_shown_as_it_is() -> None:
    assert [clean_text(text) for text in texts()] == texts()


def test_it_shows_what_the_program_can_show() -> None:
    together = "".join(texts())
    assert "https://" in together
    assert any(text.count("\n") > 4 for text in texts())
    assert any("\u4e00" <= ch <= "\u9fff" for ch in together)
    assert any(ch >= "\U0001f300" for ch in together)


def test_somebody_writes_directly_and_somebody_offers_a_file() -> None:
    direct = [text for text in texts() if text.startswith(script.DIRECTLY)]
    assert len(direct) == 1
    assert "F6" in direct[0]
    assert texts().count(script.SHARES) == 1
    assert Path(script.__file__).is_file()


def test_one_of_them_leaves_and_comes_back_and_all_the_others_stay() -> None:
    assert {name: [visit.stays for visit in visits(name, "Alice")] for name in NAMES} == {
        "Echo": [True],
        "Noor": [True],
        "Kenji": [True],
        "Mia": [False, True],
    }


def test_somebody_speaks_while_she_is_away() -> None:
    first, second = visits("Mia", "Alice")
    assert [name for line, name in lines() if first.lines[-1].at < line.at < second.lines[0].at]


@pytest.mark.parametrize("name", NAMES)
def test_who_is_to_speak_comes_in_good_time(name: str) -> None:
    assert all(0 <= visit.come <= visit.lines[0].at for visit in visits(name, "Alice"))
    assert visits("Echo", "Alice")[0] == Visit(0.0, visits("Echo", "Alice")[0].lines, stays=True)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("ping", "pong"),
        (" PING ", "pong"),
        ("help", "F1"),
        ("hello there", "“hello there”"),
        ("x" * 60_000, "60,000 characters in 1 line."),
        ("a\nb\nc", "5 characters in 3 lines."),
    ],
)
def test_echo_answers_whatever_is_said(text: str, answer: str) -> None:
    assert answer in reply("Echo", text, 0)


def test_echo_turns_every_other_text_round() -> None:
    assert reply("Echo", "one two three", 1).endswith("three two one")
    assert "“one”" in reply("Echo", "one", 1)


@pytest.mark.parametrize("name", NAMES)
def test_nobody_answers_what_the_program_says_of_itself(name: str) -> None:
    assert not reply(name, f"Hello from {name} (py-peer)", 0)


@pytest.mark.parametrize("name", OTHERS)
def test_the_others_answer_when_they_are_named(name: str) -> None:
    for text in (f"{name}?", f"hey {name.lower()}, are you there?", f"こんにちは、{name}"):
        assert reply(name, text, 0)
    for text in ("hello", f"{name}ville", *(other for other in NAMES if other != name)):
        assert not reply(name, text, 0)


@pytest.mark.parametrize("name", NAMES)
def test_everybody_answers_what_was_written_directly(name: str) -> None:
    assert reply(name, "hello", 0, directly=True)


@pytest.mark.parametrize("name", OTHERS)
def test_they_do_not_say_the_same_thing_twice_in_a_row(name: str) -> None:
    answers = [reply(name, name, count) for count in range(10)]
    assert all(before != after for before, after in itertools.pairwise(answers))


def test_no_text_is_a_stage_direction() -> None:
    assert script.LEAVES not in texts()
