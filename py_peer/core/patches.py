"""Patches, in the format of git-diff: how one file was changed, from what was in it before and after.

A patch is bytes, as files and their names are. It is made within bounds of size and of work. `git apply` takes it, or,
where a file is binary or left out, refuses all of it: so nobody takes a part for the whole.
"""

from __future__ import annotations

import re
from difflib import Match, SequenceMatcher
from itertools import accumulate
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, final

from py_peer.core import limits_git
from py_peer.core.frozen import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Opcode: TypeAlias = tuple[Literal["replace", "delete", "insert", "equal"], int, int, int, int]

CONTEXT: Final = 3
"""Lines before and behind a change that are shown with it, as Git does."""

FIRST_BYTES: Final = 8_000
"""A file with a zero among so many first bytes is binary, for Git and here."""

NO_NEWLINE: Final = b"\n\\ No newline at end of file\n"
_ODD: Final = re.compile(rb'[\x00-\x1f"\\\x7f]')
_ESCAPES: Final = {b"\n": rb"\n", b"\t": rb"\t", b"\r": rb"\r", b'"': rb"\"", b"\\": rb"\\"}


@final
@frozen
class Side:
    """A file as it was before a commit, or is after it. `data` None: it is too large to be compared."""

    path: bytes
    mode: int
    id: str
    data: bytes | None


@final
@frozen
class FilePatch:
    """How one file was changed; `whole` is False when lines of it were not counted."""

    data: bytes
    added: int = 0
    removed: int = 0
    whole: bool = True


def file_patch(old: Side | None, new: Side | None) -> FilePatch:
    """Return how a file was changed, renamed, made (`old` is None) or deleted (`new` is None)."""
    head = _head(old, new)
    if old and new and old.id == new.id:
        return FilePatch(_lines(head))
    before, after = (side.data if side else b"" for side in (old, new))
    if before is None or after is None:
        sides = [_size(side) for side in (old, new) if side]
        return FilePatch(left_out(old, new, b"too large to be compared: " + b", then ".join(sides)), whole=False)
    names = [_name(b"a/", old), _name(b"b/", new)]
    if is_binary(before) or is_binary(after):
        told = [
            b"%s (%s)" % (name, _size(side)) if side else name for name, side in zip(names, (old, new), strict=True)
        ]
        return FilePatch(_lines([*head, b"Binary files %s and %s differ" % (told[0], told[1])]))
    return _text_patch(head, names, _split(before), _split(after))


def left_out(old: Side | None, new: Side | None, why: bytes) -> bytes:
    """Return what stands for a file whose change is not told: no more than that it has changed.

    Git has such a line, too, and applies no patch in which there is one.
    """
    names = _name(b"a/", old), _name(b"b/", new)
    return _lines([*_head(old, new), b"Files %s and %s differ" % names, b"# left out, " + why])


def named(files: Iterable[tuple[Side | None, Side | None]], room: int) -> Iterator[bytes]:
    """Yield, in `room` bytes, what stands for the first of those files for which a patch has no room."""
    for old, new in files:
        part = left_out(old, new, b"the patch would be too large")
        room -= len(part)
        if room < 0:
            return
        yield part


def is_binary(data: bytes) -> bool:
    """Return whether a file is none of text."""
    return b"\0" in data[:FIRST_BYTES]


def quoted(path: bytes) -> bytes:
    """Return a name as Git writes it in a patch: in quotes, escaped as in C, where it would break the line else."""
    try:
        path.decode()
    except UnicodeDecodeError:
        odd = re.compile(rb'[\x00-\x1f"\\\x7f-\xff]')
    else:
        odd = _ODD
    escaped = odd.sub(lambda found: _ESCAPES.get(found[0], b"\\%03o" % found[0][0]), path)
    return path if escaped == path else b'"%s"' % escaped


# --- Heads ------------------------------------------------------------------------------------------

_NOWHERE: Final = Side(b"", 0, "", b"")


def _head(old: Side | None, new: Side | None) -> list[bytes]:
    path = (old or new or _NOWHERE).path, (new or old or _NOWHERE).path
    head = [b"diff --git %s %s" % (quoted(b"a/" + path[0]), quoted(b"b/" + path[1])), *_modes(old, new)]
    if old and new and old.path != new.path:
        head += [b"rename from " + quoted(old.path), b"rename to " + quoted(new.path)]
        head[-2:-2] = [b"similarity index 100%"] * (old.id == new.id)
    if old and new and old.id == new.id:
        return head
    ids = [(side.id if side else "").ljust(len((old or new or _NOWHERE).id), "0") for side in (old, new)]
    mode = b" %o" % new.mode if old and new and old.mode == new.mode else b""
    return [*head, b"index %s%s" % ("..".join(one[: limits_git.SHORT_ID_CHARS] for one in ids).encode(), mode)]


def _modes(old: Side | None, new: Side | None) -> list[bytes]:
    if old is None or new is None:
        side = new or old or _NOWHERE
        return [b"%s file mode %o" % (b"deleted" if old else b"new", side.mode)]
    return [b"old mode %o" % old.mode, b"new mode %o" % new.mode] if old.mode != new.mode else []


def _name(prefix: bytes, side: Side | None) -> bytes:
    return quoted(prefix + side.path) if side else b"/dev/null"


def _size(side: Side | None) -> bytes:
    if side is None or side.data is None:
        return f"more than {limits_git.MAX_DIFFED:,} bytes".encode()
    return f"{len(side.data):,} byte{'' if len(side.data) == 1 else 's'}".encode()


def _lines(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


# --- Lines ------------------------------------------------------------------------------------------


def _split(data: bytes) -> list[bytes]:
    """Return the lines of a file: those of Git, which end with a line feed alone."""
    lines = data.split(b"\n")
    return [line + b"\n" for line in lines[:-1]] + lines[-1:] * bool(lines[-1])


def _text_patch(head: list[bytes], names: Sequence[bytes], old: list[bytes], new: list[bytes]) -> FilePatch:
    codes = _compared(old, new)
    if not codes:
        return FilePatch(_lines(head))  # made or deleted, and empty
    # A name with a space would end there, for who reads the next two lines.
    marks = [name + b"\t" * (b" " in name) for name in names]
    parts = [_lines([*head, b"--- " + marks[0], b"+++ " + marks[1]])]
    for group in _Known(codes).get_grouped_opcodes(CONTEXT):
        first, last = group[0], group[-1]
        parts.append(b"@@ -%s +%s @@\n" % (_range(first[1], last[2]), _range(first[3], last[4])))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                parts += [_line(b" ", line) for line in old[i1:i2]]
                continue
            parts += [_line(b"-", line) for line in old[i1:i2]]
            parts += [_line(b"+", line) for line in new[j1:j2]]
    added = sum(j2 - j1 for tag, _, _, j1, j2 in codes if tag != "equal")
    removed = sum(i2 - i1 for tag, i1, i2, _, _ in codes if tag != "equal")
    return FilePatch(b"".join(parts), added, removed)


def _line(sign: bytes, line: bytes) -> bytes:
    return sign + line if line.endswith(b"\n") else sign + line + NO_NEWLINE


def _range(start: int, stop: int) -> bytes:
    """Return where lines stand; of none, behind which line."""
    return b"%d" % (start + 1) if stop - start == 1 else b"%d,%d" % (start + (stop > start), stop - start)


def _compared(old: list[bytes], new: list[bytes]) -> list[Opcode]:
    """Return what is equal, and what is not, in the form of difflib; nothing if all of it is equal.

    What is the same at both ends is not compared: most changes of large files are small.
    """
    start, shorter = 0, min(len(old), len(new))
    while start < shorter and old[start] == new[start]:
        start += 1
    same = 0
    while same < shorter - start and old[-1 - same] == new[-1 - same]:
        same += 1
    i2, j2 = len(old) - same, len(new) - same
    if start == i2 and start == j2:
        return []
    found = _Bounded(old[start:i2], new[start:j2]).get_opcodes()
    middle: list[Opcode] = [(tag, a + start, b + start, c + start, d + start) for tag, a, b, c, d in found]
    head: list[Opcode] = [("equal", 0, start, 0, start)] * bool(start)
    tail: list[Opcode] = [("equal", i2, len(old), j2, len(new))] * bool(same)
    return [*head, *middle, *tail]


class _Bounded(SequenceMatcher[bytes]):
    """Compares until limits_git.MAX_DIFF_STEPS are done; what it has not reached by then is told as replaced.

    It looks for what is alike in the whole, then in what is before that, and behind it, and so on. Each time, each of
    the lines before costs some steps, and one more for each of the lines after that equals it.
    """

    _LINE_STEPS: Final = 4
    """Of each of the lines before: it is looked up, far away in memory if there are many."""

    b2j: dict[bytes, list[int]]
    """Where each line stands in those after. It is difflib's, whose types leave it out."""

    def __init__(self, old: list[bytes], new: list[bytes]) -> None:
        super().__init__(None, old, new)
        self._steps = list(accumulate((self._LINE_STEPS + len(self.b2j.get(line, ())) for line in old), initial=0))
        self._left = limits_git.MAX_DIFF_STEPS

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        self._left -= self._steps[-1 if ahi is None else ahi] - self._steps[alo]
        if self._left < 0:
            return Match(alo, blo, 0)
        return super().find_longest_match(alo, ahi, blo, bhi)


class _Known(SequenceMatcher[bytes]):
    """Groups what was compared already, with the lines around it."""

    def __init__(self, codes: list[Opcode]) -> None:
        super().__init__(None, [], [])
        self._codes = codes

    def get_opcodes(self) -> list[Opcode]:
        return self._codes
