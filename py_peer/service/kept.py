"""What is the matter with a file that is kept, told once."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from py_peer.chatroom import _log_system_message
from py_peer.core import limits
from py_peer.core.cleaning import clean_line, clean_path
from py_peer.core.events import Notice
from py_peer.net.kept_file import ASIDE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from py_peer.core.events import Event
    from py_peer.net.kept_file import KeptFileError


@final
class Troubles:
    """Tells what is the matter with one file: each thing once, to the user and to the log."""

    def __init__(self, path: Path | None, meanwhile: str, emit: Callable[[Event], None]) -> None:
        """`meanwhile` says what holds until a fault is mended."""
        self._path = clean_path(path)
        self._name = "" if path is None else path.name
        self._meanwhile = meanwhile
        self._emit = emit
        self._said: set[str] = set()

    def fault(self, error: KeptFileError) -> None:
        """Tell that the file cannot be read or written."""
        self._say(f"{self._path} {error}; until that is mended, {self._meanwhile}")

    def moved(self) -> None:
        """Tell that the file was moved aside."""
        self._say(f"{self._path} cannot be understood; it is {self._name}{ASIDE} now, and a new one is begun")

    def left_out(self, count: int) -> None:
        """Tell how much of the file cannot be understood, if anything."""
        if count:
            entries = "1 entry" if count == 1 else f"{count:,} entries"
            self._say(f"{entries} of {self._path} cannot be understood, and will be gone with the next change")

    def without_room(self, count: int, most: int) -> None:
        """Tell how many of our own values in the file found no room beside the `most` that have it, if any."""
        if count:
            values = "1 value" if count == 1 else f"{count:,} values"
            self._say(
                f"{values} of yours in {self._path} found no room beside {most:,}, as others keep no more of one peer; "
                "left there, and not renewed until a later run has room"
            )

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            _log_system_message(f"ERROR: {text}")
            self._emit(Notice(clean_line(text, limits.MAX_ERROR_CHARS)))
