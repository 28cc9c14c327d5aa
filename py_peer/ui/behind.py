"""What the screen needs of the front-end behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from py_peer.core.completion import Completion


class Behind(Protocol):
    """Takes what the user does on the screen."""

    @property
    def nickname(self) -> str:
        """Who the user is."""

    def opened(self) -> None:
        """Note that the screen has been painted."""

    def submitted(self, text: str) -> str:
        """Take what was typed; return why it was not taken, or ""."""

    def complete(self, text: str, cursor: int) -> Completion:
        """Return what the word at `cursor` can become."""

    def turn(self, step: int) -> None:
        """Go to the conversation before or after."""

    def go_to(self, index: int) -> None:
        """Go to a conversation, counted from 0, if there are so many."""

    def ask_to_cancel(self, number: int) -> None:
        """Ask whether a transfer is to be ended, this one first; 0 for any."""

    def leave(self) -> None:
        """Leave the program."""
