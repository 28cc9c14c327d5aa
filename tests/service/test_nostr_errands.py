"""Events that are asked for by their IDs: what relays send beside them, and who sends the wrong one."""

from __future__ import annotations

import json
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio_websocket import serve_websocket

from py_peer.core import nostr
from py_peer.core.nostr import Standing
from py_peer.service.nostr_errands import Fetched, fetch_from, publish_to
from tests.nostr_relay import LocalRelay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trio_websocket import WebSocketRequest

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


@pytest.mark.parametrize(
    ("errand", "said", "words"),
    [
        (fetch_from, "auth-required: who are you?", "it does not answer the question: auth-required: who are you?"),
        (fetch_from, None, "no answer within 3 s"),
        (publish_to, None, "no answer within 3 s"),
    ],
    ids=["closed", "silent", "without an OK"],
)
def test_a_relay_that_does_not_answer_was_reached_all_the_same(
    errand: Callable[..., Any], said: str | None, words: str
) -> None:
    async def take(request: WebSocketRequest) -> None:
        connection = await request.accept()
        _, subscription, *_ = json.loads(await connection.get_message())
        if said is not None:
            await connection.send_message(json.dumps(["CLOSED", subscription, said]))
        await trio.sleep_forever()

    async def scene() -> Any:
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                server = await nursery.start(partial(serve_websocket, take, "127.0.0.1", 0, None))
                asked = GOOD if errand is publish_to else [GOOD.id]
                done = await trio.to_thread.run_sync(errand, [f"ws://127.0.0.1:{server.port}"], asked, 3.0)
                nursery.cancel_scope.cancel()
        return done

    done = trio.run(scene)
    (answer,) = done if errand is publish_to else done.answers
    assert (answer.reached, answer.done, answer.words) == (True, False, words)
