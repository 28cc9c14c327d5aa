"""What all tests share. Programs are ended when the test is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.frontends.programs import Piped, Program

# The same examples at every run; `pytest --hypothesis-profile=search` looks for new ones.
settings.register_profile("promise", max_examples=300, derandomize=True, database=None, deadline=None)
settings.register_profile("search", max_examples=20_000, deadline=None)
settings.load_profile("promise")


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    started: list[Program] = []
    yield started
    for program in started:
        program.clean_up()


@pytest.fixture
def piped(programs: list[Program], tmp_path: Path) -> Callable[..., Piped]:
    """Start the program on pipes."""

    from tests.frontends.programs import Piped  # POSIX only

    def start(*arguments: str, **more: str) -> Piped:
        program = Piped(arguments, tmp_path, **more)
        programs.append(program)
        return program

    return start
