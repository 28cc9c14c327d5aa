"""The real program in a process of its own: on pipes, and on a terminal that a person could sit at.

Every wait has a deadline and ends as soon as what is waited for is there.
"""

from __future__ import annotations

import codecs
import contextlib
import copy
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import pyte

from tests import warm

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).parents[2]
PY_PEER = (sys.executable, "-m", "py_peer")
DEADLINE = 20.0
"""For a start on a busy machine; nothing here takes as long otherwise."""

LEAVING_SECONDS = 2.0
"""What is promised of every way out."""

BUSY_SECONDS = 1.0
"""On top of it, for a machine that does other things too."""


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a user: bytecode is kept, and nothing of the caller's own is passed on.

    The programs of a test are peers of their own; those that keep a key take `PY_PEER_EPHEMERAL=""` and a folder. They
    look for nobody (tests/conftest.py), unless they are told to, as in `PY_PEER_MDNS="1"`.
    """
    names = ("PATH", "SYSTEMROOT", "LANG", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
    kept = {name: text for name, text in os.environ.items() if name in names or name.startswith("PY_PEER_")}
    ours = {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PY_PEER_EPHEMERAL": "1"}
    return {**kept, **ours, **more}


ALTERNATE_SCREEN = 1049
SubCommand: TypeAlias = "Callable[..., subprocess.CompletedProcess[str]]"
"""What does what a program would, in this process (tests/frontends/conftest.py)."""


class Program:
    """A running program and what it has shown so far."""

    def __init__(self, process: warm.Process) -> None:
        self.process = process
        self.changed = threading.Condition()

    @property
    def text(self) -> str:
        """All that was shown."""
        raise NotImplementedError

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = DEADLINE) -> None:
        with self.changed:
            if not self.changed.wait_for(condition, seconds):
                raise AssertionError(f"not seen in {seconds} s: {what}\n--- shown:\n{self.text}")

    def expect(self, pattern: str, seconds: float = DEADLINE) -> re.Match[str]:
        """Wait until a line matches `pattern`, and return the match."""
        compiled = re.compile(pattern, re.MULTILINE)
        found: list[re.Match[str]] = []

        def look() -> bool:
            found.extend(compiled.finditer(self.text))
            return bool(found)

        self.wait_for(look, pattern, seconds)
        return found[0]  # at a second look it might be gone from the screen

    def expect_count(self, pattern: str, count: int, seconds: float = DEADLINE) -> None:
        compiled = re.compile(pattern, re.MULTILINE)
        self.wait_for(lambda: len(compiled.findall(self.text)) >= count, f"{count} times {pattern}", seconds)

    def address(self) -> str:
        """Return where this program is to be dialled, on this machine: as its banner says, but for the interface."""
        found = self.expect(r"^(?:Multiaddr|Listening on): /ip4/\S+?/tcp/(\d+)/p2p/(\w+)$")
        return f"/ip4/127.0.0.1/tcp/{found[1]}/p2p/{found[2]}"

    def send(self, text: str | bytes) -> None:
        raise NotImplementedError

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def leave(self, seconds: float = LEAVING_SECONDS + BUSY_SECONDS) -> int:
        """Wait until the program has ended, as fast as is promised, and return its exit code."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there after {seconds} s\n--- shown:\n{self.text}") from None
        self._read_to_the_end()
        return code

    def _read_to_the_end(self) -> None:
        raise NotImplementedError

    def clean_up(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Piped(Program):
    """The program on pipes; `text` is its standard output, `errors` its standard error."""

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        command: Sequence[str] = PY_PEER,
        *,
        cold: bool = False,
        **more: str,
    ) -> None:
        pipes = (subprocess.PIPE,) * 3
        super().__init__(warm.start([*command, *arguments], folder, environment(**more), *pipes, cold=cold))
        self._shown = {"stdout": bytearray(), "stderr": bytearray()}
        self._threads = [
            threading.Thread(target=self._read, args=(name, getattr(self.process, name)), daemon=True)
            for name in self._shown
        ]
        for thread in self._threads:
            thread.start()

    @property
    def text(self) -> str:
        return bytes(self._shown["stdout"]).decode()

    @property
    def errors(self) -> str:
        return bytes(self._shown["stderr"]).decode()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def send(self, text: str | bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() if isinstance(text, str) else text)
        self.process.stdin.flush()

    def end_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def _read(self, name: str, stream: IO[bytes]) -> None:
        while data := os.read(stream.fileno(), 65536):
            with self.changed:
                self._shown[name] += data
                self.changed.notify_all()

    def _read_to_the_end(self) -> None:
        for thread in self._threads:
            thread.join(DEADLINE)

    def clean_up(self) -> None:
        super().clean_up()
        self._read_to_the_end()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def run_to_its_end(folder: Path, *arguments: str, given: str | bytes = b"") -> subprocess.CompletedProcess[str]:
    """Run the program with `given` on its standard input."""
    program = Piped(arguments, folder)
    try:
        with contextlib.suppress(BrokenPipeError):  # what it does not want it does not read
            program.send(given)
            program.end_input()
        code = program.leave(DEADLINE)
    finally:
        program.clean_up()
    return subprocess.CompletedProcess(arguments, code, program.text, program.errors)


class _Screen(pyte.HistoryScreen):  # type: ignore[misc, unused-ignore]  # pyte comes without types
    """A terminal that answers when it is asked where its cursor is, and has an alternate screen."""

    def __init__(self, columns: int, rows: int, answer: Callable[[bytes], object]) -> None:
        self._answer = answer
        self._main: tuple[Any, Any] | None = None
        self._swallow = False
        super().__init__(columns, rows, history=10_000, ratio=1.0)

    def write_process_input(self, data: str) -> None:
        self._answer(data.encode())

    @property
    def is_alternate(self) -> bool:
        return self._main is not None

    def set_mode(self, *modes: int, **kind: Any) -> None:
        if modes == (ALTERNATE_SCREEN,) and not self.is_alternate:
            self._main = copy.deepcopy((self.buffer, self.cursor))
            self.erase_in_display(2)
        super().set_mode(*modes, **kind)

    def reset_mode(self, *modes: int, **kind: Any) -> None:
        if modes == (ALTERNATE_SCREEN,) and self._main is not None:
            (self.buffer, self.cursor), self._main = self._main, None
        super().reset_mode(*modes, **kind)

    def swallow(self, *_parameters: int, **_kind: Any) -> None:
        self._swallow = True

    def draw(self, data: str) -> None:
        super().draw(data[1:] if self._swallow else data)
        self._swallow = False


class _Stream(pyte.Stream):  # type: ignore[misc, unused-ignore]
    """pyte 0.8.2 takes a private sequence of the keyboard protocol (CSI < u) for ended at its "<"."""

    csi = {**pyte.Stream.csi, "<": "swallow"}  # noqa: RUF012
    events = pyte.Stream.events | {"swallow"}


class Terminal(Program):
    """The program on a terminal; `text` is what scrolled away and what is on the screen."""

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        more: Mapping[str, str],
        columns: int = 100,
        rows: int = 40,
        *,
        command: Sequence[str] = PY_PEER,
        errors: Path | None = None,
        cold: bool = False,
    ) -> None:
        """Start it. `errors` is a file for its standard error, which else is the terminal."""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._slave = slave
        self.modes_before = termios.tcgetattr(slave)
        self._screen = _Screen(columns, rows, lambda data: os.write(self._master, data))
        self._stream = _Stream(self._screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.raw = bytearray()
        with contextlib.ExitStack() as files:
            process = warm.start(
                [*command, *arguments],
                folder,
                environment(**more),
                slave,
                slave,
                slave if errors is None else files.enter_context(errors.open("wb")).fileno(),
                terminal=True,
                cold=cold,
            )
        super().__init__(process)
        self._stop_reading, self._reading_stops = os.pipe()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        return "\n".join([*self.scrolled, *self.display])

    @property
    def display(self) -> list[str]:
        """The lines on the screen, without the empty ones below."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip("\n").split("\n")

    @property
    def scrolled(self) -> list[str]:
        # A copy made at once: the reading thread adds lines meanwhile.
        return [self._plain(line) for line in list(self._screen.history.top)]

    @property
    def is_alternate(self) -> bool:
        """Whether the alternate screen is shown."""
        return self._screen.is_alternate

    @property
    def modes(self) -> list[Any]:
        return termios.tcgetattr(self._slave)

    def send(self, text: str | bytes) -> None:
        os.write(self._master, text.encode() if isinstance(text, str) else text)

    def paste(self, text: str) -> None:
        """Paste as terminals do: bracketed, line breaks as returns."""
        data = f"\x1b[200~{text}\x1b[201~".replace("\n", "\r").encode()
        while data:
            data = data[os.write(self._master, data[:2048]) :]

    def expect_prompt(self, typed: str = "") -> None:
        """Wait until the last line on the screen is the prompt with `typed`, whole."""
        self.wait_for(lambda: self.display[-1] == f"> {typed}".rstrip(), f"the prompt with {typed!r}")

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size; the program is told."""
        with self.changed:
            self._screen.resize(rows, columns)
            fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def stall(self) -> None:
        """Take nothing more of what the program writes."""
        os.write(self._reading_stops, b".")
        self._thread.join(DEADLINE)

    @property
    def is_full(self) -> bool:
        """Whether the program would have to wait with what it writes."""
        return not select.select([], [self._slave], [], 0)[1]

    def hang_up(self) -> None:
        """Close the window."""
        self.stall()  # while a thread reads it, a descriptor is not closed
        os.close(self._master)
        self._master = -1

    def _plain(self, line: dict[int, Any]) -> str:
        return "".join(line[column].data for column in range(self._screen.columns)).rstrip()

    def _read(self) -> None:
        while True:
            if self._stop_reading in select.select([self._master, self._stop_reading], [], [])[0]:
                return
            data = os.read(self._master, 65536)
            with self.changed:
                self.raw += data
                # pyte 0.8.2 drops what stands behind an emoji selector in the same write.
                self._stream.feed(self._decoder.decode(data).replace("\ufe0f", ""))
                self.changed.notify_all()

    def _read_to_the_end(self) -> None:
        # The slave is kept open for its modes, so the master has no end: a NUL, which terminals ignore, stands for it.
        os.write(self._slave, b"\0")
        self.wait_for(lambda: self.raw.endswith(b"\0"), "all that it has written")
        with self.changed:
            self.raw.pop()

    def clean_up(self) -> None:
        super().clean_up()
        if self._master >= 0:
            self.hang_up()
        for descriptor in (self._slave, self._stop_reading, self._reading_stops):
            os.close(descriptor)
