"""An app with nothing but the input, its hint and the find bar, and what came of them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar, final

from textual import events
from textual.app import App
from textual.binding import Binding

from py_peer.core.completion import Completion, complete
from py_peer.core.sizes import oversize
from py_peer.core.typed_lines import Unknown, parse_line
from py_peer.ui.composer import Composer
from py_peer.ui.find_bar import FindBar
from py_peer.ui.hint import Hint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.pilot import Pilot

NICKS = ("Bob", "Bobby", "Carol")
APP_KEYS = ("ctrl+c", "ctrl+f", "ctrl+l", "f1", "f2", "f3", "f4", "pageup", "pagedown", "escape")


@final
class Notes:
    """A log in which everything is found three times."""

    def __init__(self, noted: list[object]) -> None:
        self._noted = noted

    def search(self, query: str) -> int:
        self._noted.append(query)
        return 3 if query != "nowhere" else 0

    def search_next(self) -> tuple[int, int]:
        self._noted.append("newer")
        return 2, 1_017

    def search_previous(self) -> tuple[int, int]:
        self._noted.append("older")
        return 1, 1_017

    def end_search(self) -> None:
        self._noted.append("ended")


@final
class TypingApp(App[None]):
    """Takes every text but an unknown command and one that is too large; bound to the keys of the real program."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding(key, f"note('{key}')") for key in APP_KEYS]

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.noted: list[object] = []
        self.composer = Composer("A[b]lice", self._complete, self._submit)
        self.hint = Hint()
        self.log_of_notes = Notes(self.noted)
        self.find_bar = FindBar(self.log_of_notes)

    def compose(self) -> ComposeResult:
        yield self.find_bar
        yield self.composer
        yield self.hint

    def on_mount(self) -> None:
        self.composer.focus()

    def on_composer_hinted(self, event: Composer.Hinted) -> None:
        self.hint.show(event.hints)

    def on_find_bar_closed(self) -> None:
        self.noted.append("closed")

    def action_note(self, key: str) -> None:
        self.noted.append(key)

    def shown_hint(self) -> str:
        return str(self.hint.render())

    def _complete(self, text: str, cursor: int) -> Completion:
        return complete(text, cursor, NICKS, ())

    def _submit(self, text: str) -> str:
        line = parse_line(text, bare_quit=True)
        reason = line.report() if isinstance(line, Unknown) else oversize(len(text.encode()))
        if not reason:
            self.sent.append(text)
        return reason


@asynccontextmanager
async def typing(columns: int = 60, rows: int = 20) -> AsyncIterator[tuple[TypingApp, Pilot[None]]]:
    """Run the app without a terminal."""
    app = TypingApp()
    async with app.run_test(size=(columns, rows)) as pilot:
        yield app, pilot


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys so fast that they come in one go, as they do over a slow line."""
    for key in keys:
        pilot.app.post_message(key_event(key))
    await pilot.pause()


def key_event(key: str) -> events.Key:
    """Return what a terminal's key becomes."""
    return events.Key(key, " " if key == "space" else key if len(key) == 1 else None)


async def paste(pilot: Pilot[None], text: str) -> None:
    """Paste as a terminal does that tells pastes from keys."""
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()
