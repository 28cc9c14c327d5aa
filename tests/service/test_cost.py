"""What a message costs from the front-end to the wire and back is pinned, in calls of functions and steps of trio.

Both are counted between the call that hands a text over and the event that tells of it. What comes at its own time (a
heartbeat, a ping) falls into some of the messages and not into the one in the middle.
"""

from __future__ import annotations

import functools
import statistics
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
import trio

from py_peer.core.events import MessageReceived, MessageSent, PeerJoined
from tests.loops import run
from tests.service.support import person

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from tests.service.support import Person

MESSAGES = 40
STEPS_SENDER, STEPS_READER = 6, 3
"""A text comes into trio's loop, trio-asyncio's and the session's, is published, and the sender to its peer goes round
twice; at its reader the connection, the stream and the room wake. Waiting in janus itself took twelve of the sender."""

CALLS_SENDER, CALLS_READER = 670, 465
CALLS_FRONT_ENDS = 290
"""Of both people, who share one loop here."""

ROOM = 1.15
"""Other releases of Python count a little otherwise."""


class Meter(trio.abc.Instrument):
    """Counts the steps of trio, and the calls of functions, of each thread."""

    def __init__(self) -> None:
        self.steps: dict[int, int] = {}
        self.calls: dict[int, int] = {}

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        del task
        thread = threading.get_ident()
        self.steps[thread] = self.steps.get(thread, 0) + 1

    def call(self, frame: FrameType, event: str, argument: object) -> None:
        del frame, argument
        if event in ("call", "c_call"):
            thread = threading.get_ident()
            self.calls[thread] = self.calls.get(thread, 0) + 1


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Meter]:
    """Have every thread that is started counted, and this one."""
    counting = Meter()
    monkeypatch.setattr(trio, "run", functools.partial(trio.run, instruments=[counting]))
    threading.setprofile(counting.call)
    before = sys.getprofile()
    sys.setprofile(counting.call)
    yield counting
    sys.setprofile(before)
    threading.setprofile(None)


def thread_of(someone: Person) -> int:
    thread: Any = someone.service._thread
    return int(thread.ident)


def test_a_message_costs_no_more_than_it_must(meter: Meter) -> None:
    async def scene() -> None:
        async with person("alice", intro=False, loopback=True) as alice:
            address = await alice.address()
            async with person("bob", intro=False, loopback=True, connect=(address,)) as bob:
                await bob.see(PeerJoined)
                await alice.see(PeerJoined)
                threads = {"bob": thread_of(bob), "alice": thread_of(alice), "front-ends": threading.get_ident()}
                taken: dict[str, list[int]] = {}
                for number in range(MESSAGES):
                    steps, calls = dict(meter.steps), dict(meter.calls)
                    bob.say(f"text {number}")
                    await alice.see(MessageReceived)
                    await bob.see(MessageSent)
                    for who, thread in threads.items():
                        taken.setdefault(f"calls of {who}", []).append(meter.calls[thread] - calls[thread])
                        taken.setdefault(f"steps of {who}", []).append(
                            meter.steps.get(thread, 0) - steps.get(thread, 0)
                        )
                    alice.events.clear()
                    bob.events.clear()
        medians = {name: statistics.median(counts) for name, counts in taken.items()}
        assert medians["steps of bob"] <= STEPS_SENDER
        assert medians["steps of alice"] <= STEPS_READER
        assert medians["calls of bob"] <= ROOM * CALLS_SENDER
        assert medians["calls of alice"] <= ROOM * CALLS_READER
        assert medians["calls of front-ends"] <= ROOM * CALLS_FRONT_ENDS

    run(scene())
