"""The shelf of records: bounded, fair among those who bring them, and our own are nobody's to push out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.records import Record
from py_peer.core.value_shelf import FullError, ValueShelf

WEIGHT = limits.KAD_VALUE_WEIGHT + 10
"""Of a record here."""


def record(name: str, *, value: bytes = b"value", expires: int = 100, time: int = 1) -> Record:
    return Record(f"key {name}".encode()[:5].ljust(5), value, time, expires)


def shelf(in_all: int = 4, per_sender: int = 3) -> ValueShelf:
    return ValueShelf(in_all=in_all * WEIGHT, per_sender=per_sender * WEIGHT)


def values(kept: ValueShelf, names: str) -> str:
    return "".join(name for name in names if record(name).key in kept)


def test_one_who_brings_too_much_loses_his_own_oldest_and_nobody_else_does() -> None:
    kept = shelf()
    assert kept.put(record("a"), "honest") == 0
    assert [kept.put(record(name), "greedy") for name in "bcdef"] == [0, 0, 0, 1, 1]
    assert values(kept, "abcdef") == "adef"


def test_when_all_bring_too_much_whoever_has_most_makes_room() -> None:
    kept = shelf()
    for name in "abc":
        kept.put(record(name), "many")
    assert kept.put(record("x"), "few") == 0
    assert kept.put(record("y"), "other") == 1
    assert values(kept, "abcxy") == "bcxy"


def test_who_brings_a_value_again_has_not_made_it_his() -> None:
    """Else a stranger would take over what others have put, and push it out as his own oldest."""
    kept = shelf()
    kept.put(record("a"), "honest")
    kept.put(record("a", time=2), "thief")
    for name in "bcd":
        kept.put(record(name), "thief")
    found = kept.get(record("a").key, 0)
    assert found is not None
    assert (found.sender, found.record.time) == ("honest", 2)
    kept.put(record("a", value=b"VALUE"), "thief")
    assert values(kept, "abcd") == "acd"


def test_who_brings_a_value_again_does_not_have_it_forgotten_sooner() -> None:
    kept = shelf()
    kept.put(record("a"), "honest")
    kept.put(record("a", time=2, expires=3), "thief")
    found = kept.get(record("a").key, 50)
    assert found is not None
    assert (found.record.time, found.record.expires) == (2, 100)
    kept.put(record("a", time=3, expires=200), "honest")
    assert kept.get(record("a").key, 150) is not None
    kept.put(record("a", value=b"VALUE", time=4, expires=160), "other")
    assert kept.get(record("a").key, 170) is None


def test_our_own_stay_and_too_many_of_them_are_refused() -> None:
    kept = shelf(in_all=2, per_sender=2)
    kept.put(record("a"), "")
    kept.put(record("b"), "")
    with pytest.raises(FullError):
        kept.put(record("c"), "")
    kept.put(record("b", time=2), "")  # in its own place there is room
    for name in "xyz":
        kept.put(record(name), name)
    assert values(kept, "abcxyz") == "abyz"


def test_what_has_expired_is_not_given_and_our_own_can_still_be_put_anew() -> None:
    kept = shelf()
    kept.put(record("a", expires=5), "")
    kept.put(record("b", expires=5), "b")
    for name in "ab":
        assert kept.get(record(name).key, 4) is not None
        assert kept.get(record(name).key, 5) is None
    kept.expire(5)
    assert values(kept, "ab") == "a"
    assert kept.own(record("a").key) == record("a", expires=5)


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["", "x", "y", "z"]), st.integers(0, 3))),
)
def test_whatever_is_put_the_limits_hold_and_the_account_is_right(puts: list[tuple[str, str, int]]) -> None:
    kept = shelf()
    for name, sender, size in puts:
        try:
            kept.put(record(name, value=bytes(size * WEIGHT)), sender)
        except FullError:
            assert not sender
        for one in ("x", "y", "z"):
            assert sum(each.weight for each in kept if each.sender == one) <= 3 * WEIGHT
        weight = sum(each.weight for each in kept if each.sender)
        assert kept.weight == weight <= 4 * WEIGHT
        assert sum(each.weight for each in kept if not each.sender) <= 3 * WEIGHT
