"""Texts on their way to one peer each, in order and within bounds, and the file that keeps those which wait.

The file is shared by all keys of a user: each has a part of its own. Times are milliseconds since 1970, by a clock that
may be moved; a day counts in both directions, so that a wrong clock keeps nothing for years.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final, final

import msgspec

from py_peer.core import limits
from py_peer.core.addresses import parse_peer_id
from py_peer.core.sizes import oversize, unseen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VERSION: Final = 1
"""Of the file's format. A later one, with another meaning, is left to the program that wrote it."""

_AROUND: Final = 128
"""Bytes of the file around a text: a peer ID, a time, and what names them."""

_parse_peer_id: Final = lru_cache(maxsize=limits.UNDELIVERED)(parse_peer_id)
"""Each time 0.2 ms, and a file is read anew for every change."""

_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@final
@dataclass(slots=True, eq=False)
class Letter:
    """A text on its way. `when` tells it from every other of the same sender: ms since 1970, and never twice."""

    peer_id: str
    text: str
    when: int
    ticket: int = 0
    """Of the request that brought it; 0 when that was in an earlier run."""

    told: bool = False
    """Whether the user has been told that it waits."""

    @property
    def size(self) -> int:
        """What it takes in the file."""
        return len(msgspec.json.encode(self.text)) + _AROUND

    def is_due(self, now: int) -> bool:
        """Whether it has waited for a day, and is given up."""
        return abs(now - self.when) >= limits.UNDELIVERED_SECONDS * 1000


@final
class Letters:
    """The texts that are not delivered yet."""

    def __init__(self) -> None:
        self._by_peer: dict[str, deque[Letter]] = {}
        self._count = 0
        self._bytes = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Letter]:
        return (letter for letters in self._by_peer.values() for letter in letters)

    def to(self, peer_id: str) -> tuple[Letter, ...]:
        """Return what is on its way to a peer, the oldest first."""
        return tuple(self._by_peer.get(peer_id, ()))

    def first(self, peer_id: str) -> Letter | None:
        """Return the oldest text for a peer."""
        letters = self._by_peer.get(peer_id)
        return letters[0] if letters else None

    def peers(self) -> dict[str, int]:
        """Return how many texts there are for each peer."""
        return {peer_id: len(letters) for peer_id, letters in self._by_peer.items()}

    def put(self, letter: Letter) -> str:
        """Take a text, behind the others for its peer; return why it is not taken, or ""."""
        size = letter.size
        if len(self._by_peer.get(letter.peer_id, ())) >= limits.UNDELIVERED_PER_PEER:
            return f"{limits.UNDELIVERED_PER_PEER} messages wait for this peer already, and no more can"
        if self._count >= limits.UNDELIVERED or self._bytes + size > limits.UNDELIVERED_BYTES:
            return f"{self._count:,} direct messages wait already, and no more can"
        self._by_peer.setdefault(letter.peer_id, deque()).append(letter)
        self._count += 1
        self._bytes += size
        return ""

    def put_before(self, letters: Iterable[Letter]) -> list[Letter]:
        """Take texts of an earlier run, before those of this one; return those for which there is no room."""
        later = list(self)
        self._by_peer.clear()
        self._count = self._bytes = 0
        return [letter for letter in [*letters, *later] if self.put(letter)]

    def take_out(self, letter: Letter) -> None:
        """Forget the oldest text for a peer."""
        letters = self._by_peer[letter.peer_id]
        letters.popleft()
        if not letters:
            del self._by_peer[letter.peer_id]
        self._count -= 1
        self._bytes -= letter.size


class LettersError(ValueError):
    """What a file holds is not what we keep in it; the text says so, as in "the file …"."""


class LaterFormatError(LettersError):
    """The file is of a later version of py-peer, which still understands it."""


@final
class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    to: str
    text: str
    when: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


@final
class _Format(msgspec.Struct):
    version: int


@final
class _File(msgspec.Struct):
    """Each entry is read by itself, so that a bad one costs no other."""

    version: int
    messages: dict[str, list[msgspec.Raw]]


@final
class LetterFile:
    """What a file holds."""

    def __init__(self, data: bytes | None, own_id: str, now: int) -> None:
        """Read a file; None is one that is not there. `own_id` is our peer ID. Raises LettersError."""
        self.left_out = 0
        """Entries of ours that could not be understood."""

        self.is_stale = False
        """Whether there were entries of other keys that are too old, and not kept any more."""

        self._own_id = own_id
        self._own: dict[tuple[str, int], Letter] = {}
        self._others: dict[str, list[msgspec.Raw]] = {}
        if data is not None:
            self._read(data, now)

    def _read(self, data: bytes, now: int) -> None:
        try:
            if msgspec.json.decode(data, type=_Format).version > VERSION:
                raise LaterFormatError("is of a later version of py-peer")
            messages = msgspec.json.decode(data, type=_File).messages
        except _UNREADABLE as error:
            raise LettersError("cannot be understood") from error
        for raw in messages.pop(self._own_id, ()):
            if (letter := _letter(raw)) is None:
                self.left_out += 1
            else:
                self._own[letter.peer_id, letter.when] = letter
        for other, entries in messages.items():
            kept = [raw for raw in entries if not _is_orphaned(raw, now)]
            self.is_stale |= len(kept) < len(entries)
            if kept:
                self._others[other] = kept

    def letters(self) -> list[Letter]:
        """Return our texts, the oldest first."""
        return sorted(self._own.values(), key=lambda letter: letter.when)

    def change(self, *, added: Iterable[Letter], removed: Iterable[Letter]) -> None:
        """Put texts of ours in, and take others out."""
        for letter in removed:
            self._own.pop((letter.peer_id, letter.when), None)
        for letter in added:
            self._own[letter.peer_id, letter.when] = letter

    def write(self) -> bytes:
        """Return the file; b"" when nothing is left to be kept."""
        own = [_Entry(letter.peer_id, letter.text, letter.when) for letter in self.letters()]
        messages: dict[str, object] = {**self._others, **({self._own_id: own} if own else {})}
        if not messages:
            return b""
        return msgspec.json.format(msgspec.json.encode({"version": VERSION, "messages": messages}), indent=1) + b"\n"


def _letter(raw: msgspec.Raw) -> Letter | None:
    """Return a text of the file; None for what is none that we would have kept."""
    try:
        entry = msgspec.json.decode(raw, type=_Entry)
    except _UNREADABLE:
        return None
    if _parse_peer_id(entry.to) != entry.to or oversize(len(entry.text.encode())) or unseen(entry.text):
        return None
    return Letter(entry.to, entry.text, entry.when, told=True)


def _is_orphaned(raw: msgspec.Raw, now: int) -> bool:
    """Say whether an entry of another key is so old that nobody will be told of it any more."""
    letter = _letter(raw)
    return letter is None or abs(now - letter.when) >= limits.UNDELIVERED_SECONDS * 1000
