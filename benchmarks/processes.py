"""Child processes of the benchmark: started here, read line by line with the time of each, ended by their id."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self, final

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0
"""Seconds after which a child that does not say what it should is given up."""

PROCESS_CLOCK = 2
"""CPUCLOCK_SCHED: with a process's ID it names the clock of the time that it has run (clock_getcpuclockid)."""

PY_PEER = (sys.executable, "-m", "py_peer")


class BenchError(Exception):
    """A figure could not be measured."""


@final
class Workshop:
    """A temporary directory in which children run, and write their bytecode: nothing is left of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = 0

    def environment(self) -> dict[str, str]:
        """Return the environment of a user who looks for nobody: with bytecode, and no wish of the caller's."""
        unwanted = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONDEVMODE", "REMOTE_PEER", "BOOTSTRAP_PEERS")
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith((*unwanted, "PY_PEER_"))
        }
        home = self.new_folder()  # nothing of the user's own is read or written, and each child has a key of its own
        for kind in ("CONFIG", "DATA", "STATE"):
            environment[f"XDG_{kind}_HOME"] = str(home / kind.lower())
        # Bytecode in a place of its own is there after one warm-up run, however the packages were installed.
        environment["PYTHONPYCACHEPREFIX"] = str(self.folder / "bytecode")
        environment["PYTHONPATH"] = str(ROOT)
        environment["PYTHONIOENCODING"] = "utf-8"
        environment |= dict.fromkeys(("PY_PEER_MDNS", "PY_PEER_DISCOVERY", "PY_PEER_REMEMBER", "PY_PEER_UPNP"), "0")
        return environment

    def start(self, *command: str) -> Child:
        """Start a child in a directory of its own."""
        return Child(command, self.new_folder(), self.environment())

    def new_folder(self) -> Path:
        """Make a directory for a child."""
        self._number += 1
        folder = self.folder / f"child-{self._number}"
        folder.mkdir()
        return folder


@contextlib.contextmanager
def workshop() -> Iterator[Workshop]:
    """Make a workshop and clear it away afterwards."""
    with tempfile.TemporaryDirectory(prefix="py-peer-bench-", ignore_cleanup_errors=True) as folder:
        yield Workshop(Path(folder))


@final
class Child:
    """One process and the lines that it prints."""

    def __init__(self, command: tuple[str, ...], folder: Path, environment: dict[str, str]) -> None:
        self._errors = (folder / "stderr").open("wb")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self.lines: queue.SimpleQueue[tuple[float, str] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, args=(self._pipe(self.process.stdout),), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, if it has not ended by itself."""
        with contextlib.suppress(OSError):
            self._pipe(self.process.stdin).close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(3)
        self._thread.join(3)
        self._errors.close()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None  # noqa: S101 - Popen was asked for pipes
        return pipe

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                self.lines.put((time.monotonic(), line.decode(errors="replace").rstrip("\r\n")))
        self.lines.put(None)

    def next_line(self, deadline: float) -> tuple[float, str]:
        """Return the next line and when it came (time.monotonic). Raises BenchError at the deadline or the end."""
        try:
            item = self.lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            msg = f"nothing more was printed in time{self._complaint()}"
            raise BenchError(msg) from None
        if item is None:
            msg = f"a process ended early, with {self.process.wait(3)}{self._complaint()}"
            raise BenchError(msg)
        return item

    def wait_for(self, wanted: Callable[[str], bool], patience: float = PATIENCE) -> tuple[float, str]:
        """Skip lines up to one that is wanted; return it and when it came."""
        deadline = time.monotonic() + patience
        while True:
            when, line = self.next_line(deadline)
            if wanted(line):
                return when, line

    def write(self, text: str) -> None:
        """Write to the process's standard input."""
        pipe = self._pipe(self.process.stdin)
        pipe.write(text.encode())
        pipe.flush()

    def end_input(self) -> None:
        """Close the process's standard input."""
        self._pipe(self.process.stdin).close()

    def wait(self, patience: float) -> int:
        """Wait for the process to end by itself and return its exit code."""
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            msg = f"a process did not end{self._complaint()}"
            raise BenchError(msg) from None

    def memory(self) -> int:
        """Return the bytes of memory that the process holds."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def cpu_time(self) -> float:
        """Return the seconds of CPU that the process has used."""
        if sys.platform == "linux":  # to the nanosecond; what psutil reads is in ticks of 10 ms
            return time.clock_gettime(~self.process.pid << 3 | PROCESS_CLOCK)
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def _complaint(self) -> str:
        """Return the last line that the process wrote to its standard error, for a message."""
        self._errors.flush()
        lines = Path(self._errors.name).read_text(errors="replace").strip().splitlines()
        return f" ({lines[-1][:200]})" if lines else ""
