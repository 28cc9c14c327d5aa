"""What a topic may be called, how it is shown, and where what is typed goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.cleaning import clean_line
from py_peer.core.topics import ROOM_TOPIC, Topics, read_topic, shown_topic, topic_key, topic_of, topic_problem

COMMIT = "3f786850e387550fdab836ed7e6dc881de23001b"


@pytest.mark.parametrize(
    "name", ["news", "art of code", COMMIT, "/drand/pubsub/v0.0.0/8990e7a9", "größe", "#", "strangers"]
)
def test_what_others_call_their_topics_can_be_joined(name: str) -> None:
    assert topic_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "say which topic"),
        ("  ", "say which topic"),
        ("ü" * 65, "at most 128 bytes, and this one 130"),
        ("a\nb", "neither control characters"),
        ("a\x1b[2J", "neither control characters"),
        ("a\u202eb", "neither control characters"),
        (" news", "neither control characters"),
        ("\ud800", "neither control characters"),
        ("universal-connectivity-file", "is for programs"),
        ("universal-connectivity-browser-peer-discovery", "is for programs"),
        ("universal-connectivity-nick", "is for programs"),
    ],
    ids=["none", "blank", "long", "lines", "escape", "bidi", "space", "surrogate", "files", "discovery", "nicks"],
)
def test_other_names_are_refused_in_a_sentence(name: str, why: str) -> None:
    assert why in topic_problem(name)


@given(st.text())
def test_a_name_that_can_be_is_shown_as_it_is(name: str) -> None:
    if not topic_problem(name):
        assert clean_line(name, limits.MAX_TOPIC_BYTES) == name
        assert len(name.encode()) <= limits.MAX_TOPIC_BYTES
        assert topic_of(topic_key(name)) == name
        assert read_topic(f"#{name}") == name


def test_a_topic_may_be_typed_as_it_is_shown() -> None:
    assert [read_topic(typed) for typed in (" news ", "#news", "##news", "#")] == ["news", "news", "#news", ""]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("猫" * 12, "#" + "猫" * 12),
        ("猫" * 13, f"#{'猫' * 6}…{'猫' * 4}"),
        ("a" + "猫" * 13, f"#a{'猫' * 5}…{'猫' * 4}"),
        ("e\u0301" * 24, "#" + "e\u0301" * 24),
    ],
    ids=["fits", "wide", "odd", "marks"],
)
def test_what_is_shown_of_a_name_is_measured_in_columns(name: str, shown: str) -> None:
    assert shown_topic(name) == shown


def test_a_long_name_is_shown_by_its_ends_and_the_room_has_none() -> None:
    assert [shown_topic(name) for name in ("news", COMMIT, ROOM_TOPIC)] == ["#news", "#3f786850e387…de23001b", ""]


def test_a_topic_is_told_from_the_room_and_from_who_is_called_alike() -> None:
    assert [topic_key(name) for name in (ROOM_TOPIC, "strangers")] == ["", "#strangers"]
    assert [topic_of(key) for key in ("", "#strangers", "strangers", "12D3KooW")] == [ROOM_TOPIC, "strangers", "", ""]


def test_what_is_typed_goes_to_the_last_topic_that_was_joined_or_named_again() -> None:
    topics = Topics(("news", "sport", "news"))
    assert (topics.joined, topics.current) == (["news", "sport"], "news")
    assert topics.join("art") == ""
    assert topics.join("sport") == ""
    assert (topics.joined, topics.current) == (["news", "sport", "art"], "sport")
    assert topics.join(ROOM_TOPIC) == ""
    assert topics.current == ROOM_TOPIC


def test_a_topic_that_is_not_joined_leaves_all_as_it_is() -> None:
    topics = Topics([str(number) for number in range(limits.MAX_TOPICS)])
    assert topics.join("one too many").startswith(f"you are on {limits.MAX_TOPICS} topics beside the room already")
    assert "is for programs" in topics.join("universal-connectivity-file")
    assert topics.current == str(limits.MAX_TOPICS - 1)
    assert topics.join("0") == ""


def test_who_leaves_a_topic_talks_in_the_room_if_he_talked_there() -> None:
    topics = Topics(("news", "sport"))
    assert topics.leave("news") == ""
    assert topics.current == "sport"
    assert topics.leave("sport") == ""
    assert topics.current == ROOM_TOPIC
    assert topics.leave("sport") == "you are not on #sport"
    assert topics.leave(ROOM_TOPIC) == "the room stays; /quit leaves the program"
