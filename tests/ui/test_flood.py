"""A thousand messages at once, through the queue between the threads: all are shown, and typing goes on meanwhile."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from py_peer.core.events import MessageReceived, Ready, Started
from py_peer.frontends.arguments import parse_arguments
from py_peer.headless import HeadlessService
from py_peer.ui.chat import FullScreenChat
from tests.frontends.fakes import ADDRESS, DEADLINE, US, Stage
from tests.loops import run

if TYPE_CHECKING:
    import pytest

AUTHORS = [f"12D3KooWCPZEzZ2B3VJ4bK6t6m6r{number:024}" for number in range(20)]
MESSAGES = [
    MessageReceived(AUTHORS[number % 20], f"peer {number % 20}", f"message {number}", 0.0) for number in range(1000)
]
TYPED = "a sentence typed meanwhile"


def test_all_are_shown_and_what_is_typed_meanwhile_is_in_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def flood(service: HeadlessService) -> None:
        begun.wait(DEADLINE)
        for event in (Started(US), Ready(US, "bob", (ADDRESS,)), *MESSAGES):
            service._emit(event)

    monkeypatch.setattr(HeadlessService, "_run", flood)

    async def scene() -> None:
        arguments = parse_arguments(["--nick", "bob", "--ui"], {})
        stage, service = Stage(), HeadlessService(arguments.settings)
        chat = FullScreenChat(service, stage.screen, stage.watchdog, None, arguments)
        room = chat.ui.room
        async with chat.ui.run_test(size=(100, 30)) as pilot, asyncio.timeout(DEADLINE):
            telling = asyncio.create_task(chat._tell())
            await pilot.press(*TYPED[:9])
            begun.set()
            await pilot.press(*TYPED[9:])
            while room._stack.newest < len(MESSAGES):
                await pilot.pause()
            shown = [entry.text for entry in room._transcript if entry.text.startswith("message ")]
            assert shown == [event.text for event in MESSAGES]
            await pilot.pause()
            screen = [strip.text for strip in chat.ui.screen._compositor.render_strips()]
            assert any("peer 19: message 999 " in row for row in screen)
            assert chat.ui.composer.full_text == TYPED
            assert any(f" {TYPED} " in row for row in screen)
            telling.cancel()

    run(scene())
