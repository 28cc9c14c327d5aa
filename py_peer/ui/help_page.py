"""The help page: the commands and the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType


@final
class HelpPage(ModalScreen[None]):
    """Shows rows of what is typed and what it does, under headings."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,f1,enter", "dismiss", "Close")]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (50, "-wide")]  # noqa: RUF012 - the base has no ClassVar either
    DEFAULT_CSS: ClassVar[str] = """
    HelpPage { align: center middle; }
    HelpPage > VerticalScroll {
        width: 100%; max-width: 90; height: auto; max-height: 100%; scrollbar-size-vertical: 1;
        border: round $border; background: $surface; padding: 0 1;
    }
    HelpPage Static { height: auto; }
    HelpPage .heading { text-style: bold; color: $text-accent; margin-top: 1; }
    HelpPage .heading.-first { margin-top: 0; }
    HelpPage .row { height: auto; }
    HelpPage .row > .typed { width: 24; color: $text-primary; }
    HelpPage .row > .does { width: 1fr; }
    HelpPage.-narrow .row { layout: vertical; }
    HelpPage.-narrow .row > .typed { width: 1fr; }
    HelpPage.-narrow .row > .does { padding-left: 2; }
    """

    def __init__(self, sections: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> None:
        """Show `sections`: a heading, and rows of what is typed and what it does."""
        super().__init__()
        self._sections = sections

    def compose(self) -> ComposeResult:
        """Yield the sections."""
        with VerticalScroll() as box:
            box.border_title = "Help"
            box.border_subtitle = "Esc: close"
            for number, (heading, rows) in enumerate(self._sections):
                yield Static(heading, markup=False, classes="heading" if number else "heading -first")
                for typed, does in rows:
                    with Horizontal(classes="row"):
                        yield Static(typed, markup=False, classes="typed")
                        yield Static(does, markup=False, classes="does")
