"""The line under the input: why something was not sent, what Tab offers, how large the text is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, final

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from py_peer.core import limits
from py_peer.core.sizes import oversize

if TYPE_CHECKING:
    from textual.app import RenderResult

LONG_CHARS: Final = 500
"""From here on the size of a text is told before it is sent."""

NOTICE_SECONDS: Final = 8.0
"""For a sentence to be read."""

GAP: Final = "  "


@final
@dataclass(frozen=True, slots=True)
class Hints:
    """What there is to say about the input. Cleaned texts."""

    refusal: str = ""
    """Why the text, or a paste, was not taken."""

    candidates: tuple[str, ...] = ()
    """What the word at the cursor can become."""

    chosen: int | None = None
    """The candidate that stands in the text."""

    size: str = ""
    too_large: bool = False


@final
class Hint(Widget):
    """Shows the most urgent of the hints in one line. Hidden where there is none."""

    DEFAULT_CSS: ClassVar[str] = """
    Hint {
        display: none; height: 1; width: 100%; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis;
        background: $panel; color: $foreground;
        &.-refusal { background: $error-muted; color: $text; }
    }
    """

    hints: reactive[Hints] = reactive(Hints())
    notice: reactive[str] = reactive("")

    def show(self, hints: Hints) -> None:
        """Show what the input has to say; a notice gives way to it."""
        self.notice = ""
        self.hints = hints

    def say(self, text: str) -> None:
        """Show a sentence that has nothing to do with the input, for a while or until the input changes."""
        self.notice = text
        self.set_timer(NOTICE_SECONDS, lambda: self._forget(text))

    def watch_hints(self) -> None:
        """Appear, or give the place to others."""
        self._appear()

    def watch_notice(self) -> None:
        """Appear, or give the place to others."""
        self._appear()

    def _appear(self) -> None:
        hints = self.hints
        self.set_class(bool(hints.refusal), "-refusal")
        self.display = bool(self.notice or hints.refusal or hints.candidates or hints.size)

    def _forget(self, text: str) -> None:
        if self.notice == text:
            self.notice = ""

    def render(self) -> RenderResult:
        """Return the most urgent hint."""
        hints = self.hints
        if hints.refusal:
            return Content(hints.refusal)
        if self.notice:
            return Content(self.notice)
        if hints.candidates:
            return self._candidates()
        return Content.styled(hints.size, "$text-warning" if hints.too_large else "")

    def _candidates(self) -> Content:
        """Return the candidates, from such a one on that the chosen one is in sight."""
        names, chosen = self.hints.candidates, self.hints.chosen
        parts = [Content.styled(name, "reverse" if index == chosen else "") for index, name in enumerate(names)]
        first = 0
        if chosen is not None:
            while first < chosen and Content(GAP).join(parts[first : chosen + 1]).cell_length > self.size.width - 2:
                first += 1
        return Content.assemble("… " if first else "", Content(GAP).join(parts[first:]))


def size_hint(text: str) -> str:
    """Return how large `text` is and how large it may be, "" for a short one of a single line."""
    lines = text.removesuffix("\n").count("\n") + 1
    if lines == 1 and len(text) <= LONG_CHARS:
        return ""
    size = len(text.encode("utf-8", "replace"))
    counted = f"{lines:,} lines, " if lines > 1 else ""
    measured = f", {size / 1000:,.1f} of {limits.MAX_TEXT_BYTES / 1000:.0f} kB" if size >= 1000 else ""
    return f"{'Too large: ' if oversize(size) else ''}{counted}{len(text):,} characters{measured}"
