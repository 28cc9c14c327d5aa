"""A queue between two threads wakes its consumer once, misses nothing, keeps the order, and holds nobody at the end."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import TYPE_CHECKING

import janus
import pytest
import trio
import trio.testing
import trio_asyncio

from py_peer.service.bell_queue import BellQueue
from tests.loops import run

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 20.0
ITEMS = 5_000


class Bell(asyncio.Event):
    """Counts how often the consumer is woken."""

    rung = 0

    def set(self) -> None:
        Bell.rung += 1
        super().set()


class Steps(trio.abc.Instrument):
    """Counts the steps of trio's scheduler."""

    count = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        del task
        self.count += 1


def in_a_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


async def asleep(queue: BellQueue[int]) -> asyncio.Task[int]:
    """Have somebody sleep until the next item comes."""
    sleeper = asyncio.create_task(queue.next(Bell))
    await asyncio.sleep(0)
    return sleeper


def test_who_sleeps_is_woken_once_for_all_that_comes() -> None:
    async def scene() -> None:
        Bell.rung = 0
        queue = BellQueue[int]()
        sleeper = await asleep(queue)
        for number in range(100):
            queue.sync_q.put_nowait(number)
        assert await asyncio.wait_for(sleeper, PATIENCE) == 0
        assert [queue.async_q.get_nowait() for _ in range(99)] == list(range(1, 100))
        assert Bell.rung == 1

    run(scene())


def test_who_does_not_sleep_is_not_woken() -> None:
    async def scene() -> None:
        Bell.rung = 0
        queue = BellQueue[int]()
        for number in range(10):
            queue.sync_q.put_nowait(number)
            assert await queue.next(Bell) == number
        assert Bell.rung == 0

    run(scene())


def test_a_full_queue_takes_nothing_more_until_there_is_room() -> None:
    async def scene() -> None:
        queue = BellQueue[int](2)
        queue.sync_q.put_nowait(1)
        queue.sync_q.put_nowait(2)
        with pytest.raises(janus.SyncQueueFull):
            queue.sync_q.put_nowait(3)
        assert await queue.next(Bell) == 1
        queue.sync_q.put_nowait(3)
        assert [await queue.next(Bell) for _ in range(2)] == [2, 3]

    run(scene())


def test_nothing_is_missed_between_two_threads() -> None:
    """The producer makes a pause now and then, so that the consumer is asleep for some of the items."""

    async def scene() -> None:
        queue = BellQueue[int]()
        taken = threading.Event()

        def produce() -> None:
            for number in range(ITEMS):
                queue.sync_q.put_nowait(number)
                if number % 7 == 0:
                    taken.clear()
                    taken.wait(0.001)

        producer = in_a_thread(produce)
        async with asyncio.timeout(PATIENCE):
            for number in range(ITEMS):
                assert await queue.next(asyncio.Event) == number
                taken.set()
        producer.join()

    run(scene())


def test_who_gives_up_waiting_misses_nothing() -> None:
    async def scene() -> None:
        queue = BellQueue[int]()
        sleeper = await asleep(queue)
        sleeper.cancel()
        await asyncio.wait((sleeper,))
        queue.sync_q.put_nowait(1)
        assert await queue.next(Bell) == 1

    run(scene())


def test_a_producer_outlives_the_loop_of_its_consumer() -> None:
    queue = BellQueue[int]()
    sleeper = queue.next(asyncio.Event)

    async def fall_asleep() -> None:
        sleeper.send(None)

    run(fall_asleep())
    for number in range(3):
        queue.sync_q.put_nowait(number)
    assert queue.sync_q.qsize() == 3
    sleeper.close()


def test_a_request_wakes_the_service_in_four_steps() -> None:
    """What is called from another thread, the loop of trio-asyncio, who has slept, and who waits for it here."""

    async def scene() -> None:
        queue = BellQueue[int]()
        steps = Steps()
        taken = []
        with trio.fail_after(PATIENCE):
            async with trio_asyncio.open_loop():
                trio.lowlevel.add_instrument(steps)
                for number in range(3):
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(queue.next, trio.Event)
                        await trio.testing.wait_all_tasks_blocked()
                        before = steps.count
                        in_a_thread(partial(queue.sync_q.put_nowait, number)).join()
                    taken.append(steps.count - before)
        assert taken[1:] == [4, 4]

    trio.run(scene)
