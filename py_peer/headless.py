"""The service behind every front-end: a libp2p node in a thread of its own, events out, requests in.

The thread runs trio and imports libp2p, while the front-end, asyncio on the main thread, is already painting or
printing. Two janus queues cross between them; the asynchronous side of each belongs to its consumer.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import threading
from typing import TYPE_CHECKING, final

import janus

from py_peer.core import limits
from py_peer.core.cleaning import clean_line
from py_peer.core.events import Failed, FailureKind, Stopped
from py_peer.service.bell_queue import BellQueue
from py_peer.service.event_queue import EventQueue

if TYPE_CHECKING:
    from py_peer.core.events import Event
    from py_peer.core.requests import Request
    from py_peer.core.settings import Settings

log = logging.getLogger(__name__)


@final
class HeadlessService:
    """Owns the host, GossipSub, ping, identify and Kademlia, and the room; driven by one front-end.

    Importing this module imports neither trio nor libp2p; `start` does, in the service's thread.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.fault: BaseException | None = None
        """What has ended it, if it was not asked to; there before Failed is told."""

        self._events = EventQueue()
        self._requests: BellQueue[Request] = BellQueue(limits.REQUEST_QUEUE)
        self._tickets = itertools.count(1)
        # A daemon, so that a thread stuck in the library cannot keep the process; `join` is the orderly way.
        self._thread = threading.Thread(target=self._run, name="py-peer service", daemon=True)

    def start(self) -> None:
        """Start the service and return at once; Started, then Ready or Failed, tell how it went."""
        self._thread.start()

    async def next_event(self) -> Event:
        """Wait for the next event. Belongs to the asyncio loop that first calls it; Stopped is the last event."""
        return await self._events.next(asyncio.Event)

    def poll_event(self) -> Event | None:
        """Return an event that is there already, or None."""
        return None if self._events.async_q.empty() else self._events.async_q.get_nowait()

    def new_ticket(self) -> int:
        """Return a number that no other request of this service has."""
        return next(self._tickets)

    def request(self, request: Request) -> bool:
        """Pass a request to the service, from the first moment on; False when the queue is full: wait and try again."""
        try:
            self._requests.sync_q.put_nowait(request)
        except janus.SyncQueueFull:
            return False
        return True

    def join(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for the service's thread; return whether it has ended."""
        if self._thread.ident is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _emit(self, event: Event) -> None:
        self._events.sync_q.put_nowait(event)

    def _run(self) -> None:
        stopped = Stopped(unsent=0, reached=False)
        try:
            # Collecting while 1,200 modules are imported finds nothing, and what they make stays: 0.1 s of the start,
            # and milliseconds of every later full collection.
            gc.disable()
            try:
                from py_peer.service.session import run_session  # noqa: PLC0415 - imports trio and libp2p, in this thread
            finally:
                gc.freeze()
                gc.enable()
            stopped = run_session(self.settings, self._emit, self._events, self._requests)
        except BaseException as error:
            log.exception("the service has failed")
            self.fault = error
            root = error
            while isinstance(root, BaseExceptionGroup):  # nurseries wrap what was raised in them
                root = root.exceptions[0]
            reason = clean_line(f"{type(root).__name__}: {root}", limits.MAX_ERROR_CHARS)
            self._emit(Failed(FailureKind.FAULT, reason))
        finally:
            self._emit(stopped)
