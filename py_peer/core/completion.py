"""What Tab makes of the word before the cursor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from py_peer.core.commands import completions, named
from py_peer.core.limits import MAX_NICK_CHARS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_WORD_START: Final = re.compile(r"(?<!\S)\S")
_ADDRESS: Final = re.compile(r"/(?:ip|dns)|12D3")


@final
@dataclass(frozen=True, slots=True)
class Completion:
    """The text from `start` to `end` can become any of `candidates`; a space that ends one is part of it."""

    start: int
    end: int
    candidates: tuple[str, ...]


def complete(text: str, cursor: int, nicks: Sequence[str], addresses: Sequence[str]) -> Completion:
    """Return what the word that ends at `cursor` can become.

    `nicks` and `addresses` are what is known, the likeliest first: nicknames and short IDs, multiaddrs and peer IDs.
    A nickname that begins the text is followed by a colon, as one addresses somebody.
    """
    cursor = max(0, min(cursor, len(text)))
    before = text[:cursor]
    word = "" if not before or before[-1].isspace() else before.split()[-1]
    start = cursor - len(word)
    head = before[:start].split(maxsplit=1)
    if not head and word.startswith("/"):
        return _completion(start, cursor, _commands(word))
    entry = named(head[0]) if head else None
    if entry is not None and "|" in entry.arguments:
        choices = entry.arguments.split("|") if len(head) == 1 else ()
        return _completion(start, cursor, (choice for choice in choices if choice.startswith(word.lower())))
    if entry is not None and entry.arguments not in ("PEER", "[PEER]", "TEXT"):
        return Completion(cursor, cursor, ())
    if _ADDRESS.match(word):
        return _completion(start, cursor, (address for address in addresses if address.startswith(word)))
    for nick_start in _nick_starts(before):
        if found := _named_like(before[nick_start:], nicks):
            colon = "" if before[:nick_start].strip() else ": "
            return _completion(nick_start, cursor, (name + colon for name in found))
    return Completion(cursor, cursor, ())


def _completion(start: int, end: int, candidates: Iterable[str]) -> Completion:
    return Completion(start, end, tuple(dict.fromkeys(candidates)))


def _commands(word: str) -> Iterator[str]:
    for command in completions(word):
        entry = named(command)
        yield f"{command} " if entry is not None and entry.arguments else command


def _nick_starts(before: str) -> Iterator[int]:
    """Yield where a nickname may begin, the furthest first: some have spaces."""
    for match in _WORD_START.finditer(before, max(0, len(before) - MAX_NICK_CHARS)):
        yield match.start()
    if not before or before[-1].isspace():
        yield len(before)


def _named_like(typed: str, nicks: Sequence[str]) -> list[str]:
    at = "@" * typed.startswith("@")
    wanted = typed[len(at) :].casefold()
    return [at + nick for nick in nicks if nick.casefold().startswith(wanted)]
