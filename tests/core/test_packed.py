"""The heads of entries in packs: whatever bytes there are, they give a size or are refused."""

from __future__ import annotations

import contextlib
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.packed import HEAD_BYTES, unpacked_size


@pytest.mark.parametrize(
    ("head", "size"),
    [
        (b"\x33rest", 3),
        (b"\xb5\x0arest", 165),
        (b"\x61\x85\x05" + zlib.compress(b"\x90\x01\x05and so on"), 144),
        (b"\x71" + bytes(20) + zlib.compress(b"\x02\x90\x01"), 144),
    ],
    ids=["whole", "two bytes", "by offset", "by ID"],
)
def test_the_size_is_read(head: bytes, size: int) -> None:
    assert unpacked_size(head, 20) == size


def test_the_size_is_read_where_the_codes_before_it_are_long() -> None:
    dice = random.Random(0)
    weights = [2.0 ** -dice.randrange(13) for _ in range(256)]
    packed = zlib.compress(b"\x90\x01\x05" + bytes(dice.choices(range(256), weights, k=20_000)), 9)
    assert next(end for end in range(200) if zlib.decompressobj().decompress(packed[:end])) > 128
    assert unpacked_size((b"\x61\x05" + packed)[:HEAD_BYTES], 20) == 144


@pytest.mark.parametrize(
    "head", [b"", b"\xff\xff", b"\x61\x05not packed", b"\x71"], ids=["", "no end", "junk", "short"]
)
def test_what_is_no_entry_is_refused(head: bytes) -> None:
    with pytest.raises(ValueError, match="no entry of a pack"):
        unpacked_size(head, 20)


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_else(head: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert unpacked_size(head, 32) >= 0
