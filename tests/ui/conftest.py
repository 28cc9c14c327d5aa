"""Programs of the full screen are ended when the test is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.frontends.programs import Piped
from tests.ui.full_screen import FullScreen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.frontends.programs import Program


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    started: list[Program] = []
    yield started
    for program in started:
        program.clean_up()


@pytest.fixture
def start(programs: list[Program], tmp_path: Path) -> Callable[..., FullScreen]:
    """Start a full screen."""

    def start(*arguments: str, **more: Any) -> FullScreen:
        program = FullScreen(tmp_path, "--nick", "Ann", *arguments, **more)
        programs.append(program)
        return program

    return start


@pytest.fixture
def piped(programs: list[Program], tmp_path: Path) -> Callable[..., Piped]:
    """Start the program on pipes."""

    def start(*arguments: str) -> Piped:
        program = Piped(arguments, tmp_path)
        programs.append(program)
        return program

    return start
