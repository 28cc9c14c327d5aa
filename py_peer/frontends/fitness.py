"""Whether the full screen can be shown here, and what is offered where it cannot."""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import TYPE_CHECKING

from py_peer.core.exit_codes import ExitCode
from py_peer.frontends.arguments import refuse
from py_peer.frontends.screen import knows_cursor_moves

if TYPE_CHECKING:
    from py_peer.frontends.arguments import Arguments

REMOTE_DRIVER = "TEXTUAL_DRIVER"
"""Textual's own variable: set where the screen is painted elsewhere, in a browser."""


def fit_for_full_screen(arguments: Arguments) -> Arguments:
    """Return `arguments`, or those of the chat in plain lines where the user takes that instead.

    Raises SystemExit, with a sentence on stderr, where there is no terminal at all or the user wants nothing else.
    """
    if os.environ.get(REMOTE_DRIVER):
        return arguments
    for name, stream in (("input", sys.stdin), ("output", sys.stdout)):
        if stream is None or stream.closed or not stream.isatty():
            refuse(
                f"argument --ui: standard {name} is not a terminal; leave --ui out for the chat in plain lines, "
                "or use --headless for output only"
            )
    if knows_cursor_moves():
        return arguments
    print(f"The full screen needs a terminal that can place its cursor (TERM is {os.environ.get('TERM', '')!r}).")
    if arguments.demo:
        sys.exit(ExitCode.USAGE)
    try:
        wish = input("Chat in plain lines instead? [Y/n] ")
    except (EOFError, UnicodeDecodeError):
        wish = "n"
    if wish.strip().lower() not in ("", "y", "yes"):
        sys.exit(ExitCode.USAGE)
    return dataclasses.replace(arguments, ui=False)
