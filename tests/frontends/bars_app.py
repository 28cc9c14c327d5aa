"""The chat on a terminal over a service without a network, that fetches as far as it is told."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, final

from py_peer.core.events import MessageReceived
from py_peer.core.file_events import Transfer, TransferDone, TransferProgress, TransferStarted
from py_peer.core.requests import GetFile, SendText
from py_peer.frontends.front_end import new_loop
from py_peer.frontends.leaving import Watchdog
from py_peer.frontends.screen import Screen
from py_peer.frontends.typed import TerminalChat
from tests.frontends.fakes import ANN, FakeService

if TYPE_CHECKING:
    from py_peer.core.requests import Request

SIZE = 1_000_000


@final
class Fetching(FakeService):
    """`/get NAME` begins, the text "NAME 30" goes on, "NAME 100" ends; "say TEXT" lets somebody else speak."""

    def __init__(self) -> None:
        super().__init__(peers=1)
        self._transfers: dict[str, Transfer] = {}

    def request(self, request: Request) -> bool:
        match request:
            case GetFile(file=name):
                number = len(self._transfers) + 1
                transfer = Transfer(number, "k3xab", name, f"/d/{name}", (ANN,), 0, SIZE, 0.0, None)
                self._transfers[name] = transfer
                self.emit(TransferStarted(request.ticket, transfer))
            case SendText(text=text) if text.startswith("say "):
                self.emit(MessageReceived(ANN, "Ann", text.removeprefix("say "), 0.0))
            case SendText(text=text):
                name, share = text.split()
                received = SIZE * int(share) // 100
                moved = replace(
                    self._transfers[name], received=received, rate=1e5, seconds_left=(SIZE - received) / 1e5
                )
                self.emit(TransferProgress(moved))
                if received == SIZE:
                    self.emit(TransferDone(moved.number, "k3xab", name, moved.path, SIZE, 1.0, verified=True))
            case _:
                return super().request(request)
        return True


def main() -> None:
    """Run it until it is told to leave."""
    chat = TerminalChat(Fetching(), Screen(sys.stdout), Watchdog(seconds=3600), None)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(chat.run())


if __name__ == "__main__":
    main()
