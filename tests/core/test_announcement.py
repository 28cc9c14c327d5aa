"""What is said on the topic of nicknames is read within its limits, and an old announcement undoes no newer one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.announcement import (
    LATEST_TIME,
    Announcement,
    AnnouncementError,
    Latest,
    decode,
    encode,
    repeat_after,
)
from py_peer.core.cleaning import clean_nick

NICKS = st.text(min_size=1, max_size=60).map(clean_nick).filter(bool)
NOON = 1_700_000_000_000
HOUR = 3_600_000


@given(NICKS, st.integers(0, LATEST_TIME))
def test_what_is_announced_is_read_again(nick: str, at: int) -> None:
    payload = encode(Announcement(nick, at))
    assert decode(payload) == Announcement(nick, at)
    assert len(payload) < limits.MAX_ANNOUNCEMENT_BYTES // 4


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=8).map(json.dumps).map(str.encode)
)
def test_whatever_comes_is_a_clean_nickname_or_an_error(data: bytes) -> None:
    try:
        announcement = decode(data)
    except AnnouncementError:
        return
    assert clean_nick(announcement.nick) == announcement.nick != ""


@given(
    st.dictionaries(st.sampled_from(["nick", "at", "more"]), st.text() | st.integers() | st.floats() | st.booleans())
)
def test_whatever_the_fields_hold_nothing_else_is_raised(fields: dict[str, object]) -> None:
    try:
        announcement = decode(json.dumps(fields).encode())
    except AnnouncementError:
        return
    assert isinstance(fields["nick"], str)
    assert announcement.at == fields["at"]


def test_unknown_fields_are_ignored() -> None:
    assert decode(b'{"at": 5, "colour": "#ff0000", "nick": "bob", "more": {"a": [1]}}') == Announcement("bob", 5)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"bob",
        b'"bob"',
        b"[]",
        b'{"nick": "bob"}',
        b'{"at": 5}',
        b'{"nick": "", "at": 5}',
        b'{"nick": "\\u200b\\u001b[2J", "at": 5}',
        b'{"nick": ["bob"], "at": 5}',
        b'{"nick": "bob", "at": true}',
        b'{"nick": "bob", "at": 5.0}',
        b'{"nick": "bob", "at": -1}',
        b'{"nick": "bob", "at": 9007199254740992}',
        b'{"nick": "bob", "at": 1' + b"0" * 900 + b"}",
        b'{"nick": "\xff", "at": 5}',
        b"[" * 1_000,
        b'{"nick": "bob", "at": 5, "more": "' + b"x" * limits.MAX_ANNOUNCEMENT_BYTES + b'"}',
    ],
)
def test_what_announces_nothing_is_an_error(data: bytes) -> None:
    with pytest.raises(AnnouncementError):
        decode(data)


def test_a_nickname_is_cleaned_and_cut() -> None:
    assert (
        decode(json.dumps({"nick": "Bob\n[Eve(12345678)]: hi\x1b[2J", "at": 1}).encode()).nick == "Bob Eve 12345678 hi"
    )
    assert decode(json.dumps({"nick": "x" * 100, "at": 1}).encode()).nick == "x" * 32


def take(latest: Latest, at: int, now: int) -> bool:
    taken = latest.is_older_than(at, now)
    if taken:
        latest.take(at, now)
    return taken


def test_an_older_announcement_never_undoes_a_newer_one() -> None:
    latest = Latest()
    assert take(latest, NOON, NOON + 5)
    assert not take(latest, NOON, NOON + 10)
    assert not take(latest, NOON - 1, NOON + 10)
    assert take(latest, NOON + 20, NOON + 25)
    assert not take(latest, NOON, NOON + 30)


def test_a_time_far_ahead_holds_until_the_next_one_of_a_clock_that_was_put_right() -> None:
    latest = Latest()
    assert take(latest, LATEST_TIME, NOON)
    assert take(latest, NOON + 1_000, NOON + 1_000)
    assert not take(latest, LATEST_TIME, NOON + 2_000)  # the same one again, from a third party
    assert take(latest, NOON + 3_000, NOON + 3_000)


def test_a_clock_that_is_always_ahead_is_followed() -> None:
    latest = Latest()
    for step in range(5):
        assert take(latest, NOON + HOUR + step, NOON + step)
    assert not take(latest, NOON + HOUR + 3, NOON + 10)


def test_a_clock_of_our_own_that_is_decades_behind_changes_nothing() -> None:
    latest = Latest()
    assert take(latest, NOON, 1_000)
    assert take(latest, NOON + 5, 1_005)
    assert not take(latest, NOON, 1_010)


def test_a_room_hears_at_most_one_in_two_seconds_however_large_it_is() -> None:
    for known in (1, 2, 10, 20, 21, 100, 2_048, 100_000):
        shortest = repeat_after(known) * (1 - limits.NICK_JITTER)
        assert (known + 1) / shortest <= 0.5
    assert repeat_after(3) == 60
    assert repeat_after(1_000) == 3_000
