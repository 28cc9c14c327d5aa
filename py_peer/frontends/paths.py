"""Paths as the user types them."""

from __future__ import annotations

import os
from itertools import islice
from typing import Final

MOST_LOOKED_AT: Final = 10_000
MOST_OFFERED: Final = 200
"""Names of a folder that Tab looks at, and that it offers."""


def whole_path(path: str) -> str:
    """Return a path from the root on: ~ is the home folder, and a slash at the end stays."""
    whole = os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 - pathlib drops the slash
    return os.path.join(whole, "") if path.endswith(("/", os.sep)) else whole  # noqa: PTH118


def here() -> str:
    """Return the folder in which the program was started, whole where that can be said."""
    try:
        return os.getcwd()  # noqa: PTH109 - pathlib's fails in the same way
    except OSError:  # somebody has removed it
        return os.curdir


def paths_like(typed: str) -> list[str]:
    """Return what there is whose path begins with `typed`, written as it is, folders with a slash at their ends.

    Hidden files are only listed when the dot was typed; names that cannot be shown never are.
    """
    if typed == "~":
        return ["~/"]
    part = os.path.basename(typed)  # noqa: PTH119 - it may end in a slash
    folder = typed[: len(typed) - len(part)]
    found: list[str] = []
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:  # noqa: PTH111 - as above
            for entry in islice(entries, MOST_LOOKED_AT):
                shown = entry.name.isprintable() and (part.startswith(".") or not entry.name.startswith("."))
                if shown and entry.name.startswith(part) and len(found) < MOST_OFFERED:
                    found.append(f"{folder}{entry.name}{'/' * entry.is_dir()}")
    except (OSError, ValueError):  # ValueError: a null byte in it
        return []
    return sorted(found)
