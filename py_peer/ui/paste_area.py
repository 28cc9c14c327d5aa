"""A text area in which a paste stays whole.

A large paste would make every key slow (with 20,000 wide characters in a line: 0.2 s a key), so it stands in the text
as one token, which the cursor moves over and a key deletes as if it were one character.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.actions import SkipAction
from textual.binding import Binding
from textual.widgets import TextArea

from py_peer.core import limits
from py_peer.core.cleaning import clean_text
from py_peer.ui.pastes import Pastes, is_large

if TYPE_CHECKING:
    from rich.text import Text
    from textual import events
    from textual.binding import BindingType
    from textual.content import Content
    from textual.document._document import EditResult, Location
    from textual.document._edit import Edit

PIECE_CHARS: Final = 2_000
PIECE_LINES: Final = 50
"""So much of a token is opened at a time."""

OPEN_CHARS: Final = 10_000
"""No more is opened when the text has so many characters."""


class PasteArea(TextArea):
    """Takes pastes, cleaned, as one edit each. Ctrl-O opens a token, a piece at a time."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+o", "open_paste", show=False)]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"paste-area--token"}
    DEFAULT_CSS: ClassVar[str] = """
    PasteArea .paste-area--token { color: $text-accent; text-style: italic; }
    """

    def __init__(self, placeholder: Content) -> None:
        self._pastes = Pastes()  # the base asks for places in the text at once
        super().__init__(highlight_cursor_line=False, placeholder=placeholder)
        self.cursor_blink = False
        self.match_cursor_bracket = False

    def complain(self, reason: str) -> None:
        """Say why something was not done; to be overridden."""

    @property
    def full_text(self) -> str:
        """The text with its pastes in full."""
        return self._pastes.expand(self.text)

    @property
    def selected_text(self) -> str:
        """The selected text, with its pastes in full."""
        return self._pastes.expand(super().selected_text)

    def put(self, text: str) -> None:
        """Put `text` in the place of all that stands there, as one edit."""
        self.history.checkpoint()
        self.replace(self._pastes.fold_again(text), (0, 0), self.document.end, maintain_selection_offset=False)

    def empty(self) -> None:
        """Take away the text and all that undoing could bring back."""
        self._pastes.clear()
        self.load_text("")

    # --- Pasting ----------------------------------------------------------------------------------

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.paste(event.text)

    def paste(self, text: str) -> None:
        """Put `text`, cleaned, at the cursor; refuse it whole if it is far larger than a message may be."""
        if len(self.full_text) + len(text) > limits.MAX_PASTE_CHARS:
            self.complain(f"Not pasted: {len(text):,} characters; a message may have {limits.MAX_TEXT_BYTES:,} bytes")
            return
        cleaned = clean_text(text, 4 * len(text) + 64)
        if cleaned:
            self.insert_text(self._fold(cleaned) if is_large(self.text + cleaned) else cleaned)

    def insert_text(self, text: str) -> None:
        """Put `text` in the place of what is selected, or at the cursor."""
        self._replace_via_keyboard(text, *self.selection)

    def action_paste(self) -> None:
        """Paste what was copied in this program."""
        self.paste(self.app.clipboard)

    def action_cut(self) -> None:
        """Cut what is selected."""
        if selected := self.selected_text:
            self.app.copy_to_clipboard(selected)
            self._delete_via_keyboard(*self.selection)

    def action_open_paste(self) -> None:
        """Put the beginning of the token at the cursor, or of the first one, in its place, and the rest behind it."""
        tokens = [(row, *span) for row, line in enumerate(self.document.lines) for span in self._pastes.spans(line)]
        if not tokens:
            raise SkipAction
        if len(self.text) > OPEN_CHARS:
            self.complain("No more of it can be edited here at once; delete or send some of this first")
            return
        at_row, at = self.cursor_location
        row, start, end = next(((r, s, e) for r, s, e in tokens if r == at_row and s <= at <= e), tokens[0])
        whole = self._pastes[self.document.get_line(row)[start:end]]
        piece = "".join(whole[:PIECE_CHARS].splitlines(keepends=True)[:PIECE_LINES])
        rest = whole[len(piece) :]
        self.history.checkpoint()
        opened = piece + (self._fold(rest) if rest else "")
        self.replace(opened, (row, start), (row, end), maintain_selection_offset=False)

    def _fold(self, text: str) -> str:
        if self._pastes.full:
            self._pastes.keep(self.text)
            self.history.clear()  # undoing would bring back a token that stands for nothing
        return self._pastes.fold(text)

    # --- A token is one character -----------------------------------------------------------------

    def _around(self, location: Location) -> tuple[Location, Location]:
        """Return the edges of the token that `location` is inside of, or twice `location`."""
        row, column = location
        for line in self.document.lines[row : row + 1]:
            for start, end in self._pastes.spans(line):
                if start < column < end:
                    return (row, start), (row, end)
        return location, location

    def clamp_visitable(self, location: Location) -> Location:
        """Return the nearest place where the cursor may be."""
        location = super().clamp_visitable(location)
        return min(self._around(location), key=lambda edge: abs(edge[1] - location[1]))

    def get_cursor_left_location(self) -> Location:
        """Return where a step to the left leads."""
        return self._around(super().get_cursor_left_location())[0]

    def get_cursor_right_location(self) -> Location:
        """Return where a step to the right leads."""
        return self._around(super().get_cursor_right_location())[1]

    def get_cursor_word_left_location(self) -> Location:
        """Return where a word to the left leads."""
        return self._around(super().get_cursor_word_left_location())[0]

    def get_cursor_word_right_location(self) -> Location:
        """Return where a word to the right leads."""
        return self._around(super().get_cursor_word_right_location())[1]

    def edit(self, edit: Edit) -> EditResult:
        """Do an edit; it takes a token whole or not at all."""
        first, last = sorted((edit.from_location, edit.to_location))
        edit.from_location, edit.to_location = self._around(first)[0], self._around(last)[1]
        result = super().edit(edit)
        self.scroll_cursor_visible()  # Textual 8.2.8 has done so before it knew of the new line
        return result

    def _recompute_cursor_offset(self) -> None:
        # Textual 8.2.8 asks for it in the middle of an undo, where the cursor may stand behind the end of the text.
        place = self.clamp_visitable(self.cursor_location)
        self._cursor_offset = self.wrapped_document.location_to_offset(place)

    def get_line(self, line_index: int) -> Text:
        """Return a line as it is drawn: its tokens stand out."""
        line = super().get_line(line_index)
        for start, end in self._pastes.spans(line.plain):
            line.stylize(self.get_component_rich_style("paste-area--token"), start, end)
        return line
