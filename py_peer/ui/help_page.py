"""The help page: the commands and the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias, final

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from py_peer.core.commands import help_rows
from py_peer.ui.composer import KEYS as COMPOSER_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    Sections: TypeAlias = Sequence[tuple[str, Sequence[tuple[str, str]]]]
    """Headings, and below each rows of what is typed and what it does."""

KEYS: Final = (
    ("F1", "this page"),
    ("F2, F3, F4", "the room, the peers, the program's own lines"),
    ("Escape", "back to the input, and to what is new"),
    ("F5, F6", "the conversation before, the next one (Ctrl-PageUp, Ctrl-PageDown too)"),
    ("Alt-1 to Alt-9", "the room, and the direct conversations"),
    ("F7, a click on its bar", "end a transfer"),
    ("Ctrl-F", "find in the conversation"),
    ("Ctrl-L", "clear the conversation; /last brings it back"),
    ("Ctrl-P", "all commands and themes"),
    ("Ctrl-C, Ctrl-Q", "quit (with a selection Ctrl-C copies)"),
    ("PageUp, PageDown", "scroll the conversation"),
)
LOG_KEYS: Final = (
    ("Up, Down", "choose a message (after F2)"),
    ("Shift-Up, Shift-Down", "choose several"),
    ("Enter, c, Ctrl-C", "copy them"),
    ("End", "to what is new"),
)

PAGE_COLUMNS: Final = 90
"""Of the page at the most, as in its style."""

FRAME_COLUMNS: Final = 5
TYPED_COLUMNS: Final = 24
INDENT: Final = 2
NARROW_COLUMNS: Final = 46
"""In less than this what a command does stands under it, not beside it."""


@final
class HelpPage(ModalScreen[None]):
    """Shows rows of what is typed and what it does, under headings."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,f1,enter", "dismiss", "Close")]
    DEFAULT_CSS: ClassVar[str] = """
    HelpPage { align: center middle; }
    HelpPage > VerticalScroll {
        width: 100%; max-width: 90; height: auto; max-height: 100%; scrollbar-size-vertical: 1;
        border: round $border; background: $surface; padding: 0 1;
    }
    HelpPage Static { height: auto; }
    """

    def __init__(self, sections: Sections) -> None:
        """Show `sections`."""
        super().__init__()
        self._sections = sections

    def compose(self) -> ComposeResult:
        """Yield the page."""
        with VerticalScroll() as box:
            box.border_title = "Help"
            box.border_subtitle = "Esc: close"
            yield Static()

    def on_resize(self) -> None:
        """Draw the page for the width that there is."""
        width = max(1, min(self.size.width, PAGE_COLUMNS) - FRAME_COLUMNS)
        self.query_one(Static).update(Content("\n").join(self._lines(width)))

    def _lines(self, width: int) -> Iterator[Content]:
        beside = width >= NARROW_COLUMNS
        column = TYPED_COLUMNS if beside else INDENT
        for number, (heading, rows) in enumerate(self._sections):
            if number:
                yield Content("")
            yield Content.styled(heading, "bold $text-accent")
            for typed, does in rows:
                name = Content.styled(typed, "$text-primary")
                first, *more = Content(does).wrap(max(1, width - column)) or [Content("")]
                if beside and name.cell_length < column:
                    yield Content.assemble(name, " " * (column - name.cell_length), first)
                else:
                    yield name
                    yield Content.assemble(" " * column, first)
                yield from (Content.assemble(" " * column, line) for line in more)


def everything() -> Sections:
    """Return all commands and keys."""
    return [
        ("Commands", help_rows(full_screen=True)),
        ("Keys", KEYS),
        ("In the input", COMPOSER_KEYS),
        ("In a conversation", LOG_KEYS),
    ]
