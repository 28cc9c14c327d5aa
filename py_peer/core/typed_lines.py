"""What a line of input means: a text, a command of the table with its arguments, or a mistake."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final, TypeAlias, final

from py_peer.core.cleaning import clean_line, is_blank
from py_peer.core.commands import MAX_WORD_CHARS, command_of, nearest, second_words, shown_word
from py_peer.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from py_peer.core.commands import CommandEntry

MAX_HEAD_WORDS: Final = 20
"""The first of two arguments, a nickname or the name of a file, is looked for in so many words."""

_QUOTES: Final = ('"', "'")
_PATH: Final = re.compile(r"(?<=\S)\s+(?=[/~\\]|\.{1,2}[/\\]|[A-Za-z]:\\)")
_QUOTED: Final = re.compile(r"""(["'])[^\n]+?\1(?=\s|$)""")


@final
@frozen
class Say:
    """Send `text` to the room."""

    text: str


@final
@frozen
class Command:
    """Do what the entry `name` of the table says.

    `argument` is the rest of the line, without spaces at its ends. Of two arguments it is the first; the second, if
    there is one, is `more`.
    """

    name: str
    argument: str = ""
    more: tuple[str, ...] = ()


@final
@frozen
class Unknown:
    """Something that begins like a command and is none: it is reported and never sent.

    `word` is what it begins with, slash included, cleaned. `nearest` is the known command that it resembles, slash
    included, or "". `text` is all that was typed, so that a front-end can leave it in the input.
    """

    word: str
    nearest: str
    text: str

    def report(self) -> str:
        """Return the line that tells the user."""
        if len(self.text.strip().splitlines()) > 1 and command_of(self.word)[1] is not None:
            return f"{self.word} was not done, nor its further lines sent: a command is one line; //… sends it as text"
        advice = f"did you mean {self.nearest}?" if self.nearest else "/help lists the commands"
        return f"Unknown command: {self.word} ({advice})"


@final
@frozen
class Misused:
    """A known command whose argument is missing or wrong: it is reported, and nothing is done or sent.

    `usage` is what the command takes, `reason` what is wrong. `text` is all that was typed. `alone` is the first of
    two arguments where nothing was typed behind it, else "".
    """

    usage: str
    reason: str
    text: str
    alone: str = ""

    def report(self) -> str:
        """Return the line that tells the user."""
        return f"{self.usage}: {self.reason}"


@final
@frozen
class Nothing:
    """An empty line, or one of which nothing can be seen."""


Line: TypeAlias = Say | Command | Unknown | Misused | Nothing


def nothing_known(_key: str, _words: str) -> Collection[str]:
    """Return that nothing is known that is called so."""
    return ()


def parse_line(line: str, *, bare_quit: bool, meant: Callable[[str, str], Collection[str]] = nothing_known) -> Line:
    """Return what a line of input means, or a pasted text of several lines, which is one message.

    With `bare_quit` the words quit, exit and q alone are the command. A space before a slash does not make a command
    a message, and a text of several lines is a command only where its end is a text: elsewhere what follows its first
    line would be lost. `meant` returns the IDs of all that a "peer" or a "file" may mean, whose names may have several
    words; in quotes it is always the whole name.
    """
    typed = line.strip()
    if is_blank(typed):
        return Nothing()
    if typed.startswith("//"):
        return Say(typed[1:])
    if not typed.startswith("/"):
        word, entry = command_of(f"/{typed}")
        if bare_quit and entry is not None and entry.name == "quit" and word == f"/{typed}":
            return Command("quit")
        return Say(line.rstrip("\r\n"))
    return _parse_command(typed, line, meant)


def _parse_command(typed: str, line: str, meant: Callable[[str, str], Collection[str]]) -> Command | Unknown | Misused:
    word, entry = command_of(typed)
    several_lines = len(typed.splitlines()) > 1
    if entry is None and not several_lines and (choices := second_words(word.split()[0])):
        first, *second = word.split()
        reason = f"{shown_word(second[0])} is none of them" if second else "say which"
        return Misused(f"{first.lower()} {'|'.join(choices)}", reason, line)
    if entry is None or (several_lines and not entry.several_lines):
        return Unknown(clean_line(word, MAX_WORD_CHARS), nearest(word[1:].lower()), line)
    return _with_arguments(entry, typed[len(word) :].strip(), line, meant)


def _with_arguments(
    entry: CommandEntry, argument: str, line: str, meant: Callable[[str, str], Collection[str]]
) -> Command | Misused:
    keys = tuple(entry.keys)
    if keys[:1] not in (("peer",), ("file",)):
        meant = nothing_known
    more: tuple[str, ...] = ()
    alone = ""
    if len(keys) > 1:
        ends = first_ends(argument, lambda words: bool(meant(keys[0], words)), keys[0])
        if argument[:1] in _QUOTES and not _QUOTED.match(argument) and not meant(keys[0], argument[: ends[-1]]):
            quote = argument[0]
            return Misused(entry.usage, f"the quote is not closed; put {quote} behind the name, then a space", line)
        if len({tuple(sorted(meant(keys[0], argument[:end]))) for end in ends}) > 1:
            both = " and ".join(shown_word(argument[:end]) for end in ends[-2:])
            return Misused(entry.usage, f"{both} may be meant; put the one you mean in quotes", line)
        rest = argument[ends[-1] :].strip()
        argument = _unquoted(argument[: ends[-1]])
        more = (_unquoted(rest) if keys[1] in ("path", "name", "peer") else rest,) if rest else ()
        alone = "" if rest or keys[0] != "peer" else argument
    elif keys and keys[0] in ("path", "file", "transfer", "key"):
        if keys[0] == "key" and len(argument.split()) > 1 and _unquoted(argument) == argument:
            return Misused(entry.usage, "a key with spaces stands in quotes", line)
        argument = _unquoted(argument)
    if reason := entry.problem(argument, *more):
        return Misused(entry.usage, reason, line, alone)
    return Command(entry.name, argument, more)


def first_ends(text: str, is_known: Callable[[str], bool], key: str = "") -> list[int]:
    """Return where the first of two arguments may end: behind its quotes, what is known, or else its first word.

    A "name" ends before what begins as a path does: whoever provides a file may have given it several words.
    """
    if quoted := _QUOTED.match(text):
        return [quoted.end()]
    if key == "name":
        return [path.start() if (path := _PATH.search(text)) else len(text)]
    ends = [word.end() for word in itertools.islice(re.finditer(r"\S+", text), MAX_HEAD_WORDS)] or [0]
    return [end for end in ends if is_known(text[:end])] or ends[:1]


def _unquoted(text: str) -> str:
    return text[1:-1] if (quoted := _QUOTED.match(text)) and quoted.end() == len(text) else text
