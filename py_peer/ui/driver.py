"""The driver: Textual's own, writing to standard output, and giving back all that it has taken."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, final

from textual.drivers.linux_driver import LinuxDriver

from py_peer.ui.terminal import POINTER_AS_IT_WAS, POP_TITLE, PUSH_TITLE

if TYPE_CHECKING:
    from textual.app import App


@final
class OutputDriver(LinuxDriver):
    """Paints on standard output; Textual 8.2.8 paints on standard error, where `2>log` sends log lines.

    It leaves the mouse pointer in its last shape, too; and after SIGSTOP and SIGCONT it starts a second time beside
    itself, and what it then takes for the terminal's own modes are its own. Pinned by tests/ui/test_program*.py.
    """

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        if sys.__stdout__ is not None:
            self._file = sys.__stdout__

    @property
    def _is_running(self) -> bool:
        return self._writer_thread is not None and self._writer_thread.is_alive()

    def run_input_thread(self) -> None:
        """Read what is typed; a window that is closed is no fault: the signal that comes with it ends the program."""
        with contextlib.suppress(OSError):
            super().run_input_thread()

    def start_application_mode(self) -> None:
        """Take the terminal; the title that it has is kept by it."""
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual has left it without types
        if self._is_running:  # not in the background, which has no terminal
            self.write(PUSH_TITLE)

    def stop_application_mode(self) -> None:
        """Give the terminal back."""
        self.write(POINTER_AS_IT_WAS + POP_TITLE)
        super().stop_application_mode()

    def resume_application_mode(self) -> None:
        """Take the terminal again, also when there was no time to give it back."""
        if self._is_running:
            self.suspend_application_mode()
            self._must_signal_resume = True
        super().resume_application_mode()
