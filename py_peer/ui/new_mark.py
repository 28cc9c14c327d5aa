"""How much has come below what one reads, at the bottom of a panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from textual.widgets import Static

if TYPE_CHECKING:
    from py_peer.ui.log_view import LogView


@final
class NewMark(Static):
    """Counts the messages below the view of a log; a click leads down to them. Hidden where there are none."""

    DEFAULT_CSS: ClassVar[str] = """
    NewMark {
        display: none; dock: bottom; height: 1; width: 100%; text-align: center; text-style: bold;
        background: $accent-muted; color: $text;
        &:hover { background: $accent; color: $text; }
    }
    """

    def __init__(self, log: LogView) -> None:
        super().__init__(markup=False)
        self._log = log

    def on_mount(self) -> None:
        """Follow the count of the log."""
        self.watch(self._log, "unseen", self._show)

    def on_click(self) -> None:
        """Lead down."""
        self._log.go_to_end()

    def _show(self, unseen: int) -> None:
        self.display = unseen > 0
        if unseen:
            self.update(f"{unseen:,} new ↓ End")
