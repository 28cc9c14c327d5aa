"""The input: several lines, what was sent before, and completion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os.path import commonprefix
from typing import TYPE_CHECKING, ClassVar, Final, cast, final

from textual.actions import SkipAction
from textual.binding import Binding
from textual.content import Content
from textual.message import Message

from py_peer.core import limits
from py_peer.core.cleaning import is_blank
from py_peer.core.sizes import oversize
from py_peer.ui.hint import Hints, size_hint
from py_peer.ui.history import History
from py_peer.ui.history_search import HistorySearch
from py_peer.ui.keys import TURNING, know_alt_keys
from py_peer.ui.paste_area import PasteArea

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.binding import BindingType
    from textual.document._document import Document

    from py_peer.core.completion import Completion

JOINERS: Final = ("\u200c", "\u200d")
"""Typed in Persian, and by a keyboard of emoji, though they show nothing."""

KEYS: Final = (
    ("Enter", "send"),
    ("Alt-Enter, Ctrl-J", "break the line (Shift-Enter too, where the terminal tells it from Enter)"),
    ("Tab, Shift-Tab", "complete a command, a nickname or an address"),
    ("Up, Down", "what was sent before"),
    ("Ctrl-R", "search in what was sent before"),
    ("Ctrl-O", "open a paste that is shown as one token, a piece at a time"),
    ("Ctrl-Z, Ctrl-Y", "undo, redo"),
    ("Ctrl-C, Ctrl-X, Ctrl-V", "copy and cut what is selected, paste it"),
    ("Ctrl-U, Ctrl-K, Ctrl-W", "delete to the start of the line (again: of the text), to its end, the word before"),
)
"""The rows of the help page."""


@final
@dataclass(frozen=True, slots=True)
class _Choice:
    """A completion under way: from `start` to `end` of `text` stands the candidate `index`, or what all begin with."""

    text: str
    start: int
    end: int
    candidates: tuple[str, ...]
    index: int | None


@final
class Composer(PasteArea):
    """Reads what the user has to say.

    `complete` returns what the word at a cursor can become; `submit` takes a text and returns why it was not taken, or
    "". A text that was not taken stays where it is, with the reason beside it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete(1)", show=False),
        Binding("shift+tab", "complete(-1)", show=False),
        Binding("ctrl+r", "search", show=False),
        Binding("escape", "dismiss_hints", show=False),
        *TURNING,
    ]
    DEFAULT_CSS: ClassVar[str] = """
    Composer {
        height: auto; max-height: 6; scrollbar-size-vertical: 1; background: $background;
        border: none; border-top: solid $border-blurred;
        &:focus { border: none; border-top: solid $border; }
        & .text-area--placeholder { color: $text-muted; }
        &.-textual-compact { max-height: 5; }
    }
    """

    @final
    class Submitted(Message):
        """A text was taken, and the input is empty again."""

        def __init__(self, composer: Composer, text: str) -> None:
            super().__init__()
            self.composer = composer
            self.text = text

        @property
        def control(self) -> Composer:
            """Return the sender."""
            return self.composer

    @final
    class Hinted(Message):
        """What there is to say about the input has changed: `Hint.show` takes it."""

        def __init__(self, hints: Hints) -> None:
            super().__init__()
            self.hints = hints

    def __init__(self, nick: str, complete: Callable[[str, int], Completion], submit: Callable[[str], str]) -> None:
        know_alt_keys()
        super().__init__(prompt(nick))
        self._complete = complete
        self._submit = submit
        self._nick = nick
        self._to = self._nobody = ""
        self._sent = History(limits.MAX_HISTORY_TEXTS, limits.MAX_HISTORY_BYTES)
        self._choice: _Choice | None = None
        self._refused = ("", "")
        """A text as it stood in the input, and why it, or a paste into it, was not taken."""

        self._returned = ""
        """Why a text was not taken that is now the newest of the history."""

    def rename(self, nick: str) -> None:
        """Show what the user is called where nothing is typed."""
        self._nick = nick
        self.placeholder = Content(self._nobody) if self._nobody else prompt(nick, self._to)

    def address(self, to: str, nobody: str = "") -> None:
        """Show whom a text goes to where nothing is typed; "" is everybody. `nobody`: why it goes to none."""
        self._to, self._nobody = to, nobody
        self.rename(self._nick)

    @property
    def draft(self) -> str:
        """What is being typed, though something that was sent before may be shown in its place."""
        return self._sent.draft(self.full_text)

    def exchange(self, draft: str) -> None:
        """Put another draft in the place of this one, to which nothing leads back."""
        self._refused, self._returned, self._choice = ("", ""), "", None
        self._sent.end_walk()
        self.empty()
        if draft:
            self.put(draft)
        self._tell()

    # --- What is typed ----------------------------------------------------------------------------

    async def _on_key(self, event: events.Key) -> None:
        key = event.key
        if key == "enter":
            self._send()
        elif key == "ctrl+j" or key.endswith(("+enter", "+\r")):  # the last is what modifyOtherKeys makes of it
            self.insert_text("\n")
        elif event.character in JOINERS:
            self.insert_text(event.character)
        elif not await self._do_bound(key):
            return
        event.stop()
        event.prevent_default()

    async def _do_bound(self, key: str) -> bool:
        """Do what is bound to `key` here and now; return whether it was done.

        Textual 8.2.8 looks for bindings when the key has come back to the app: over a slow line, where keys come
        several at a time, Enter would overtake the Backspace before it.
        """
        for binding in self._bindings.key_to_bindings.get(key, ()):
            if await self.app.run_action(binding.action, self):
                return True
        return False

    def complain(self, reason: str) -> None:
        """Say beside the text why something was not done with it."""
        self._refused = (self.text, reason)
        self._tell()

    def refuse(self, text: str, reason: str) -> None:
        """Give back a text that was taken and then not sent: into the input if that is empty, else into the history."""
        if not self.text.strip():
            self.put(text)
            self.complain(f"Not sent: {reason}")
        else:
            self._sent.add(text)
            self._returned = f"Not sent: {reason} (Up brings it back)"
            self._tell()

    def _send(self) -> None:
        text = self.full_text
        if is_blank(text):
            return
        self._returned = ""
        if reason := self._submit(text):
            self.complain(reason)
            return
        self._sent.add(text)
        self._sent.end_walk()
        self.empty()
        self.post_message(self.Submitted(self, text))

    # --- What was sent before ---------------------------------------------------------------------

    def action_cursor_up(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - the base's own
        """Move up a row, from the first one to the text before."""
        if select or not self.navigator.is_first_wrapped_line(self.cursor_location):
            super().action_cursor_up(select)
        else:
            self._recall(self._sent.older(self.full_text))

    def action_cursor_down(self, select: bool = False) -> None:  # noqa: FBT001, FBT002
        """Move down a row, from the last one to the text after."""
        if select or not self.navigator.is_last_wrapped_line(self.cursor_location):
            super().action_cursor_down(select)
        else:
            self._recall(self._sent.newer(self.full_text))

    def action_search(self) -> None:
        """Open the search in what was sent."""
        self.app.push_screen(HistorySearch(list(self._sent)), self._recall)

    def _recall(self, text: str | None) -> None:
        if text is not None:
            self._returned = ""
            self.put(text)

    # --- Completion -------------------------------------------------------------------------------

    def action_complete(self, step: int) -> None:
        """Complete the word at the cursor as far as it is sure; then go through the candidates."""
        choice = self._current_choice()
        if choice is None:
            found = self._complete(self.text, self._cursor())
            if not found.candidates:
                return
            choice = _Choice(self.text, found.start, found.end, tuple(found.candidates), None)
            typed = self.text[found.start : found.end]
            sure = commonprefix(choice.candidates)  # noqa: RUF071 - of words, not of paths
            self._choose(choice, sure if len(sure) > len(typed) or len(choice.candidates) == 1 else typed)
            if len(choice.candidates) == 1:
                self._choice = None
        else:
            count = len(choice.candidates)
            index = (-1 if step < 0 else 0) if choice.index is None else choice.index + step
            self._choose(replace(choice, index=index % count), choice.candidates[index % count])
        self._tell()

    def _choose(self, choice: _Choice, word: str) -> None:
        locate = cast("Document", self.document).get_location_from_index
        if word != choice.text[choice.start : choice.end]:
            self._replace_via_keyboard(word, locate(choice.start), locate(choice.end))
        self._choice = replace(choice, text=self.text, end=choice.start + len(word))

    def _current_choice(self) -> _Choice | None:
        """Return the completion under way, if neither the text nor the cursor has moved since."""
        choice = self._choice
        if choice is None or choice.text != self.text:
            return None
        return choice if self._cursor() == choice.end and self.selection.is_empty else None

    def _cursor(self) -> int:
        return cast("Document", self.document).get_index_from_location(self.cursor_location)

    # --- Hints ------------------------------------------------------------------------------------

    def action_dismiss_hints(self) -> None:
        """Take away what is told about a refusal or a completion."""
        hints = self._hints()
        if not (hints.refusal or hints.candidates):
            raise SkipAction
        self._refused, self._returned, self._choice = ("", ""), "", None
        self._tell()

    def on_text_area_changed(self) -> None:
        """Tell what is true of the new text."""
        self._tell()

    def on_text_area_selection_changed(self) -> None:
        """Tell whether a completion is still under way."""
        self._tell()

    def _tell(self) -> None:
        self.post_message(self.Hinted(self._hints()))

    def _hints(self) -> Hints:
        refused_text, reason = self._refused
        choice = self._current_choice()
        full = self.full_text
        size = size_hint(full)
        if full != self.text:
            size += "; Ctrl-O opens a paste"
        return Hints(
            refusal=reason if reason and refused_text == self.text else self._returned,
            candidates=choice.candidates if choice is not None else (),
            chosen=choice.index if choice is not None else None,
            size=size,
            too_large=bool(oversize(len(full.encode("utf-8", "replace")))),
        )

    # --- Keys of the base that mean something else here -------------------------------------------

    def action_cursor_line_end(self, select: bool = False) -> None:  # noqa: FBT001, FBT002 - the base's own
        """Go to the end of the line; where nothing is typed the key is the log's."""
        if not self.text:
            raise SkipAction
        super().action_cursor_line_end(select)

    def action_delete_to_start_of_line(self) -> None:
        """Delete to the start of the line; from there, to the start of the text."""
        row, column = self.cursor_location
        if row and not column and self.selection.is_empty:
            self.delete((0, 0), (row, column), maintain_selection_offset=False)
        else:
            super().action_delete_to_start_of_line()

    def action_cursor_page_up(self) -> None:
        """Leave the key to the log."""
        raise SkipAction

    def action_cursor_page_down(self) -> None:
        """Leave the key to the log."""
        raise SkipAction


def prompt(nick: str, to: str = "") -> Content:
    """Return what stands where nothing is typed."""
    return Content(f"{nick} > Type your message{to and f' to {to}'}...")
