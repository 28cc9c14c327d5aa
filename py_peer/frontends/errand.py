"""What all sub-commands share that run a peer: results are on standard output, and what else is to be said is not.

The peer is not in the room. With `--json` a result is the event that told of it, as `py-peer --json` writes it.
"""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, ClassVar, Final

from py_peer.core.events import DialFailed, KademliaBootstrap, Notice, PeerBanned, Ready, Started
from py_peer.core.exit_codes import ExitCode
from py_peer.frontends.front_end import FrontEnd
from py_peer.frontends.leaving import Watchdog, leave_at_once_on_signals
from py_peer.frontends.lines import event_lines
from py_peer.frontends.printer import headless_lines
from py_peer.frontends.running import run_front_end
from py_peer.frontends.screen import Screen
from py_peer.frontends.sub_commands import SUB_COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from py_peer.core.events import Event
    from py_peer.frontends.arguments import Arguments
    from py_peer.frontends.front_end import Service

TOLD: Final = (DialFailed, KademliaBootstrap, Notice, PeerBanned)
"""What is worth a line on standard error."""


class Errand(FrontEnd):
    """Something that is asked of a peer on the command line."""

    stays: ClassVar[bool] = False
    """Whether others may want to know where we are."""

    def __init__(self, service: Service, screen: Screen, watchdog: Watchdog, *, json: bool) -> None:
        super().__init__(service, screen, watchdog)
        self.json = json
        self.outcome = ExitCode.OK
        """What the program ends with, if nothing fails."""

    async def show(self, events: Sequence[Event]) -> None:
        """Tell what keeps a result from coming."""
        for event in events:
            if self.stays and isinstance(event, Started | Ready):
                if self.json:
                    self.say(event)
                tell(*headless_lines(event))
            elif isinstance(event, TOLD) and not (isinstance(event, KademliaBootstrap) and event.peers):
                tell(*event_lines(event, None))

    def say(self, event: Event, *lines: str) -> None:
        """Print a result: `event` for scripts, `lines` for people."""
        if self.json:
            from py_peer.core.json_lines import event_line  # noqa: PLC0415 - costs 40 ms, with --json only

            lines = (event_line(event, time.time()),)
        self.screen.show(lines)

    def exit_code(self) -> ExitCode:
        """Return what was found out, if nothing has failed; a result that cannot be written is a failure."""
        code = super().exit_code()
        code = self.outcome if code is ExitCode.OK else code
        return ExitCode.FAULT if code is ExitCode.OK and self.screen.fault else code

    def take_leave(self, last_lines: Sequence[str], complaint: str) -> None:  # noqa: ARG002 - results are all there is
        """Say where they could not be written; those who have read enough know it."""
        if self.screen.fault:
            tell(f"py-peer: standard output cannot be written: {self.screen.fault}")


def tell(*lines: str) -> None:
    """Print lines on standard error, for people."""
    with contextlib.suppress(OSError, ValueError):
        for line in lines:
            print(line, file=sys.stderr, flush=True)


def run_errand(arguments: Arguments, make: Callable[[Service, Screen, Watchdog], FrontEnd]) -> int:
    """Run a peer as `arguments` ask for it, and the front-end that `make` makes; return the exit code."""
    leave_at_once_on_signals("", SUB_COMMANDS[arguments.command].undone)
    screen, watchdog = Screen(sys.stdout), Watchdog()
    from py_peer.headless import HeadlessService  # noqa: PLC0415 - behind the signals

    service = HeadlessService(arguments.settings)
    service.start()
    return run_front_end(arguments, lambda: make(service, screen, watchdog))
