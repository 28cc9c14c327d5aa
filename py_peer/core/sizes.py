"""Whether a text may be sent, said in one sentence wherever that is asked; numbers of bytes as people write them."""

from __future__ import annotations

import re
from typing import Final

from py_peer.core import limits
from py_peer.core.cleaning import is_blank

UNITS: Final = ("B", "kB", "MB", "GB", "TB")
ROUND: Final = 999.95
"""What would be shown as 1,000 of a unit is shown as 1 of the next."""

_SIZE: Final = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*(?:([kmgt])(i?))?b?\s*", re.ASCII | re.IGNORECASE)


def oversize(size: int) -> str:
    """Return why a text of `size` bytes (as UTF-8) is too large to be sent, or ""."""
    if size <= limits.MAX_TEXT_BYTES:
        return ""
    return f"it has {size:,} bytes, and a message may have {limits.MAX_TEXT_BYTES:,}"


def oversize_text(text: str) -> str:
    """Return why `text` is too large to be sent, or ""."""
    return oversize(len(without_surrogates(text).encode()))


def without_surrogates(text: str) -> str:
    """Return `text` with U+FFFD for what cannot be UTF-8: input that was none is decoded to lone surrogates."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def shown_size(size: float) -> str:
    """Return a number of bytes as people read it, like "1.2 MB"; a thousand of each unit are one of the next."""
    power = 0
    while size >= ROUND and power < len(UNITS) - 1:
        size /= 1_000
        power += 1
    return f"{size:.{1 if power else 0}f} {UNITS[power]}"


def read_size(text: str) -> int | None:
    """Return the number of bytes that somebody has written: "10 MB", "1.5g", "512 KiB", "0". None if it is none."""
    if not (found := _SIZE.fullmatch(text)):
        return None
    number, letter, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** (1 + "kmgt".index(letter.lower()) if letter else 0))


def unseen(text: str) -> str:
    """Return why a text of which nothing can be seen is not sent, or ""."""
    return "there is no text that can be seen" if is_blank(text) else ""
