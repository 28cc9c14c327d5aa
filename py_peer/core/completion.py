"""What Tab makes of the word before the cursor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from py_peer.core.commands import SWITCH, command_of, completions, second_words
from py_peer.core.limits import MAX_NICK_CHARS
from py_peer.core.typed_lines import first_ends

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_WORD_START: Final = re.compile(r"(?<!\S)\S")
_ADDRESS: Final = re.compile(r"/(?:ip|dns)|12D3")


@final
@dataclass(frozen=True, slots=True)
class Completion:
    """The text from `start` to `end` can become any of `candidates`; a space that ends one is part of it."""

    start: int
    end: int
    candidates: tuple[str, ...]


def no_paths(_typed: str) -> Sequence[str]:
    """Return that there is nothing in the file system."""
    return ()


def complete(  # noqa: PLR0911, PLR0913 - each is a thing of its own
    text: str,
    cursor: int,
    nicks: Sequence[str],
    addresses: Sequence[str],
    files: Sequence[str] = (),
    paths_like: Callable[[str], Sequence[str]] = no_paths,
) -> Completion:
    """Return what the word that ends at `cursor` can become.

    `nicks`, `addresses` and `files` are what is known, the likeliest first: nicknames and short IDs, multiaddrs and
    peer IDs, names and IDs of files or of what else has a name. `paths_like` returns the paths that begin as typed. A
    nickname that begins the text is followed by a colon, as one addresses somebody.
    """
    cursor = max(0, min(cursor, len(text)))
    before = text[:cursor]
    word = "" if not before or before[-1].isspace() else before.split()[-1]
    start = cursor - len(word)
    head = before[:start].split(maxsplit=1)
    if not head and word.startswith("/"):
        return _completion(start, cursor, _commands(word))
    entry = None
    if head and head[0].startswith("/"):
        if len(before[:start].split()) == 1 and (choices := second_words(head[0])):
            return _completion(start, cursor, (f"{choice} " for choice in choices if choice.startswith(word.lower())))
        entry = command_of(before[:start].lstrip())[1]
    keys = tuple(entry.keys) if entry is not None else ()
    if keys == ("switch",) or (keys[:1] == ("commit",) and len(head) == 1):
        words = files if keys[0] == "commit" else SWITCH if len(head) == 1 else ()
        return _completion(start, cursor, (one for one in words if one.startswith(word.lower())))
    if "path" in keys or keys[:1] in (("file",), ("transfer",), ("name",)):
        return _of_files(before, keys, files, paths_like)
    if entry is not None and not {"peer", "text", "commit"}.issuperset(keys or ("",)):
        return Completion(cursor, cursor, ())
    if _ADDRESS.match(word):
        return _completion(start, cursor, (address for address in addresses if address.startswith(word)))
    for nick_start in _nick_starts(before):
        is_first = keys == ("peer", "text") and before[:nick_start].strip() == head[0]
        if found := _named_like(before[nick_start:], nicks, quoting=is_first):
            behind = " " if is_first else "" if before[:nick_start].strip() else ": "
            return _completion(nick_start, cursor, (name + behind for name in found))
    return Completion(cursor, cursor, ())


def _of_files(
    before: str, keys: tuple[str, ...], files: Sequence[str], paths_like: Callable[[str], Sequence[str]]
) -> Completion:
    """Complete the arguments of a command about files; they may have spaces, in quotes or not."""
    start = len(before) - len(before.split(maxsplit=1)[1]) if len(before.split(maxsplit=1)) > 1 else len(before)
    if keys[0] != "path":
        argument = before[start:]
        if found := [file for file in files if file.casefold().startswith(argument.casefold())]:
            return _completion(start, len(before), found)
        ends = first_ends(argument, files.__contains__, keys[0]) if "path" in keys else []
        if not ends or not argument[ends[-1] :]:
            return Completion(len(before), len(before), ())
        start += len(argument) - len(argument[ends[-1] :].lstrip())
    quote = before[start : start + 1] if before[start : start + 1] in ("'", '"') else ""
    found = [f"{quote}{path}" for path in paths_like(before[start + len(quote) :])]
    return _completion(start, len(before), found)


def _completion(start: int, end: int, candidates: Iterable[str]) -> Completion:
    return Completion(start, end, tuple(dict.fromkeys(candidates)))


def _commands(word: str) -> Iterator[str]:
    for command in completions(word):
        entry = command_of(command)[1]
        yield command if entry is not None and not entry.arguments else f"{command} "


def _nick_starts(before: str) -> Iterator[int]:
    """Yield where a nickname may begin, the furthest first: some have spaces."""
    for match in _WORD_START.finditer(before, max(0, len(before) - MAX_NICK_CHARS)):
        yield match.start()
    if not before or before[-1].isspace():
        yield len(before)


def _named_like(typed: str, nicks: Sequence[str], *, quoting: bool) -> list[str]:
    """Return whom the beginning of a name may mean; with `quoting`, in quotes where these tell him from another."""
    sign = typed[:1] if typed[:1] == "@" or (quoting and typed[:1] in ("'", '"')) else ""
    wanted = typed[len(sign) :].casefold()
    found = [nick for nick in nicks if nick.casefold().startswith(wanted)]
    if not quoting or sign == "@":
        return [sign + nick for nick in found]
    return [_quoted(nick, sign, nicks) for nick in found]


def _quoted(nick: str, sign: str, nicks: Sequence[str]) -> str:
    """Return a name in the quotes that were begun, or in some if another name is a beginning of it."""
    folded = nick.casefold()
    if not sign and any(folded.startswith(f"{other.casefold()} ") for other in nicks):
        sign = "'" if '"' in nick else '"'
    return f"{sign}{nick}{sign}"
