"""Services for tests: real ones, each in its thread, on loopback."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

import trio
from trio.testing import MockClock

from py_peer.core.events import Event, Ready, Stopped
from py_peer.core.requests import Request, SendText, Stop
from py_peer.core.settings import Settings, Transports
from py_peer.headless import HeadlessService

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

E = TypeVar("E", bound=Event)

PATIENCE = 20.0
LEAVE_WITHIN = 2.0


class Person:
    """A service with somebody in front of it, who remembers every event."""

    def __init__(self, settings: Settings) -> None:
        self.service = HeadlessService(settings)
        self.events: list[Event] = []

    async def see(self, kind: type[E], when: Callable[[E], bool] = lambda _: True) -> E:
        """Return the first event of a kind, seen already or to come."""
        for event in self.events:
            if isinstance(event, kind) and when(event):
                return event
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await self.service.next_event()
                self.events.append(event)
                if isinstance(event, kind) and when(event):
                    return event

    async def see_all(self, kind: type[E], count: int) -> list[E]:
        """Return the first `count` events of a kind."""
        async with asyncio.timeout(PATIENCE):
            while len(found := [event for event in self.events if isinstance(event, kind)]) < count:
                self.events.append(await self.service.next_event())
        return found[:count]

    def ask(self, make: Callable[[int], Request]) -> int:
        """Make a request and return its ticket."""
        ticket = self.service.new_ticket()
        assert self.service.request(make(ticket))
        return ticket

    def say(self, text: str) -> int:
        return self.ask(lambda ticket: SendText(ticket, text))

    async def leave(self, drain: float = 0.0) -> Stopped:
        """Stop the service and see it end in time."""
        self.ask(lambda ticket: Stop(ticket, drain))
        stopped = await self.see(Stopped)
        assert self.service.join(LEAVE_WITHIN)
        return stopped

    async def address(self) -> str:
        ready = await self.see(Ready)
        return next(address for address in ready.addresses if address.startswith("/ip4/127."))


@asynccontextmanager
async def person(nickname: str, **settings: object) -> AsyncIterator[Person]:
    """Run a service; at the end it stops, if it has not yet."""
    of_transports = {one.name: settings.pop(one.name) for one in fields(Transports) if one.name in settings}
    someone = Person(Settings(nickname, Transports(**of_transports), **settings))  # type: ignore[arg-type]
    someone.service.start()
    try:
        yield someone
    finally:
        if not someone.service.join(0):
            someone.service.request(Stop(someone.service.new_ticket()))
            assert someone.service.join(LEAVE_WITHIN)


def in_trio(scene: Callable[[], Awaitable[None]]) -> None:
    """Run a scene under a clock that goes on when nothing else does, and a deadline."""

    async def limited() -> None:
        with trio.fail_after(100_000):
            await scene()

    trio.run(limited, clock=MockClock(autojump_threshold=0))


@contextmanager
def silent_server() -> Iterator[int]:
    """Give the port of a server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
