"""Records on the wire: whatever bytes come, they are a record that can be kept and passed on, or refused."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from libp2p.kad_dht.pb.kademlia_pb2 import Message

from py_peer.core import limits
from py_peer.core.records import Record, RecordRefusedError, rule_for
from py_peer.net.kad_records import RULES, put_record, read_record

NOW = time.time_ns()
fields = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([1, 2, 5, 666, 777]), st.binary(max_size=40)),
        st.tuples(st.sampled_from([1, 2, 5, 666, 777]), st.integers(0, 2**64 - 1)),
    ),
    max_size=8,
)


def varint(number: int) -> bytes:
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def encoded(parts: list[tuple[int, bytes | int]]) -> bytes:
    """Return fields of a protobuf, each of whatever type, in whatever order and number."""
    return b"".join(
        varint(number << 3) + varint(part)
        if isinstance(part, int)
        else varint(number << 3 | 2) + varint(len(part)) + part
        for number, part in parts
    )


@given(
    fields,
    st.sampled_from([b"", b"key", b"/pk/\x00\x01a", b"/ipns/\x00\x01a", b"/py-peer-file/a/b", b"/py-peer-commit/a"]),
)
def test_whatever_stands_in_a_record_it_is_kept_within_its_limits_or_refused(
    parts: list[tuple[int, bytes | int]], key: bytes
) -> None:
    body = encoded([(1, key), *parts])
    try:
        message = Message.FromString(b"\x1a" + varint(len(body)) + body)
    except Exception:  # noqa: BLE001 - what cannot be read never comes so far
        return
    try:
        record = read_record(message, key, NOW, b"sender")
        assert record is not None
        rule_for(key, RULES).check(key, record.value)
    except RecordRefusedError:
        return
    assert record.key == key
    assert record.time <= NOW + limits.KAD_CLOCK_AHEAD * 10**9
    assert NOW < record.expires <= record.time + limits.KAD_VALUE_SECONDS * 10**9
    assert read_record(put_record(Message(), record, NOW), key, NOW) == record
    rule_for(key, RULES).rank(record)


@given(st.binary(min_size=1, max_size=512), st.binary(max_size=99), st.integers(0, 47 * 3_600 * 10**9))
def test_a_record_arrives_as_it_was_sent_at_whatever_moment(key: bytes, value: bytes, age: int) -> None:
    record = Record(key, value, NOW - age, NOW - age + limits.KAD_VALUE_SECONDS * 10**9)
    assert read_record(put_record(Message(), record, NOW), key, NOW) == record
