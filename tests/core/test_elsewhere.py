"""Who is in topics that we are not in is remembered within limits."""

from __future__ import annotations

from py_peer.core.elsewhere import Elsewhere


def test_who_said_that_he_is_in_a_topic_is_there_when_it_is_joined_and_then_not_elsewhere() -> None:
    elsewhere: Elsewhere[str] = Elsewhere(10, 10, 10)
    elsewhere.note("a", "news")
    elsewhere.note("b", "news")
    elsewhere.note("b", "sport")
    assert elsewhere.take("news") == ["a", "b"]
    assert elsewhere.take("news") == []
    assert elsewhere.take("sport") == ["b"]


def test_who_has_left_or_gone_is_not_there() -> None:
    elsewhere: Elsewhere[str] = Elsewhere(10, 10, 10)
    for peer in "abc":
        elsewhere.note(peer, "news")
    elsewhere.left("a", "news")
    elsewhere.left("a", "never heard of")
    elsewhere.left("nobody", "news")
    elsewhere.forget("b")
    elsewhere.forget("nobody")
    assert elsewhere.take("news") == ["c"]


def test_of_one_peer_so_many_topics_are_remembered_and_no_long_names() -> None:
    elsewhere: Elsewhere[str] = Elsewhere(10, 3, 4)
    for topic in ("one", "ünë", "long!", "ünëx", "two", "four", "five"):
        elsewhere.note("a", topic)
    elsewhere.note("b", "five")
    there = {topic: elsewhere.take(topic) for topic in ("one", "ünë", "long!", "ünëx", "two", "four", "five")}
    assert there == {"one": ["a"], "ünë": [], "long!": [], "ünëx": [], "two": ["a"], "four": ["a"], "five": ["b"]}


def test_of_too_many_peers_the_first_is_forgotten() -> None:
    elsewhere: Elsewhere[int] = Elsewhere(3, 3, 10)
    for peer in range(5):
        elsewhere.note(peer, "news")
    assert elsewhere.take("news") == [2, 3, 4]
