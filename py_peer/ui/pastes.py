"""Pastes too large to be edited, and the tokens that stand for them in a text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLD_CHARS: Final = 4_000
FOLD_LINES: Final = 100
"""What is larger than this becomes a token."""

MAX_TOKENS: Final = 16
"""Pastes kept; of more, those that no longer stand in the text are forgotten."""

_NOTHING: Final = re.compile(r"(?!)")


def is_large(text: str) -> bool:
    """Return whether `text` is too large to be edited with ease."""
    return len(text) > FOLD_CHARS or text.count("\n") > FOLD_LINES


@final
class Pastes:
    """The pastes of one text, by their tokens: `[paste 1: 1,200 lines, 58.0 kB]`."""

    def __init__(self) -> None:
        self._pasted: dict[str, str] = {}
        self._pattern = _NOTHING
        self._count = 0

    def __getitem__(self, token: str) -> str:
        return self._pasted[token]

    @property
    def full(self) -> bool:
        """Whether something must be forgotten before another one is folded."""
        return len(self._pasted) >= MAX_TOKENS

    def fold(self, pasted: str) -> str:
        """Return a new token that stands for `pasted`."""
        self._count += 1
        lines = pasted.count("\n") + 1
        counted = f"{lines:,} lines, " if lines > 1 else ""
        token = f"[paste {self._count}: {counted}{len(pasted.encode('utf-8', 'replace')) / 1000:,.1f} kB]"
        self._pasted[token] = pasted
        self._compile()
        return token

    def fold_again(self, text: str) -> str:
        """Return `text` with tokens for the pastes that are known; if that is still too large, a token for it all."""
        shown = text
        for token, pasted in self._pasted.items():
            shown = shown.replace(pasted, token)
        return self.fold(text) if is_large(shown) else shown

    def expand(self, text: str) -> str:
        """Return `text` with what its tokens stand for."""
        # In one pass: a paste may itself hold what reads like a token.
        return self._pattern.sub(lambda match: self._pasted[match[0]], text)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the tokens of `text` begin and end."""
        return (match.span() for match in self._pattern.finditer(text))

    def keep(self, text: str) -> None:
        """Forget the pastes that `text` has no token of."""
        shown = set(self._pattern.findall(text))
        self._pasted = {token: pasted for token, pasted in self._pasted.items() if token in shown}
        self._compile()

    def clear(self) -> None:
        """Forget all of them."""
        self.keep("")
        self._count = 0

    def _compile(self) -> None:
        self._pattern = re.compile("|".join(map(re.escape, self._pasted))) if self._pasted else _NOTHING
