"""The full screen of the real program on a terminal: what is seen, what the terminal is told, how it is left."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, final

from tests.frontends.programs import PY_PEER, Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ALT_2, CTRL_U = "\x1b2", "\x15"
ENTER, ESCAPE, CTRL_C, CTRL_F, CTRL_Q, F1, F2, F3, PAGE_UP, END = (
    "\r",
    "\x1b[27u",
    "\x03",
    "\x06",
    "\x11",
    "\x1bOP",
    "\x1bOQ",
    "\x1bOR",
    "\x1b[5~",
    "\x1b[F",
)
"""Escape as terminals with the keyboard protocol send it: a bare one would make Alt of a key that follows at once."""

FOCUS_IN, FOCUS_OUT = "\x1b[I", "\x1b[O"
AS_AT_THE_START = {7: True, 25: True}
"""Modes that a terminal has on when a program begins: it wraps lines and shows the cursor."""


@final
class FullScreen(Terminal):
    """The program with `--ui`."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        columns: int = 100,
        rows: int = 30,
        command: Sequence[str] = PY_PEER,
        errors: Path | None = None,
        cold: bool = False,
        **more: str,
    ) -> None:
        arguments = ("--ui", "--no-intro", *arguments)
        super().__init__(arguments, folder, more, columns, rows, command=command, errors=errors, cold=cold)

    @property
    def text(self) -> str:
        """What stands on the screen, and nothing that it has scrolled away."""
        return "\n".join(self.display)

    @property
    def titles(self) -> list[str]:
        """All titles that the terminal was given."""
        return [title.decode() for title in re.findall(rb"\x1b\]2;(.*?)\a", self.raw)]

    @property
    def notifications(self) -> list[str]:
        """What the desktop was to say."""
        return [text.decode() for text in re.findall(rb"\x1b\]9;(.*?)\a", self.raw)]

    @property
    def bells(self) -> int:
        """How often it rang; the BEL that ends an OSC rings nothing."""
        return re.sub(rb"\x1b\].*?(?:\a|\x1b\\)", b"", self.raw).count(b"\a")

    def wait_ready(self) -> None:
        """Wait until it listens and is in the room."""
        self.wait_for(lambda: re.search("● (alone|\\d+ peer)", self.text) is not None, "the room")

    def wait_gone(self, text: str) -> None:
        self.wait_for(lambda: text not in self.text, f"no {text!r}")

    def address(self) -> str:
        """Return where this program is to be dialled, on this machine."""
        found = self.expect(r"Multiaddr: /ip4/\S+?/tcp/(\d+)/p2p/(\w+)")
        return f"/ip4/127.0.0.1/tcp/{found[1]}/p2p/{found[2]}"

    def place(self, text: str) -> tuple[int, int]:
        """Return the column and the row, from 1, where `text` stands on the screen."""
        row, line = next((row, line) for row, line in enumerate(self.display, 1) if text in line)
        return line.index(text) + 1, row

    def is_reversed(self, text: str) -> bool:
        """Whether the first letter of `text` is shown in reverse."""
        column, row = self.place(text)
        return bool(self._screen.buffer[row - 1][column - 1].reverse)

    def mouse(self, button: int, column: int, row: int, *, released: bool = False) -> None:
        """Report the mouse as xterm does when asked for mode 1006."""
        self.send(f"\x1b[<{button};{column};{row}{'m' if released else 'M'}")

    def click(self, text: str) -> None:
        place = self.place(text)
        self.mouse(0, *place)
        self.mouse(0, *place, released=True)

    def drag(self, begin: str, end: str) -> None:
        """Select from the begin of one text to the begin of another."""
        self.mouse(0, *self.place(begin))
        self.mouse(32, *self.place(end))
        self.mouse(0, *self.place(end), released=True)

    def left_behind(self) -> list[str]:
        """Return what a terminal would still have from this program, after all that was written; [] if all is undone.

        The keyboard protocol's stack is one of each screen, so it must be taken back before the other screen is left.
        """
        modes: dict[int, bool] = dict(AS_AT_THE_START)
        keyboards: dict[bool, int] = defaultdict(int)
        titles = 0
        for mode, switch, keyboard, title in re.findall(
            rb"\x1b\[(?:\?(\d+)([hl])|([<>])\d*u|(22|23);2t)", bytes(self.raw)
        ):
            if mode:
                modes[int(mode)] = switch == b"h"
            elif keyboard:
                keyboards[modes.get(1049, False)] += 1 if keyboard == b">" else -1
            else:
                titles += 1 if title == b"22" else -1
        left = [
            f"mode {mode} is {'on' if on else 'off'}" for mode, on in modes.items() if on != (mode in AS_AT_THE_START)
        ]
        left += [f"{count} keyboard modes" for count in keyboards.values() if count > 0]
        left += [f"{titles} titles"] * (titles != 0)
        pointers = re.findall(rb"\x1b\]22;(.*?)\a", bytes(self.raw))
        return left + [f"pointer {shape.decode()}" for shape in pointers[-1:] if shape != b"default"]


def assert_as_it_was(program: FullScreen) -> None:
    assert program.modes == program.modes_before
    assert not program.is_alternate
    assert program.left_behind() == []
    assert program.display[0] == "Starting Universal Connectivity Application..."
    assert "Traceback" not in program.text
