"""What the terminal is told beside the screen, and its rescue."""

from __future__ import annotations

import os
import pty
import select
import sys
import termios
import time
import tty
from typing import TYPE_CHECKING

import pytest

from py_peer.ui.terminal import AS_IT_WAS, QUIET_SECONDS, Attention, screen_restorer

if TYPE_CHECKING:
    from collections.abc import Iterator

BELL = "\a"


class Told:
    """An Attention, what it has written, and a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.written: list[str] = []
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        self.attention = Attention("bob", self.written.append)

    def named(self, count: int = 1, who: str = "Ann", text: str = "bob, look") -> list[str]:
        """Return what is written when the user is named."""
        before = len(self.written)
        self.attention.named(count, who, text)
        return self.written[before:]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(monkeypatch)


def notification(text: str) -> str:
    return f"\x1b]9;{text}\a"


def title(text: str) -> str:
    return f"\x1b]2;{text}\a"


def test_being_named_rings_and_notifies(told: Told) -> None:
    assert told.named() == [BELL, notification("py-peer · Ann: bob, look")]


def test_who_names_the_user_again_and_again_rings_once(told: Told) -> None:
    told.named()
    told.now += QUIET_SECONDS - 0.1
    assert told.named(100) == []
    told.now += 0.2
    assert told.named() == [BELL, notification("py-peer · Ann: bob, look")]


def test_each_of_both_can_be_switched_off(told: Told) -> None:
    told.attention.bell = False
    assert told.named() == [notification("py-peer · Ann: bob, look")]
    told.now += QUIET_SECONDS
    told.attention.bell, told.attention.desktop = True, False
    assert told.named() == [BELL]


def test_what_was_silent_keeps_nothing_quiet(told: Told) -> None:
    told.attention.bell = told.attention.desktop = False
    assert told.named() == []
    told.attention.bell = True
    assert told.named() == [BELL]


def test_the_title_counts_while_the_user_looks_elsewhere(told: Told) -> None:
    told.attention.show_title()
    told.named()
    told.attention.look(looking=False)
    told.named()
    told.named(3)
    told.attention.look(looking=True)
    titles = [text for text in told.written if text.startswith("\x1b]2;")]
    assert titles == [title(f"{mark}py-peer · bob") for mark in ("", "(1) ", "(4) ", "")]


def test_nothing_missed_leaves_the_title_alone(told: Told) -> None:
    told.attention.look(looking=False)
    told.attention.look(looking=True)
    assert told.written == []


def test_a_notification_is_one_short_line(told: Told) -> None:
    _, said = told.named(text="bob!\nsecond line \x1b\\ \a" + "x" * 500)
    assert said.startswith("\x1b]9;py-peer · Ann: bob! second line")
    assert said.count("\a") == 1
    assert len(said) < 150


def test_a_nickname_cannot_pass_for_a_command_of_the_terminal(told: Told) -> None:
    assert told.named(who="7;calc")[-1].startswith("\x1b]9;py-peer · 7;calc: ")


# --- The rescue -----------------------------------------------------------------------------------


@pytest.fixture
def master(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal that is standard input and output."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "r+b", buffering=0) as both:
        monkeypatch.setattr(sys, "stdin", both)
        monkeypatch.setattr(sys, "__stdout__", both)
        yield master
    os.close(master)


def test_the_terminal_is_put_back(master: int) -> None:
    before = termios.tcgetattr(sys.stdin)
    restore = screen_restorer()
    tty.setraw(sys.stdin)
    restore()
    assert termios.tcgetattr(sys.stdin) == before
    assert os.read(master, 1000) == AS_IT_WAS.encode()


def test_a_terminal_that_takes_nothing_more_is_not_waited_for(master: int) -> None:
    restore = screen_restorer()
    tty.setraw(sys.stdin)
    slave = sys.stdin.fileno()
    os.set_blocking(slave, False)
    while select.select([], [slave], [], 0)[1]:
        os.write(slave, b"x" * 1000)
    os.set_blocking(slave, True)
    restore()
    assert termios.tcgetattr(slave)[3] & termios.ICANON


def test_where_there_is_no_output_the_rescue_is_no_fault(master: int, monkeypatch: pytest.MonkeyPatch) -> None:
    restore = screen_restorer()
    monkeypatch.setattr(sys, "__stdout__", None)
    restore()
