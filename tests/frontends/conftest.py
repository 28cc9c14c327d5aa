"""Front-ends take over the process's signals; each test gets them back."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from py_peer.frontends.leaving import SIGNALS
from tests.frontends.programs import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.frontends.programs import Program


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in before:  # under nohup SIGHUP is ignored, and children inherit that
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def terminal(programs: list[Program], tmp_path: Path) -> Callable[..., Terminal]:
    """Start the program on a terminal."""

    def start(*arguments: str, columns: int = 100, cold: bool = False, **more: str) -> Terminal:
        program = Terminal(arguments, tmp_path, more, columns, cold=cold)
        programs.append(program)
        return program

    return start
