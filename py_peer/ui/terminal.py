"""What is said to the terminal beside the screen: its title, its bell, a desktop notification; and its rescue.

Textual has no words for a title or a notification, so both are written as xterm's control sequences, through the
driver: any other way they could land in the middle of a frame.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from typing import TYPE_CHECKING, Final, final

from py_peer.core.cleaning import clean_line
from py_peer.frontends.leaving import terminal_restorer

if TYPE_CHECKING:
    from collections.abc import Callable

PUSH_TITLE: Final = "\x1b[22;2t"
POP_TITLE: Final = "\x1b[23;2t"
POINTER_AS_IT_WAS: Final = "\x1b]22;default\a"
QUIET_SECONDS: Final = 3.0
"""Between two calls: who names the user in each of a hundred messages rings once."""

MAX_TITLE_CHARS: Final = 80
MAX_NOTIFICATION_CHARS: Final = 120

AS_IT_WAS: Final = (
    f"{POINTER_AS_IT_WAS}{POP_TITLE}"
    "\x1b[?2004l\x1b[?7h\x1b[?2048l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
)
"""Undoes what the driver has switched on: pointer, title, paste, wrap, mouse, keyboard, other screen, cursor, focus."""


@final
class Attention:
    """Calls the user, and counts the calls in the title while they look elsewhere."""

    def __init__(self, nickname: str, write: Callable[[str], None]) -> None:
        """`write` passes a control sequence to the terminal."""
        self.bell = True
        self.desktop = True
        self._write = write
        self._nickname = nickname
        self._looking = True
        self._missed = 0
        self._called = -QUIET_SECONDS

    @property
    def looking(self) -> bool:
        """Whether the user looks at the terminal, as far as it tells."""
        return self._looking

    def look(self, *, looking: bool) -> None:
        """Note that the terminal's window got the focus, or lost it."""
        self._looking = looking
        if looking and self._missed:
            self._missed = 0
            self.show_title()

    def named(self, count: int, who: str, text: str) -> None:
        """Tell that `count` messages that came together are for the user, the last of them said by `who`."""
        now = time.monotonic()
        if (self.bell or self.desktop) and now - self._called >= QUIET_SECONDS:
            self._called = now
            if self.bell:
                self._write("\a")
            if self.desktop:
                # Our name comes first: some terminals take a number for a command ("9;7;…" runs a program).
                said = clean_line(f"py-peer · {who}: {text}", MAX_NOTIFICATION_CHARS)
                self._write(f"\x1b]9;{said}\a")
        if not self._looking:
            self._missed += count
            self.show_title()

    def rename(self, nickname: str) -> None:
        """Show that the user is called something else."""
        self._nickname = nickname
        self.show_title()

    def show_title(self) -> None:
        """Set the title, with what was missed while the user looked elsewhere."""
        mark = f"({self._missed}) " if self._missed else ""
        self._write(f"\x1b]2;{clean_line(f'{mark}py-peer · {self._nickname}', MAX_TITLE_CHARS)}\a")


def screen_restorer() -> Callable[[], None]:
    """Return a function that puts the terminal back as it is now, for an end that cannot be orderly.

    It never waits: a terminal that takes nothing more may be what the program hangs on.
    """
    restore_modes = terminal_restorer()

    def restore() -> None:
        restore_modes()
        with contextlib.suppress(OSError, ValueError, AttributeError):
            descriptor = sys.__stdout__.fileno()  # type: ignore[union-attr] # None is suppressed
            if sys.platform == "win32" or select.select([], [descriptor], [], 0)[1]:
                os.write(descriptor, AS_IT_WAS.encode())

    return restore
