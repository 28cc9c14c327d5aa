"""`py-peer provide`: a file is served to whoever asks for its name, until the program is told to leave."""

from __future__ import annotations

import os
import shlex
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, final

from py_peer.core.bars import Steps
from py_peer.core.cleaning import clean_path
from py_peer.core.events import Answer
from py_peer.core.exit_codes import ExitCode
from py_peer.core.file_events import FileProvided, FileServed, HashingProgress
from py_peer.core.requests import ProvideFile
from py_peer.core.sizes import shown_size
from py_peer.frontends.errand import Errand, run_errand, tell
from py_peer.frontends.file_lines import file_sentence
from py_peer.frontends.lines import event_lines
from py_peer.frontends.paths import whole_path
from py_peer.net.private_files import cause

if TYPE_CHECKING:
    from collections.abc import Sequence

    from py_peer.core.events import Event
    from py_peer.frontends.arguments import Arguments
    from py_peer.frontends.front_end import Service
    from py_peer.frontends.leaving import Watchdog
    from py_peer.frontends.screen import Screen


@final
class Provide(Errand):
    """Provides one file, and says who has fetched it."""

    stays = True

    def __init__(self, service: Service, screen: Screen, watchdog: Watchdog, arguments: Arguments) -> None:
        super().__init__(service, screen, watchdog, json=arguments.json)
        self._path = whole_path(arguments.own["path"])
        self._name = arguments.own["name"] or Path(self._path).name
        self._steps = Steps()

    async def work(self) -> None:
        """Have it provided; the rest is to wait."""
        await self.ready.wait()
        await self.ask(ProvideFile(self.service.new_ticket(), self._path, self._name))
        await super().work()

    async def show(self, events: Sequence[Event]) -> None:
        """Tell where it stands, and who has fetched it."""
        for event in events:
            match event:
                case FileProvided():
                    self.say(event, *_provided(event))
                case FileServed():
                    self.say(event, file_sentence(event))
                case HashingProgress() if self._steps.tells(event):
                    tell(*event_lines(event, None))
                case Answer(failed=True):
                    self.say(event)
                    tell(f"py-peer: {event.text}")
                    self.outcome = ExitCode.NOT_FOUND
                    self.leave()
        await super().show(events)


def _provided(event: FileProvided) -> list[str]:
    """Return how many know of a file, and how others get it."""
    told = f"{event.peers} of {event.asked} peers have been told" if event.asked else "nobody is there yet"
    remark = [f"Note: {event.file.remark}"] if event.file.remark else []
    return [
        f"Provided: {event.name} ({shown_size(event.file.size)}); {told}",
        f"Others get it with: py-peer get --name {shlex.quote(event.name)} --hash {event.file.root}",
        *remark,
    ]


def _objection(path: str) -> str:
    """Return why there is nothing to be provided, as far as that can be seen before it is read; or ""."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - no path can be made of some
    except (OSError, ValueError) as error:
        return cause(error)
    if stat.S_ISREG(mode):
        return ""
    return "it is a folder" if stat.S_ISDIR(mode) else "it is not an ordinary file"


def run(arguments: Arguments) -> int:
    """Provide a file until told to leave; return the exit code."""
    path = whole_path(arguments.own["path"])
    if objection := _objection(path):  # before anybody can reach us
        text = f"Not provided: {clean_path(path)}: {objection}"
        if arguments.json:
            from py_peer.core.json_lines import event_line  # noqa: PLC0415 - costs 40 ms, with --json only

            print(event_line(Answer(0, text, failed=True), time.time()), flush=True)
        tell(f"py-peer: {text}")
        return ExitCode.NOT_FOUND
    return run_errand(arguments, lambda service, screen, watchdog: Provide(service, screen, watchdog, arguments))
