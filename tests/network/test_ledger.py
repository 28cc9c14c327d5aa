"""The ledger finds what was lost without a word, and takes nothing else for it."""

from __future__ import annotations

from pathlib import Path

from tests.network.ledger import Ledger
from tests.network.peers import KILLED, Peer


def room() -> tuple[Peer, Peer, Ledger]:
    """Return Ann and Bob, who have met at time 1, and a ledger in which Ann said a text at time 2."""
    ann, bob = (Peer(name, Path(name), ids=[f"{name}'s"]) for name in ("ann", "bob"))
    ann.say = lambda text: None  # type: ignore[method-assign]
    ledger = Ledger(ann, bob)
    for one, other in ((ann, bob), (bob, ann)):
        tell(one, 0, "started")
        tell(one, 0, "ready")
        tell(one, 1, "peer_joined", peer_id=other.ids[0])
    ledger.say(ann)
    return ann, bob, ledger


def tell(peer: Peer, at: float, event: str, **fields: object) -> None:
    peer.told.append({"event": event, "at": at, **fields})


def test_what_is_sent_and_never_shown_is_lost_and_named() -> None:
    ann, _, ledger = room()
    tell(ann, 2, "message_sent", text="ann 000000")
    account = ledger.account()
    assert (account.owed, account.lost, account.missing) == (1, 1, ("ann 000000 to bob",))
    assert not account.clean


def test_what_was_said_and_nobody_speaks_of_is_lost() -> None:
    assert room()[2].account().lost == 1


def test_what_is_shown_is_not_lost() -> None:
    ann, bob, ledger = room()
    tell(ann, 2, "message_sent", text="ann 000000")
    tell(bob, 3, "message_received", text="ann 000000")
    assert (ledger.account().shown, ledger.account().clean) == (1, True)


def test_what_is_shown_twice_in_one_life_is_a_fault_and_in_the_next_life_is_not() -> None:
    ann, bob, ledger = room()
    tell(ann, 2, "message_sent", text="ann 000000")
    tell(bob, 3, "message_received", text="ann 000000")
    tell(bob, 4, KILLED)
    tell(bob, 5, "started")
    tell(bob, 5, "message_received", text="ann 000000")
    assert ledger.account().clean
    tell(bob, 6, "message_received", text="ann 000000")
    assert (ledger.account().twice, ledger.account().clean) == (1, False)


def test_another_order_is_a_fault() -> None:
    ann, bob, ledger = room()
    ledger.say(ann)
    for number in (1, 0):
        tell(ann, 2, "message_sent", text=f"ann 00000{number}")
        tell(bob, 3, "message_received", text=f"ann 00000{number}")
    assert (ledger.account().disordered, ledger.account().clean) == (1, False)


def test_an_author_who_is_told_is_not_wronged() -> None:
    for event in ({"event": "message_refused", "text": "ann 000000"}, {"event": "message_waiting"}):
        ann, _, ledger = room()
        ann.told.append({"at": float("inf"), **event})
        assert (ledger.account().told, ledger.account().clean) == (1, True)


def test_a_wait_that_was_told_before_is_no_word_for_a_later_text() -> None:
    ann, _, ledger = room()
    tell(ann, 1, "message_waiting")
    assert ledger.account().lost == 1


def test_who_had_left_before_is_away_and_who_leaves_afterwards_is_not() -> None:
    for left, lost in ((1.5, 0), (2.5, 1)):
        ann, bob, ledger = room()
        tell(ann, left, "peer_left", peer_id=bob.ids[0])
        tell(ann, 2, "message_sent", text="ann 000000")
        ann.told.sort(key=lambda told: told["at"])
        assert (ledger.account().lost, ledger.account().away) == (lost, 1 - lost)


def test_who_does_not_live_is_owed_nothing() -> None:
    ann, bob, ledger = room()
    tell(bob, 1.5, KILLED)
    tell(ann, 2, "message_sent", text="ann 000000")
    assert (ledger.account().owed, ledger.account().clean) == (0, True)


def test_a_warning_soon_afterwards_is_a_word_and_a_late_one_is_not() -> None:
    for at, lost in ((17, 0), (30, 1)):
        ann, _, ledger = room()
        tell(ann, 2, "message_sent", text="ann 000000")
        tell(ann, at, "notice", text="Nothing has come from bob for 15 s; what was said meanwhile may be lost")
        assert ledger.account().lost == lost


def test_a_loss_that_is_counted_speaks_for_as_many_texts() -> None:
    ann, bob, ledger = room()
    ledger.say(ann)
    for number in (0, 1):
        tell(ann, 2, "message_sent", text=f"ann 00000{number}")
    tell(bob, 3, "dropped", count=1, what="the room was busy")
    assert (ledger.account().noted, ledger.account().lost) == (1, 1)
