"""The search in what was sent before."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

MAX_SHOWN: Final = 100
FIRST_CHARS: Final = 200
"""Of each text so much of its first line is listed."""


@final
class HistorySearch(ModalScreen[str | None]):
    """Lists the sent texts that have in them what is typed. Results in the chosen one, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", show=False),
        Binding("up", "step(-1)", show=False),
        Binding("down", "step(1)", show=False),
        Binding("ctrl+r", "step(1)", show=False),
    ]
    DEFAULT_CSS: ClassVar[str] = """
    HistorySearch { align: center bottom; }
    HistorySearch > Vertical {
        width: 100%; max-width: 100; height: auto; max-height: 80%;
        border: round $border; background: $surface; padding: 0 1;
    }
    HistorySearch Input { height: 1; padding: 0; background: $surface; }
    HistorySearch OptionList {
        height: auto; max-height: 12; padding: 0; background: $surface; scrollbar-size-vertical: 1;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self, texts: Sequence[str]) -> None:
        """Search in `texts`, the newest first."""
        super().__init__()
        self._texts = texts
        self._found: list[str] = []

    def compose(self) -> ComposeResult:
        """Yield what is searched for, and what was found."""
        with Vertical() as box:
            box.border_title = "What was sent before"
            box.border_subtitle = "Enter: take  Esc: leave"
            yield Input(placeholder="Search", compact=True)
            yield OptionList(markup=False, compact=True)

    def on_mount(self) -> None:
        """Begin with all of them."""
        self._search("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search at once."""
        self._search(event.value)

    def on_input_submitted(self) -> None:
        """Take the highlighted text."""
        highlighted = self.query_one(OptionList).highlighted
        if highlighted is not None:
            self.dismiss(self._found[highlighted])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Take the text that was clicked."""
        self.dismiss(self._found[event.option_index])

    def action_step(self, by: int) -> None:
        """Go to the next text below or above."""
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def _search(self, part: str) -> None:
        wanted = part.casefold()
        self._found = [text for text in self._texts if wanted in text.casefold()][:MAX_SHOWN]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(Option(_listed(text)) for text in self._found)
        options.highlighted = 0 if self._found else None
        self.query_one(Vertical).border_title = "What was sent before" if self._found else "Nothing like it was sent"


def _listed(text: str) -> Content:
    first, *more = text.strip().split("\n")
    shown = Content(first[:FIRST_CHARS])
    lines = "line" if len(more) == 1 else "lines"
    return Content.assemble(shown, (f" (+{len(more):,} {lines})", "$text-muted")) if more else shown
