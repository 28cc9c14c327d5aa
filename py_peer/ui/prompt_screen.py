"""The screen that paints at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Final, final

from textual._compositor import Compositor
from textual.constants import MAX_FPS
from textual.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from textual.geometry import Region
    from textual.strip import Strip

FRAME_SECONDS: Final = 1 / MAX_FPS


@final
class NearCompositor(Compositor):
    """Paints a part of the screen without asking the widgets elsewhere.

    Textual 8.2.8 asks whatever may be painted there for all of its rows, wherever it stands: a key asked six widgets,
    and a message sixteen.
    """

    def _render_chops(self, crop: Region, is_rendered_line: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        visible, _ = self.visible_widgets, self.cuts  # which are worked out from all of them, and kept
        near = self._visible_widgets = {widget: at for widget, at in visible.items() if crop.overlaps(at[0])}
        try:
            return super()._render_chops(crop, is_rendered_line)
        finally:
            if self._visible_widgets is near:
                self._visible_widgets = visible


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

    def __init__(self, *, id: str, classes: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self._compositor = NearCompositor()

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
