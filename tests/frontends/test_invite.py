"""An invitation can be pasted, and read by a camera."""

from __future__ import annotations

import subprocess
import sys

import segno

from py_peer.frontends.invite import invite_line, qr_lines, qr_rows
from tests.frontends.fakes import ADDRESS

WIDTH = 37 + 2 * 4
"""Of the code of an usual address, with its quiet zone."""


def modules(rows: list[str]) -> list[list[int]]:
    """Return the modules that half blocks show, dark as 1."""
    halves = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
    return [[halves[block][half] for block in row] for row in rows for half in (0, 1)]


def test_the_line_is_a_command() -> None:
    assert invite_line(ADDRESS) == f"py-peer -c {ADDRESS}"


def test_the_rows_are_the_code_of_the_address_with_light_around_it() -> None:
    for quiet in (4, 0):
        shown = modules(qr_rows(ADDRESS, quiet))
        expected = [list(row) for row in segno.make_qr(ADDRESS).matrix_iter(border=quiet)]
        assert shown[: len(expected)] == expected
        assert not any(any(row) for row in shown[len(expected) :])


def test_on_a_dark_terminal_light_is_what_is_drawn() -> None:
    lines = qr_lines(ADDRESS, None)
    assert lines[:2] == ["█" * WIDTH] * 2
    assert [len(line) for line in lines] == [WIDTH] * len(lines)


def test_a_terminal_that_is_too_narrow_is_told_so() -> None:
    assert len(qr_lines(ADDRESS, WIDTH)) > 1
    assert qr_lines(ADDRESS, WIDTH - 1) == [f"(a QR code needs {WIDTH} columns; here are {WIDTH - 1})"]


def test_nothing_is_imported_for_it_until_it_is_asked_for() -> None:
    code = "import sys, py_peer.frontends.interactive; sys.exit('segno' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
