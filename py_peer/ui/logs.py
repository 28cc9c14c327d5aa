"""The logs of the conversations, of which one is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

from textual.containers import Vertical
from textual.content import Content

from py_peer.core import limits
from py_peer.core.conversations import ROOM
from py_peer.core.topics import topic_of
from py_peer.ui.log_view import LogView
from py_peer.ui.new_mark import NewMark

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from textual.app import ComposeResult

    from py_peer.core.entries import Entry

ROOM_TITLE: Final = "Room: universal-connectivity"


@final
class LogPanel(Vertical):
    """A log, and over its last row how much has come below what one reads."""

    DEFAULT_CSS: ClassVar[str] = """
    LogPanel { layers: log mark; }
    """

    def __init__(self, log: LogView) -> None:
        super().__init__()
        self.log_view = log

    def compose(self) -> ComposeResult:
        """Yield the log and the mark."""
        yield self.log_view
        yield NewMark(self.log_view)


@final
class Logs(Vertical):
    """Keeps a log for each conversation, by its key. One that was never looked at is not on the screen yet."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.room = LogView(id="room-log")
        self._shown = LogPanel(self.room)
        self._panels = {ROOM: self._shown}
        self.border_title = f" {ROOM_TITLE} "

    def compose(self) -> ComposeResult:
        """Yield the room."""
        yield self._shown

    @property
    def current(self) -> LogView:
        """The log that is shown."""
        return self._shown.log_view

    def put(self, key: str, entries: Sequence[Entry]) -> None:
        """Put entries into a log."""
        self._panel(key).log_view.put(entries)

    def show(self, key: str) -> None:
        """Show a log in the place of the one that is shown."""
        panel = self._panel(key)
        if panel is self._shown:
            return
        self.screen.clear_selection()
        self._shown.display = False
        self._shown = panel
        if panel.parent is None:
            self.mount(panel)
        panel.display = True

    def call(self, title: str) -> None:
        """Say which conversation is shown; "" for the room."""
        self.border_title = Content(f" {title or ROOM_TITLE} ")

    def keep(self, keys: Collection[str]) -> None:
        """Forget all other logs."""
        for key in self._panels.keys() - keys:
            panel = self._panels.pop(key)
            if panel.parent is not None:
                panel.remove()

    def _panel(self, key: str) -> LogPanel:
        if key not in self._panels:
            entries, chars = limits.DIRECT_LOG_ENTRIES, limits.DIRECT_LOG_CHARS
            if topic_of(key):
                entries, chars = limits.TOPIC_LOG_ENTRIES, limits.TOPIC_LOG_CHARS
            self._panels[key] = LogPanel(LogView(max_entries=entries, max_chars=chars))
        return self._panels[key]
