"""Patches: whatever two files hold, the patch leads from one to the other, within its bounds of work."""

from __future__ import annotations

import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits_git
from py_peer.core.patches import Side, file_patch, is_binary, quoted

LINES = st.lists(
    st.sampled_from([b"a", b"b", b"", b"\r", b"c" * 9, b"-x", b"+x", b"@@ -1 +1 @@", b"\\ No"]), max_size=30
)
FILES = st.tuples(LINES, st.sampled_from([b"", b"\n"])).map(
    lambda parts: b"\n".join(parts[0]) + parts[1] * bool(parts[0])
)
HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n")


def side(data: bytes | None, path: bytes = b"f", mode: int = 0o100644, full_id: str = "") -> Side:
    return Side(path, mode, full_id or f"{zlib.crc32(data or b''):040x}", data)


def applied(old: bytes, patch: bytes) -> bytes:
    """Apply a patch as strictly as there is one: every line that it names must be there."""
    before = old.splitlines(keepends=True) if b"\r" not in old else re.findall(rb"[^\n]*\n|[^\n]+", old)
    made: list[bytes] = []
    at = 0
    lines = re.findall(rb"[^\n]*\n", patch)
    for number, line in enumerate(lines):
        lone = lines[number + 1 : number + 2] == [b"\\ No newline at end of file\n"]
        text = line[1:-1] if lone else line[1:]
        if found := HUNK.fullmatch(line):
            start = int(found[1]) - (found[2] != b"0")
            made += before[at:start]
            at = start
            assert len(b"".join(made).split(b"\n")) - 1 == int(found[3]) - (found[4] != b"0")
        elif line.startswith((b" ", b"-")):
            assert before[at] == text
            made += [text] * line.startswith(b" ")
            at += 1
        elif line.startswith(b"+"):
            made.append(text)
    return b"".join([*made, *before[at:]])


def body(patch: bytes) -> bytes:
    """Return a patch without the lines before its first hunk."""
    return patch[patch.index(b"@@ -") :] if b"\n@@ -" in patch else b""


@given(FILES, FILES)
def test_the_patch_leads_from_one_file_to_the_other(old: bytes, new: bytes) -> None:
    made = file_patch(side(old), side(new))
    text = body(made.data)
    assert applied(old, text) == new
    assert made.added == sum(line.startswith(b"+") for line in text.split(b"\n")) or b"\r" in text
    assert made.whole


def test_beyond_the_bound_of_work_all_that_may_have_changed_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    old = b"".join(b"%d\n" % number for number in range(100))
    new = b"".join(
        b"%d\n" % (number if number in range(20) or number > 80 or number % 2 else -number) for number in range(100)
    )
    exact = file_patch(side(old), side(new))
    monkeypatch.setattr(limits_git, "MAX_DIFF_STEPS", 100)
    whole = file_patch(side(old), side(new))
    assert applied(old, body(whole.data)) == applied(old, body(exact.data)) == new
    assert (exact.added, whole.added) == (31, 61)
    # It bounds all the passes together: what the first of them have found is told.
    monkeypatch.setattr(limits_git, "MAX_DIFF_STEPS", 2_000)
    some = file_patch(side(old), side(new))
    assert applied(old, body(some.data)) == new
    assert 31 < some.added < 61


@pytest.mark.parametrize(
    ("name", "written"),
    [
        (b"a/plain.txt", b"a/plain.txt"),
        (b"a/two words", b"a/two words"),
        ("a/ü".encode(), "a/ü".encode()),
        (b"a/\xff", rb'"a/\377"'),
        (b"a/\x1b[2J\n", rb'"a/\033[2J\n"'),
        (rb'a/"\x', rb'"a/\"\\x"'),
    ],
    ids=["plain", "space", "letters", "bytes", "controls", "quotes"],
)
def test_a_name_is_written_as_git_writes_it(name: bytes, written: bytes) -> None:
    assert quoted(name) == written


def test_a_name_with_a_space_ends_with_a_tab_where_a_time_may_follow() -> None:
    patch = file_patch(side(b"x\n", b"a b"), side(b"y\n", b"a b")).data
    assert b"diff --git a/a b b/a b\n" in patch
    assert b"--- a/a b\t\n+++ b/a b\t\n" in patch


def test_what_is_neither_text_nor_small_is_named_with_its_size() -> None:
    binary = file_patch(side(b"a\0b"), side(b"a\0c" * 1_000)).data
    assert binary.endswith(b"Binary files a/f (3 bytes) and b/f (3,000 bytes) differ\n")
    new = file_patch(None, side(b"\0")).data
    assert new.endswith(b"Binary files /dev/null and b/f (1 byte) differ\n")
    large = file_patch(side(b"x\n"), side(None))
    assert large.data.endswith(b"# left out, too large to be compared: 2 bytes, then more than 1,048,576 bytes\n")
    assert not large.whole
    assert not is_binary(b"x" * 8_000 + b"\0")


def test_a_file_that_only_moves_or_changes_its_mode_has_no_lines() -> None:
    moved = file_patch(side(b"x", b"old", full_id="a" * 40), side(b"x", b"new", 0o100755, "a" * 40)).data
    assert moved == (
        b"diff --git a/old b/new\nold mode 100644\nnew mode 100755\n"
        b"similarity index 100%\nrename from old\nrename to new\n"
    )
