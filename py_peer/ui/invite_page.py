"""The invitation: a line to paste into another terminal, and the same as a QR code."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

from textual.binding import Binding
from textual.containers import Center, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

WAYS: Final = ((4, "above"), (2, "above"), (2, "beside"), (2, ""))
"""How the code is drawn, the best first: modules of white around it (four is the standard, cameras are content with
two), and where the line stands (24 rows are too few for one above the other)."""

BESIDE_COLUMNS: Final = 24
"""What a line beside the code takes, at the least."""

FRAME_COLUMNS: Final = 4
FRAME_ROWS: Final = 2
PAGE_COLUMNS: Final = 96
"""Of the page at the most, as in its style."""


@final
class InvitePage(ModalScreen[None]):
    """Shows the line that leads to this peer, and its code.

    `code` are rows of half blocks, dark modules drawn, without a quiet zone; where there is none stands `remark`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy", "Copy the line"),
        Binding("escape,q,enter", "dismiss", "Close"),
    ]
    DEFAULT_CSS: ClassVar[str] = """
    InvitePage { align: center middle; }
    InvitePage > VerticalScroll {
        width: 100%; max-width: 96; height: auto; max-height: 100%; scrollbar-size-vertical: 1;
        border: round $border; background: $surface; padding: 0 1;
    }
    InvitePage Static { height: auto; }
    InvitePage #invite-code { color: $text-muted; }
    InvitePage #invite-code.-code { width: auto; background: white; color: black; }
    InvitePage .-beside { layout: horizontal; }
    InvitePage .-beside #invite-line { width: 1fr; padding: 0 1 0 0; }
    InvitePage .-beside Center { width: auto; }
    """

    def __init__(self, line: str, code: Sequence[str], remark: str = "") -> None:
        super().__init__()
        self._remark = remark
        self._line = line
        self._code = code

    def compose(self) -> ComposeResult:
        """Yield the line and the code."""
        with VerticalScroll() as box:
            box.border_title = "Invite"
            box.border_subtitle = "c: copy  Esc: close"
            yield Static(self._line, id="invite-line", markup=False)
            with Center():
                yield Static(id="invite-code", markup=False)

    def on_resize(self) -> None:
        """Draw the code if there is room for all of it; a part of it cannot be read."""
        ways = WAYS if self._code else ()
        zone, where = next((way for way in ways if self._fits(*self._needed(*way))), (0, "above"))
        shown = self.query_one("#invite-code", Static)
        shown.set_class(zone > 0, "-code")
        shown.styles.padding = (zone // 2, zone) if zone else (1, 0, 0, 0)
        if zone:
            shown.update(Content("\n".join(self._code)))
        elif self._remark:
            shown.update(self._remark)
        else:
            columns, rows = self._needed(*WAYS[-1])
            shown.update(f"The window is too small for the QR code, which needs {columns} columns and {rows} rows.")
        self.query_one("#invite-line").display = bool(where)
        self.query_one(VerticalScroll).set_class(where == "beside", "-beside")

    def action_copy(self) -> None:
        """Copy the line, and say so."""
        self.app.copy_to_clipboard(self._line)
        self.query_one(VerticalScroll).border_subtitle = "copied, if the terminal allows it"

    def _fits(self, columns: int, rows: int) -> bool:
        return columns <= self.size.width and rows <= self.size.height

    def _needed(self, zone: int, where: str) -> tuple[int, int]:
        """Return how many columns and rows the page takes with `zone` modules of white, and the line `where`."""
        width = max(1, min(self.size.width, PAGE_COLUMNS) - FRAME_COLUMNS)
        line_rows = len(Content(self._line).wrap(width)) if where == "above" else 0
        columns = max(map(len, self._code), default=0) + 2 * zone + FRAME_COLUMNS
        columns += BESIDE_COLUMNS * (where == "beside")
        return columns, line_rows + zone + len(self._code) + FRAME_ROWS
