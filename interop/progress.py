"""What a run says while it lasts: to a person at a terminal, and into a pipe."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from types import TracebackType

TICK: Final = 1.0
"""Seconds between two looks at the clock, on a terminal."""

WORD: Final = 30.0
"""Seconds between two lines of what runs, in a pipe."""

USUAL: Final = 80
"""Columns of a terminal that does not tell how many it has."""


def width(stream: IO[str]) -> int | None:
    """Return how many columns the terminal has that a stream goes to, or None where it goes to none."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None


@final
class Progress:
    """A line for each cell that is done; below them on a terminal, now and then in a pipe, one of what is under way."""

    def __init__(self, total: int, stream: IO[str] = sys.stderr) -> None:
        """`total` is how many cells there will be."""
        self._left = total
        self._stream = stream
        self._alive = stream.isatty()
        self._start = time.monotonic()
        self._running: dict[str, tuple[str, float]] = {}
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hush()
        self._thread.join()
        if self._alive:
            print("\r\x1b[K", end="", file=self._stream, flush=True)

    def hush(self) -> None:
        """Say nothing more: what ends from now on was interrupted, or is the end of all."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def begins(self, column: str, scene: str) -> None:
        """Say that a column has come to a scene."""
        with self._changed:
            self._running[column] = scene, time.monotonic()

    def ends(self, column: str, what: str) -> None:
        """Say what a scene of a column has shown."""
        with self._changed:
            self._left -= 1
            scene, _ = self._running.pop(column)
            if not self._ended:
                self._line(f"{self._clock()}  {column}: {scene}: {what}")
                self._paint()

    def says(self, line: str) -> None:
        """Say something else."""
        with self._changed:
            self._line(line)
            self._paint()

    def _clock(self) -> str:
        minutes, seconds = divmod(round(time.monotonic() - self._start), 60)
        return f"{minutes}:{seconds:02}"

    def _now(self) -> str:
        now = time.monotonic()
        running = (f"{now - since:.0f} s {column}: {scene}" for column, (scene, since) in self._running.items())
        return f"{self._clock()}, {self._left} cells left; now for {'; '.join(running) or 'nothing'}"

    def _line(self, line: str) -> None:
        print(f"\r\x1b[K{line}" if self._alive else line, file=self._stream, flush=True)

    def _paint(self) -> None:
        if self._alive:
            now = self._now()[: (width(self._stream) or USUAL) - 1]
            print(f"\r\x1b[K{now}", end="", file=self._stream, flush=True)

    def _tick(self) -> None:
        with self._changed:
            while not self._changed.wait_for(lambda: self._ended, TICK if self._alive else WORD):
                if self._alive:
                    self._paint()
                else:
                    self._line(self._now())
