"""The driver: Textual's own, writing to standard output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, final

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App


@final
class OutputDriver(LinuxDriver):
    """Paints on standard output; Textual 8.2.8 paints on standard error, where `2>log` sends log lines.

    Pinned by tests/ui/test_program.py: the screen is painted with standard error sent to a file.
    """

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        if sys.__stdout__ is not None:
            self._file = sys.__stdout__
