"""--oneshot: one text, sent to whoever is in the room or comes in time; then it is over."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from py_peer.core.events import DialFailed, Dropped, MessageRefused, MessageSent, Notice, Started, Stopped
from py_peer.core.exit_codes import ExitCode
from py_peer.core.requests import SendText
from py_peer.core.topics import ROOM_TOPIC
from py_peer.frontends.front_end import FrontEnd
from py_peer.frontends.lines import event_lines, unsent_line
from py_peer.frontends.printer import headless_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from py_peer.core.events import Event
    from py_peer.frontends.front_end import Service
    from py_peer.frontends.leaving import Watchdog
    from py_peer.frontends.screen import Screen

TOLD: Final = (DialFailed, Dropped, MessageRefused, MessageSent, Notice)
"""What is worth a line."""


class OneShot(FrontEnd):
    """Waits for a peer, sends a text, sees it leave."""

    topic: str = ROOM_TOPIC
    """Where the text is said."""

    def __init__(self, service: Service, screen: Screen, watchdog: Watchdog, text: str, *, timeout: float) -> None:
        """`timeout`: seconds for which a peer is waited for, from the moment on when we could be reached."""
        super().__init__(service, screen, watchdog)
        self._text = text
        self._timeout = timeout
        self._sent = False
        self._unread = 0
        self._over = asyncio.Event()
        screen.on_broken = lambda: None  # what is told is by the way: the text goes out though nobody reads that

    async def work(self) -> None:
        """Say the text. The service keeps it until somebody is there."""
        await self.ready.wait()
        await self.ask(SendText(self.service.new_ticket(), self._text, self.topic))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), self._timeout)
        self.leave_when_sent(0.0)

    async def show(self, events: Sequence[Event]) -> None:
        """Tell what became of the text, and why nobody was reached."""
        await self.narrate(events)

    async def narrate(self, events: Sequence[Event]) -> None:
        """Print the lines of `events`."""
        lines: list[str] = []
        for event in events:
            if isinstance(event, Started):
                lines += headless_lines(event)
            elif isinstance(event, TOLD):
                lines += event_lines(event, self.screen.columns())
        self.screen.show(lines)

    def note(self, event: Event) -> None:
        """Remember whether the text is out, and whether it was read."""
        super().note(event)
        if isinstance(event, Stopped):
            self._unread = event.unread
        self._sent = self._sent or isinstance(event, MessageSent)
        if isinstance(event, MessageSent | MessageRefused):
            self._over.set()

    def unsent(self) -> int:
        """Return 1 until the text is out."""
        return 0 if self._sent else 1

    def exit_code(self) -> ExitCode:
        """Tell a text that nobody was there for from one that was not sent though somebody was."""
        code = super().exit_code()
        return ExitCode.NOBODY_REACHED if code is ExitCode.NOT_SENT and not self.reached else code

    def last_lines(self) -> list[str]:
        """Say that it was not sent, or that it is not sure to have been read."""
        if not self._sent:
            deserted = self.topic != ROOM_TOPIC and not (self._over.is_set() or self.size_of(self.topic))
            return [unsent_line(1, reached=self.reached and not deserted, topic=self.topic)]
        return [f"⚠️  {self._unread} peer(s) did not confirm in time that they have read it"] if self._unread else []
