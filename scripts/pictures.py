"""Make the pictures of the README from the demo: the real front-end over the real service, with the demo's own peers.

Only the terminal is missing; Textual draws what would stand on it as SVG. The demo runs three times as fast as for a
person. Nothing is written that a picture on a web page must not hold: an address that is not loopback, a path of
this machine, or a font to be fetched from somebody.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import re
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

from py_peer.core.settings import Settings
from py_peer.demo.cast import Cast
from py_peer.frontends.arguments import Arguments
from py_peer.frontends.front_end import new_loop
from py_peer.frontends.leaving import Watchdog
from py_peer.frontends.log_setup import set_up_logging
from py_peer.frontends.screen import Screen
from py_peer.headless import HeadlessService
from py_peer.ui import chat as ui_chat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.pilot import Pilot

    from py_peer.core.entries import Entry

PICTURES: Final = Path(__file__).parent.parent / "docs" / "pictures"
NICK: Final = "Alice"
PACE: Final = 0.3
PATIENCE: Final = 60.0
WIDE: Final = (100, 30)
NARROW: Final = (48, 20)

FONT_FACE: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
FETCHED: Final = re.compile(r"url\((?!#)|(?:href|src)=|@import")
ADDRESS: Final = re.compile(r"/ip[46]/([^/\s<&]+)|\b(\d+\.\d+\.\d+\.\d+)\b")


class Visitor:
    """Sits in front of a chat, says something now and then, and takes pictures."""

    def __init__(self, chat: ui_chat.FullScreenChat) -> None:
        self._chat = chat
        self._heard: list[str] = []
        self._more = asyncio.Event()
        record = chat.record

        def listen(entries: Sequence[Entry]) -> None:
            record(entries)
            self._heard += [entry.text for entry in entries]
            self._more.set()

        chat.record = listen  # type: ignore[method-assign]

    async def visit(self, pilot: Pilot[Any]) -> None:
        """Take all pictures, then leave."""
        try:
            await self._take(pilot)
        finally:
            self._chat.leave()

    async def _take(self, pilot: Pilot[Any]) -> None:
        await self._hears("Hello, I am Echo")
        await self._says(pilot, "Hello Echo, hello everybody")
        await self._hears("GossipSub: each peer")
        await self._save(pilot, "room")
        await self._hears("It does. Try it")
        await self._says(pilot, "I just might")
        await self._hears("きれいですね")
        await pilot.resize_terminal(*NARROW)
        await self._save(pilot, "narrow")
        await pilot.resize_terminal(*WIDE)
        await self._hears("Mia again")
        self._chat.ui.theme = "textual-light"
        await self._save(pilot, "light")
        self._chat.ui.theme = "textual-dark"
        await self._hears("Ctrl-F finds it")
        await pilot.press("ctrl+f", *"seen")
        await self._save(pilot, "find")

    async def _says(self, pilot: Pilot[Any], text: str) -> None:
        await pilot.press(*text, "enter")

    async def _hears(self, text: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not any(text in heard for heard in self._heard):
                self._more.clear()
                await self._more.wait()

    async def _save(self, pilot: Pilot[Any], name: str) -> None:
        await pilot.pause(0.5)  # marks of delivery, and a frame
        svg = without_fonts(self._chat.ui.export_screenshot(title=f"py-peer --nick {NICK} --demo", simplify=True))
        if found := faults(svg):
            raise SystemExit(f"{name}.svg is not written, it holds {found}")
        (PICTURES / f"{name}.svg").write_text(svg, encoding="utf-8")
        print(PICTURES.name, f"{name}.svg", sep="/")


def without_fonts(svg: str) -> str:
    """Return the picture with the reader's own fonts in the place of those that it would fetch."""
    svg = FONT_FACE.sub("", svg)
    return svg.replace("font-family: Fira Code, monospace", "font-family: monospace").replace(
        "font-family: arial", "font-family: sans-serif"
    )


def faults(svg: str) -> list[str]:
    """Return what a picture must not hold, as it stands in it."""
    addresses = {"".join(found) for found in ADDRESS.findall(svg)} - {"127.0.0.1"}
    paths = {path for path in (str(Path.home()), str(PICTURES.parent.parent), tempfile.gettempdir()) if path in svg}
    return [*addresses, *paths, *FETCHED.findall(svg)]


async def play() -> None:
    """Run the demo once and take the pictures."""
    settings = Settings(NICK, loopback=True)
    arguments = Arguments(settings, ui=True, demo=True, headless=False, verbose=False, log_file=None)
    service, screen = HeadlessService(settings), Screen(io.StringIO())
    with mock.patch.object(ui_chat, "Cast", partial(Cast, pace=PACE)):
        front_end = ui_chat.FullScreenChat(service, screen, Watchdog(PATIENCE), None, arguments)
    visitor = Visitor(front_end)
    run_async = front_end.ui.run_async
    front_end.ui.run_async = partial(run_async, headless=True, size=WIDE, auto_pilot=visitor.visit)  # type: ignore[method-assign]
    await front_end.run()


def main() -> None:
    """Make all pictures."""
    for name in ("NO_COLOR", "REMOTE_PEER", "BOOTSTRAP_PEERS"):
        os.environ.pop(name, None)
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # for system_messages.txt
        set_up_logging(verbose=False, log_file=None, held=None)
        new_loop().run_until_complete(play())


if __name__ == "__main__":
    main()
