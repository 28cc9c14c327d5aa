"""The pages of docs, as tests read them that see whether what they show is what happens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tests.frontends.programs import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACE: Final = re.compile(r"/ip4/192\.0\.2\.7/tcp/4001(/p2p/\S+)?")
"""Where somebody is, in the pages."""

SOMEBODY: Final = {r"\bm4wJWZNF\b": r"\\w{8}"}
"""Who it is, in the pages and as a pattern."""


def page(name: str) -> str:
    """Return a page of docs."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def section(text: str, heading: str, end: str) -> list[str]:
    """Return the lines of a page between two of its lines."""
    return text[text.index(heading) : text.index(end)].splitlines()


def pattern(line: str, varies: Mapping[str, str] = SOMEBODY) -> str:
    """Return what matches a line of a page; `varies` is what is another at each run, there and as a pattern."""
    escaped = re.escape(line).replace(r"\ ", " ")
    for there, here in varies.items():
        escaped = re.sub(there, here, escaped)
    return f"^{escaped}$"
