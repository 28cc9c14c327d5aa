"""Front-ends take over the process's signals; each test gets them back."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from py_peer.frontends.arguments import parse_arguments
from py_peer.frontends.leaving import SIGNALS
from py_peer.frontends.sub_commands import run_sub_command
from tests.frontends.programs import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.frontends.programs import Program, SubCommand


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


@pytest.fixture
def sub_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> SubCommand:
    """Do what a sub-command without a peer does, in this process, with a data folder of the test's own."""

    def do(*arguments: str, folder: Path = tmp_path, **more: str) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
            for name, text in {"XDG_DATA_HOME": str(tmp_path / "data"), **more}.items():
                patch.setenv(name, text)
            try:
                code = run_sub_command(parse_arguments(arguments))
            except SystemExit as end:  # of the arguments' reader
                code = int(end.code or 0)
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out, said.err)

    return do
