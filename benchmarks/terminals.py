"""Programs on a terminal of their own: what they paint is kept with the time of each piece, and searched for texts.

A text that stands in one line and one style is painted in one piece, so its bytes can be found in the output; that is
a thousand times quicker than to emulate a terminal, and leaves the processor to what is measured.
"""

from __future__ import annotations

import bisect
import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time
from typing import TYPE_CHECKING, Final, Self, final

import psutil

from benchmarks.processes import PATIENCE, PY_PEER, BenchError

if TYPE_CHECKING:
    from benchmarks.processes import Workshop

COLUMNS, ROWS = 100, 30
QUIT: Final = "\x11"
"""Ctrl-Q"""

LISTENING: Final = re.compile(r"Listening on /\S+/tcp/(\d+)/")
FAILED: Final = "py-peer cannot go on"
"""What it shows, and stays, when its service has ended: whatever is waited for does not come any more."""


@final
class Terminal:
    """A full-screen py-peer."""

    def __init__(self, shop: Workshop, *options: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = {**shop.environment(), "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        for name in ("NO_COLOR", "TEXTUAL"):
            environment.pop(name, None)
        folder = shop.new_folder()
        self._log = folder / "system_messages.txt"
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [*PY_PEER, "--ui", *options],
            cwd=folder,
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - as a terminal does
        )
        os.close(slave)
        self._changed = threading.Condition()
        self._output = bytearray()
        self._starts: list[int] = []
        self._times: list[float] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the program, if it has not ended by itself."""
        with contextlib.suppress(OSError):
            self.write(QUIT)
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(3)
        self._thread.join(3)
        os.close(self._master)

    def write(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def forget(self) -> None:
        """Forget what was painted so far."""
        with self._changed:
            self._output.clear()
            self._starts.clear()
            self._times.clear()

    def painted(self, text: str) -> float | None:
        """Return when `text` was first painted (time.monotonic), None if it was not."""
        with self._changed:
            found = self._output.find(text.encode())
            # The piece in which it ends.
            return self._times[bisect.bisect(self._starts, found + len(text.encode()) - 1) - 1] if found >= 0 else None

    def wait_for(self, *texts: str, patience: float = PATIENCE) -> float:
        """Wait until each of `texts` has been painted; return when the last of them was. Raises BenchError."""
        deadline = time.monotonic() + patience
        while True:
            times = [self.painted(text) for text in texts]
            seen = [when for when in times if when is not None]
            if len(seen) == len(texts):
                return max(seen)
            if self._has_ended() or time.monotonic() > deadline:
                missing = ", ".join(text for text, when in zip(texts, times, strict=True) if when is None)
                msg = f"not painted: {missing} {self._complaint()}"
                raise BenchError(msg)
            time.sleep(0.01)

    def port(self) -> int:
        """Wait until the program listens; return where. Raises BenchError.

        It finds the port itself: one that was free when it was started may be somebody else's when it listens.
        """
        deadline = time.monotonic() + PATIENCE
        while (found := LISTENING.search(self._logged())) is None:
            if self._has_ended() or time.monotonic() > deadline:
                msg = f"it does not listen {self._complaint()}"
                raise BenchError(msg)
            time.sleep(0.01)
        return int(found[1])

    def memory(self) -> int:
        """Return the bytes of memory that the program holds."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def _logged(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def _has_ended(self) -> bool:
        return self.process.poll() is not None or self.painted(FAILED) is not None

    def _complaint(self) -> str:
        """Return how the program is, and the last line of its log, for a message."""
        how = FAILED if self.painted(FAILED) is not None else self.process.returncode or "still runs"
        last = "".join(self._logged().splitlines()[-1:])[:200]
        return f"(the program: {how}; its log ends with: {last or 'nothing'})"

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65_536)
            except OSError:  # the program has ended
                return
            if not data:
                return
            with self._changed:
                self._starts.append(len(self._output))
                self._times.append(time.monotonic())
                self._output += data
