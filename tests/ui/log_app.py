"""An app with nothing but a log and its mark, and entries to put into it."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar, final

from textual import events
from textual.app import App
from textual.binding import Binding
from textual.containers import Vertical

from py_peer.core import limits
from py_peer.core.entries import Delivery, Entry, Kind
from py_peer.ui.colours import themed
from py_peer.ui.log_view import LogView
from py_peer.ui.new_mark import NewMark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.pilot import Pilot

NOON = time.mktime((2026, 5, 4, 12, 0, 0, 0, 0, -1))


@final
class LogApp(App[None]):
    """Notes what was copied, and the keys that the log leaves to others."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, f"note('{key}')", system=True) for key in ("ctrl+c", "escape", "enter")
    ]

    def __init__(self, max_entries: int) -> None:
        super().__init__()
        self.log_view = LogView(max_entries=max_entries)
        self.mark = NewMark(self.log_view)
        self.copied: list[str] = []
        self.noted: list[str] = []

    def get_css_variables(self) -> dict[str, str]:
        return themed(super().get_css_variables(), dark=self.current_theme.dark, ansi=self.current_theme.ansi)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield self.log_view
            yield self.mark

    def on_mount(self) -> None:
        self.log_view.focus()

    def on_log_view_copied(self, event: LogView.Copied) -> None:
        self.copied.append(event.text)

    def action_note(self, key: str) -> None:
        self.noted.append(key)


@asynccontextmanager
async def logging(
    columns: int = 60, rows: int = 10, *, max_entries: int = limits.LOG_ENTRIES
) -> AsyncIterator[tuple[LogApp, LogView, Pilot[None]]]:
    """Run the app without a terminal. One column more than asked for is the scroll bar's."""
    app = LogApp(max_entries)
    async with app.run_test(size=(columns + 1, rows)) as pilot:
        yield app, app.log_view, pilot


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys in one go."""
    for key in keys:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
    await pilot.pause()


def said(number: int, text: str = "", author: str = "Bob", *, mention: bool = False) -> Entry:
    """Return what Bob says at as many seconds after noon."""
    return Entry(number, Kind.SAID, NOON + number, text or f"text {number}", author, f"12D3KooW{author}", mention)


def own(number: int, text: str, delivery: Delivery, peers: int = 0) -> Entry:
    """Return what the user says."""
    return Entry(number, Kind.OWN, NOON + number, text, "Alice", "12D3KooWAlice", delivery=delivery, peers=peers)


def note(number: int, text: str, kind: Kind = Kind.NOTE) -> Entry:
    """Return what the program says."""
    return Entry(number, kind, NOON + number, text)


def many(first: int, last: int) -> list[Entry]:
    """Return a message of each number from `first` to `last`."""
    return [said(number) for number in range(first, last + 1)]


def rows_of(log: LogView) -> list[str]:
    """Return what the rows in view show, without the spaces at their ends."""
    return [log.render_line(y).text.rstrip() for y in range(log.rows_in_view)]


def texts_of(log: LogView) -> list[str]:
    """Return what the rows in view show after the time and the name."""
    return [row.rpartition(": ")[2] for row in rows_of(log)]
