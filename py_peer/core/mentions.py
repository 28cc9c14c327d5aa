"""Whether a message names the user, which a chat shows and rings for."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

_UNSPACED: Final = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Scripts that set no space between words, or hang particles on names: Thai, Burmese, Khmer, Han, kana, Hangul."""

_LETTER: Final = rf"[^\W{_UNSPACED}]"


def is_named(text: str, nick: str, id8: str) -> bool:
    """Return whether cleaned `text` holds the nickname or the short ID as a word of its own, in capitals or not."""
    folded = fold(text)
    return any(_holds(folded, _folded_name(name)) for name in (nick, id8) if name)


def fold(text: str) -> str:
    """Return `text` as it is compared: without case, width, style or the number of spaces."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(text.split())


_folded_name = lru_cache(maxsize=8)(fold)


def _holds(text: str, name: str) -> bool:
    if not name or name not in text:
        return False
    # A mark after the name makes another letter of its last one.
    return any(
        not unicodedata.category(text[match.end() : match.end() + 1] or " ").startswith("M")
        for match in _word(name).finditer(text)
    )


@lru_cache(maxsize=8)
def _word(name: str) -> re.Pattern[str]:
    """Return the pattern of `name` where it is not a part of another word."""
    # A Han character alone is a part of too many words to be taken for a name wherever it stands.
    letter = r"\w" if len(name) == 1 else _LETTER
    before = rf"(?<!{letter})" if re.match(letter, name) else ""
    after = rf"(?!{letter})" if re.match(letter, name[-1]) else ""
    return re.compile(before + re.escape(name) + after)
