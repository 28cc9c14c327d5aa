"""Events that are asked for by their IDs: what relays send beside them, and who sends the wrong one."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from py_peer.core import nostr
from py_peer.core.nostr import Standing
from py_peer.service.nostr_errands import Fetched, fetch_from, publish_to
from tests.nostr_relay import LocalRelay

if TYPE_CHECKING:
    from collections.abc import Iterator

GOOD = nostr.sign_event(b"\1" * 32, 1_700_000_000, 1, [], "hello")
OTHER = nostr.sign_event(b"\1" * 32, 1_700_000_000, 1, [], "other")


def fields(event: nostr.NostrEvent = GOOD, **changes: Any) -> dict[str, Any]:
    return {**json.loads(event.json()), **changes}


@pytest.fixture
def silent() -> Iterator[str]:
    """A port where nobody says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"ws://127.0.0.1:{server.getsockname()[1]}"


def test_what_was_not_asked_for_and_what_is_no_event_is_not_taken() -> None:
    fetched = Fetched([GOOD.id])
    for sent in (fields(OTHER), fields(kind=-1), {"id": GOOD.id}, {"id": [GOOD.id]}, {}):
        fetched.take(sent)
    assert fetched.events == {}


@pytest.mark.parametrize("bad_first", [True, False], ids=["bad first", "good first"])
def test_of_two_relays_the_one_whose_event_holds_is_believed(bad_first: bool) -> None:
    fetched = Fetched([GOOD.id])
    sent = [fields(content="forged"), fields()]
    for one in sent if bad_first else reversed(sent):
        fetched.take(one)
    event, badge = fetched.events[GOOD.id]
    assert (event, badge.standing) == (GOOD, Standing.VERIFIED)


def test_an_event_that_does_not_hold_is_told_when_no_other_comes() -> None:
    fetched = Fetched([GOOD.id])
    fetched.take(fields(content="forged"))
    assert fetched.events[GOOD.id][1].standing is Standing.BAD


def test_who_says_nothing_keeps_nobody_waiting_for_longer_than_was_asked_for(silent: str) -> None:
    with LocalRelay() as relay:
        relay.publish(GOOD.json())
        fetched = fetch_from([silent, relay.url], [GOOD.id], timeout=4.0)
    assert fetched.events[GOOD.id][0] == GOOD
    assert [(one.reached, one.done) for one in fetched.answers] == [(False, False), (True, True)]
    assert fetched.answers[0].words == "no answer within 4 s"


def test_what_a_relay_refuses_is_said_in_its_words() -> None:
    forged = nostr.NostrEvent(GOOD.id, GOOD.pubkey, GOOD.created_at, GOOD.kind, (), GOOD.content, "0" * 128)
    with LocalRelay() as relay:
        (answer,) = publish_to([relay.url], forged, timeout=10.0)
    assert (answer.reached, answer.done) == (True, False)
    assert answer.words.startswith("it refuses the event: ")
