"""`py-peer get`: a file is found by its name, fetched, and named when it is whole.

Its path is on standard output; how far it is, on standard error.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final, final

from py_peer.core import limits
from py_peer.core.bars import Steps
from py_peer.core.cleaning import clean_line
from py_peer.core.dht_events import LookupFailed
from py_peer.core.events import Answer, Notice
from py_peer.core.exit_codes import ExitCode
from py_peer.core.file_events import TransferDone, TransferFailed, TransferProgress, TransferStarted
from py_peer.core.requests import FetchFile
from py_peer.frontends.asked_once import PAUSE, is_for_want_of_peers
from py_peer.frontends.errand import Errand, run_errand, tell
from py_peer.frontends.file_lines import failed_transfer
from py_peer.frontends.lines import event_lines, sentence
from py_peer.frontends.paths import whole_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from py_peer.core.events import Event
    from py_peer.frontends.arguments import Arguments
    from py_peer.frontends.front_end import Service
    from py_peer.frontends.leaving import Watchdog
    from py_peer.frontends.screen import Screen

AGAIN: Final = "the same command goes on"


@final
class Get(Errand):
    """Fetches one file, and leaves."""

    def __init__(self, service: Service, screen: Screen, watchdog: Watchdog, arguments: Arguments) -> None:
        super().__init__(service, screen, watchdog, json=arguments.json)
        own = arguments.own
        self._shown = clean_line(own["name"], limits.MAX_PROVIDED_NAME_BYTES)
        self._wanted = own["name"], whole_path(own["out"] or os.curdir), own["hash"] or ""
        self._timeout = arguments.timeout
        self._ticket = 0
        self._steps = Steps()
        self._is_begun = asyncio.Event()
        self._nobody_was_there = asyncio.Event()
        self._missed: LookupFailed | None = None
        """The last answer, if it was that there is nobody to be asked, or somebody who cannot be dialled just now."""

        self._is_over = False
        self.outcome = ExitCode.NOT_FOUND

    async def work(self) -> None:
        """Ask for it, again while there is nobody to ask; what has begun to come ends by itself."""
        try:
            async with asyncio.timeout(self._timeout):
                await self.ready.wait()
                while not (self._is_begun.is_set() or self._is_over):
                    self._nobody_was_there.clear()
                    self._ticket = self.service.new_ticket()
                    await self.ask(FetchFile(self._ticket, *self._wanted))
                    await self._until_begun_or_alone()
        except TimeoutError:
            if not self._is_over:
                self._give_up()
            return
        await super().work()

    def _give_up(self) -> None:
        """Say what has kept it away all the time, and what to do."""
        code = ExitCode.NOBODY_REACHED
        if not self.connected:
            why = "nobody was there to be asked; name a peer with --connect or --bootstrap"
        elif self._missed is not None and self._missed.asked:
            self._fail(self._missed)
            return
        elif self._missed is not None:
            why = (
                f"none of the {self.connected} connected peer(s) was found to take part in the DHT; "
                "name one that does with --connect or --bootstrap"
            )
        else:
            why = f"nothing has come within {self._timeout:g} s; --timeout gives it more"
            code = ExitCode.NOT_FOUND
        self._fail(Answer(self._ticket, f"Not fetched: {self._shown}: {why}", failed=True), code)

    async def _until_begun_or_alone(self) -> None:
        """Return when the file comes, or a while after there was nobody to ask."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._is_begun, self._nobody_was_there)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not self._is_begun.is_set():
            await asyncio.sleep(PAUSE)

    def note(self, event: Event) -> None:
        """Remember what has become of it."""
        super().note(event)
        match event:
            case TransferStarted():
                self._is_begun.set()
            case LookupFailed() if is_for_want_of_peers(event):
                self._missed = event
                self._nobody_was_there.set()
            case Notice():  # that somebody provides it
                self._missed = None

    async def show(self, events: Sequence[Event]) -> None:
        """Tell how far it is, and how it ends."""
        for event in events:
            if self._is_over:
                return
            match event:
                case TransferStarted() | TransferProgress() if self._steps.tells(event):
                    self._report(event)
                case TransferDone():
                    self.say(event, event.path)
                    tell(*event_lines(event, None))
                    self._leave(ExitCode.OK)
                case LookupFailed() if not is_for_want_of_peers(event):
                    self._fail(event)
                case TransferFailed() | Answer(failed=True):
                    self._fail(event)
        await super().show(events)

    def _report(self, event: Event) -> None:
        """Tell people how far it is on standard error, scripts with an event."""
        if self.json:
            self.say(event)
        else:
            tell(*event_lines(event, None))

    def _fail(self, event: LookupFailed | TransferFailed | Answer, code: ExitCode = ExitCode.NOT_FOUND) -> None:
        wrong = isinstance(event, TransferFailed) and event.wrong_hash
        self.say(event)
        tell(f"py-peer: {failed_transfer(event, AGAIN) if isinstance(event, TransferFailed) else sentence(event)}")
        self._leave(ExitCode.BAD_SIGNATURE if wrong else code)

    def _leave(self, code: ExitCode) -> None:
        self.outcome, self._is_over = code, True
        self._is_begun.set()
        self.leave_when_sent(0.0)

    def take_leave(self, last_lines: Sequence[str], complaint: str) -> None:
        """Say that it is not there, when the program is told to leave before."""
        super().take_leave(last_lines, complaint)
        if not self._is_over and not complaint:
            tell(f"py-peer: {self._shown} is not here yet; {AGAIN} where it was")


def run(arguments: Arguments) -> int:
    """Fetch a file; return the exit code."""
    return run_errand(arguments, lambda service, screen, watchdog: Get(service, screen, watchdog, arguments))
