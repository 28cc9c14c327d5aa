"""What a message costs is pinned in steps of trio's scheduler, of which each drags its share of everything along."""

from __future__ import annotations

import statistics

import trio

from tests.net.support import ROOM, member, together, trio_test, until

MESSAGES = 50


class Steps(trio.abc.Instrument):
    """Counts the steps of all tasks but the one that asks."""

    def __init__(self) -> None:
        self.own = trio.lowlevel.current_task()
        self.count = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.count += task is not self.own


@trio_test
async def test_a_message_takes_no_more_steps_than_it_needs() -> None:
    """The sender wakes, and has written; the reader's connection, its stream, its room, and who listens there wake."""
    async with member() as one, member() as other:
        await one.dial(other)
        await together(one, other)
        steps = Steps()
        trio.lowlevel.add_instrument(steps)
        taken = []
        for number in range(MESSAGES):
            before = steps.count
            await one.node.pubsub.publish(ROOM, b"%d" % number)
            await until(lambda wanted=number + 1: len(other.texts()) == wanted)
            taken.append(steps.count - before)
        trio.lowlevel.remove_instrument(steps)
        assert statistics.median(taken) <= 6  # the others are those in whose time a heartbeat or a ping falls
