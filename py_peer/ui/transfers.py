"""What is being fetched: a strip of bars above the input, and the page that ends one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from py_peer.core.bars import STATES, facts, progress_line, reading_line
from py_peer.core.file_events import HashingProgress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.app import ComposeResult, RenderResult
    from textual.binding import BindingType

    from py_peer.core.file_events import Transfer
    from py_peer.core.files_known import FilesKnown

MOST_LINES: Final = 3


@final
class Transfers(Widget):
    """Shows a line for each file that is fetched, or read before it is offered. Hidden where there is none."""

    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS: ClassVar[str] = """
    Transfers { display: none; height: auto; padding: 0 1; border-top: solid $border-blurred; }
    """

    @final
    class Chosen(Message):
        """A transfer was clicked at; `number` is 0 for one that cannot be ended, or that is not in sight."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self) -> None:
        super().__init__()
        self._files: tuple[HashingProgress | Transfer, ...] = ()

    def put(self, files: FilesKnown) -> None:
        """Show how far all are."""
        now: tuple[HashingProgress | Transfer, ...] = (*files.reading.values(), *files.transfers.values())
        if now == self._files:
            return
        as_many = len(now) == len(self._files)
        self._files = now
        self.display = bool(now)
        self.refresh(layout=not as_many)

    def render(self) -> RenderResult:
        """Return the lines; of many, how many more there are."""
        columns = self.content_size.width
        lines = [
            reading_line(file, columns) if isinstance(file, HashingProgress) else progress_line(file, columns)
            for file in self._files[:MOST_LINES]
        ]
        if (more := len(self._files) - MOST_LINES) > 0:
            lines.append(f"+ {more} more"[:columns])
        return Content("\n".join(lines))

    def on_click(self, event: events.Click) -> None:
        """Say which one was clicked at."""
        row = event.get_content_offset(self)
        file = self._files[row.y] if row is not None and row.y < min(len(self._files), MOST_LINES) else None
        self.post_message(self.Chosen(0 if file is None or isinstance(file, HashingProgress) else file.number))


@final
class CancelPage(ModalScreen[int | None]):
    """Asks which transfer is to be ended. Results in its number, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss(None)", "Go on")]
    DEFAULT_CSS: ClassVar[str] = """
    CancelPage { align: center middle; }
    CancelPage > VerticalScroll {
        width: 100%; max-width: 76; height: auto; max-height: 100%; scrollbar-size-vertical: 1;
        border: round $border; background: $surface; padding: 0 1;
    }
    CancelPage OptionList {
        height: auto; max-height: 100%; padding: 0; background: $surface; scrollbar-size-vertical: 1;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    CancelPage Static { height: auto; margin-top: 1; color: $text-muted; }
    """

    def __init__(self, transfers: Sequence[Transfer], chosen: int = 0) -> None:
        """Begin at the transfer number `chosen`, if there is one."""
        super().__init__()
        self._transfers = transfers
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        """Yield the transfers."""
        with VerticalScroll(can_focus=False) as box:
            box.border_title = "End a transfer"
            box.border_subtitle = "Enter: end it  Esc: go on"
            options = (
                Option(Content(f"{one.number}  {one.name or one.file_id}  {_state(one)}"), id=str(one.number))
                for one in self._transfers
            )
            yield OptionList(*options, markup=False, compact=True)
            yield Static("What has come is kept where the other peer can go on later: /get fetches the rest.")

    def on_mount(self) -> None:
        """Let choosing begin."""
        choice = self.query_one(OptionList)
        choice.focus()
        numbers = [one.number for one in self._transfers]
        choice.highlighted = numbers.index(self._chosen) if self._chosen in numbers else 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Close with what was chosen."""
        self.dismiss(int(event.option_id or 0))


def _state(transfer: Transfer) -> str:
    """Return how much of a file is there, and why no more comes, if that is so."""
    known = facts(transfer)
    return ", ".join(known if transfer.state in STATES else known[:1])
