"""The panel of who is there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Final, cast, final

from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from py_peer.core.addresses import short_id, short_npub
from py_peer.core.speakers import Name
from py_peer.ui.colours import nick_colour

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from py_peer.core.roster import Row

AGE_SECONDS: Final = 10.0
"""How often the panel is drawn anew, for how long somebody is there grows by itself."""

FRESH_SECONDS: Final = 1.0
"""How old what is drawn may be when something else has happened."""

WIDE_COLUMNS: Final = 40
"""In a panel so wide it is shown how somebody was found; in a narrower one too few rows would have room for it."""

NOBODY: Final = "  (No peers connected)\n\n  /invite shows with what\n  others can join you,\n  /discover who is known."


@final
class PeersPanel(Vertical):
    """Lists the peers: who, how it was found, the round-trip time, for how long."""

    DEFAULT_CSS: ClassVar[str] = """
    PeersPanel OptionList, PeersPanel OptionList:focus {
        border: none; padding: 0; background: transparent; background-tint: transparent; height: 1fr;
        overflow-x: hidden; scrollbar-size-vertical: 1;
    }
    PeersPanel OptionList > .option-list--option-highlighted { color: $foreground; background: transparent; }
    PeersPanel OptionList:focus > .option-list--option-highlighted {
        color: $foreground; background: $foreground 15%; text-style: bold;
    }
    PeersPanel Static { height: auto; }
    PeersPanel #nobody { color: $text-muted; }
    """

    @final
    class Chosen(Message):
        """Somebody was chosen with Enter or a click."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._rows: tuple[Row, ...] = ()
        self._where = ""
        self._drawn = 0.0
        self._count = Static("Connected: 0", markup=False)
        self._nobody = Static(NOBODY, id="nobody", markup=False)
        self._list = OptionList(markup=False)

    def compose(self) -> ComposeResult:
        """Yield the count and the list."""
        yield self._count
        yield self._nobody
        yield self._list

    def on_mount(self) -> None:
        """Let the times grow, and change the colours with the theme."""
        self.border_title = "Peers "
        self._list.display = False
        self.set_interval(AGE_SECONDS, self._draw)
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._draw())

    def on_resize(self, _event: events.Resize) -> None:
        """Fit the rows into the new width."""
        self._draw()

    def focus(self, scroll_visible: bool = True) -> PeersPanel:  # noqa: FBT001, FBT002 - as in the base class
        """Focus the list, on a peer."""
        self.screen.set_focus(self._list, scroll_visible=scroll_visible)
        if self._list.highlighted is None:
            self._list.action_first()
        return self

    def put(self, rows: tuple[Row, ...], where: str = "in room") -> None:
        """Show `rows`; where the cursor stands is kept. `where` is what is said of those who are `in_room`."""
        # As after most messages; laying out the screen anew would cost more than showing them.
        if rows == self._rows and where == self._where:
            if abs(time.time() - self._drawn) >= FRESH_SECONDS:
                self._draw()
            return
        self._rows, self._where = rows, where
        in_room = sum(row.in_room for row in rows)
        # Who is connected but not in the room is not counted at the top of the screen.
        self._count.update(f"Connected: {len(rows)}{f' ({in_room} {where})' if in_room < len(rows) else ''}")
        self._nobody.display = not rows
        self._list.display = bool(rows)
        self._draw()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Say who was chosen."""
        event.stop()
        if (row := next((row for row in self._rows if row.peer_id == event.option_id), None)) is not None:
            self.post_message(self.Chosen(row))

    def _draw(self) -> None:
        now, dark = time.time(), self.app.current_theme.dark
        self._drawn = now
        # The list has no width yet when it is shown for the first time.
        width = self._list.scrollable_content_region.width or self.content_size.width
        prompts = {row.peer_id: row_content(row, width, now, dark=dark) for row in self._rows}
        if list(prompts) == [option.id for option in self._list.options]:
            for option in self._list.options:
                # Two `Content`s are equal already if they differ in their colours alone.
                if option.id is not None and not prompts[option.id].is_same(cast("Content", option.prompt)):
                    self._list.replace_option_prompt(option.id, prompts[option.id])
            return
        kept = self._list.highlighted_option
        self._list.clear_options()
        self._list.add_options([Option(prompt, peer_id) for peer_id, prompt in prompts.items()])
        if kept is not None and kept.id in prompts:
            self._list.highlighted = self._list.get_option_index(kept.id)


def row_content(row: Row, width: int, now: float, *, dark: bool) -> Content:
    """Return one row: the name, and at the right as much of source, round-trip time and age as fits beside it."""
    id8 = short_id(row.peer_id)
    called = Name(row.nick, row.plain).of(row.peer_id) if row.nick != id8 else f"{id8}..."
    if row.in_room:
        name = Content.assemble("  • ", Content.styled(called, nick_colour(row.peer_id, dark=dark)))
    else:
        name = Content.styled(f"  ◦ {called}", "$quiet")  # seen without colours, too
    age = duration(now - row.connected_since)
    figures = [f"{rtt(row.rtt)} {age:>3}", rtt(row.rtt)] if row.rtt is not None else [age]
    if row.found and width >= WIDE_COLUMNS:
        figures.insert(0, f"{row.found}  {figures[0]}")
    if row.npub and width >= WIDE_COLUMNS:
        figures.insert(0, f"{short_npub(row.npub)}  {figures[0]}")
    for figure in figures:
        if (room := width - name.cell_length - len(figure)) > 0:
            return Content.assemble(name, " " * room, Content.styled(figure, "$quiet"))
    return name.truncate(max(width, 1), ellipsis=True)


def rtt(seconds: float) -> str:
    """Return a round-trip time as a person reads it."""
    milliseconds = seconds * 1000
    return f"{milliseconds:.1f} ms" if milliseconds < 9.95 else f"{milliseconds:.0f} ms"


def duration(seconds: float) -> str:
    """Return a time in its largest unit; seconds would be wrong before they are read."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size:.0f}{unit}"
    return "new"
