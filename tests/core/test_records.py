"""Records of the DHT: which of two holds, which are refused, and their times on the wire."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.records import (
    RAW,
    SECOND,
    UNTOLD,
    PublicKeyRule,
    Record,
    RecordRefusedError,
    check_size,
    read_time,
    received,
    rule_for,
    write_time,
)

NOW = 1_800_000_000 * SECOND
KEPT = limits.KAD_VALUE_SECONDS * SECOND
AHEAD = limits.KAD_CLOCK_AHEAD * SECOND
PK = PublicKeyRule()
RULES = {b"pk": PK}


def test_the_later_holds_and_of_one_time_the_greater_value_in_whatever_order_they_come() -> None:
    old, late, same = (Record(b"k", value, time, 0) for value, time in ((b"z", 1), (b"a", 2), (b"b", 2)))
    for order in ([old, late, same], [same, late, old], [late, old, same]):
        assert max(order, key=RAW.rank) is same


def test_a_record_keeps_its_time_and_expires_two_days_after_it() -> None:
    assert received(b"k", b"v", NOW - 7, 0, NOW) == Record(b"k", b"v", NOW - 7, NOW - 7 + KEPT)


def test_what_is_put_for_a_time_lives_as_long_and_no_longer_than_others() -> None:
    assert received(b"k", b"v", NOW, 60, NOW) == Record(b"k", b"v", NOW, NOW + 60 * SECOND)
    assert received(b"k", b"v", NOW, 2**32 - 1, NOW).expires == NOW + KEPT


def test_without_a_time_it_is_as_old_as_what_is_missing_of_two_days_and_no_later_than_what_it_is_a_copy_of() -> None:
    record = received(b"k", b"v", NOW, 0, NOW)
    for elapsed in (0, 1, SECOND - 1, SECOND, 3_600 * SECOND + 1):
        now = NOW + elapsed
        copy = received(b"k", b"v", None, (record.expires - now) // SECOND, now)  # Rust rounds down
        assert NOW - 2 * SECOND <= copy.time < NOW
        assert copy.expires <= record.expires
    assert received(b"k", b"v", None, 2**32 - 1, NOW).time == NOW


def test_any_record_with_a_time_is_later_than_one_of_which_nobody_says_when_it_was_put() -> None:
    untold = received(b"k", b"z", None, 0, NOW)
    assert untold == Record(b"k", b"z", UNTOLD, NOW + KEPT)
    assert RAW.rank(untold) < RAW.rank(received(b"k", b"a", NOW - KEPT + 1, 0, NOW))


def test_a_clock_may_be_ahead_a_little_and_what_is_beyond_that_can_be_overtaken_a_moment_later() -> None:
    assert received(b"k", b"v", NOW + AHEAD, 0, NOW).time == NOW + AHEAD
    far = received(b"k", b"z", NOW + 10**6 * AHEAD, 0, NOW)
    assert far.time == NOW + AHEAD
    later = received(b"k", b"a", far.time + 1, 0, NOW + 1)
    assert RAW.rank(later) > RAW.rank(far)


def test_what_has_expired_is_refused() -> None:
    with pytest.raises(RecordRefusedError, match="expired"):
        received(b"k", b"v", NOW - KEPT, 0, NOW)
    assert received(b"k", b"v", NOW - KEPT + 1, 0, NOW)


def test_what_no_packet_carries_is_refused_with_the_limit() -> None:
    check_size(bytes(limits.MAX_KAD_KEY), bytes(limits.MAX_KAD_VALUE))
    with pytest.raises(RecordRefusedError, match=r"10,240 bytes, and this one has 10,241"):
        check_size(b"k", bytes(limits.MAX_KAD_VALUE + 1))
    for key in (b"", bytes(limits.MAX_KAD_KEY + 1)):
        with pytest.raises(RecordRefusedError, match="1 to 512 bytes") as refused:
            check_size(key, b"")
        assert refused.value.kind == "a key has 1 to 512 bytes"


@pytest.mark.parametrize("key", [b"plain", b"deadbeef", b"a/b", "größe".encode(), b"\xff"])
def test_a_raw_key_is_anybodys(key: bytes) -> None:
    assert rule_for(key, RULES) is RAW


@pytest.mark.parametrize("key", [b"/", b"//x", b"/foo", b"/foo/bar", b"/pkx/1", b"/\xff/1"])
def test_a_namespace_that_is_not_known_is_refused(key: bytes) -> None:
    with pytest.raises(RecordRefusedError, match="namespace, and here there are only /pk/") as refused:
        rule_for(key, RULES)
    assert refused.value.kind == 'a key that begins with "/" stands in a namespace'


def test_under_the_name_of_a_key_stands_that_key_alone() -> None:
    long, short = b"an RSA key" * 30, b"\x08\x01\x12\x20" + bytes(32)
    hashed = b"/pk/\x12\x20" + hashlib.sha256(long).digest()
    inline = b"/pk/\x00" + bytes([len(short)]) + short
    assert rule_for(hashed, RULES) is PK
    PK.check(hashed, long)
    PK.check(inline, short)
    for key, value in ((hashed, long + b"!"), (inline, short[:-1]), (inline, long), (b"/pk/", b""), (hashed, b"")):
        with pytest.raises(RecordRefusedError, match="another peer"):
            PK.check(key, value)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1970-01-01T00:00:01Z", SECOND),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1970-01-01T01:00:00.25+01:00", 250_000_000),
        ("2027-01-15T08:00:00.123456789Z", NOW + 123_456_789),
    ],
)
def test_times_are_read_as_go_and_javascript_write_them(text: str, time: int) -> None:
    assert read_time(text) == time


@pytest.mark.parametrize(
    "text",
    ["", "1763791234.5", "2027-01-15", "2027-13-01T00:00:00Z", "2027-01-15T08:00:00.1234567890Z", "yesterday" * 999],
    ids=["nothing", "seconds", "a day", "a 13th month", "ten digits", "a word"],
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert read_time(text) is None


@given(st.integers(0, 250 * 365 * 86_400 * SECOND))
def test_a_time_is_read_as_it_was_written(time: int) -> None:
    assert read_time(write_time(time)) == time


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader_of_times(text: str) -> None:
    read_time(text)
