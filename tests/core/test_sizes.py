"""Numbers of bytes, as people write and read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.sizes import read_size, shown_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        *(("0", 0), ("17", 17), ("17 B", 17), ("10 MB", 10_000_000), (" 10mb ", 10_000_000), ("1.5g", 1_500_000_000)),
        *(("512 KiB", 524_288), ("2T", 2_000_000_000_000), ("0.5k", 500)),
        *(
            (text, None)
            for text in ("", "-1", "ten", "MB", "10 XB", "1e6", "1,5 MB", "10 MB/s", "9" * 16, "\uff11", "nan")
        ),
    ],
)
def test_a_size_is_read_or_it_is_none(text: str, size: int | None) -> None:
    assert read_size(text) == size


@given(st.integers(0, 10**15))
def test_a_size_is_read_as_it_is_shown_but_for_what_is_rounded(size: int) -> None:
    read = read_size(shown_size(size))
    assert read is not None
    assert abs(read - size) <= size / 20
