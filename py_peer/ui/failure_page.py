"""The page that says that the service has ended, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


@final
class FailurePage(ModalScreen[bool]):
    """Gives the reason; Enter leaves the program, Escape goes back to what was said so far."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "dismiss(True)", "Leave"),
        Binding("escape", "dismiss(False)", "Read on"),
    ]
    DEFAULT_CSS: ClassVar[str] = """
    FailurePage { align: center middle; }
    FailurePage > Vertical {
        width: 100%; max-width: 76; height: auto; max-height: 100%; overflow-y: auto; scrollbar-size-vertical: 1;
        border: round $error; padding: 0 1;
        background: $surface;
    }
    FailurePage Static { height: auto; }
    """

    def __init__(self, reason: str) -> None:
        super().__init__()
        self._reason = reason

    def compose(self) -> ComposeResult:
        """Yield the reason."""
        with Vertical() as box:
            box.border_title = "py-peer cannot go on"
            box.border_subtitle = "Enter: leave  Esc: read on"
            yield Static(self._reason, markup=False)
