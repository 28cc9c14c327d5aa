"""--json: an object a line for every event, and commands as objects; nothing else on standard output.

What a line says is decided in `core/json_lines.py`; what is done about it is what the chat in plain lines does.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, final

from py_peer.core import limits
from py_peer.core.cleaning import clean_line
from py_peer.core.direct_events import DirectWaiting
from py_peer.core.events import Answer, MessageWaiting, StatusReport
from py_peer.core.file_events import HashingProgress
from py_peer.core.git_events import CommitPosted
from py_peer.core.json_lines import (
    SAY,
    Ended,
    Error,
    FoundPeer,
    FoundPeers,
    Mistake,
    event_line,
    read_command,
)
from py_peer.core.requests import RequestDiscovery, RequestFiles, RequestStatistics, RequestStatus, Stop
from py_peer.core.topics import read_topic
from py_peer.frontends.front_end import FrontEnd
from py_peer.frontends.oneshot import OneShot
from py_peer.frontends.piped import PlainChat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from py_peer.core.events import DiscoveryReport, Event, Statistics
    from py_peer.core.file_events import FilesReport
    from py_peer.core.json_lines import Id
    from py_peer.core.requests import Request
    from py_peer.frontends.front_end import Service
    from py_peer.frontends.leaving import Watchdog
    from py_peer.frontends.screen import Screen
    from py_peer.frontends.stdin_lines import InputLine, RawInput


class _JsonOutput(FrontEnd):
    """Writes events as they are."""

    def write(self, *events: Event) -> None:
        """Write the lines of `events` in one go."""
        now = time.time()
        self.screen.show([event_line(event, now, self.answered_command(event)) for event in events])

    def answered_command(self, event: Event) -> Id:  # noqa: ARG002 - for those who read commands
        """Return what the script calls the command that `event` answers."""
        return None

    async def narrate(self, events: Sequence[Event]) -> None:
        """Tell what has happened."""
        self.write(*events)

    def take_leave(self, last_lines: Sequence[str], complaint: str) -> None:
        """Write the last line; people read the complaint on standard error, too."""
        reason = complaint.removeprefix("py-peer: ") or "; ".join(line.lstrip("⚠️📨 ") for line in last_lines)
        self.write(Ended(int(self.exit_code()), self.unsent(), clean_line(reason, limits.MAX_ERROR_CHARS)))


@final
class JsonOneShot(_JsonOutput, OneShot):
    """Sends one text; reads nothing."""


@final
class JsonChat(_JsonOutput, PlainChat):
    """Each line of input is an object that names a command."""

    longest_line = limits.MAX_COMMAND_BYTES

    def __init__(  # noqa: PLR0913 - each is a thing of its own
        self,
        service: Service,
        screen: Screen,
        watchdog: Watchdog,
        source: RawInput | None,
        *,
        patience: float,
        stays: bool,
    ) -> None:
        """Be the chat in plain lines, but for what a line is; with `stays` the end of the input ends nothing."""
        super().__init__(service, screen, watchdog, source, patience=patience)
        self._stays = stays
        self._told_to_leave = False
        self._current: Id = None
        """What the script calls the command that is being obeyed."""

        self._ids: dict[int, Id] = {}
        """What it calls those whose tickets have not been answered yet."""

    async def read_lines(self) -> bool:
        """Obey the input, and go on after its end if that ends nothing."""
        told_enough = await super().read_lines()
        if self._stays and not self._told_to_leave:
            await asyncio.Event().wait()
        return told_enough

    def holds_back(self) -> bool:
        """Return whether the next line waits while many texts are on their way.

        With nobody there it does not: a script must be able to ask what goes on. What is too much is refused.
        """
        return self.is_heard() or not self.ready.is_set() or (self.reader.ended and not self._stays)

    async def obey_line(self, line: InputLine) -> bool:
        """Do what a line says; False if it says to leave. An empty line says nothing."""
        if not line.text.strip():
            return True
        read = read_command(line.raw)
        self._current = read.id
        if isinstance(read, Mistake):
            if read.command == "topic":
                self.talk.lose()
            self.not_taken += read.command == SAY.name
            self.write(Error(line.number, read.reason, read.advice))
        elif read.command.name == "quit":
            self._told_to_leave = True
        elif len(self._ids) >= limits.OPEN_COMMANDS:
            self.write(Error(line.number, f"{len(self._ids):,} commands wait for their answers", "wait for some"))
        elif read.command.name == SAY.name:
            await self._say(line.number, read.command.argument, *read.command.more)
        else:
            await self.do(read.command)
        self._current = None
        return not self._told_to_leave

    async def _say(self, number: int, text: str, topic: str = "") -> None:
        if not topic and (reason := self.why_nowhere()):
            self.not_taken += 1
            self.write(Error(number, reason, "join one, or say on which topic"))
        else:
            await self.say(text, read_topic(topic))

    async def say_refused(self, number: int, reason: str) -> None:
        """Say why a line was not obeyed."""
        self.write(Error(number, reason, "send less at once"))

    # --- Answers ----------------------------------------------------------------------------------

    async def ask(self, request: Request) -> None:
        """Pass a request to the service; wait while its queue is full."""
        if not isinstance(request, RequestStatus | RequestStatistics | RequestDiscovery | RequestFiles | Stop):
            self._expect(request.ticket)
        await super().ask(request)

    async def ask_when_ready(self, request: Request) -> None:
        """Take a question that is to be asked; the command that it answers is the one obeyed now."""
        self._expect(request.ticket)
        await super().ask_when_ready(request)

    def note_question(self, answer: Callable[[StatusReport], list[str]]) -> int:  # noqa: ARG002 - words are for people
        """Take a question that is to be asked; the report is the answer itself. Returns its ticket."""
        ticket = super().note_question(lambda _: [])
        self._expect(ticket)
        return ticket

    async def print_lines(self, lines: Sequence[str]) -> None:
        """Answer the command in words: who is meant is not plain, say. What was done has events of its own."""
        self.write(Answer(0, "\n".join(lines).removeprefix("📡 ").removeprefix("❌ "), failed=True))

    async def whois(self, argument: str) -> None:
        """Show what is known of a peer."""
        found = self.roster.find(argument)
        roster = self.roster
        self.write(
            FoundPeers(tuple(FoundPeer(one, roster.nick(one), roster.get(one), roster.npub(one)) for one in found))
        )

    async def answer(self, report: StatusReport | Statistics | DiscoveryReport | FilesReport) -> None:
        """Pass a report on as it is."""
        self.write(report)
        if isinstance(report, StatusReport):
            await super().answer(report)

    def answered_command(self, event: Event) -> Id:
        """Return what the script calls the command that `event` answers."""
        match event:
            case Error() | FoundPeers() | Answer(ticket=0):
                return self._current
            case MessageWaiting() | DirectWaiting() | HashingProgress() | CommitPosted():  # another answer follows
                return self._ids.get(event.ticket)
            case _:
                return self._ids.pop(getattr(event, "ticket", 0), None)

    def _expect(self, ticket: int) -> None:
        if self._current is not None:
            self._ids[ticket] = self._current
