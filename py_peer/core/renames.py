"""Which of the files that a commit has made were others before: moved, and changed a little.

Git does not write that down; whoever reads a commit finds it out by what is in the files.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def moved(gone: Mapping[bytes, bytes], made: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return, for files that were made, which of those that are gone each was before: paths, by paths.

    At least half of the larger one has to be in the other, line by line, as for Git. Those that are most alike come
    first; of several that are equally so, those of the same name.
    """
    lines = {path: Counter(data.splitlines(keepends=True)) for path, data in gone.items()}
    alike: list[tuple[float, bool, bytes, bytes]] = []
    for path, data in made.items():
        there = Counter(data.splitlines(keepends=True))
        for before, content in gone.items():
            larger = max(len(data), len(content))
            if 2 * min(len(data), len(content)) < larger or not larger:
                continue
            common = sum(len(line) * count for line, count in (there & lines[before]).items())
            if 2 * common >= larger:
                alike.append((-common / larger, _name(path) != _name(before), path, before))
    found: dict[bytes, bytes] = {}
    for _, _, path, before in sorted(alike):
        if path not in found and before not in found.values():
            found[path] = before
    return found


def _name(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]
