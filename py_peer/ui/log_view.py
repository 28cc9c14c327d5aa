"""The log: what was said and what happened, in rows that fit the panel, to be read, searched, selected and copied.

Only what is in view is drawn. Textual's selection holds characters of entries instead of places on the screen, so it
stays where it is whatever comes; the keys that go from message to message select in the same way as the mouse does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, final

from rich.style import Style
from textual.binding import Binding
from textual.cache import LRUCache
from textual.color import Color
from textual.geometry import Offset
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from py_peer.core import limits
from py_peer.core.entries import Kind
from py_peer.ui.found import Found
from py_peer.ui.inks import inks
from py_peer.ui.painting import Drawing, draw, whole_cluster
from py_peer.ui.scrollback import NOTICE, Scrollback
from py_peer.ui.wrapped import plain, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.binding import BindingType
    from textual.geometry import Region

    from py_peer.core.entries import Entry
    from py_peer.ui.inks import Inks

DRAWINGS: Final = 64
STRIPS: Final = 512
"""What is kept of what was drawn, so that a row that only moves is not drawn again."""

_WORD: Final = re.compile(r"\S+")
_AROUND_WORD: Final = "\"'`()[]{}<>.,;:!?"


@final
class LogView(Scrollback, can_focus=True):
    """A panel of entries."""

    DEFAULT_CSS: ClassVar[str] = """
    LogView { overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; scrollbar-background: $background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "message(-1, False)", "Message above", show=False),
        Binding("down", "message(1, False)", "Message below", show=False),
        Binding("shift+up", "message(-1, True)", "Select up", show=False),
        Binding("shift+down", "message(1, True)", "Select down", show=False),
        Binding("c,enter,ctrl+c,super+c", "copy", "Copy", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "to_start", "To the oldest", show=False),
        Binding("end", "to_end", "To the newest", show=False),
    ]

    @final
    @dataclass
    class Wanted(Message):
        """The user has clicked at an entry that has a command."""

        command: str

    @final
    @dataclass
    class Copied(Message):
        """The user wants this text on the clipboard."""

        text: str

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
        max_entries: int = limits.LOG_ENTRIES,
        max_chars: int = limits.LOG_CHARS,
    ) -> None:
        super().__init__(id=id, max_entries=max_entries, max_chars=max_chars)
        self._found: Found | None = None
        self._cursor: int | None = None
        self._pivot = 0
        """The keys select from the pivot to the cursor."""

        self._latest = NOTICE
        """The highest number that has come."""

        self._inks: Inks | None = None
        self._drawings: LRUCache[int, Drawing] = LRUCache(DRAWINGS)
        self._strips: LRUCache[tuple[int, int], Strip] = LRUCache(STRIPS)

    def on_mount(self) -> None:
        """Change the colours with the theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self.notify_style_update())

    # --- What is there ----------------------------------------------------------------------------

    def changed(self, shown: Sequence[Entry], forgotten: Sequence[int]) -> None:
        """Search what is new, and draw anew what may have changed."""
        if self._found is not None:
            self._found.forget(forgotten)
            self._found.put(shown)
            self._strips.clear()
        for entry in shown:
            if entry.number <= self._latest:  # it takes the place of one that may have been drawn
                self._drawings.discard(entry.number)
                self._strips.clear()
            self._latest = max(self._latest, entry.number)

    def measured(self) -> None:
        """Draw everything anew."""
        self._redraw()

    def clear(self) -> None:
        """Hide what is there; it is kept."""
        self._end_selection()
        self.end_search()
        super().clear()

    def show_last(self, count: int) -> None:
        """Bring the last `count` messages back into view, the first of them at the top."""
        self.end_search()
        super().show_last(count)

    # --- What it looks like -----------------------------------------------------------------------

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the rows of a part of the panel.

        Textual 8.2.8 dresses each row for borders, padding and opacity, of which a log has none; when the rows move by
        one, as with each message, that takes three times as long as to draw them.
        """
        strips = [self.render_line(y) for y in crop.line_range]
        background = self.background_colors[1]
        for line_filter in self.get_line_filters():
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        begin, end = crop.column_span
        return [
            strip if (begin, end) == (0, strip.cell_length) else strip.crop_extend(begin, end, None) for strip in strips
        ]

    def render_line(self, y: int) -> Strip:
        """Return the row that stands at row `y` of the panel."""
        width = self.scrollable_content_region.width
        at = self.locate(y)
        if at is None:
            return self._below(width)
        if (strip := self._strips.get(at)) is None:
            strip = self._strips[at] = self._strip(*at, width)
        return strip

    def _strip(self, number: int, row: int, width: int) -> Strip:
        drawing = self._drawings.get(number)
        if drawing is None:
            if (entry := self.entry(number)) is None:
                return Strip.blank(width, self.rich_style)
            places = [] if self._found is None else list(self._found.places(entry))
            current = self._found.current if self._found is not None else None
            nth = current[1] if current is not None and current[0] == number else None
            drawing = draw(entry, wrap(entry, self._columns), self._all_inks(), places, nth)
            self._drawings[number] = drawing
        selected = selection.get_span(number) if (selection := self.text_selection) is not None else None
        if selected is not None and selected[1] < 0:
            selected = selected[0], len(drawing.wrapped.text)
        return drawing.strip(row, width, selected, self._selection_style())

    def _selection_style(self) -> Style:
        """Return the theme's selection, with letters that are readable on it."""
        behind = self.screen.get_component_rich_style("screen--selection").bgcolor
        if behind is None or self.app.no_color:
            return Style(reverse=True)
        return Style(color=Color.from_rich_color(behind).get_contrast_text(1.0).rich_color, bgcolor=behind)

    def _below(self, width: int) -> Strip:
        """Return a row below the last: from there the mouse selects up from the end of the last entry."""
        blank = Strip.blank(width, self.rich_style)
        last = self.entry(self._stack.newest)
        return blank if last is None else blank.apply_offsets(len(plain(last)), last.number)

    def _all_inks(self) -> Inks:
        if self._inks is None:
            ansi, dark = self.app.native_ansi_color, self.app.current_theme.dark
            self._inks = inks(self.rich_style, self.background_colors[1], dark=dark, ansi=ansi)
        return self._inks

    def _redraw(self) -> None:
        self._drawings.clear()
        self._strips.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        """Take the colours of the theme."""
        super().notify_style_update()
        self._inks = None
        self._redraw()

    # --- Selecting and copying --------------------------------------------------------------------

    @property
    def holds_still(self) -> bool:
        """Whether the view stays where it is though it is at the end: while something in it is pointed at."""
        return self._found is not None or (self.is_attached and self.text_selection is not None)

    def selection_updated(self, selection: Selection | None) -> None:
        """Show what is selected."""
        if selection is None:
            self._cursor = None
        self._strips.clear()
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text as it was written, without the breaks and the indents of rows."""
        first = self._stack.oldest if selection.start is None else selection.start.y
        last = self._stack.newest if selection.end is None else selection.end.y
        parts: list[str] = []
        for number in self._stack.numbers(first, last):
            entry, span = self.entry(number), selection.get_span(number)
            if entry is not None and span is not None:
                text = plain(entry)
                end = len(text) if span[1] < 0 else whole_cluster(text, span[1])
                parts.append(text[whole_cluster(text, span[0]) : end])
        return ("\n".join(parts), "\n") if parts else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Copy only where something is selected: else the keys are somebody else's."""
        return self.text_selection is not None if action == "copy" else super().check_action(action, parameters)

    def action_copy(self) -> None:
        """Copy what is selected."""
        if self.text_selection is not None and (found := self.get_selection(self.text_selection)) is not None:
            self.post_message(self.Copied(found[0]))
            self._end_selection()

    def key_escape(self, event: events.Key) -> None:
        """End the selection and go back to the end; a binding would come after the screen has ended it."""
        if self.text_selection is not None:
            event.stop()
            self._end_selection()
            self.go_to_end()

    def action_message(self, step: int, extend: bool) -> None:  # noqa: FBT001 - an argument of a key binding
        """Select the message above or below; or go on to it with what is selected."""
        number = self._lowest_in_view() if self._cursor is None else self._beside(self._cursor, step)
        if number is None:
            return
        if self._cursor is None or not extend:
            self._pivot = number
        self._cursor = number
        first, last = sorted((self._pivot, number))
        if (entry := self.entry(last)) is not None:
            self._select(Selection(Offset(0, first), Offset(len(plain(entry)), last)))
        if (entry := self.entry(number)) is not None:
            self.reveal(number, rows=len(wrap(entry, self._columns).rows))

    def _lowest_in_view(self) -> int | None:
        at = next((at for row in range(self.rows_in_view - 1, -1, -1) if (at := self.locate(row))), None)
        if at is None or (entry := self.entry(at[0])) is None:
            return None
        return entry.number if entry.kind is not Kind.DATE else self._beside(entry.number, -1)

    def _beside(self, number: int, step: int) -> int | None:
        """Return the next entry above or below that is no date."""
        beside = self._stack.beside(number, step)
        while beside is not None and (entry := self.entry(beside)) is not None and entry.kind is Kind.DATE:
            beside = self._stack.beside(beside, step)
        return beside

    def _select(self, selection: Selection) -> None:
        self.screen.selections = {self: selection}

    def _end_selection(self) -> None:
        if self.is_attached and self.text_selection is not None:
            self.screen.clear_selection()

    def on_mouse_down(self) -> None:
        """Let the mouse select."""
        self._cursor = None

    def on_click(self, event: events.Click) -> None:
        """Do what an entry offers; select a word with two clicks, a message with three."""
        if event.chain > 1:
            event.prevent_default()  # which would select everything
        _, place = self.screen.get_widget_and_offset_at(event.screen_x, event.screen_y)
        if place is None or (entry := self.entry(place.y)) is None:
            return
        if event.chain < 2:
            if entry.command and self.text_selection is None:
                self.post_message(self.Wanted(entry.command))
            return
        begin, end = 0, len(plain(entry))
        if event.chain == 2:
            begin, end = word_at(plain(entry), place.x)
        self._select(Selection(Offset(begin, place.y), Offset(end, place.y)))

    # --- Searching --------------------------------------------------------------------------------

    def search(self, query: str) -> int:
        """Mark every place that holds `query`, in capitals or not, go to the last, and return how many there are."""
        self.end_search()
        if not query:
            return 0
        self._found = Found(query)
        self._found.put(entry for entry in self._transcript if entry.number > self._cleared)
        self._found.last()
        self._show_found()
        return self._found.count

    def search_next(self) -> tuple[int, int]:
        """Go to the next newer place; return which it is, counted from 1, and how many there are."""
        return self._step(1)

    def search_previous(self) -> tuple[int, int]:
        """Go to the next older place; return which it is, counted from 1, and how many there are."""
        return self._step(-1)

    def end_search(self) -> None:
        """Mark nothing any more; the view stays where it is."""
        if self._found is not None:
            self._found = None
            self._redraw()

    def _step(self, forward: int) -> tuple[int, int]:
        if self._found is None:
            return 0, 0
        self._found.step(forward)
        self._show_found()
        return self._found.index, self._found.count

    def _show_found(self) -> None:
        self._redraw()
        if self._found is None or self._found.current is None or not self._columns:
            return
        number, nth = self._found.current
        if (entry := self.entry(number)) is not None:
            places = list(self._found.places(entry))
            self.reveal(number, wrap(entry, self._columns).row_at(places[nth][0]), around=True)

    # --- Scrolling --------------------------------------------------------------------------------

    def action_page(self, step: int) -> None:
        """Scroll by a page; one row stays in view."""
        self.scroll_to(y=self.scroll_offset.y + step * max(self.rows_in_view - 1, 1), animate=False)

    def action_to_start(self) -> None:
        """Go to the oldest."""
        self.scroll_to(y=0, animate=False)

    def action_to_end(self) -> None:
        """Go to the newest."""
        self.go_to_end()


def word_at(text: str, place: int) -> tuple[int, int]:
    """Return where the word around a character begins and ends, without the signs at its ends."""
    for match in _WORD.finditer(text, text.rfind("\n", 0, place) + 1):
        if match.end() > place:
            word = match.group()
            bare = word.strip(_AROUND_WORD)
            begin = match.start() + (len(word) - len(word.lstrip(_AROUND_WORD)) if bare else 0)
            return begin, begin + len(bare or word)
    return place, place
