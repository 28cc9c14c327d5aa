"""A front-end is run to its end: its loop, what remains to be flushed, and a thread that may have to be left behind."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from py_peer.frontends.front_end import new_loop
from py_peer.frontends.leaving import close_and_stay_deaf
from py_peer.frontends.log_setup import join_library_log
from py_peer.frontends.screen import finish_standard_streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from py_peer.core.events import Event
    from py_peer.frontends.arguments import Arguments
    from py_peer.frontends.front_end import Faults, FrontEnd


def run_front_end(arguments: Arguments, make: Callable[[], FrontEnd]) -> int:
    """Run what `make` returns, when it is called in the loop that it belongs to; return its exit code.

    It may end the process itself, when the service is in the middle of something that nobody can interrupt.
    """

    async def run() -> tuple[int, bool]:
        front_end = make()
        front_end.on_started = partial(join_library_log, verbose=arguments.verbose)
        front_end.on_crash = partial(_report_crash, arguments)
        code = await front_end.run()
        return int(code), front_end.left_behind

    loop = new_loop()
    code, left_behind = loop.run_until_complete(run())
    close_and_stay_deaf(loop)
    finish_standard_streams()
    if left_behind:  # it may be in the middle of an import
        os._exit(code)
    return code


def _report_crash(arguments: Arguments, faults: Faults, events: Iterable[Event]) -> str:
    from py_peer.frontends.crash import report_crash  # noqa: PLC0415 - hardly ever

    return report_crash(faults, events, arguments.held)
