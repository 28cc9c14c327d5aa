"""Files that were moved: found by what is in them, the most alike first, and none twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.renames import moved

LINES = [b"line %d\n" % number for number in range(10)]
WHOLE = b"".join(LINES)
FILES = st.dictionaries(st.sampled_from([b"a", b"b", b"d/a", b"d/b"]), st.binary(max_size=40), max_size=4)


def test_a_file_that_is_half_the_same_was_moved() -> None:
    half = b"".join([*LINES[:5], b"other 1\n" * 4])
    assert moved({b"old": WHOLE}, {b"new": half}) == {b"new": b"old"}
    less = b"".join([*LINES[:4], b"other 1\n" * 5])
    assert moved({b"old": WHOLE}, {b"new": less}) == {}


def test_the_most_alike_comes_first_and_then_the_one_of_the_same_name() -> None:
    changed = WHOLE.replace(b"line 3", b"LINE 3")
    assert moved({b"x": changed, b"y": WHOLE}, {b"new": WHOLE}) == {b"new": b"y"}
    assert moved({b"a/one": WHOLE, b"b/two": WHOLE}, {b"c/two": changed}) == {b"c/two": b"b/two"}


def test_no_file_was_moved_to_two_places() -> None:
    assert moved({b"old": WHOLE}, {b"new": WHOLE, b"other": WHOLE}) == {b"new": b"old"}


def test_lines_count_as_often_as_they_are_there() -> None:
    assert moved({b"old": b"x\n" * 9}, {b"new": b"x\n" + b"y\n" * 8}) == {}


def test_empty_files_were_never_moved() -> None:
    assert moved({b"old": b""}, {b"new": b""}) == {}


@given(FILES, FILES)
def test_whatever_there_is_each_has_one_place(gone: dict[bytes, bytes], made: dict[bytes, bytes]) -> None:
    found = moved(gone, made)
    assert found.keys() <= made.keys()
    assert set(found.values()) <= gone.keys()
    assert len(set(found.values())) == len(found)
