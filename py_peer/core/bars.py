"""How far a transfer is, as people read it: a bar, bytes, rate, time left."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, final

from wcwidth import iter_graphemes, wcswidth

from py_peer.core.sizes import shown_size

if TYPE_CHECKING:
    from py_peer.core.file_events import Transfer

UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
LONGEST: Final = 30 * 86_400
"""Seconds; what would take longer is not foretold."""

LEAST_NAME: Final = 12
LEAST_BAR: Final = 8
MOST_BAR: Final = 30
"""Columns of a name that is cut, and of a bar."""

WHOLE: Final = 100
STEP: Final = 10
"""Percent, between two lines where there is no bar."""

STEP_BYTES: Final = 64_000_000
"""The same where the size is not known."""


def duration(seconds: float) -> str:
    """Return a time in its two largest units."""
    left = max(int(seconds), 0)
    shown: list[str] = []
    for size, unit in UNITS:
        if left >= size or (unit == "s" and not shown):
            shown.append(f"{left // size} {unit}")
            left %= size
    return " ".join(shown[:2])


def percent(done: int, size: int | None) -> int | None:
    """Return how much of `size` bytes is done, rounded down; None if the size is not known."""
    if size is None:
        return None
    return WHOLE * min(done, size) // size if size else WHOLE


def bar(done: int, size: int, cells: int) -> str:
    """Return a bar of so many cells."""
    filled = cells * min(done, size) // size if size else cells
    return "█" * filled + "░" * (cells - filled)


def facts(transfer: Transfer) -> list[str]:
    """Return how far a transfer is: bytes, rate, time left, as far as they are known."""
    size = f" of {shown_size(transfer.size)}" if transfer.size is not None else ""
    known = [f"{shown_size(transfer.received)}{size}"]
    if transfer.rate > 0:
        known.append(f"{shown_size(transfer.rate)}/s")
    if transfer.seconds_left is not None and transfer.seconds_left <= LONGEST:
        known.append(f"{duration(math.ceil(transfer.seconds_left))} left")
    return known


def progress_line(transfer: Transfer, columns: int) -> str:
    """Return one line of at most `columns` columns: the name, a bar, and as many facts as there is room for."""
    known = facts(transfer)
    share = percent(transfer.received, transfer.size)
    head = [] if share is None else [f"{share} %"]
    # The rate is missed least, then how many bytes it is; the time left stays longest.
    fewer = (known, [known[0], *known[2:]], known[2:] or known[:1])
    tails = [" · ".join([*head, *kept]) for kept in fewer]
    tail = next((one for one in tails if len(one) + 2 + LEAST_BAR + 2 + LEAST_NAME <= columns), tails[-1])
    room = columns - len(tail) - 2
    name = transfer.name or transfer.file_id
    if transfer.size is None or room < LEAST_NAME + 2 + LEAST_BAR:
        return f"{cut_name(name, room)}  {tail}"[-columns:]
    name = cut_name(name, max(LEAST_NAME, room - 2 - MOST_BAR))
    cells = min(MOST_BAR, room - 2 - wcswidth(name))
    return f"{name}  {bar(transfer.received, transfer.size, cells)}  {tail}"


def cut_name(name: str, columns: int) -> str:
    """Return the name of a file in at most `columns` columns; "…" stands for what is cut out, and the ending stays."""
    if wcswidth(name) <= columns:
        return name
    tail = name[-4:] if columns >= LEAST_NAME and name[-4:].isascii() else ""
    head, room = "", columns - 1 - len(tail)
    for cluster in iter_graphemes(name):
        room -= wcswidth(cluster)
        if room < 0:
            break
        head += cluster
    return f"{head}…{tail}"


@final
class Steps:
    """Says when a line is due where there is no bar: at every tenth of the size, but for the beginning and the end."""

    def __init__(self) -> None:
        self._told: dict[int, int] = {}

    def begin(self, number: int, done: int, size: int | None) -> None:
        """Note how far something is that is told of anyway."""
        self._told[number] = _step(done, size)

    def is_due(self, number: int, done: int, size: int | None) -> bool:
        """Return whether a line is to be said of something, by its number."""
        if _step(done, size) <= self._told.get(number, 0) or percent(done, size) == WHOLE:
            return False
        self.begin(number, done, size)
        return True

    def end(self, number: int) -> None:
        """Forget what has ended."""
        self._told.pop(number, None)


def _step(done: int, size: int | None) -> int:
    share = percent(done, size)
    return done // STEP_BYTES if share is None else share // STEP
