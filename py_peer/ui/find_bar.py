"""The search in the log, above the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Protocol, final

from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label

if TYPE_CHECKING:
    from textual.binding import BindingType

KEYS: Final = "Enter: an older one  Down: a newer one  Esc: back"


class Searched(Protocol):
    """What is searched: a log. Where it goes is one of its matches, counted from 1, of so many."""

    def search(self, query: str) -> int: ...  # noqa: D102
    def search_next(self) -> tuple[int, int]: ...  # noqa: D102
    def search_previous(self) -> tuple[int, int]: ...  # noqa: D102
    def end_search(self) -> None: ...  # noqa: D102


@final
class FindBar(Horizontal):
    """Asks what to find and shows how often it is there. Hidden until it is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", show=False),
        Binding("up,ctrl+r", "step(True)", show=False),
        Binding("down,shift+enter,alt+enter", "step(False)", show=False),
    ]
    DEFAULT_CSS: ClassVar[str] = """
    FindBar { display: none; height: 1; padding: 0 1; background: $panel; }
    FindBar Label { width: auto; padding: 0 1 0 0; color: $text-muted; }
    FindBar Input, FindBar Input:focus {
        height: 1; width: 1fr; padding: 0; background: transparent; background-tint: transparent;
    }
    FindBar #find-count { padding: 0 0 0 1; }
    FindBar #find-count.-none { color: $text-warning; }
    """

    @final
    class Closed(Message):
        """The search is over."""

    def __init__(self, log: Searched) -> None:
        super().__init__()
        self._log = log

    def open(self, log: Searched, text: str = "") -> None:
        """Show the bar and let typing begin, with `text` or else what was searched for last, selected."""
        self._log = log
        if not self.children:  # most never search, and the first frame would wait for it
            self.mount(
                Label("Find:"),
                Input(placeholder=KEYS, compact=True),
                Label("", id="find-count", markup=False),
            )
        self.display = True
        field = self.query_one(Input)
        with field.prevent(Input.Changed):
            field.value = text or field.value
        self.screen.set_focus(field)  # at once: the next key may be there already
        field.action_select_all()
        if field.value:
            self._search(field.value)

    def _search(self, text: str) -> None:
        count = self._log.search(text)
        self._show_count(count, count)

    def _show_count(self, index: int, count: int) -> None:
        """Show that match `index` of `count` is in sight, counted from 1."""
        label = self.query_one("#find-count", Label)
        asked = bool(self.query_one(Input).value)
        label.set_class(asked and not count, "-none")
        label.update((f"{index:,}/{count:,}" if count else "none") if asked else "")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search at once."""
        event.stop()
        self._search(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the match before."""
        event.stop()
        self.action_step(older=True)

    def action_step(self, older: bool) -> None:  # noqa: FBT001 - an argument of a key binding
        """Go to the match before or after."""
        self._show_count(*(self._log.search_previous() if older else self._log.search_next()))

    def action_close(self) -> None:
        """End the search."""
        self.close()
        self.post_message(self.Closed())

    def close(self) -> None:
        """Hide the bar; nothing in the log is marked any more."""
        if self.display:
            self.display = False
            self._log.end_search()
