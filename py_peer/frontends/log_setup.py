"""Where log lines go: nowhere unless asked for, and never across the line being typed.

The libraries are chatty in ways of their own (a bare `logging.debug()` that installs a handler, warnings through
logging's last resort, tracebacks of threads); all of them end here.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Final, final

from py_peer.core.cleaning import clean_text, indent_lines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType

FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
MAX_LOG_BYTES: Final = 16_384
"""Of one log record, its traceback included, this much is written."""

MAX_HELD_LINES: Final = 2_000
"""Log lines that wait for the terminal; the oldest goes first."""

_ECHOES: Final = ("[ADDCONN_FAIL]", "MultiselectClient handshake: ", "Failed to open stream to peer ")
"""Loud lines of libp2p's, some with a traceback, about errors that it also raises: where they are caught they are told
in a line. A peer who goes at once makes three of them."""

log = logging.getLogger("py_peer")


@final
class CleanFormatter(logging.Formatter):
    """Formats a record so that it can neither steer the terminal nor forge a line of the log."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, further lines indented under it."""
        return indent_lines(clean_text(super().format(record), MAX_LOG_BYTES), "    ")


@final
class HeldLog(logging.Handler):
    """Keeps lines for a front-end that prints them itself, so that they do not tear the line being typed."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[str] = deque(maxlen=MAX_HELD_LINES)
        self._lost = 0
        self.on_line: Callable[[], None] = lambda: None
        """Called, in any thread, when a line has come."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record's line."""
        if len(self._lines) == MAX_HELD_LINES:
            self._lost += 1
        self._lines.append(self.format(record))
        self.on_line()

    def take(self) -> list[str]:
        """Return the lines kept so far, and forget them."""
        self.acquire()
        try:
            lines, lost = list(self._lines), self._lost
            self._lines.clear()
            self._lost = 0
        finally:
            self.release()
        return [f"({lost} log lines left out)", *lines] if lost else lines

    async def follow(self) -> AsyncIterator[list[str]]:
        """Yield the lines as they come, those that are there at once."""
        import asyncio  # noqa: PLC0415 - not before the first line: half of the way to it

        arrived = asyncio.Event()
        loop = asyncio.get_running_loop()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the program is over
                loop.call_soon_threadsafe(arrived.set)

        self.on_line = tell
        while True:
            if lines := self.take():
                yield lines
            await arrived.wait()
            arrived.clear()

    def let_go(self) -> None:
        """Print what is kept, and from now on every line, on stderr."""

        def put() -> None:
            print(*self.take(), sep="\n", file=sys.stderr, flush=True)

        self.on_line = put
        if self._lines:
            put()


def set_up_logging(*, verbose: bool, log_file: str | None, held: HeldLog | None) -> None:
    """Send log lines to `log_file`, else with `verbose` to `held` or stderr, else nowhere.

    A log file without `verbose` gets what matters, with it everything. Raises OSError if it cannot be written.
    """
    root = logging.getLogger()
    root.addHandler(logging.NullHandler())
    logging.lastResort = None  # would print on stderr
    logging.raiseExceptions = False  # so would a handler that fails
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_thread_fault
    sys.unraisablehook = _log_unraisable
    handler: logging.Handler
    if log_file is not None:
        handler = logging.FileHandler(log_file, encoding="utf-8", errors="replace")
    elif verbose:
        handler = held or logging.StreamHandler(sys.stderr)
    else:
        return
    handler.setFormatter(CleanFormatter(FORMAT))
    handler.addFilter(_is_no_echo)
    root.addHandler(handler)
    root.setLevel(logging.INFO)  # other libraries have little to say that helps, and much of it
    log.setLevel(logging.DEBUG if verbose else logging.INFO)


def join_library_log(*, verbose: bool) -> None:
    """Make libp2p's logger part of ours again: importing libp2p takes its handlers and its level away."""
    library = logging.getLogger("libp2p")
    library.addHandler(logging.NullHandler())
    library.propagate = True
    library.setLevel(logging.DEBUG if verbose else logging.WARNING)


def _is_no_echo(record: logging.LogRecord) -> bool:
    return record.levelno < logging.WARNING or not str(record.msg).startswith(_ECHOES)


def _log_thread_fault(fault: threading.ExceptHookArgs) -> None:
    if fault.exc_value is not None and fault.exc_type is not SystemExit:
        log.error("a thread has failed", exc_info=_info(fault.exc_value, fault.exc_traceback))


def _log_unraisable(fault: sys.UnraisableHookArgs) -> None:
    if fault.exc_value is not None:
        log.error("an exception was ignored", exc_info=_info(fault.exc_value, fault.exc_traceback))


def _info(
    error: BaseException, traceback: TracebackType | None
) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    return type(error), error, traceback
