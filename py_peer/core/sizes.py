"""Whether a text may be sent, said in one sentence wherever that is asked."""

from __future__ import annotations

from py_peer.core import limits


def oversize(size: int) -> str:
    """Return why a text of `size` bytes (as UTF-8) is too large to be sent, or ""."""
    if size <= limits.MAX_TEXT_BYTES:
        return ""
    return f"it has {size:,} bytes, and a message may have {limits.MAX_TEXT_BYTES:,}"
