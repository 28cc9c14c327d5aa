"""The colour of a nickname: made from the peer ID, so that a peer keeps it, and readable on every theme.

Each palette goes round the hues at one luminance (WCAG): 0.50 on dark themes and 0.095 on light ones. That is a
contrast of at least 4.5 to the background and the surface of Textual's own themes, which a test computes.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

ON_DARK: Final = (
    *("#ffa1b5", "#ffa498", "#fea774", "#ffaa04", "#dbb908", "#afc72c", "#74d064", "#05d597"),
    *("#16d2c3", "#02cee4", "#49c8ff", "#8abffe", "#abb8ff", "#c8afff", "#ee9ffe", "#ff9cd8"),
)
ON_LIGHT: Final = (
    *("#a51f4f", "#a7221d", "#8e4100", "#794e00", "#675600", "#505d00", "#146500", "#056445"),
    *("#02625b", "#00606c", "#025e7e", "#0157a3", "#4549b7", "#6b3dad", "#863296", "#992776"),
)


@lru_cache(maxsize=4096)
def nick_colour(peer_id: str, *, dark: bool) -> str:
    """Return the colour of a peer, "#rrggbb", for a dark or a light theme."""
    palette = ON_DARK if dark else ON_LIGHT
    return palette[hashlib.blake2b(peer_id.encode(), digest_size=1).digest()[0] % len(palette)]
