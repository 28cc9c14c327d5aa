"""The nicknames of those who have spoken."""

from py_peer.core.speakers import Name, Speakers


def test_the_latest_nickname_counts_and_whoever_spoke_last_comes_first() -> None:
    speakers = Speakers()
    for peer_id, nick in (("a", "Ann"), ("b", "Bob"), ("a", "Anna")):
        speakers.hear(peer_id, Name(nick))
    assert speakers.name("a") == Name("Anna")
    assert speakers.name("nobody") is None
    assert list(speakers.latest().items()) == [("a", Name("Anna")), ("b", Name("Bob"))]


def test_the_one_longest_silent_is_forgotten_first() -> None:
    speakers = Speakers(2)
    for peer_id in "abac":
        speakers.hear(peer_id, Name(peer_id.upper()))
    assert len(speakers) == 2
    assert list(speakers.latest()) == ["c", "a"]
