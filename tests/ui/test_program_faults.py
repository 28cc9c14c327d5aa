"""When something is wrong, the real full screen says what and leaves the terminal as it was; odd terminals get by."""

from __future__ import annotations

import os
import pty
import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.frontends.programs import DEADLINE, PY_PEER, Piped, Terminal, environment
from tests.ui.full_screen import CTRL_C, CTRL_F, CTRL_Q, ENTER, ESCAPE, FullScreen, assert_as_it_was

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def faulty(fault: str) -> tuple[str, ...]:
    """Return the command of a program with a fault."""
    return (sys.executable, "-c", f"import sys\n{fault}\nfrom py_peer.main import main\nsys.exit(main())")


THE_SERVICE_DIES = faulty("""
from py_peer.service import session
async def die(self, nursery):
    await session.trio.sleep(0.5)
    raise ValueError("nobody \\x1b[31mexpected [b]this[/b]")
session._Session._serve = die
""")
A_HANDLER_FAILS = faulty("""
from py_peer.ui.app import ChatUI
def fail(self):
    secret = "what remote peers have said"
    raise ValueError("nobody expected this")
ChatUI.action_find = fail
""")


def said_at_the_end(folder: Path) -> str:
    """Return the one line on standard error."""
    (line,) = (folder / "errors").read_text().splitlines()
    return line.removeprefix("py-peer: ")


def test_a_port_in_use_is_said_on_the_screen_and_enter_leaves(start: Callable[..., FullScreen], tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:  # noqa: S104 - where the program would listen
        port = str(taken.getsockname()[1])
        program = start("--port", port, errors=tmp_path / "errors")
        program.expect("cannot go on")
        program.expect(f"cannot listen: port {port} is taken")
        program.expect("--port")
        program.send(ENTER)
        assert program.leave() == 3
    assert_as_it_was(program)
    assert said_at_the_end(tmp_path).startswith(f"cannot listen: port {port} is taken")


def test_a_dying_service_is_said_on_the_screen(start: Callable[..., FullScreen], tmp_path: Path) -> None:
    program = start(command=THE_SERVICE_DIES, errors=tmp_path / "errors")
    program.expect("cannot go on")
    program.expect(r"\[b\]this\[/b\]")
    program.send(ESCAPE)
    program.wait_gone("cannot go on")
    program.send(CTRL_C)
    assert program.leave() == 1
    assert_as_it_was(program)
    assert said_at_the_end(tmp_path).startswith("a fault of its own has ended it: ValueError: nobody expected [b]this")


def test_a_crash_of_the_screen_gives_the_terminal_back(start: Callable[..., FullScreen], tmp_path: Path) -> None:
    program = start(command=A_HANDLER_FAILS, errors=tmp_path / "errors", XDG_STATE_HOME=str(tmp_path))
    program.wait_ready()
    program.send(CTRL_F)
    assert program.leave() == 1
    assert_as_it_was(program)
    (report,) = (tmp_path / "py-peer").iterdir()
    assert said_at_the_end(tmp_path) == (
        "a fault of its own has ended it: ValueError: nobody expected this. "
        f"Please report it; what helps to mend it is in {report}"
    )
    assert "remote peers" not in program.text
    told = report.read_text(encoding="utf-8")
    assert "--- In the front-end\n" in told
    assert "in fail" in told
    assert "remote peers" not in told


def test_nobody_answers_and_the_chat_goes_on_without_colours_or_error_output(
    start: Callable[..., FullScreen], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    program = start("-c", f"/ip4/127.0.0.1/tcp/{port}", errors=tmp_path / "errors", NO_COLOR="1")
    program.expect(rf"Failed to connect to /ip4/127\.0\.0\.1/tcp/{port}: \w+")
    program.send(f"anybody?{ENTER}")
    program.expect(r"Ann \(You\): anybody\?")
    program.drag("anybody", "body?")
    program.wait_for(lambda: program.is_reversed("anybody"), "what is selected")
    program.send(CTRL_Q)
    assert program.leave() == 5
    assert_as_it_was(program)
    assert (tmp_path / "errors").read_text() == ""
    styles = {code for style in re.findall(rb"\x1b\[([\d;]*)m", bytes(program.raw)) for code in style.split(b";")}
    colours = {code for code in styles if re.fullmatch(rb"[349]\d|10\d", code)}
    assert colours <= {b"39", b"49"}  # the terminal's own


def test_a_tiny_screen_shows_the_last_message_and_the_input(
    start: Callable[..., FullScreen], piped: Callable[..., Piped]
) -> None:
    bob = piped("--nick", "Bob", "--no-intro")
    program = start("-c", bob.address(), columns=20, rows=8)
    program.expect("Ann > Type")
    bob.expect("Peer joined")
    bob.send("how small you are, Ann\n")
    program.wait_for(lambda: "how small you are, Ann" in " ".join(program.text.split()), "the message")
    program.send("yes, I know")
    program.expect("yes, I know")
    program.send(ENTER)
    bob.expect("yes, I know")


@pytest.mark.parametrize("name", ["stdin", "stdout"])
def test_without_a_terminal_it_says_so(tmp_path: Path, name: str) -> None:
    terminal, other = pty.openpty()
    streams: dict[str, Any] = {"stdin": other, "stdout": other, name: subprocess.DEVNULL}
    done = subprocess.run(
        [*PY_PEER, "--ui"],
        **streams,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment(),
        timeout=DEADLINE,
        check=False,
    )
    os.close(terminal)
    os.close(other)
    assert done.returncode == 2
    assert f"argument --ui: standard {name.removeprefix('std')}put is not a terminal" in done.stderr


@pytest.mark.parametrize("answer", ["n", "y", ""])
def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(
    programs: list[Any], tmp_path: Path, answer: str
) -> None:
    program = Terminal(["--ui", "--nick", "Ann"], tmp_path, {"TERM": "dumb"})
    programs.append(program)
    program.expect(r"The full screen needs a terminal that can place its cursor \(TERM is 'dumb'\)\.")
    program.expect(r"Chat in plain lines instead\? \[Y/n\]")
    program.send(answer + ENTER)
    if answer != "n":
        program.expect("^📡 Joined chat room as 'Ann'$")
        program.send("/quit" + ENTER)
    assert program.leave() == (2 if answer == "n" else 0)
    assert b"\x1b" not in program.raw
