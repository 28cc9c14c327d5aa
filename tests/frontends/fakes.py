"""A service without a network, that answers as the real one does, and what is needed to run a front-end over it."""

from __future__ import annotations

import asyncio
import io
import itertools
from collections import deque
from typing import TYPE_CHECKING

from py_peer.core.events import (
    Answer,
    MessageRefused,
    MessageSent,
    MessageWaiting,
    PeerJoined,
    Ready,
    Started,
    StatusReport,
    Stopped,
)
from py_peer.core.requests import JoinTopic, LeaveTopic, RequestStatus, SendText, Stop
from py_peer.core.topic_events import TopicJoined, TopicLeft
from py_peer.core.topics import ROOM_TOPIC
from py_peer.frontends.leaving import Watchdog
from py_peer.frontends.screen import Screen

if TYPE_CHECKING:
    from py_peer.core.events import Event
    from py_peer.core.exit_codes import ExitCode
    from py_peer.core.requests import Request
    from py_peer.frontends.front_end import FrontEnd

US = "12D3KooWCPZEzZ2B3VJ4bK6t6m6rUsUsUsUsUsUsUsUsUsUsUsUs"
ANN = "12D3KooWCPZEzZ2B3VJ4bK6t6m6rAnnAnnAnnAnnAnnAnnAnnAnn"
ADDRESS = f"/ip4/192.0.2.7/tcp/4001/p2p/{US}"
DEADLINE = 5.0
READY = Ready(US, "bob", (ADDRESS,))


class FakeService:
    """Answers requests at once. `peers` are in the room from the start; `answering` False keeps texts unanswered."""

    def __init__(self, *, peers: int = 0, answering: bool = True, starting: bool = True) -> None:
        self.requests: list[Request] = []
        self.fault: BaseException | None = None
        self.answering = answering
        self.room = peers
        self.addresses: tuple[str, ...] = (ADDRESS,)
        self.stopping = True
        self.ends_in_time = True
        self.full = False
        """Whether no topic is joined: what is said there is refused, too."""

        self.deserted: set[str] = set()
        """Topics that nobody is on."""

        self.refusals = 0
        """How many requests the queue refuses because it is full."""

        self._events: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._tickets = itertools.count(1)
        self.joined: list[float] = []
        if starting:
            self.emit(Started(US), READY)
        if peers:
            self.emit(PeerJoined(ANN, peers))

    @property
    def texts(self) -> list[str]:
        return [request.text for request in self.requests if isinstance(request, SendText)]

    @property
    def stop(self) -> Stop | None:
        return next((request for request in self.requests if isinstance(request, Stop)), None)

    def emit(self, *events: Event) -> None:
        self._events.extend(events)
        self._arrived.set()

    def answer(self, count: int) -> None:
        """Tell that the first `count` texts were sent."""
        sent = [request for request in self.requests if isinstance(request, SendText)][:count]
        self.emit(*(MessageSent(request.ticket, request.text, 1, 0.0) for request in sent))

    def start(self) -> None:
        raise AssertionError("a front-end is given a service that has been started")

    async def next_event(self) -> Event:
        while not self._events:
            self._arrived.clear()
            await self._arrived.wait()
        return self._events.popleft()

    def poll_event(self) -> Event | None:
        return self._events.popleft() if self._events else None

    def new_ticket(self) -> int:
        return next(self._tickets)

    def request(self, request: Request) -> bool:
        if self.refusals:
            self.refusals -= 1
            return False
        self.requests.append(request)
        match request:
            case SendText() if self.full and request.topic != ROOM_TOPIC:
                self.emit(MessageRefused(request.ticket, request.text, "you are not on it", request.topic))
            case SendText() if self.answering and self.room and request.topic not in self.deserted:
                self.emit(MessageSent(request.ticket, request.text, self.room, 0.0, request.topic))
            case SendText() if self.answering:
                self.emit(MessageWaiting(request.ticket, len(self.texts), request.topic))
            case JoinTopic() if self.full and request.topic != ROOM_TOPIC:
                self.emit(Answer(request.ticket, "Not joined: it is full", failed=True))
            case JoinTopic():
                self.emit(TopicJoined(request.ticket, request.topic, self.room * (request.topic not in self.deserted)))
            case LeaveTopic():
                self.emit(TopicLeft(request.ticket, request.topic))
            case RequestStatus():
                self.emit(StatusReport(request.ticket, US, "bob", self.addresses, (), ("chat", "discovery"), 0, ()))
            case Stop() if self.stopping:
                self.emit(Stopped(0, reached=self.room > 0))
            case _:
                pass
        return True

    def join(self, timeout: float) -> bool:
        self.joined.append(timeout)
        return self.ends_in_time


class Stage:
    """A front-end's surroundings: what it prints on, and a watchdog that never bites."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.screen = Screen(self.stream)
        self.watchdog = Watchdog(seconds=3600)

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    async def run(self, front_end: FrontEnd) -> ExitCode:
        return await asyncio.wait_for(front_end.run(), DEADLINE)
