"""The program with its full screen, on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from textual import events
from textual.message_pump import MessagePump
from textual.pilot import Pilot

from tests.ui.full_screen import FullScreen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.message import Message

    from tests.frontends.programs import Program

ROUNDS = 100
"""After which something is taken to go on by itself."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a pilot pause until every message is handled, and those that came of it.

    Textual 8.2.8 waits until the process uses no time, which is also so when a busy machine gives it none.
    """
    handled = 0
    dispatch, pause = MessagePump._dispatch_message, Pilot.pause

    async def counted(pump: MessagePump, message: Message) -> None:
        nonlocal handled
        await dispatch(pump, message)
        handled += not isinstance(message, events.Callback)  # with which a round asks everybody

    async def wait(pilot: Pilot[Any], delay: float | None = None) -> None:
        await pause(pilot, delay)
        for _ in range(0 if delay is not None else ROUNDS):
            before = handled
            pilot.app._check_resize()  # this and the next would come with a timer
            pilot.app.screen._on_timer_update()
            if not await pilot._wait_for_screen() or handled == before:
                break

    monkeypatch.setattr(MessagePump, "_dispatch_message", counted)
    monkeypatch.setattr(Pilot, "pause", wait)


@pytest.fixture
def start(programs: list[Program], tmp_path: Path) -> Callable[..., FullScreen]:
    """Start a full screen."""

    def start(*arguments: str, **more: Any) -> FullScreen:
        program = FullScreen(tmp_path, "--nick", "Ann", *arguments, **more)
        programs.append(program)
        return program

    return start
