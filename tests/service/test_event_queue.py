"""The event queue is bounded, keeps order, keeps answers, and says what it dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from py_peer.core import limits
from py_peer.core.events import Dropped, Event, Identified, MessageReceived, MessageSent, Pinged, Ready, Stopped
from py_peer.service.event_queue import EventQueue
from tests.loops import run

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest


def message(number: int, text: str = "") -> MessageReceived:
    return MessageReceived("12D3KooW", "nick", text or str(number), float(number))


def pass_through(events: Iterable[Event]) -> list[Event]:
    async def scene() -> list[Event]:
        queue = EventQueue()
        for event in events:
            queue.sync_q.put_nowait(event)
        out = []
        while not queue.async_q.empty():
            out.append(await queue.async_q.get())
        return out

    return run(scene())


def test_events_keep_their_order_whatever_their_kind() -> None:
    events = [
        Ready("id", "nick", ()),
        message(1),
        MessageSent(1, "hi", 2, 0.0),
        Pinged("id", 0.1),
        message(2),
        Stopped(unsent=0, reached=True),
    ]
    assert pass_through(events) == events


def test_when_full_the_oldest_goes_and_that_is_said_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EVENT_QUEUE", 3)
    first, *rest = pass_through(message(number) for number in range(10))
    assert isinstance(first, Dropped)
    assert first.count == 7
    assert rest == [message(7), message(8), message(9)]


def test_large_texts_are_limited_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EVENT_QUEUE_BYTES", 2_500)
    first, *rest = pass_through(message(number, "x" * 1_000) for number in range(5))
    assert isinstance(first, Dropped)
    assert first.count == 3
    assert len(rest) == 2
    protocols = tuple("x" * 50 for _ in range(20))
    first, *rest = pass_through(Identified(str(number), "", "", protocols) for number in range(5))
    assert isinstance(first, Dropped)
    assert (first.count, len(rest)) == (3, 2)


def test_answers_to_the_front_end_are_never_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EVENT_QUEUE", 2)
    events = [event for number in range(20) for event in (message(number), MessageSent(number, "", 1, 0.0))]
    out = pass_through(events)
    assert [event.ticket for event in out if isinstance(event, MessageSent)] == list(range(20))
    assert [event for event in out if isinstance(event, MessageReceived)] == [message(18), message(19)]
