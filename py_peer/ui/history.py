"""What was sent before, and the walk through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Iterator


@final
class History:
    """Sent texts, at most `max_texts` of them and `max_bytes` in all (the newest always stays), no neighbour twice.

    A walk begins at the draft being typed. What is changed on the way stays changed until the walk is over, the draft
    too.
    """

    def __init__(self, max_texts: int, max_bytes: int) -> None:
        self._max_texts = max_texts
        self._max_bytes = max_bytes
        self._texts: list[str] = []
        self._bytes = 0
        self._walk: list[str] = []
        self._at = 0

    def __iter__(self) -> Iterator[str]:
        """Yield the texts, the newest first."""
        return reversed(self._texts)

    def add(self, text: str) -> None:
        """Put `text` in as the newest. A walk goes on where it is."""
        if not text.strip() or self._texts[-1:] == [text]:
            return
        self._texts.append(text)
        self._bytes += _size(text)
        while len(self._texts) > 1 and (len(self._texts) > self._max_texts or self._bytes > self._max_bytes):
            self._bytes -= _size(self._texts.pop(0))
        if self._walk:
            draft = len(self._walk) - 1
            self._walk.insert(draft, text)
            self._at += self._at == draft

    def older(self, current: str) -> str | None:
        """Return the text before the one that is shown as `current`, None at the oldest."""
        if not self._walk:
            self._walk = [*self._texts, current]
            self._at = len(self._texts)
        return self._step(current, -1)

    def newer(self, current: str) -> str | None:
        """Return the text after the one that is shown as `current`, the draft after the newest, None after that."""
        return self._step(current, 1) if self._walk else None

    def draft(self, current: str) -> str:
        """Return the draft that a walk began at, if what is shown as `current` was not changed; else that."""
        walked = self._walk and self._at < len(self._walk) - 1 and current == self._walk[self._at]
        return self._walk[-1] if walked else current

    def end_walk(self) -> None:
        """Forget the draft, and what was changed on the way."""
        self._walk = []

    def _step(self, current: str, by: int) -> str | None:
        if not 0 <= self._at + by < len(self._walk):
            return None
        self._walk[self._at] = current
        self._at += by
        return self._walk[self._at]


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
