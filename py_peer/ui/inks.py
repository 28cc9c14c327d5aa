"""The styles of a log, by what they are for, in the colours of the theme.

They are no component classes: Textual 8.2.8 works those out anew, one by one as if each were a widget, whenever the
styles of the log are looked at, six times before the first frame is there. That was 35 ms of it, and nothing is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, final

from textual.style import Style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.style import Style as Ink
    from textual.color import Color

MENTION_TINT: Final = 0.15
"""How much of the accent the background of a mention has: the colours of nicknames are made for that."""

STYLES: Final = {
    "time": "$quiet",
    "own": "",
    "waiting": "italic $quiet",
    "sent": "$text-success",
    "refused": "bold $text-error",
    "presence": "$quiet",
    "date": "$quiet",
    "note": "",
    "warning": "$text-warning",
    "patch-head": "bold",
    "patch-hunk": "$text-primary",
    "patch-added": "$text-success",
    "patch-removed": "$text-error",
    "mention": f"bold on $accent {MENTION_TINT:.0%}",
    "link": "underline",
    "found": "underline on $warning 30%",
    "found-current": "bold underline auto 90% on $warning",
}
OF_THE_TERMINAL: Final = {"mention": "bold reverse", "found": "underline", "found-current": "bold reverse"}
"""Where the colours are the terminal's own, which cannot be blended."""


@final
@dataclass(frozen=True, slots=True)
class Inks:
    """The styles of a log."""

    base: Ink
    of: Mapping[str, Ink]
    """By their names in STYLES; without a background where they have none of their own."""

    dark: bool


def inks(base: Ink, behind: Color, *, dark: bool, ansi: bool) -> Inks:
    """Return the styles in the colours of the running app's theme, over a background."""
    styles = STYLES | OF_THE_TERMINAL if ansi else STYLES
    return Inks(base, {name: _ink(Style.parse(text), behind) for name, text in styles.items()}, dark)


def _ink(style: Style, behind: Color) -> Ink:
    under = behind + style.background
    background = None if style.background is None else under
    return replace(style, background=background, foreground=style.foreground and under + style.foreground).rich_style
