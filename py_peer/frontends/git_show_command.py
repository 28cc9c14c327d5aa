"""`py-peer git show`: a commit is looked for in the DHT, and shown with what of it is verified.

While there is nobody to ask, it is asked again, until --timeout is over.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, final

from py_peer.core.dht_events import LookupFailed
from py_peer.core.events import Answer
from py_peer.core.exit_codes import ExitCode
from py_peer.core.git_events import CommitShown
from py_peer.core.requests import ShowPublished
from py_peer.frontends.errand import Errand, run_errand, tell
from py_peer.frontends.git_lines import shown_lines
from py_peer.frontends.key_value_lines import key_sentence
from py_peer.frontends.kv_once import PAUSE, is_for_want_of_peers

if TYPE_CHECKING:
    from py_peer.core.events import Event
    from py_peer.frontends.arguments import Arguments
    from py_peer.frontends.front_end import Service
    from py_peer.frontends.leaving import Watchdog
    from py_peer.frontends.screen import Screen


@final
class GitShow(Errand):
    """Asks for one commit, and leaves with the answer."""

    def __init__(self, service: Service, screen: Screen, watchdog: Watchdog, arguments: Arguments) -> None:
        super().__init__(service, screen, watchdog, json=arguments.json)
        self._what, self._patch = arguments.own["what"], arguments.own["patch"]
        self._timeout = arguments.timeout
        self._answered = asyncio.Event()
        self._answer: CommitShown | LookupFailed | Answer | None = None
        self.outcome = ExitCode.NOT_FOUND  # until there is an answer

    async def work(self) -> None:
        """Ask until somebody has answered, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self.ready.wait()
                while self._answer is None or _is_for_want_of_peers(self._answer):
                    if self._answer is not None:
                        await asyncio.sleep(PAUSE)
                    self._answered.clear()
                    await self.ask(ShowPublished(self.service.new_ticket(), self._what, self._patch))
                    await self._answered.wait()
        self._conclude(self._answer)
        self.leave_when_sent(0.0)

    def note(self, event: Event) -> None:
        """Take the answer."""
        super().note(event)
        if isinstance(event, CommitShown | LookupFailed | Answer) and not self._answered.is_set():
            self._answer = event
            self._answered.set()

    def _conclude(self, answer: CommitShown | LookupFailed | Answer | None) -> None:
        """Print the answer, and decide what the program ends with: 0 says that it is verified."""
        match answer:
            case CommitShown():
                self.say(answer, *shown_lines(answer, self.screen.columns()))
                self.outcome = ExitCode.OK if answer.verified else ExitCode.NOT_FOUND
                if not answer.verified:
                    tell("py-peer: no object that hashes to this ID was found; anyone can have put this there")
                elif self._patch and not answer.patch:
                    tell("py-peer: no patch was found beside it: it changes nothing, or what is too large for the DHT")
            case LookupFailed():
                self.say(answer)
                tell(f"py-peer: {key_sentence(answer)}")
                self.outcome = ExitCode.NOT_FOUND if answer.asked else ExitCode.NOBODY_REACHED
            case Answer():  # it can never be had
                self.say(answer)
                tell(f"py-peer: {answer.text}")
                self.outcome = ExitCode.USAGE
            case None:
                who = f"{self.connected} peer(s) are connected" if self.connected else "nobody was reached"
                text = f"There was no answer within {self._timeout:g} s: {who}"
                self.say(Answer(0, text, failed=True))
                tell(f"py-peer: {text}")
                self.outcome = ExitCode.NOT_FOUND if self.connected else ExitCode.NOBODY_REACHED


def _is_for_want_of_peers(answer: CommitShown | LookupFailed | Answer) -> bool:
    return isinstance(answer, LookupFailed) and is_for_want_of_peers(answer)


def run(arguments: Arguments) -> int:
    """Show a commit; return the exit code."""
    return run_errand(arguments, lambda service, screen, watchdog: GitShow(service, screen, watchdog, arguments))
