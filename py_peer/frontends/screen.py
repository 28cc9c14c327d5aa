"""Standard output, as the front-ends see it: whole lines, flushed, and an end that is no fault."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@final
class Screen:
    """Writes lines to a stream and notes when nobody reads it any more."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.broken = False
        """Whether it cannot be written any more (`py-peer | head`); from then on nothing is."""

        self.fault = ""
        """Why it cannot, unless the reader has gone, who may have read enough."""

        self.on_broken: Callable[[], None] = lambda: None

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks at it."""
        return not self._stream.closed and self._stream.isatty()

    def columns(self) -> int | None:
        """Return how many columns a line may have; None where nobody breaks lines, as in a pipe."""
        return shutil.get_terminal_size().columns if self.is_terminal else None

    def show(self, lines: Sequence[str]) -> None:
        """Write `lines` in one go, each with its end, and flush them."""
        if self.broken or not lines:
            return
        try:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            self.give_up()
        except (OSError, ValueError) as error:  # ValueError: the stream is closed
            self.fault = (isinstance(error, OSError) and error.strerror) or str(error)
            self.give_up()

    def give_up(self) -> None:
        """Note that nobody reads the stream any more."""
        if not self.broken:
            self.broken = True
            _discard(self._stream)
            self.on_broken()


def finish_standard_streams() -> None:
    """Flush standard output and error; what cannot be written is forgotten, or the process's end would complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            _discard(stream)


def _discard(stream: TextIO) -> None:
    """Send what is left in the stream's buffer nowhere."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def mend_standard_streams(*, json: bool = False) -> None:
    """Make standard output and error fit to be written to: there, and never failing on a character.

    JSON is UTF-8 with plain line feeds whatever the system's custom is.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller (`>&-`)
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for good
            continue
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.reconfigure(errors="replace")  # a terminal in Latin-1 knows no satellite dish
            if json and name == "stdout":
                stream.reconfigure(encoding="utf-8", errors="replace", newline="\n")
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.set_blocking(stream.fileno(), True)  # another program may have left it otherwise


def on_a_terminal() -> bool:
    """Return whether a person types at a terminal that can show a line being edited."""
    streams = (sys.stdin, sys.stdout)
    return knows_cursor_moves() and all(
        stream is not None and not stream.closed and stream.isatty() for stream in streams
    )


def knows_cursor_moves() -> bool:
    """Return whether the terminal says of itself that it is more than a typewriter."""
    return os.environ.get("TERM", "xterm").lower() not in ("", "dumb", "unknown")
