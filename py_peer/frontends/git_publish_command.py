"""`py-peer git publish` and `git forget`: commits of a repository are put into the DHT, or kept there no more.

The IDs of those that others can show are on standard output; how far it is, and what was not put, on standard error.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, final

from py_peer.core import limits_git
from py_peer.core.events import Answer
from py_peer.core.exit_codes import ExitCode
from py_peer.core.git_events import CommitsPublished, NotPublished, PublishProgress
from py_peer.core.git_records import JSON, MESSAGE, OBJECT, PATCH
from py_peer.core.requests import ForgetCommits, PublishCommits
from py_peer.frontends.asked_once import PAUSE
from py_peer.frontends.errand import Errand, run_errand, tell
from py_peer.frontends.paths import whole_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from py_peer.core.events import Event
    from py_peer.core.requests import Request
    from py_peer.frontends.arguments import Arguments
    from py_peer.frontends.front_end import Service
    from py_peer.frontends.leaving import Watchdog
    from py_peer.frontends.screen import Screen


@final
class GitPublish(Errand):
    """Publishes commits, or forgets them, and leaves."""

    def __init__(self, service: Service, screen: Screen, watchdog: Watchdog, arguments: Arguments) -> None:
        super().__init__(service, screen, watchdog, json=arguments.json)
        self._own = arguments.own
        self._forgets = arguments.command == "git forget"
        self._timeout = arguments.timeout
        self._answered = asyncio.Event()
        """Set when it has begun, or is answered."""

        self._is_over = False
        self._is_begun = False
        self._found_nobody = False
        """Whether it was answered that nobody takes part in the DHT; until then it may still be read."""

        self._kept: list[str] = []
        """The IDs of those whose objects are kept by now."""

        self._missing = 0
        self.outcome = ExitCode.NOT_SENT  # until it is done

    async def work(self) -> None:
        """Ask for it, again while there is nobody who takes it; what has begun ends by itself."""
        try:
            async with asyncio.timeout(self._timeout):
                await self.ready.wait()
                while not self._has_begun():
                    self._answered.clear()
                    await self.ask(self._request())
                    await self._answered.wait()
                    await asyncio.sleep(0 if self._has_begun() else PAUSE)
        except TimeoutError:
            if not self._has_begun():
                self._give_up()
                return
        await super().work()

    def _has_begun(self) -> bool:
        """Say whether there is nothing to be asked for again."""
        return self._is_begun or self._is_over

    def _request(self) -> Request:
        ticket, path, revs = self.service.new_ticket(), whole_path(self._own["repo"] or os.curdir), self._own["revs"]
        if self._forgets:
            return ForgetCommits(ticket, path, revs)
        return PublishCommits(ticket, path, revs, self._own["tags"], self._own["patches"])

    def _give_up(self) -> None:
        """Say what has kept it from beginning, and what to do."""
        what, code = "Not forgotten" if self._forgets else "Not published", ExitCode.NOBODY_REACHED
        if self._forgets or (self.connected and not self._found_nobody):
            why, code = f"it has not begun within {self._timeout:g} s; --timeout gives it more", ExitCode.NOT_SENT
        elif self.connected:
            why = f"none of the {self.connected} connected peer(s) was found to take part in the DHT"
        else:
            why = "nobody was there to take it; name a peer with --connect or --bootstrap"
        self._fail(Answer(0, f"{what}: {why}", failed=True), code)

    async def show(self, events: Sequence[Event]) -> None:
        """Tell how far it is, what was not put, and what has come of it."""
        for event in events:
            if self._is_over:
                return
            match event:
                case PublishProgress():
                    self._is_begun = True
                    self._answered.set()
                    self._kept += event.commits
                    self._report(
                        event, *([f"Publishing: {event.done:,} of {event.total:,} values"] if event.done else [])
                    )
                case NotPublished():
                    self._missing += 1
                    self._report(event, f"Not published: {_part(event)}: {event.reason}")
                case CommitsPublished(asked=0) if not self._is_begun:
                    self._found_nobody = True
                    self._answered.set()
                case CommitsPublished():
                    self.say(event, *event.commits)
                    tell(_outcome(event))
                    whole = not self._missing and event.stored == event.values
                    self._leave(ExitCode.OK if whole else ExitCode.NOT_SENT)
                case Answer(failed=True):
                    self._fail(event, ExitCode.USAGE)
                case Answer():
                    self.say(event, event.text)
                    self._leave(ExitCode.OK)
        await super().show(events)

    def _report(self, event: Event, *lines: str) -> None:
        """Tell people on standard error, scripts with an event."""
        if self.json:
            self.say(event)
        else:
            tell(*lines)

    def _fail(self, event: Answer, code: ExitCode) -> None:
        self.say(event)
        tell(f"py-peer: {event.text}")
        self._leave(code)

    def _leave(self, code: ExitCode) -> None:
        self.outcome, self._is_over = code, True
        self._answered.set()
        self.leave_when_sent(0.0)

    def take_leave(self, last_lines: Sequence[str], complaint: str) -> None:
        """Say what is there, and that it is not all, when the program is told to leave before."""
        if not (self._is_over or self.json):
            self.screen.show(self._kept)
        super().take_leave(last_lines, complaint)
        if self._is_begun and not self._is_over and not complaint:
            tell("py-peer: not all of it is published yet; the same command publishes the rest")


def _part(event: NotPublished) -> str:
    short_id = event.commit_id[: limits_git.SHORT_ID_CHARS]
    if event.part not in (OBJECT, JSON, MESSAGE, PATCH):
        return f"the tag {event.part} of {short_id}"
    return short_id if event.part == OBJECT else f"the {event.part.replace(JSON, 'JSON')} of {short_id}"


def _outcome(event: CommitsPublished) -> str:
    by = f", each by {event.peers} of {event.asked} peer(s) or more" if event.stored else ""
    return f"Published {len(event.commits):,} commit(s): {event.stored:,} of {event.values:,} values are kept{by}"


def run(arguments: Arguments) -> int:
    """Publish commits, or forget them; return the exit code."""
    return run_errand(arguments, lambda service, screen, watchdog: GitPublish(service, screen, watchdog, arguments))
