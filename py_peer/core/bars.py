"""How far a transfer is, as people read it: a bar, bytes, rate, time left."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, final

from py_peer.core.events import Answer
from py_peer.core.file_events import (
    FileProvided,
    FileShared,
    HashingProgress,
    TransferDone,
    TransferFailed,
    TransferProgress,
    TransferStarted,
    TransferState,
)
from py_peer.core.sizes import shown_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from py_peer.core.events import Event
    from py_peer.core.file_events import Transfer
    from py_peer.core.files_known import FilesKnown

UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
LONGEST: Final = 30 * 86_400
"""Seconds; what would take longer is not foretold."""

LEAST_NAME: Final = 12
LEAST_BAR: Final = 8
MOST_BAR: Final = 30
"""Columns of a name that is cut, and of a bar."""

STATES: Final = {
    TransferState.WAITING: "waits for its turn",
    TransferState.ASKING: "asking who has it",
    TransferState.NO_SOURCE: "nobody is here who sends it",
}
"""Of transfers to which nothing comes."""

MOST_LINES: Final = 5
"""More would push the line being typed away."""

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
    """Return how far a transfer is: bytes, rate, time left, as far as they are known, or why nothing comes."""
    size = f" of {shown_size(transfer.size)}" if transfer.size is not None else ""
    known = [f"{shown_size(transfer.received)}{size}"]
    if transfer.state in STATES:
        return [*known, STATES[transfer.state]]
    if transfer.rate > 0:
        known.append(f"{shown_size(transfer.rate)}/s")
    if transfer.seconds_left is not None and 0 <= transfer.seconds_left <= LONGEST:
        known.append(f"{duration(math.ceil(transfer.seconds_left))} left")
    return known


def progress_line(transfer: Transfer, columns: int) -> str:
    """Return one line of at most `columns` columns: the name, a bar, and as many facts as there is room for."""
    known = facts(transfer)
    # The rate is missed least, then how many bytes it is; the time left stays longest.
    fewer = (known, [known[0], *known[2:]], known[2:] or known[:1])
    if transfer.state in STATES:
        fewer = (known, known[1:], [])
    return _line(transfer.name or transfer.file_id, transfer.received, transfer.size, fewer, columns)


def reading_line(event: HashingProgress, columns: int) -> str:
    """Return the same of a file that is read before it can be offered."""
    size = f"{shown_size(event.done)} of {shown_size(event.size)}"
    return _line(f"reading {event.name}", event.done, event.size, ([size], []), columns)


def progress_lines(files: FilesKnown, columns: int) -> list[str]:
    """Return a line for each file that is read or fetched; of many, how many more there are."""
    lines = [reading_line(one, columns) for one in files.reading.values()]
    lines += [progress_line(one, columns) for one in files.transfers.values()]
    if (more := len(lines) - MOST_LINES) > 0:
        lines = [*lines[:MOST_LINES], f"… and {more} more; /files lists them"[:columns]]
    return lines


def _line(name: str, done: int, size: int | None, fewer: Iterable[Sequence[str]], columns: int) -> str:
    share = percent(done, size)
    tails = [" · ".join([*([] if share is None else [f"{share} %"]), *some]) for some in fewer]
    tail = next((one for one in tails if len(one) + 2 + LEAST_BAR + 2 + LEAST_NAME <= columns), tails[-1])
    room = columns - len(tail) - 2
    if size is None or room < LEAST_NAME + 2 + LEAST_BAR:
        return f"{cut_name(name, room)}  {tail}"[-columns:]
    from wcwidth import wcswidth  # noqa: PLC0415 - 29 modules that a start does without

    name = cut_name(name, max(LEAST_NAME, (room - 2) // 2, room - 2 - MOST_BAR))
    return f"{name}  {bar(done, size, min(MOST_BAR, room - 2 - wcswidth(name)))}  {tail}"


def cut_name(name: str, columns: int) -> str:
    """Return the name of a file in at most `columns` columns; "…" stands for what is cut out, and the ending stays."""
    from wcwidth import iter_graphemes, wcswidth  # noqa: PLC0415 - see `_line`

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
    """Says of which events a line is due where there is no bar: how far something is, at every tenth of its size."""

    def __init__(self) -> None:
        self._told: dict[int, int] = {}
        """By the number of a transfer, or by the ticket of a file that is read, as a negative number."""

    def tells(self, event: Event) -> bool:
        """Return whether an event is to be told."""
        match event:
            case TransferStarted(transfer=transfer):
                self._told[transfer.number] = _step(transfer.received, transfer.size)
            case TransferProgress(transfer=transfer):
                return self._is_due(transfer.number, transfer.received, transfer.size)
            case HashingProgress():
                return self._is_due(-event.ticket, event.done, event.size)
            case TransferDone() | TransferFailed():
                self._told.pop(event.number, None)
            case FileShared() | FileProvided() | Answer():
                self._told.pop(-event.ticket, None)
        return True

    def _is_due(self, number: int, done: int, size: int | None) -> bool:
        step = _step(done, size)
        if step <= self._told.get(number, 0) or percent(done, size) == WHOLE:  # that it is done is told anyway
            return False
        self._told[number] = step
        return True


def _step(done: int, size: int | None) -> int:
    share = percent(done, size)
    return done // STEP_BYTES if share is None else share // STEP
