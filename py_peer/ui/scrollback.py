"""The entries of a log, one below the other, and what of them is in view.

Of an entry that is out of view no more than the height is known. The view follows the end while it is at the end.
Elsewhere it stays with the entry at its top: that keeps its place whatever comes, goes or changes its height.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from math import ceil
from typing import TYPE_CHECKING, Final, NamedTuple

from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar

from py_peer.core.entries import Entry, Kind
from py_peer.core.transcript import MESSAGES, Transcript
from py_peer.ui.stack import Stack
from py_peer.ui.wrapped import height, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual import events

NOTICE: Final = -1
"""The number of what stands above all entries: how many are no longer kept."""


BAR_STEPS: Final = 8
"""Where the thumb of the scrollbar can begin and end in a cell."""


class Place(NamedTuple):
    """A character of an entry, and in which row of the panel it is."""

    number: int
    character: int
    row: int


class Scrollback(ScrollView):
    """A panel of entries that can be scrolled. What a row looks like is said by the class that draws it."""

    unseen: reactive[int] = reactive(0, repaint=False)
    """How many messages stand below all that has been in view."""

    def __init__(self, *, id: str | None, max_entries: int, max_chars: int) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._transcript = Transcript(max_entries, max_chars)
        self._stack = Stack()
        self._notice: Entry | None = None
        self._notice_rows = 0
        self._cleared = NOTICE
        """The highest number that is hidden."""

        self._columns = 0
        self._following = True
        self._arranging = False
        self._unseen: deque[int] = deque()

    # --- What is there ----------------------------------------------------------------------------

    def put(self, entries: Sequence[Entry]) -> None:
        """Append new entries, and replace those of a known number."""
        if not entries:  # as after most events: nothing would change, and all be painted
            return
        with self._kept_in_view():
            forgotten = self._transcript.put(entries)
            kept = [entry for entry in entries if self._transcript.get(entry.number) is entry]
            shown = [entry for entry in kept if entry.number > self._cleared]
            if forgotten:
                self._stack.drop(forgotten[-1])
                self._count_forgotten()
                while self._unseen and self._unseen[0] <= forgotten[-1]:
                    self._unseen.popleft()
            for entry in shown:
                self._pile(entry)
            self.changed(shown, forgotten)
        self.refresh()

    def _pile(self, entry: Entry) -> None:
        rows = height(entry, self._columns) if self._columns else 0
        if entry.number > self._stack.newest:
            self._stack.append(entry.number, rows)
            if entry.kind in MESSAGES:
                self._unseen.append(entry.number)
        elif entry.number in self._stack:
            self._stack.resize(entry.number, rows)

    def clear(self) -> None:
        """Hide what is there; it is kept."""
        self._cleared = max(self._cleared, self._stack.newest)
        self._following = True
        with self._kept_in_view():
            self._measure()

    def show_last(self, count: int) -> None:
        """Bring the last `count` messages back into view, the first of them at the top."""
        if not (messages := self._transcript.last(count)):
            return
        first = messages[0].number
        with self._kept_in_view():
            if first <= self._cleared:
                self._cleared = first - 1
                self._measure()
        self._show_row(self._top(first))

    def changed(self, shown: Sequence[Entry], forgotten: Sequence[int]) -> None:
        """Do what is to be done when entries have come or changed, and when some were forgotten."""

    def measured(self) -> None:
        """Do what is to be done when each entry may have other rows than before."""

    def _measure(self) -> None:
        """Measure all entries that are not hidden."""
        shown = (entry for entry in self._transcript if entry.number > self._cleared)
        self._stack.fill((entry.number, height(entry, self._columns) if self._columns else 0) for entry in shown)
        self._count_forgotten()
        self.measured()
        self.refresh()

    def _count_forgotten(self) -> None:
        count = self._transcript.forgotten
        oldest = next(iter(self._transcript), None)
        self._notice, self._notice_rows = None, 0
        if count and oldest is not None and oldest.number > self._cleared:
            text = f"{count:,} earlier message{'s are' if count > 1 else ' is'} no longer kept"
            self._notice = Entry(NOTICE, Kind.DATE, 0, text)
            self._notice_rows = height(self._notice, self._columns) if self._columns else 0

    def entry(self, number: int) -> Entry | None:
        """Return the entry of this number, if it is shown."""
        if number == NOTICE:
            return self._notice
        return self._transcript.get(number) if number > self._cleared else None

    # --- What is in view --------------------------------------------------------------------------

    @property
    def holds_still(self) -> bool:
        """Whether the view stays where it is though it is at the end."""
        return False

    @property
    def rows_in_view(self) -> int:
        """How many rows the panel has."""
        return self.scrollable_content_region.height

    def go_to_end(self) -> None:
        """Show the newest, and follow what comes."""
        self._following = True
        self._show_row(self.max_scroll_y)

    def locate(self, row: int) -> tuple[int, int] | None:
        """Return the number of the entry at a row of the panel, and which of its rows it is; None below the last."""
        row += self.scroll_offset.y
        return (NOTICE, row) if row < self._notice_rows else self._stack.at(row - self._notice_rows)

    def reveal(self, number: int, row: int = 0, rows: int = 1, *, around: bool = False) -> None:
        """Scroll until `rows` rows of an entry are in view, as little as may be; of too many the first.

        With `around` a row that was out of view comes into the middle, with what was said before and after.
        """
        top = self._top(number) + row
        view, begin = self.rows_in_view, self.scroll_offset.y
        if around and not begin <= top < begin + view:
            self._show_row(top - view // 2)
        elif top < begin or rows >= view:
            self._show_row(top)
        elif top + rows > begin + view:
            self._show_row(top + rows - view)

    def _top(self, number: int) -> int:
        return 0 if number == NOTICE else self._notice_rows + self._stack.top(number)

    @contextmanager
    def _kept_in_view(self) -> Iterator[None]:
        """Change what is there without moving what one reads."""
        follow = self._following and not self.holds_still
        place = None if follow else self._first_in_view()
        yield
        if not self._columns:
            return
        self._arranging = True
        self._set_rows(self._notice_rows + self._stack.rows)
        self._arranging = False
        self._following = follow
        if place is None:
            self._show_row(self.max_scroll_y if follow else 0)
            return
        now = self.entry(place.number)
        row = wrap(now, self._columns).row_at(place.character) if now is not None and place.character else 0
        self._show_row(self._top(place.number) + row - place.row)

    def _set_rows(self, rows: int) -> None:
        """Set how many rows there are to scroll over.

        In Textual 8.2.8 assigning `virtual_size` lays out the whole screen, a third of what showing a message takes;
        the panel keeps its place and its scrollbar whatever stands in it, so only the scrollbar is told.
        """
        self.set_reactive(Scrollback.virtual_size, Size(self._columns, rows))

    def _move_bar(self) -> None:
        """Show on the scrollbar where the view is, if that looks different from before.

        Textual 8.2.8 draws the bar anew for every row that comes, which takes twice as long as to draw the log.
        """
        bar, rows = self.vertical_scrollbar, self.virtual_size.height
        shown = thumb(self.rows_in_view, bar.window_virtual_size, bar.position)
        bar.set_reactive(ScrollBar.window_virtual_size, rows)
        bar.set_reactive(ScrollBar.position, self.scroll_y)
        if thumb(self.rows_in_view, rows, self.scroll_y) != shown:
            bar.refresh()

    def _first_in_view(self) -> Place | None:
        for row in range(max(self.rows_in_view, 1)):  # a hidden panel has no rows, and keeps its place
            at = self.locate(row)
            entry = self.entry(at[0]) if at is not None else None
            if at is not None and entry is not None and at[0] != NOTICE:
                return Place(at[0], wrap(entry, self._columns).rows[at[1]][0] if at[1] else 0, row)
        return None

    def _show_row(self, row: int) -> None:
        self._arranging = True
        self.scroll_target_y = self.scroll_y = row
        self._arranging = False
        self._look()

    def _look(self) -> None:
        """Take note of what is in view."""
        if not self._columns or not self.rows_in_view:  # before it is shown, and while it is hidden
            return
        self._move_bar()
        self._following = self.scroll_offset.y >= self.max_scroll_y
        last = self.locate(self.rows_in_view - 1)
        seen = self._stack.newest if last is None else last[0]
        while self._unseen and self._unseen[0] <= seen:
            self._unseen.popleft()
        self.unseen = len(self._unseen)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the end once it is reached."""
        if round(old_value) != round(new_value):
            self.refresh()
        if not self._arranging:
            self._look()

    def on_resize(self, _event: events.Resize) -> None:
        """Break the rows anew if the panel has another width; what was at its top, or its end, stays there."""
        columns = self.scrollable_content_region.width
        if columns == self._columns:
            if self._following and not self.holds_still:
                self.go_to_end()
            self._look()
            return
        with self._kept_in_view():
            self._columns = columns
            self._measure()


def thumb(view: int, rows: float, top: float) -> tuple[int, int]:
    """Return where the thumb of a scrollbar begins and how long it is, in the parts of a cell that can be drawn."""
    if rows <= view:
        return 0, 0
    cells = max(1.0, view * view / rows)
    return int((view - cells) * top / (rows - view) * BAR_STEPS), ceil(cells * BAR_STEPS)
