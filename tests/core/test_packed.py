"""The heads of entries in packs: whatever bytes there are, they give a size or are refused."""

from __future__ import annotations

import contextlib
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.packed import HEAD_BYTES, Entry, read_entry


@pytest.mark.parametrize(
    ("head", "entry"),
    [
        (b"\x33rest", Entry(3)),
        (b"\xb5\x0arest", Entry(165)),
        (b"\x6c\x85\x05" + zlib.compress(b"\x05\x90\x01and so on"), Entry(144, 12, 773)),  # (5 + 1 << 7) + 5
        (b"\x73" + bytes(range(20)) + zlib.compress(b"\x02\x90\x01"), Entry(144, 3, bytes(range(20)))),
    ],
    ids=["whole", "two bytes", "by offset", "by ID"],
)
def test_the_size_is_read(head: bytes, entry: Entry) -> None:
    assert read_entry(head, 20) == entry


def test_the_size_is_read_where_the_codes_before_it_are_long() -> None:
    dice = random.Random(0)
    weights = [2.0 ** -dice.randrange(13) for _ in range(256)]
    packed = zlib.compress(b"\x05\x90\x01" + bytes(dice.choices(range(256), weights, k=20_000)), 9)
    assert next(end for end in range(200) if zlib.decompressobj().decompress(packed[:end])) > 128
    assert read_entry((b"\x61\x05" + packed)[:HEAD_BYTES], 20).size == 144


@pytest.mark.parametrize(
    "head", [b"", b"\xff\xff", b"\x61\x05not packed", b"\x71"], ids=["", "no end", "junk", "short"]
)
def test_what_is_no_entry_is_refused(head: bytes) -> None:
    with pytest.raises(ValueError, match="no entry of a pack"):
        read_entry(head, 20)


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_else(head: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert read_entry(head, 32).size >= 0
