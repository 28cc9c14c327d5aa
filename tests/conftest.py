"""What all tests share. Programs are ended when the test is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.frontends.programs import Piped, Program

pytest_plugins = ["tests.side_by_side"]

# The same examples at every run; `pytest --hypothesis-profile=search` looks for new ones.
settings.register_profile("promise", max_examples=200, derandomize=True, database=None, deadline=None)
settings.register_profile("search", max_examples=20_000, deadline=None)
settings.load_profile("promise")


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the user's own is read or written: no configuration, no key; and nobody is looked for."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("PY_PEER_")]:
        del os.environ[name]
    home = tmp_path_factory.mktemp("home")
    os.environ |= {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "STATE")}
    os.environ |= dict.fromkeys(("PY_PEER_MDNS", "PY_PEER_DISCOVERY", "PY_PEER_REMEMBER", "PY_PEER_UPNP"), "0")
    yield
    os.environ.clear()
    os.environ |= before


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

    def start(*arguments: str, **more: Any) -> Piped:
        program = Piped(arguments, tmp_path, **more)
        programs.append(program)
        return program

    return start
