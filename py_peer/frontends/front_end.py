"""What all front-ends share: events come in batches and are shown, and there is one way out, taken in order.

A front-end is asyncio on the main thread. It starts `work` (reading what is typed), shows what the service tells, and
leaves when it is told to, when the work is done, or when the service has ended by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

from py_peer.core import limits
from py_peer.core.cleaning import clean_line
from py_peer.core.events import (
    Failed,
    FailureKind,
    PeerConnected,
    PeerDisconnected,
    PeerJoined,
    PeerLeft,
    Ready,
    Started,
    StatusReport,
    Stopped,
)
from py_peer.core.exit_codes import ExitCode
from py_peer.core.limits import MAX_ERROR_CHARS
from py_peer.core.requests import Stop
from py_peer.core.topic_events import TopicJoined, TopicLeft, TopicPeerJoined, TopicPeerLeft
from py_peer.core.topics import ROOM_TOPIC
from py_peer.frontends.leaving import GOODBYE, SERVICE_SECONDS, leave_on_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from py_peer.core.events import Event
    from py_peer.core.requests import Request
    from py_peer.frontends.leaving import Watchdog
    from py_peer.frontends.screen import Screen

    Faults: TypeAlias = Mapping[str, BaseException | None]
    """What was raised, by where it was."""

STARTING: Final = "Starting Universal Connectivity Application..."
BATCH: Final = 500
"""Events shown in one go; between two batches what is typed gets its turn."""

EXIT_CODES: Final = {
    FailureKind.CANNOT_LISTEN: ExitCode.CANNOT_LISTEN,
    FailureKind.BAD_IDENTITY: ExitCode.USAGE,
    FailureKind.FAULT: ExitCode.FAULT,
}

RECENT_EVENTS: Final = 50
"""Events that a report on a crash tells of."""

RUN_AGAIN: Final = "Run it again with --verbose to see more, and please report it."

RETRY_SECONDS: Final = 0.01
"""How long a full request queue is given before it is asked again."""

log = logging.getLogger(__name__)


def new_loop() -> asyncio.AbstractEventLoop:
    """Return a loop of asyncio's own.

    trio-asyncio, once the service's thread has imported it, stands behind `asyncio.new_event_loop` and `asyncio.run`.
    """
    if sys.platform == "win32":
        return asyncio.ProactorEventLoop()
    return asyncio.SelectorEventLoop()


class Service(Protocol):
    """The part of HeadlessService that a front-end uses."""

    fault: BaseException | None
    """What has ended it, if it was not asked to."""

    def start(self) -> None: ...  # noqa: D102
    async def next_event(self) -> Event: ...  # noqa: D102
    def poll_event(self) -> Event | None: ...  # noqa: D102
    def new_ticket(self) -> int: ...  # noqa: D102
    def request(self, request: Request) -> bool: ...  # noqa: D102
    def join(self, timeout: float) -> bool: ...  # noqa: D102


class FrontEnd:
    """Runs a service that has been started, from the first event to Goodbye."""

    pause: float = 0.0
    """Seconds between two batches of events; what comes meanwhile is shown in one go."""

    def __init__(self, service: Service, screen: Screen, watchdog: Watchdog) -> None:
        self.service = service
        self.screen = screen
        self.on_started: Callable[[], None] = lambda: None
        """Called when libp2p has been imported."""

        self.on_crash: Callable[[Faults, Iterable[Event]], str] = lambda _faults, _events: RUN_AGAIN
        """Called once, after a crash, with what was raised and the last events; returns what is said of it."""

        self.left_behind = False
        """Whether the service's thread still ran at the end; the process must then end without waiting for it."""

        self.ready = asyncio.Event()
        self.connected = 0
        self.room_size = 0
        self.topic_sizes: dict[str, int] = {}
        """How many peers are on each topic beside the room."""

        self.reached = False
        self._watchdog = watchdog
        self._failed: Failed | None = None
        self._fault: BaseException | None = None
        self._recent: deque[Event] = deque(maxlen=RECENT_EVENTS)
        self._crash = ""
        self._started = False
        self.stopped: Stopped | None = None
        """What the service has said at its end."""

        self._interrupted = False
        self._leaving = asyncio.Event()
        self._hurried = asyncio.Event()
        self._hurried_at = 0.0
        self._drain = 0.0
        watchdog.exit_code = self.exit_code
        screen.on_broken = self.leave

    # --- What a front-end adds --------------------------------------------------------------------

    async def work(self) -> None:
        """Do what is not caused by events, until there is no more of it. It is cancelled when the program leaves."""
        await asyncio.Event().wait()

    async def show(self, events: Sequence[Event]) -> None:
        """Show a batch of events."""
        raise NotImplementedError

    async def close_input(self) -> None:
        """Give the terminal back; called before the last lines."""

    def failed(self) -> None:
        """Do what a failure of the service is answered with; `complaint` says what has failed."""
        self.leave()

    async def linger(self, leaving: asyncio.Task[Any]) -> None:
        """Stay though the service has ended by itself; `leaving` is done when the user has had enough."""

    def unsent(self) -> int:
        """Return how many texts of the user were not sent."""
        return 0

    def drain_seconds(self) -> float:
        """Return how long a hurried leave may take to send what was just typed."""
        return 0.0

    def exit_code(self) -> ExitCode:
        """Return what the process ends with."""
        if self._failed is not None:
            return EXIT_CODES[self._failed.kind]
        if self._fault is not None:
            return ExitCode.FAULT
        return ExitCode.NOT_SENT if self.unsent() else ExitCode.OK

    # --- Leaving ----------------------------------------------------------------------------------

    @property
    def is_leaving(self) -> bool:
        """Whether the program is on its way out."""
        return self._leaving.is_set()

    def leave(self) -> None:
        """Leave within two seconds."""
        if not self._hurried.is_set():
            self._watchdog.arm()
            self._hurried_at = time.monotonic()
            self._hurried.set()
            self._leaving.set()

    def _interrupt(self, number: signal.Signals) -> None:
        self._interrupted = self._interrupted or number == signal.SIGINT
        self.leave()

    def leave_when_sent(self, drain: float) -> None:
        """Leave when what was typed is sent; with nobody there, wait `drain` seconds for somebody who may come."""
        if not self._leaving.is_set():
            self._drain = drain
            self._leaving.set()

    # --- Running ----------------------------------------------------------------------------------

    async def run(self) -> ExitCode:
        """Run until the end; return what the process is to end with."""
        leave_on_signals(asyncio.get_running_loop(), self._interrupt, self._watchdog)
        telling = asyncio.create_task(self._tell())
        working = asyncio.create_task(self.work())
        telling.add_done_callback(self.note_fault)
        working.add_done_callback(self.note_fault)
        leaving = asyncio.create_task(self._leaving.wait())
        hurried = asyncio.create_task(self._hurried.wait())
        await asyncio.wait((telling, leaving), return_when=asyncio.FIRST_COMPLETED)
        if telling.done() and not self._leaving.is_set():
            if self._failed is None:
                self._fault = self._fault or RuntimeError("the service has ended by itself")
                self._note_crash()
            await self.linger(leaving)
        if not telling.done() and not self._hurried.is_set():
            stop = Stop(self.service.new_ticket(), self._drain, limits.SETTLE_PATIENCE)
            stopping = asyncio.create_task(self.ask(stop))
            await asyncio.wait((telling, hurried), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
        await self._end_input(working)
        if self._failed is not None:  # the service ends by itself, and says so
            await asyncio.wait((telling,), timeout=self._time_left())
        elif self._started and self.stopped is None:
            stopping = asyncio.create_task(self.ask(Stop(self.service.new_ticket(), self.drain_seconds())))
            await asyncio.wait((telling, stopping), timeout=self._time_left())
            stopping.cancel()
        for task in (telling, leaving, hurried):
            task.cancel()
        # Before it has started its thread imports libp2p, which nothing can hurry, and there is nothing to be closed.
        self.left_behind = not self.service.join(self._time_left() if self._started else 0.0)
        self._say_the_end()
        self._watchdog.disarm()
        return self.exit_code()

    async def ask(self, request: Request) -> None:
        """Pass a request to the service; wait while its queue is full."""
        while not self.service.request(request):  # noqa: ASYNC110 - the queue's other end is in another thread
            await asyncio.sleep(RETRY_SECONDS)

    async def _tell(self) -> None:
        """Show events as they come, all that are there at once."""
        while self.stopped is None:
            batch = [await self._next_event()]
            while len(batch) < BATCH and (event := self.service.poll_event()) is not None:
                batch.append(event)
            for event in batch:
                self.note(event)
            await self.show(batch)
            if self.pause:
                await asyncio.sleep(self.pause)

    async def _next_event(self) -> Event:
        """Wait for the next event. When it is there already, what is typed gets its turn before it."""
        if (event := self.service.poll_event()) is None:
            return await self.service.next_event()
        await asyncio.sleep(0)
        return event

    def size_of(self, topic: str) -> int:
        """Return how many peers are in the room, or on another topic."""
        return self.room_size if topic == ROOM_TOPIC else self.topic_sizes.get(topic, 0)

    def note(self, event: Event) -> None:  # noqa: C901 - one for each type
        """Remember what an event says about the session."""
        self._recent.append(event)
        match event:
            case Started():
                self._started = True
                self.on_started()
            case Ready():
                self.ready.set()
            case PeerConnected():
                self.connected += 1
            case PeerDisconnected():
                self.connected -= 1
            case PeerJoined() | PeerLeft():
                self.room_size = event.room_size
                self.reached = self.reached or event.room_size > 0
            case TopicJoined() | TopicPeerJoined() | TopicPeerLeft() if event.topic != ROOM_TOPIC:
                self.topic_sizes[event.topic] = event.peers
                self.reached = self.reached or event.peers > 0
            case TopicLeft():
                self.topic_sizes.pop(event.topic, None)
            case StatusReport():  # events may have been lost
                self.topic_sizes = {one.name: len(one.peer_ids) for one in event.joined if one.name != ROOM_TOPIC}
            case Failed():
                self._failed = self._failed or event
                if event.kind is FailureKind.FAULT:
                    self._note_crash()
                self.failed()
            case Stopped():
                self.reached = self.reached or event.reached
                self.stopped = event

    async def _end_input(self, working: asyncio.Task[None]) -> None:
        with contextlib.suppress(Exception):  # the terminal may be what is gone
            await self.close_input()
        working.cancel()
        await asyncio.wait((working,), timeout=self._time_left())

    def _time_left(self) -> float:
        if not self._hurried_at:
            self._hurried_at = time.monotonic()
        return max(0.0, self._hurried_at + SERVICE_SECONDS - time.monotonic())

    def note_fault(self, task: asyncio.Future[Any]) -> None:
        """Leave when a task has failed; to be called when it is done."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("the front-end has failed", exc_info=fault)
            self._fault = self._fault or fault
            self._note_crash()
            self.leave()

    def _note_crash(self) -> None:
        """Leave a report, at once: what follows may not come to its end."""
        if not self._crash:
            faults = {"the service": self.service.fault, "the front-end": self._fault}
            self._crash = self.on_crash(faults, tuple(self._recent))

    def _say_the_end(self) -> None:
        if self._interrupted and self.screen.is_terminal:
            self.screen.show([""])  # the terminal has shown ^C, and left the cursor behind it
        last_lines = self.last_lines()
        complaint = self.complaint()
        self.take_leave(last_lines, complaint)
        if self.screen.broken and last_lines:  # nobody reads it any more (`py-peer | head`); what is lost is said
            _complain(["py-peer: standard output was closed", *last_lines])
        if complaint:
            _complain([complaint])

    def take_leave(self, last_lines: Sequence[str], complaint: str) -> None:
        """Say on standard output what is left to be said; a complaint is for standard error."""
        self.screen.show([*last_lines, *([] if complaint else [GOODBYE])])

    def last_lines(self) -> list[str]:
        """Return what is still to be said before Goodbye."""
        return []

    def complaint(self) -> str:
        """Return why the program ends though nobody told it to, and what to do; "" for an orderly leave."""
        if self._failed is not None and self._failed.kind is not FailureKind.FAULT:
            return f"py-peer: {self._failed.kind.value}: {self._failed.reason}"
        if self._failed is not None:
            return f"py-peer: a fault of its own has ended it: {self._failed.reason}. {self._crash}"
        if self._fault is not None:
            reason = clean_line(f"{type(self._fault).__name__}: {self._fault}", MAX_ERROR_CHARS)
            return f"py-peer: a fault of its own has ended it: {reason}. {self._crash}"
        return ""


def _complain(lines: Sequence[str]) -> None:
    with contextlib.suppress(OSError, ValueError):
        for line in lines:
            print(line, file=sys.stderr, flush=True)
