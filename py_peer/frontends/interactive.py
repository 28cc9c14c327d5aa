"""The chat in plain lines: what is typed goes to the room, what happens is told.

`TerminalChat` (typed.py) keeps the line being typed whole on a terminal; `PlainChat` (piped.py) reads and writes plain
lines. Here is what both do: obey what was typed, and know which texts have not gone out yet.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from py_peer.core.commands import Command, Nothing, Say, Unknown, help_lines, parse_line
from py_peer.core.events import MessageRefused, MessageSent, StatusReport
from py_peer.core.requests import RequestStatus, SendText
from py_peer.core.sizes import oversize
from py_peer.frontends.front_end import FrontEnd
from py_peer.frontends.lines import Narrator, multiaddr_lines, peers_lines, status_lines, unsent_line
from py_peer.frontends.screen import on_a_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from py_peer.core.events import Event
    from py_peer.frontends.front_end import Service
    from py_peer.frontends.leaving import Watchdog
    from py_peer.frontends.log_setup import HeldLog
    from py_peer.frontends.screen import Screen

ANSWERS: dict[str, Callable[[StatusReport], list[str]]] = {
    "peers": peers_lines,
    "status": status_lines,
    "multiaddr": multiaddr_lines,
}
"""Commands that the service answers with a report, and the lines made of it."""

LAST_WORDS_SECONDS = 0.4
"""How long a hurried leave takes to send what was typed just before."""

log = logging.getLogger(__name__)


class Chat(FrontEnd):
    """What a chat does with what was typed, wherever it comes from."""

    def __init__(self, service: Service, screen: Screen, watchdog: Watchdog) -> None:
        super().__init__(service, screen, watchdog)
        self.outstanding: set[int] = set()
        """Tickets of texts that were neither sent nor refused yet."""

        self.refused = 0
        self.changed = asyncio.Event()
        """Set when something has come from the service."""

        self._questions: dict[int, str] = {}
        self._unasked: list[int] = []
        self._narrator = Narrator(screen.columns)

    async def print_lines(self, lines: Sequence[str]) -> None:
        """Print `lines`, each of them whole."""
        self.screen.show(lines)

    async def show(self, events: Sequence[Event]) -> None:
        """Show a batch of events."""
        lines: list[str] = []
        told: list[Event] = []
        for event in events:
            if isinstance(event, StatusReport):
                lines += self._narrator.lines(told)
                told.clear()
                lines += self._answer(event)
            else:
                told.append(event)
        lines += self._narrator.lines(told)
        if lines:
            await self.print_lines(lines)
        if self.ready.is_set():
            while self._unasked:
                await self.ask(RequestStatus(self._unasked.pop(0)))
        self.changed.set()

    def note(self, event: Event) -> None:
        """Remember which texts are still on their way."""
        super().note(event)
        match event:
            case MessageSent():
                self.outstanding.discard(event.ticket)
            case MessageRefused():
                self.outstanding.discard(event.ticket)
                self.refused += 1
            case _:
                pass

    async def obey(self, line: str) -> bool:
        """Do what `line` says; False if it says to leave."""
        match parse_line(line, bare_quit=True):
            case Say(text=text):
                await self.say(text)
            case Command(name="quit"):
                return False
            case Command(name=name) if name in ANSWERS:
                await self._question(name)
            case Command():
                await self.print_lines(help_lines())
            case Unknown() as unknown:
                await self.print_lines([unknown.report()])
            case Nothing():
                pass
        return True

    async def say(self, text: str) -> None:
        """Send `text` to the room."""
        ticket = self.service.new_ticket()
        self.outstanding.add(ticket)
        await self.ask(SendText(ticket, without_surrogates(text)))

    async def _question(self, name: str) -> None:
        """Ask for the report that command `name` needs; before the service is ready there is nothing to report."""
        ticket = self.service.new_ticket()
        self._questions[ticket] = name
        if self.ready.is_set():
            await self.ask(RequestStatus(ticket))
        else:
            self._unasked.append(ticket)

    async def answered(self) -> None:
        """Wait until every command has been answered."""
        while self._questions:
            self.changed.clear()
            await self.changed.wait()

    def unsent(self) -> int:
        """Return how many texts of the user have not gone out."""
        return len(self.outstanding)

    def drain_seconds(self) -> float:
        """Return how long a hurried leave may take to send what was typed just before."""
        return LAST_WORDS_SECONDS if self.outstanding else 0.0

    def last_lines(self) -> list[str]:
        """Say how many texts were not sent."""
        return [unsent_line(count, reached=self.reached)] if (count := self.unsent()) else []

    def _answer(self, report: StatusReport) -> list[str]:
        name = self._questions.pop(report.ticket, None)
        return ANSWERS[name](report) if name is not None else []


def oversize_text(text: str) -> str:
    """Return why `text` is too large to be sent, or ""."""
    return oversize(len(without_surrogates(text).encode()))


def without_surrogates(text: str) -> str:
    """Return `text` with U+FFFD for what cannot be UTF-8: input that was none is decoded to lone surrogates."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def make_chat(service: Service, screen: Screen, watchdog: Watchdog, held: HeldLog | None, *, named: bool) -> Chat:
    """Return the chat that fits standard input and output. `named`: the user named a peer to connect to."""
    if on_a_terminal():
        from py_peer.frontends.typed import TerminalChat  # noqa: PLC0415 - prompt_toolkit is needed only here

        try:
            return TerminalChat(service, screen, watchdog, held)
        except Exception:
            log.exception("prompt_toolkit cannot drive this terminal; going on with plain lines")
    if held is not None:
        held.let_go()
    from py_peer.frontends.piped import PlainChat  # noqa: PLC0415 - needed only here
    from py_peer.frontends.stdin_lines import standard_input  # noqa: PLC0415

    return PlainChat(service, screen, watchdog, standard_input(), named=named)
