"""The screen that paints at once."""

from __future__ import annotations

import time
from typing import ClassVar, Final, final

from textual.constants import MAX_FPS
from textual.screen import Screen

FRAME_SECONDS: Final = 1 / MAX_FPS


@final
class PromptScreen(Screen[None]):
    """Paints what comes after a pause without waiting for the next frame.

    Textual 8.2.8 paints on the ticks of a timer, so that a key and a message wait for half a frame, 8 ms, even on a
    screen where nothing else moves. Only what comes within a frame of the last painting still waits: there are no more
    paintings than frames.
    """

    AUTO_FOCUS: ClassVar[str | None] = "Composer"
    """Where typing begins: focused elsewhere first, everything around both would be dressed anew."""

    _painted = 0.0

    def on_idle(self) -> None:
        """Paint, when everything that was on its way has been handled."""
        if self._dirty_widgets and time.monotonic() - self._painted >= FRAME_SECONDS:
            self._on_timer_update()

    def action_copy_text(self) -> None:
        """Copy what is selected, and select it no longer: the next Ctrl-C is to leave."""
        super().action_copy_text()
        self.clear_selection()

    def _on_timer_update(self) -> None:
        super()._on_timer_update()
        self._painted = time.monotonic()
