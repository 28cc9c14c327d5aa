"""The bots in examples/ do what they say, in a real room, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.frontends.programs import BUSY_SECONDS, DEADLINE, LEAVING_SECONDS, ROOT, Piped, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

EXAMPLES = ROOT / "examples"
BOTS = {
    "clock.sh": (("sh",), "!time", r"^\[\w+\(\w{8}\)\]: It is \d\d:\d\d\.$"),
    "echo.py": ((sys.executable,), '!echo "Grüße" \\n 🎉', r'^\[\w+\(\w{8}\)\]: "Grüße" \\n 🎉$'),
}


@pytest.fixture
def path_to_py_peer(tmp_path: Path) -> str:
    """Return a PATH on which py-peer stands, as after an installation."""
    command = tmp_path / "bin" / "py-peer"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m py_peer "$@"\n')
    command.chmod(0o755)
    return f"{command.parent}{os.pathsep}{os.environ['PATH']}"


def test_every_example_is_tested() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} == set(BOTS)


@pytest.mark.parametrize("told", ["Ctrl-C", "kill"])
@pytest.mark.parametrize(("name", "interpreter", "said", "answer"), [(name, *bot) for name, bot in BOTS.items()])
def test_a_bot_answers_and_ends_with_its_peer(
    piped: Callable[..., Piped],
    tmp_path: Path,
    path_to_py_peer: str,
    name: str,
    interpreter: Sequence[str],
    said: str,
    answer: str,
    told: str,
) -> None:
    ann = piped("--no-intro")
    bot = subprocess.Popen(
        [*interpreter, EXAMPLES / name, "--connect", ann.address()],
        env=environment(PATH=path_to_py_peer, TMPDIR=str(tmp_path)),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        ann.expect(r"Hello from \w+ \(py-peer\)$")
        ann.send(f"nothing for a bot, not even {said}\n{said}\n")
        ann.expect(answer)
        if told == "Ctrl-C":
            os.killpg(bot.pid, signal.SIGINT)  # as a terminal does: to all of it at once
        else:
            bot.terminate()
        # Standard error ends when nothing is left that holds it.
        _, errors = bot.communicate(timeout=LEAVING_SECONDS + BUSY_SECONDS)
        assert errors == b""
    finally:
        if bot.poll() is None:
            os.killpg(bot.pid, signal.SIGKILL)
            bot.communicate(timeout=DEADLINE)
    ann.expect("^📡 Peer left: ")
    assert len([line for line in ann.lines if line.startswith("[")]) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "system_messages.txt"}


@pytest.mark.parametrize("name", BOTS)
def test_a_bot_is_ten_lines_or_so(name: str) -> None:
    lines = (EXAMPLES / name).read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip() and not line.startswith(("#", '"""'))]) <= 14


@pytest.mark.parametrize("name", BOTS)
def test_a_bot_ends_with_the_exit_code_of_its_peer(tmp_path: Path, path_to_py_peer: str, name: str) -> None:
    ended = subprocess.run(
        [*BOTS[name][0], EXAMPLES / name, "--connect", "nonsense"],
        env=environment(PATH=path_to_py_peer, TMPDIR=str(tmp_path)),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=DEADLINE,
        check=False,
    )
    assert ended.returncode == 2
    assert b"nonsense" in ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}
