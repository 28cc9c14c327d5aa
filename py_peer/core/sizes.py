"""Whether a text may be sent, said in one sentence wherever that is asked."""

from __future__ import annotations

from py_peer.core import limits
from py_peer.core.cleaning import is_blank


def oversize(size: int) -> str:
    """Return why a text of `size` bytes (as UTF-8) is too large to be sent, or ""."""
    if size <= limits.MAX_TEXT_BYTES:
        return ""
    return f"it has {size:,} bytes, and a message may have {limits.MAX_TEXT_BYTES:,}"


def unseen(text: str) -> str:
    """Return why a text of which nothing can be seen is not sent, or ""."""
    return "there is no text that can be seen" if is_blank(text) else ""
