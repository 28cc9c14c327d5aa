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
        while self.async_q.empty():
            bell = make_bell()
            self._ring = partial(asyncio.get_running_loop().call_soon_threadsafe, bell.set)
            try:
                if self.async_q.empty():  # what comes from here on rings; what came before is there
                    await bell.wait()
            finally:
                self._ring = None
        return self.async_q.get_nowait()

    def _put(self, item: T) -> None:
        """Take an item, then ring. janus calls this under its lock, so the item stays until the bell is put away."""
        self._keep(item)
        ring, self._ring = self._ring, None
        if ring is not None:
            with contextlib.suppress(RuntimeError):  # the consumer's loop is closed, and so nobody waits
                ring()

    def _keep(self, item: T) -> None:
        """Put an item in its place."""
        super()._put(item)
