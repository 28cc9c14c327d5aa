"""A janus queue that wakes its consumer once, however much comes before it looks.

Who waits in `async_q.get` is woken with a task and two locks, again for every item that comes before its turn; through
trio-asyncio that took eight steps of trio's scheduler for a request, and takes three here. The queue is janus's, and so
are both its ends: only the waiting is ours.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

import janus

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Bell(Protocol):
    """What the consumer sleeps beside: an event of asyncio's or of trio's."""

    def set(self) -> object: ...  # noqa: D102
    async def wait(self) -> object: ...  # noqa: D102


class BellQueue(janus.Queue[T]):
    """A queue with one consumer, in one loop. The producer, in another thread, has `sync_q.put_nowait`."""

    _ring: Callable[[], object] | None = None
    """Wakes the consumer; there while it sleeps, or is about to."""

    async def next(self, make_bell: Callable[[], Bell]) -> T:
        """Wait for the next item. Belongs to the loop that first calls it; `make_bell` makes an event of its kind."""
        loop = asyncio.get_running_loop()
        while True:
            bell = make_bell()
            self._ring = partial(loop.call_soon_threadsafe, bell.set)
            try:  # from here on the bell is rung; what came before is there
                return self.async_q.get_nowait()
            except janus.AsyncQueueEmpty:
                await bell.wait()
            finally:
                self._ring = None

    def _put(self, item: T) -> None:
        """Take an item; janus calls this under its lock, which `get_nowait` waits for, so that no ring is missed."""
        self._keep(item)
        ring, self._ring = self._ring, None
        if ring is not None:
            with contextlib.suppress(RuntimeError):  # the consumer's loop is closed, and so nobody waits
                ring()

    def _keep(self, item: T) -> None:
        """Put an item in its place."""
        super()._put(item)
