"""That more direct messages come than are taken is said when it begins, and then with growing pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from py_peer.core import limits
from py_peer.core.events import Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.events import Event


@final
class Floods:
    """Tells of what is refused, whoever sends it: a thousand peers cause no more lines than one. Times in seconds."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._count = 0
        self._pause = 0.0
        self._again = 0.0
        """When it may be said again."""

    def note(self, who: str, *, stranger: bool, now: float) -> None:
        """Take note that a message of `who`, as the user may call him, is refused."""
        if now >= self._again + self._pause:  # it was quiet for a while
            self._count, self._pause = 0, 0.0
        self._count += 1
        if now < self._again:
            return
        self._pause = min(max(2 * self._pause, limits.FLOOD_TOLD_PAUSE), limits.FLOOD_TOLD_PAUSE_LONGEST)
        self._again = now + self._pause
        text = f"More direct messages come than are taken, the last of {who}; {self._count:,} refused in all"
        self._emit(Notice(f"{text}. /ignore {who}{' or /strangers off' * stranger} ends this"))
