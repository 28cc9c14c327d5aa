"""Colours: of a nickname, made from the peer ID, so that a peer keeps it; and of a theme.

Both are readable on every theme. Each palette goes round the hues at one luminance (WCAG): 0.50 on dark themes and
0.095 on light ones. That is a contrast of at least 4.5 to the background and the surface of Textual's own themes, which
a test computes.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from textual.color import Color

if TYPE_CHECKING:
    from collections.abc import Mapping

ON_DARK: Final = (
    *("#ffa1b5", "#ffa498", "#fea774", "#ffaa04", "#dbb908", "#afc72c", "#74d064", "#05d597"),
    *("#16d2c3", "#02cee4", "#49c8ff", "#8abffe", "#abb8ff", "#c8afff", "#ee9ffe", "#ff9cd8"),
)
ON_LIGHT: Final = (
    *("#a51f4f", "#a7221d", "#8e4100", "#794e00", "#675600", "#505d00", "#146500", "#056445"),
    *("#02625b", "#00606c", "#025e7e", "#0157a3", "#4549b7", "#6b3dad", "#863296", "#992776"),
)

_LIGHT_INKS: Final = {"text-success": "#146500", "text-warning": "#794e00"}
"""What Textual 8.2.8 makes of green and amber is too pale on light themes (contrast 2.1 to 4.4): two of ours."""

_LINE: Final = 0.3
"""How much of the foreground a line between panels has, and where one is in a text: seen, and no more."""

_QUIET: Final = 0.6
"""How much of black or white a text has that need not be read: as $text-muted, which a `Content` cannot be given."""


@lru_cache(maxsize=4096)
def nick_colour(peer_id: str, *, dark: bool) -> str:
    """Return the colour of a peer, "#rrggbb", for a dark or a light theme."""
    palette = ON_DARK if dark else ON_LIGHT
    return palette[hashlib.blake2b(peer_id.encode(), digest_size=1).digest()[0] % len(palette)]


def themed(variables: Mapping[str, str], *, dark: bool, ansi: bool) -> dict[str, str]:
    """Return the CSS variables of a theme with what Textual draws too faint, or too loud, put right."""
    if ansi:  # the terminal's own colours cannot be blended
        line, behind, quiet = "ansi_bright_black", "ansi_default", "ansi_default"
    else:
        background = Color.parse(variables["background"])
        line, behind = background.blend(Color.parse(variables["foreground"]), _LINE).hex, background.hex
        quiet = background.blend(background.get_contrast_text(1.0), _QUIET).hex
    calm = {"border-blurred": line, "scrollbar": line, "quiet": quiet}
    calm |= dict.fromkeys(("scrollbar-background", "scrollbar-background-hover", "scrollbar-background-active"), behind)
    return {**variables, **calm, **({} if dark or ansi else _LIGHT_INKS)}
