"""Starts the peers of the demo, says when one is lost, and ends them all."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

import py_peer
from py_peer.core import limits
from py_peer.core.cleaning import clean_line
from py_peer.demo import script

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(py_peer.__file__).absolute().parent.parent
"""From here `-m py_peer` finds this very package, wherever it was started from."""

CLOSE_SECONDS: Final = 0.5
READ_BYTES: Final = 4_096

_WINDOWS_FLAGS: Final = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0) | getattr(
    subprocess, "CREATE_NO_WINDOW", 0
)


@final
class Cast:
    """The peers of the demo, as processes. Everything but the watching is done in the thread of one asyncio loop.

    `nick` is what they call the user; `report` is called, in the loop, with a sentence when one of them is lost.
    `pace` stretches the pauses between what they say.
    """

    def __init__(self, nick: str, report: Callable[[str], None], *, pace: float = 1.0) -> None:
        self._nick = nick
        self._report = report
        self._pace = pace
        self._processes: list[subprocess.Popen[bytes]] = []
        self._closed = False

    async def run(self, address: str) -> None:
        """Have them come to `address`, the user's own on loopback, one after the other; returns when all have."""
        since = time.time()
        for name in script.NAMES:
            come = script.visits(name, self._nick)[0].come
            await asyncio.sleep(max(0.0, since + come * self._pace - time.time()))
            if self._closed:
                return
            self._start(name, address, since)

    def close(self) -> None:
        """End them all, within a second. What is lost from here on is not reported."""
        self._closed = True
        for process in self._processes:
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
        deadline = time.monotonic() + CLOSE_SECONDS
        for process in self._processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, name: str, address: str, since: float) -> None:
        options = (f"--nick={self._nick}", f"--since={since}", f"--pace={self._pace}")
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program
                (sys.executable, "-m", "py_peer.demo.bot", *options, name, address),
                cwd=ROOT,
                stdin=subprocess.PIPE,  # never written to: it ends when we do, and so does the bot
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                creationflags=_WINDOWS_FLAGS,
            )
        except OSError as error:
            self._report(f"{name} of the demo cannot be started: {error.strerror or error}")
            return
        self._processes.append(process)
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._watch, args=(name, process, loop), name=f"demo {name}", daemon=True).start()

    def _watch(self, name: str, process: subprocess.Popen[bytes], loop: asyncio.AbstractEventLoop) -> None:
        """Wait for the end of a process, in a thread of its own, and tell it in the loop."""
        said = b""
        if process.stderr is not None:
            with process.stderr as stream:
                while data := os.read(stream.fileno(), READ_BYTES):
                    said = (said + data)[-READ_BYTES:]
        code = process.wait()
        lines = said.decode(errors="replace").strip().splitlines()
        reason = clean_line(lines[-1], limits.MAX_ERROR_CHARS) if lines else f"it has ended with {code}"
        with contextlib.suppress(RuntimeError):  # the loop is closed: the program is over
            loop.call_soon_threadsafe(self._lost, f"{name} of the demo is gone: {reason}")

    def _lost(self, sentence: str) -> None:
        if not self._closed:
            self._report(sentence)
