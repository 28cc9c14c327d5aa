"""The full screen over a service without a network, driven by a pilot."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, final

from py_peer.core.events import PeerConnected, PeerJoined, Started
from py_peer.core.file_events import FilesReport
from py_peer.core.requests import RequestFiles
from py_peer.frontends.arguments import parse_arguments
from py_peer.ui.chat import FullScreenChat
from tests.frontends.fakes import DEADLINE, READY, US, FakeService, Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from textual.pilot import Pilot

    from py_peer.core.events import Event
    from py_peer.core.file_events import Transfer
    from py_peer.core.requests import Request


@final
class WaitingService(FakeService):
    """A service that is started by the front-end, and is ready at once then."""

    def __init__(self, *, answering: bool = True, starts: bool = True) -> None:
        super().__init__(answering=answering, starting=False)
        self.starts = starts
        self.transfers: tuple[Transfer, ...] = ()
        """What it fetches, and what waits for its turn."""

        self.idle = asyncio.Event()
        """Set while all events have been shown."""

    def start(self) -> None:
        if self.starts:
            self.emit(Started(US), READY)

    def emit(self, *events: Event) -> None:
        self.idle.clear()
        super().emit(*events)

    def request(self, request: Request) -> bool:
        taken = super().request(request)
        if taken and isinstance(request, RequestFiles):
            self.emit(FilesReport(request.ticket, (), (), self.transfers, "/downloads", {}))
        return taken

    async def next_event(self) -> Event:
        if not self._events:
            self.idle.set()
        return await super().next_event()


@final
class Scene:
    """A screen, who drives it, and what it drives."""

    def __init__(self, chat: FullScreenChat, service: WaitingService, pilot: Pilot[None], stage: Stage) -> None:
        self.chat = chat
        self.ui = chat.ui
        self.service = service
        self.pilot = pilot
        self.stage = stage

    async def tell(self, *events: Event) -> None:
        """Let the service tell `events`, and wait until they are shown."""
        self.service.emit(*events)
        await self.settle()

    async def join(self, *peer_ids: str) -> None:
        """Let peers come into the room."""
        self.service.room += len(peer_ids)
        for peer_id in peer_ids:
            await self.tell(
                PeerConnected(peer_id, "/ip4/127.0.0.1/tcp/4002", inbound=True), PeerJoined(peer_id, self.service.room)
            )

    async def type(self, text: str) -> None:
        """Put `text` into the input, which is faster than key by key, and press Enter."""
        self.ui.composer.put(text)
        await self.pilot.press("enter")
        await self.settle()

    async def settle(self) -> None:
        """Wait until everything told is shown."""
        await self.pilot.pause()
        async with asyncio.timeout(DEADLINE):
            while self.chat._tasks:
                await asyncio.wait(self.chat._tasks)
            await self.service.idle.wait()
        await self.pilot.pause()

    def text(self) -> str:
        """Return what stands on the screen."""
        return "\n".join(strip.text for strip in self.ui.screen._compositor.render_strips())


@contextlib.asynccontextmanager
async def screen(
    *, size: tuple[int, int] = (100, 30), answering: bool = True, starts: bool = True, options: Sequence[str] = ()
) -> AsyncIterator[Scene]:
    """Show the full screen of bob, painted and ready."""
    service, stage = WaitingService(answering=answering, starts=starts), Stage()
    chat = FullScreenChat(
        service, stage.screen, stage.watchdog, None, parse_arguments(["--nick", "bob", "--ui", *options], {})
    )
    async with chat.ui.run_test(size=size) as pilot:
        telling = asyncio.create_task(chat._tell())
        scene = Scene(chat, service, pilot, stage)
        await scene.settle()
        yield scene
        telling.cancel()
