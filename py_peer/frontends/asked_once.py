"""`py-peer kv put`, `forget`, `get`, `provide`, `providers`, and `git show`: one question to Kademlia, and its answer.

While there is nobody to ask, or somebody who should be asked cannot be dialled just now and nothing is found, it is
asked again, until --timeout is over.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, final

from py_peer.core.dht_events import KeyProvided, LookupFailed, ProvidersFound, ValueFound, ValuePut
from py_peer.core.events import Answer
from py_peer.core.exit_codes import ExitCode
from py_peer.core.git_events import CommitShown
from py_peer.core.requests import FindProviders, ForgetValue, GetValue, ProvideKey, PutValue, ShowPublished
from py_peer.frontends.errand import Errand, run_errand, tell
from py_peer.frontends.git_lines import shown_lines
from py_peer.frontends.key_value_lines import key_sentence, origin
from py_peer.frontends.sub_commands import SUB_COMMANDS

if TYPE_CHECKING:
    from typing import TypeAlias

    from py_peer.core.events import Event
    from py_peer.frontends.arguments import Arguments
    from py_peer.frontends.front_end import Service
    from py_peer.frontends.leaving import Watchdog
    from py_peer.frontends.screen import Screen

    DhtAnswer: TypeAlias = ValuePut | ValueFound | KeyProvided | ProvidersFound | CommitShown | LookupFailed | Answer

ANSWERS: Final = (ValuePut, ValueFound, KeyProvided, ProvidersFound, CommitShown, LookupFailed, Answer)
REQUESTS: Final = {
    "kv put": PutValue,
    "kv forget": ForgetValue,
    "kv get": GetValue,
    "kv provide": ProvideKey,
    "kv providers": FindProviders,
    "git show": ShowPublished,
}
"""What each asks; its arguments are called what the request's fields are."""

PAUSE: Final = 0.5
"""Seconds before it is asked again when there was nobody to ask."""


@final
class AskedOnce(Errand):
    """Asks once, and leaves with the answer."""

    def __init__(self, service: Service, screen: Screen, watchdog: Watchdog, arguments: Arguments) -> None:
        super().__init__(service, screen, watchdog, json=arguments.json)
        self._arguments = arguments
        self._ticket = 0
        self.outcome = SUB_COMMANDS[arguments.command].undone  # until there is an answer
        self._answered = asyncio.Event()
        self._answer: DhtAnswer | None = None

    async def work(self) -> None:
        """Ask until somebody has answered, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._arguments.timeout):
                await self.ready.wait()
                while self._answer is None or is_for_want_of_peers(self._answer):
                    if self._answer is not None:
                        await asyncio.sleep(PAUSE)
                    self._answered.clear()
                    request = REQUESTS[self._arguments.command](self.service.new_ticket(), **self._arguments.own)
                    self._ticket = request.ticket
                    await self.ask(request)
                    await self._answered.wait()
        if self._answer is None:
            self._give_up()
        else:
            self._conclude(self._answer)
        self.leave_when_sent(0.0)

    def note(self, event: Event) -> None:
        """Take the answer."""
        super().note(event)
        if isinstance(event, ANSWERS) and event.ticket == self._ticket and not self._answered.is_set():
            self._answer = event
            self._answered.set()

    def _give_up(self) -> None:
        """Say that nobody has answered."""
        who = f"{self.connected} peer(s) are connected" if self.connected else "nobody was reached"
        text = f"There was no answer within {self._arguments.timeout:g} s: {who}"
        self.say(Answer(self._ticket, text, failed=True))
        tell(f"py-peer: {text}")
        if not self.connected:
            self.outcome = ExitCode.NOBODY_REACHED

    def _conclude(self, answer: DhtAnswer) -> None:
        """Print the answer, and decide what the program ends with."""
        self.outcome = ExitCode.OK
        match answer:
            case ValuePut() | KeyProvided():
                self.say(answer, key_sentence(answer))
                if not answer.peers:
                    self.outcome = ExitCode.NOT_SENT if answer.asked else ExitCode.NOBODY_REACHED
            case ValueFound():
                self.say(answer, answer.value)
                tell(origin(answer))
            case ProvidersFound():
                self.say(answer, *answer.peer_ids)
                tell(f"{len(answer.peer_ids)} found; {answer.asked} peer(s) have answered")
            case CommitShown():
                self._show(answer)
            case LookupFailed():
                self.say(answer)
                tell(f"py-peer: {key_sentence(answer)}")
                self.outcome = ExitCode.NOT_FOUND if answer.asked else ExitCode.NOBODY_REACHED
            case Answer(failed=False):
                self.say(answer, answer.text)
            case Answer():  # it can never be had
                self.say(answer)
                tell(f"py-peer: {answer.text}")
                self.outcome = ExitCode.USAGE

    def _show(self, commit: CommitShown) -> None:
        """Print a commit; 0 is to say that it is verified."""
        self.say(commit, *shown_lines(commit, self.screen.columns()))
        if not commit.verified:
            self.outcome = ExitCode.NOT_FOUND
            tell("py-peer: no object that hashes to this ID was found; anyone can have put this there")
        elif self._arguments.own["patch"] and not commit.patch:
            tell(
                "py-peer: no patch was found beside it: it changes nothing, or its patch was not published (it may be "
                "too large, or have found no room), or has expired"
            )


def is_for_want_of_peers(answer: DhtAnswer) -> bool:
    """Return whether it may be another answer when somebody is there."""
    match answer:
        case ValuePut() | KeyProvided():
            return not answer.asked
        case LookupFailed():
            return not answer.asked or bool(answer.unasked)
    return False


def run(arguments: Arguments) -> int:
    """Ask, print the answer, and return the exit code."""
    return run_errand(arguments, lambda service, screen, watchdog: AskedOnce(service, screen, watchdog, arguments))
