"""The nicknames of those who have spoken."""

from py_peer.core.speakers import Speakers


def test_the_latest_nickname_counts_and_whoever_spoke_last_comes_first() -> None:
    speakers = Speakers()
    for peer_id, nick in (("a", "Ann"), ("b", "Bob"), ("a", "Anna")):
        speakers.hear(peer_id, nick)
    assert speakers.nick("a") == "Anna"
    assert speakers.nick("nobody") == ""
    assert list(speakers.latest().items()) == [("a", "Anna"), ("b", "Bob")]


def test_the_one_longest_silent_is_forgotten_first() -> None:
    speakers = Speakers(2)
    for peer_id in "abac":
        speakers.hear(peer_id, peer_id.upper())
    assert len(speakers) == 2
    assert list(speakers.latest()) == ["c", "a"]
