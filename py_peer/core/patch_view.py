"""A patch as people read it: cut where it is long, and which line is what, for the colours."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from py_peer.core import limits_git

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PATCH_HEAD: Final = "The patch, which nothing verifies:"
"""What stands before it."""

PLAIN, HEAD, HUNK, ADDED, REMOVED = "", "patch-head", "patch-hunk", "patch-added", "patch-removed"
"""What a line of a patch can be."""

_HEADS: Final = (
    *("diff ", "index ", "--- ", "+++ ", "old mode ", "new mode ", "new file ", "deleted file ", "Binary ", "Files "),
    *("similarity ", "dissimilarity ", "rename ", "copy "),
)
_IN_HUNK: Final = {"+": ADDED, "-": REMOVED}


def shown_part(patch: str, others: str = ", as has the file that its author shares with /diff") -> list[str]:
    """Return the first lines of a patch, each with its beginning, and how many more there are.

    `others` says who has those beside `--json`.
    """
    lines = patch.split("\n", limits_git.SHOWN_PATCH_LINES)
    rest = lines[limits_git.SHOWN_PATCH_LINES :]
    most = limits_git.SHOWN_LINE_CHARS
    shown = [line if len(line) <= most else f"{line[:most]}…" for line in lines[: limits_git.SHOWN_PATCH_LINES]]
    if not rest:
        return shown
    left = f"{rest[0].count(chr(10)) + 1:,} more lines of the patch not shown"
    return [*shown, f"[… {left}; --json has them{others}]"]


def kinds(lines: Iterable[str]) -> Iterator[str]:
    """Yield what each line of a patch is."""
    in_hunk = False
    for line in lines:
        if line.startswith("diff "):
            in_hunk = False
        if line.startswith("@@"):
            in_hunk = True
            yield HUNK
        elif in_hunk:
            yield _IN_HUNK.get(line[:1], PLAIN)
        else:
            yield HEAD if line.startswith(_HEADS) else PLAIN


@lru_cache(maxsize=8)
def patch_spans(text: str) -> dict[str, list[tuple[int, int]]]:
    """Return where the lines of each kind stand in a text that ends with a patch, but for the plain ones."""
    begin = text.find(f"\n{PATCH_HEAD}\n")
    if begin < 0:
        return {}
    begin += len(PATCH_HEAD) + 2
    lines = text[begin:].split("\n")
    starts = accumulate((len(line) + 1 for line in lines), initial=begin)
    spans: dict[str, list[tuple[int, int]]] = {}
    for start, line, kind in zip(starts, lines, kinds(lines), strict=False):
        if kind:
            spans.setdefault(kind, []).append((start, start + len(line)))
    return spans
