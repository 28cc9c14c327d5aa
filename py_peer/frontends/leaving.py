"""Ways out. Whatever the program is doing, being told to leave ends it within two seconds, in order if it can.

Three nets, one under the other: until a front-end runs, a signal ends the program on the spot; then the front-end
leaves by itself; and a watchdog, armed by the signal's own handler, ends the process when that does not come to an
end in time, because standard output is a pipe that nobody reads, say.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from types import FrameType


SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)
"""SIGHUP is the terminal's end on POSIX, SIGBREAK Ctrl-Break on Windows."""

SERVICE_SECONDS: Final = 1.5
"""What the service gets to close its connections; then its thread is left behind."""

WATCHDOG_SECONDS: Final = 1.8

GOODBYE: Final = "Goodbye!"


def leave_at_once_on_signals(goodbye: str = GOODBYE, code: int = 0, last_words: Callable[[], str] = str) -> None:
    """Make a signal end the program in order, with `goodbye` and `code`, while there is nothing yet to be closed.

    With "" it ends without a word. What `last_words` returns then goes to standard error.
    """
    end = "\n" if goodbye else ""
    watchdog = Watchdog()
    watchdog.exit_code = lambda: code

    def leave(number: int, _frame: FrameType | None) -> None:
        # Nothing is buffered yet, and unwinding out of an import half done would only add noise.
        try:
            # The terminal has just shown ^C, and left the cursor behind it.
            start = "\n" if number == signal.SIGINT and os.isatty(1) else ""
            os.write(1, f"{start}{goodbye}{end}".encode())
            if words := last_words():
                watchdog.arm()  # nobody may read it
                os.write(2, words.encode())
        finally:
            os._exit(code)

    for number in _wanted_signals():
        signal.signal(number, leave)


def leave_on_signals(
    loop: asyncio.AbstractEventLoop, leave: Callable[[signal.Signals], None], watchdog: Watchdog
) -> None:
    """Call `leave` in `loop` when a signal comes, with its number."""

    def arm(_number: int, _frame: FrameType | None) -> None:
        watchdog.arm()

    def arm_and_leave(number: int, _frame: FrameType | None) -> None:
        watchdog.arm()
        loop.call_soon_threadsafe(leave, signal.Signals(number))

    for number in _wanted_signals():
        try:
            loop.add_signal_handler(number, leave, number)
        except NotImplementedError:  # Windows
            signal.signal(number, arm_and_leave)
        else:
            # asyncio wakes its loop from the signal's file descriptor and leaves the handler empty. Ours arms the
            # watchdog even while the loop is stuck; and setting it makes system calls interruptible again.
            signal.signal(number, arm)


def close_and_stay_deaf(loop: asyncio.AbstractEventLoop) -> None:
    """Close `loop` and ignore signals from here on: the program is over, a second Ctrl-C has nothing left to do."""
    if hasattr(signal, "pthread_sigmask"):  # closing puts SIGINT's default handler back, for a moment
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    loop.close()
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _wanted_signals() -> list[signal.Signals]:
    # Under nohup SIGHUP is ignored, and that wish is the user's.
    return [
        number for number in SIGNALS if not (number.name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN)
    ]


def terminal_restorer() -> Callable[[], None]:
    """Return a function that puts the terminal's modes back as they are now, for an end that cannot be orderly."""
    try:
        import termios  # noqa: PLC0415 - POSIX only
    except ImportError:
        return lambda: None
    if sys.stdin is None or not sys.stdin.isatty():
        return lambda: None
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def restore() -> None:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSANOW, before)

    return restore


@final
class Watchdog:
    """Ends the process when leaving takes too long."""

    def __init__(self, seconds: float = WATCHDOG_SECONDS) -> None:
        self._seconds = seconds
        self._timer: threading.Timer | None = None
        self.exit_code: Callable[[], int] | None = None
        """What the process is to end with; asked when the time has come."""

        self.restore_terminal: Callable[[], None] | None = None

    def arm(self) -> None:
        """Start the clock; a second call changes nothing."""
        if self._timer is None:
            self._timer = threading.Timer(self._seconds, self._end)
            self._timer.daemon = True
            self._timer.start()

    def disarm(self) -> None:
        """Stop the clock: it has ended in order."""
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        try:
            if self.restore_terminal is not None:
                self.restore_terminal()
        finally:
            os._exit(self.exit_code() if self.exit_code is not None else 0)
