"""Every way out of the real full screen: within two seconds, in order, and the terminal is as it was."""

from __future__ import annotations

import itertools
import signal
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.frontends.programs import BUSY_SECONDS, DEADLINE, LEAVING_SECONDS
from tests.ui.full_screen import CTRL_C, CTRL_F, CTRL_Q, ENTER, F1, FullScreen, assert_as_it_was

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WAYS: dict[str, tuple[str, str, str | signal.Signals]] = {
    # What is typed before, what is seen then, and the way out.
    "ctrl-c": ("", "Type your message", CTRL_C),
    "ctrl-q": ("", "Type your message", CTRL_Q),
    "quit": ("", "Type your message", f"/quit{ENTER}"),
    "SIGINT": ("", "Type your message", signal.SIGINT),
    "SIGTERM": ("", "Type your message", signal.SIGTERM),
    "SIGHUP": ("", "Type your message", signal.SIGHUP),
    "ctrl-c on a page": (F1, "show who is connected", CTRL_C),
    "ctrl-c in the find bar": (CTRL_F, "Find", CTRL_C),
}


def take_way(program: FullScreen, way: str | signal.Signals) -> None:
    if isinstance(way, str):
        program.send(way)
    else:
        program.signal(way)


@pytest.fixture(scope="module")
def screens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, FullScreen]]:
    """A screen for each way, started side by side."""
    screens = {name: FullScreen(tmp_path_factory.mktemp("way"), "--nick", "Ann") for name in WAYS}
    for screen in screens.values():
        screen.wait_ready()
    yield screens
    for screen in screens.values():
        screen.clean_up()


@pytest.mark.parametrize("name", WAYS)
def test_every_way_out(screens: dict[str, FullScreen], name: str) -> None:
    before, seen, way = WAYS[name]
    program = screens[name]
    program.send(before)
    program.expect(seen)
    take_way(program, way)
    assert program.leave() == 0
    assert program.display[-1] == "Goodbye!"
    assert_as_it_was(program)


@pytest.mark.parametrize("way", [CTRL_C, signal.SIGTERM, signal.SIGHUP], ids=["ctrl-c", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("seen", ["Starting Universal", "Type your message"], ids=["before it is painted", "painted"])
def test_leaving_while_it_starts(start: Callable[..., FullScreen], seen: str, way: str | signal.Signals) -> None:
    program = start(cold=True)
    program.expect(seen)
    take_way(program, way)
    assert program.leave() == 0
    assert program.display[-1] == "Goodbye!"
    assert_as_it_was(program)


def test_a_draft_is_given_back_at_the_end(start: Callable[..., FullScreen]) -> None:
    program = start()
    program.expect("Type your message")
    program.paste("half a\nthought")
    program.expect("thought")
    program.signal(signal.SIGTERM)
    assert program.leave() == 0
    assert program.display[-3:] == ["Your draft was not sent: half a", "thought", "Goodbye!"]


def test_a_closed_window_ends_it_without_a_word(start: Callable[..., FullScreen], tmp_path: Path) -> None:
    program = start(errors=tmp_path / "errors")
    program.wait_ready()
    program.hang_up()
    assert program.process.wait(LEAVING_SECONDS + BUSY_SECONDS) == 0
    assert (tmp_path / "errors").read_text() == ""


def fill(program: FullScreen) -> None:
    """Have it paint until the terminal, which is not read, is full."""
    deadline = time.monotonic() + DEADLINE
    for columns in itertools.cycle((100, 90)):
        program.resize(columns, 30)
        if program.is_full:
            return
        time.sleep(0.02)  # a signal at every moment would keep it from painting
        assert time.monotonic() < deadline


def test_a_terminal_that_takes_nothing_more_cannot_keep_it(start: Callable[..., FullScreen]) -> None:
    program = start()
    program.wait_ready()
    program.stall()
    fill(program)
    program.signal(signal.SIGTERM)
    assert program.process.wait(LEAVING_SECONDS + BUSY_SECONDS) == 0
    assert program.modes == program.modes_before


def wait_stopped(program: FullScreen) -> None:
    deadline = time.monotonic() + DEADLINE
    while psutil.Process(program.process.pid).status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)  # only its parent would be told
        assert time.monotonic() < deadline


@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGSTOP], ids=["SIGTSTP", "SIGSTOP"])
def test_stopped_and_in_the_foreground_again(start: Callable[..., FullScreen], number: signal.Signals) -> None:
    program = start()
    program.wait_ready()
    program.send("half a li")
    program.expect("half a li")
    program.signal(number)
    wait_stopped(program)
    if number == signal.SIGTSTP:
        program.wait_for(lambda: not program.is_alternate, "the terminal given back")
        assert_as_it_was(program)
    program.signal(signal.SIGCONT)
    program.wait_for(lambda: program.raw.count(b"\x1b[?1049h") == 2, "the other screen")
    program.expect("Room: universal-connectivity")
    program.expect("half a li")
    program.send(f"ne{ENTER}")
    program.expect(r"Ann \(You\): half a line")
    assert program.titles[-1] == "py-peer · Ann"
    program.send(CTRL_C)
    assert program.leave() == 5
    assert_as_it_was(program)
