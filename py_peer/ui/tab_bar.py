"""The row of the conversations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, final

from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from py_peer.core.conversations import ROOM
from py_peer.ui.keys import NUMBERED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual import events
    from textual.app import RenderResult

    from py_peer.core.conversations import Conversation
    from py_peer.core.speakers import Name

NAME_COLUMNS: Final = 16
NARROW_NAME_COLUMNS: Final = 9
"""Of a nickname so much is shown, in a row of fewer than WIDE_COLUMNS less."""

WIDE_COLUMNS: Final = 72
MOST_SHOWN: Final = 99
LEFT: Final = "< "
RIGHT: Final = " >"
CALLED: Final = "●"


class Tab(NamedTuple):
    """What is shown of one conversation."""

    key: str
    name: Name
    unread: int
    called: bool
    current: bool


@final
@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the row. A click on it leads to the conversation `index`."""

    text: Content
    index: int


@final
class TabBar(Widget):
    """Shows who there is to speak with, what is unread, and which conversation is shown. Hidden where there is one."""

    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS: ClassVar[str] = """
    TabBar { display: none; height: 1; padding: 0 1; background: $surface; color: $text; }
    """

    tabs: reactive[tuple[Tab, ...]] = reactive(())

    @final
    @dataclass
    class Chosen(Message):
        """The user wants to go to a conversation, counted from 0."""

        index: int

    def put(self, conversations: Iterable[Conversation], current: Conversation) -> None:
        """Show these conversations."""
        self.tabs = tuple(
            Tab(known.key, known.name, known.unread, known.called, known is current) for known in conversations
        )

    def watch_tabs(self) -> None:
        """Appear with the second conversation."""
        self.display = len(self.tabs) > 1

    def render(self) -> RenderResult:
        """Return the row."""
        return Content.assemble(*(piece.text for piece in row(self.tabs, self.content_size.width)))

    def on_click(self, event: events.Click) -> None:
        """Go where the click leads."""
        column = event.x - self.styles.padding.left
        for piece in row(self.tabs, self.content_size.width):
            column -= piece.text.cell_length
            if column < 0:
                self.post_message(self.Chosen(piece.index))
                return


def row(tabs: Sequence[Tab], width: int) -> list[Piece]:
    """Return as many tabs as fit, the current one among them, and at the ends what leads to the others."""
    if not tabs:
        return []
    pieces = [Piece(_label(tab, index, width), index) for index, tab in enumerate(tabs)]
    widths = [piece.text.cell_length for piece in pieces]
    current = next((index for index, tab in enumerate(tabs) if tab.current), 0)
    if sum(widths) <= width:
        return pieces
    free = width - len(LEFT) - len(RIGHT)
    first = 0
    while first < current and sum(widths[first : current + 1]) > free:
        first += 1
    end = current + 1
    while end < len(tabs) and sum(widths[first : end + 1]) <= free:
        end += 1
    left = [Piece(_end(tabs[:first], LEFT), first - 1)] if first else []
    right = [Piece(_end(tabs[end:], RIGHT), end)] if end < len(tabs) else []
    return [*left, *pieces[first:end], *right]


def _label(tab: Tab, index: int, width: int) -> Content:
    columns = NAME_COLUMNS if width >= WIDE_COLUMNS else NARROW_NAME_COLUMNS
    nick = Content(tab.name.nick).truncate(columns, ellipsis=True).plain
    name = replace(tab.name, nick=nick)
    number = f"{index + 1} " if index < NUMBERED else ""
    text = f" {number}{name.of(tab.key) if tab.key != ROOM else nick}"
    unread = f"{tab.unread}" if tab.unread <= MOST_SHOWN else f"{MOST_SHOWN}+"
    mark = f" {CALLED * tab.called}{unread}" if tab.unread else ""
    if tab.current:
        return Content.styled(f"{text} ", "bold reverse")
    look = "bold $text-warning" if tab.called else "bold" if tab.unread else "$quiet"
    return Content.styled(f"{text}{mark} ", look)


def _end(hidden: Sequence[Tab], sign: str) -> Content:
    """Return the sign that there are more, which says whether one of them calls."""
    if any(tab.called for tab in hidden):
        return Content.styled(sign.replace(" ", CALLED), "bold $text-warning")
    return Content.styled(sign, "bold" if any(tab.unread for tab in hidden) else "$quiet")
