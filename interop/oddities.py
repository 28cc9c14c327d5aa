"""What is odd with peers in other languages, so that a shortfall of theirs that is measured has its reason beside it.

docs/interop.md says more of each, and how to see it.
"""

from __future__ import annotations

from typing import Final

from interop.outcomes import Oddity
from interop.scenes import COUNT

OTHERS: Final = ("rust", "node", "browser")
"""All but Go."""

ODDITIES: Final = (
    Oddity(
        ("go",),
        "first",
        lambda values: values["to_them"] is not None and not values["reached"],
        "theirs says its texts to its mesh alone, in which ours is a moment after it tells that ours is there",
    ),
    Oddity(
        OTHERS,
        "first",
        lambda values: values["to_them"] is not None and not values["reached"],
        "what theirs says before its own stream to ours is open its library drops, though it tells that ours is there",
    ),
    Oddity(
        ("go",),
        "many",
        lambda values: (
            [values["to_them"], values["to_us"], *values["again"]] == [COUNT, COUNT, 0, 0] and values["in_order"][1]
        ),
        "Go checks several messages at a time, so that two may change places",
    ),
    Oddity(
        ("rust",),
        "twice",
        lambda values: values == {"to_them": 1, "to_us": 1, "again": [0, 0]},
        "Rust swallows the same text twice: its message ID is a hash of the text",
    ),
    Oddity(
        ("rust",),
        "ping",
        lambda values: values["to_them"] is None and "speaks no ping" in values["said"],
        "Rust speaks no ping: that it says so shows that it is alive",
    ),
)
