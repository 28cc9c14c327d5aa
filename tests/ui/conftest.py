"""The program with its full screen, on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.ui.full_screen import FullScreen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.frontends.programs import Program


@pytest.fixture
def start(programs: list[Program], tmp_path: Path) -> Callable[..., FullScreen]:
    """Start a full screen."""

    def start(*arguments: str, **more: Any) -> FullScreen:
        program = FullScreen(tmp_path, "--nick", "Ann", *arguments, **more)
        programs.append(program)
        return program

    return start
