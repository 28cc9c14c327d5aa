"""CBOR of `/file-exchange/1`: as others write it, in any parts; what is something else is refused and costs nothing."""

from __future__ import annotations

import itertools

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from py_peer.core.cbor import (
    BytesReader,
    CborError,
    LongError,
    TextReader,
    array_head,
    encode_text,
    numbers,
    numbers_size,
)

MOST = 1_000
HUGE = 1 << 63
NUMBERS = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from([0, 23, 24, 25, 255]), max_size=60).map(bytes),  # around what takes a second byte
)


def parts(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut `data` at these places."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(places)]


def read_bytes(data: bytes, cuts: list[int], most: int = MOST) -> tuple[bytes, int]:
    """Return what is read, and how much is still to come; -1 where that is not known."""
    reader = BytesReader(most)
    found = b"".join(reader.feed(part) for part in parts(data, cuts))
    return found, -1 if reader.size is None else reader.left


def read_text(data: bytes, cuts: list[int], most: int = MOST) -> str | None:
    reader = TextReader(most)
    for part in parts(data, cuts):
        if (text := reader.feed(part)) is not None:
            return text
    return None


CUTS = st.lists(st.integers(0, 1_000), max_size=20)


@given(NUMBERS)
def test_bytes_are_written_as_other_encoders_write_a_list_of_integers(data: bytes) -> None:
    assert array_head(len(data)) + numbers(data) == cbor2.dumps(list(data))
    assert numbers(memoryview(data)) == numbers(data)
    assert numbers_size(memoryview(data)) == len(numbers(data))


@given(st.text(max_size=300))
def test_a_text_is_written_as_other_encoders_write_it(text: str) -> None:
    assert encode_text(text) == cbor2.dumps(text)


@pytest.mark.parametrize("count", [0, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32], ids=str)
def test_the_head_of_an_array_is_as_short_as_it_may_be(count: int) -> None:
    number = cbor2.dumps(count)
    assert array_head(count) == bytes([number[0] | 0x80]) + number[1:]


@given(NUMBERS, CUTS)
@example(b"\x18" * 9, list(range(20)))
@example(b"\x18\x17\x19" * 9, list(range(60)))
def test_an_array_and_a_byte_string_are_read_in_whatever_parts_they_come(data: bytes, cuts: list[int]) -> None:
    assert read_bytes(cbor2.dumps(list(data)), cuts) == (data, 0)
    assert read_bytes(cbor2.dumps(data), cuts) == (data, 0)


@given(st.text(max_size=200), CUTS, st.binary(max_size=5))
def test_a_text_is_read_in_whatever_parts_it_comes(text: str, cuts: list[int], behind: bytes) -> None:
    assert read_text(cbor2.dumps(text) + behind, cuts) == text
    assert read_text(cbor2.dumps(text.encode()) + behind, cuts) == text


@given(NUMBERS.filter(bool), CUTS, st.data())
def test_what_is_not_whole_is_told(data: bytes, cuts: list[int], draw: st.DataObject) -> None:
    whole = cbor2.dumps(list(data))
    found, left = read_bytes(whole[: draw.draw(st.integers(len(array_head(len(data))), len(whole) - 1))], cuts)
    assert data.startswith(found)
    assert left == len(data) - len(found) > 0


@given(st.binary(max_size=200), CUTS)
def test_whatever_comes_is_read_or_refused_as_another_decoder_reads_it(data: bytes, cuts: list[int]) -> None:
    try:
        found, left = read_bytes(data, cuts)
    except CborError:
        return
    if not left:
        value = cbor2.loads(data)
        assert found == (value if isinstance(value, bytes) else bytes(value))


@given(st.binary(max_size=200), CUTS)
def test_whatever_is_asked_is_read_or_refused(data: bytes, cuts: list[int]) -> None:
    try:
        text = read_text(data, cuts)
    except CborError:
        return
    if text is not None:
        assert data.startswith(text.encode(), 1) or data[0] >= 0x78


VALUES = st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), st.text())


@given(st.recursive(VALUES, st.lists, max_leaves=20))
def test_of_whole_values_bytes_alone_are_read(value: object) -> None:
    is_bytes = isinstance(value, list) and all(type(one) is int and 0 <= one < 256 for one in value)
    if is_bytes:
        read_bytes(cbor2.dumps(value), [])
    else:
        with pytest.raises(CborError):
            read_bytes(cbor2.dumps(value), [], 1 << 70)


@pytest.mark.parametrize(
    "data",
    [
        "a16161 01",  # a map
        "d8 18 82 01 02",  # a tag before it
        "c2 41 ff",  # a large number
        "9f 01 ff",  # of no length
        "5f 41 61 ff",
        "9c",  # a length of a kind that there is not
        "82 01 19 0100",  # 256
        "82 01 20",  # -1
        "82 01 f5",  # true
        "82 01 81 02",  # an array in it
        "82 01 18 05",  # 5 in two bytes
        "82 01 1800",
        "82 01 c1 02",  # a tag in it
        "82 01 02 03",  # one more
        "82 01 02 18",
        "42 61 62 63",
        "62 61 62",  # a text
        "01",
        "f6",
    ],
)
def test_what_is_no_array_of_bytes_is_refused_in_any_parts(data: str) -> None:
    said = bytes.fromhex(data)
    for cuts in ([], list(range(1, len(said) - 1))):
        with pytest.raises(CborError):
            read_bytes(said, cuts)


@pytest.mark.parametrize("nested", [b"\x81" * 10_000, b"\xc1" * 10_000, b"\xd8\x1c" * 5_000], ids=["81", "c1", "d81c"])
def test_nesting_costs_nothing(nested: bytes) -> None:
    with pytest.raises(CborError):
        read_bytes(nested, [], 1_000_000)
    with pytest.raises(CborError):
        read_text(nested, [])


@pytest.mark.parametrize("size", [MOST - 2, MOST, HUGE, 2**64 - 1], ids=str)
@pytest.mark.parametrize("major", [0x40, 0x80], ids=["bytes", "array"])
def test_an_announced_size_beyond_the_limit_is_refused_before_anything_has_come(size: int, major: int) -> None:
    head = bytes([major | 27]) + size.to_bytes(8, "big")
    with pytest.raises(LongError):
        read_bytes(head, [], MOST + 6)
    with pytest.raises(LongError):
        read_text(bytes([0x7B]) + size.to_bytes(8, "big"), [], MOST - 3)


def test_an_answer_is_limited_by_what_it_comes_in() -> None:
    data = bytes([24]) * 500
    assert read_bytes(array_head(500) + numbers(data), [], 1_003) == (data, 0)
    with pytest.raises(LongError):
        read_bytes(array_head(500) + numbers(data), list(range(1_000)), 1_002)


def test_a_text_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(CborError):
        read_text(b"\x62\xff\xfe", [])
