"""Flat maps of CBOR: what an IPNS record has is read as cbor2 reads it, and nothing else is."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.cbor import CborError
from py_peer.core.flat_map import read_flat_map

values = st.one_of(st.integers(-(2**64), 2**64 - 1), st.binary(max_size=300), st.text(max_size=99))


@given(st.dictionaries(st.text(max_size=30), values, max_size=32))
def test_a_flat_map_is_read_as_a_general_decoder_reads_it(entries: dict[str, int | bytes | str]) -> None:
    assert read_flat_map(cbor2.dumps(entries)) == entries


@given(st.binary(max_size=200))
def test_whatever_else_comes_is_refused_or_read_as_a_general_decoder_reads_it(data: bytes) -> None:
    try:
        entries = read_flat_map(data)
    except CborError:
        return
    assert cbor2.loads(data) == entries


@pytest.mark.parametrize(
    "data",
    [
        b"",
        cbor2.dumps([1]),
        cbor2.dumps({"a": {}}),
        cbor2.dumps({"a": [1]}),
        cbor2.dumps({"a": 1.5}),
        cbor2.dumps({1: 2}),
        cbor2.dumps({"a": None}),
        cbor2.dumps({"a": cbor2.CBORTag(35, "(")}),
        cbor2.dumps({str(n): n for n in range(33)}),
        b"\xbf\x61a\x01\xff",
        b"\xa2\x61a\x01\x61a\x02",
        b"\xa1\x61a\x5b" + b"\xff" * 8,
        b"\xa1\x61a\x62\xff\xff",
        b"\xa1\x61a\x01\x00",
    ],
    ids=lambda data: data[:12].hex() or "nothing",
)
def test_what_could_surprise_is_refused(data: bytes) -> None:
    with pytest.raises(CborError):
        read_flat_map(data)
