"""What is remembered of where peers were: bounded, aged by use and not by a clock alone, and read with care."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.remembered import DAY, LONGEST_PAUSE, Places, RememberedError
from py_peer.net.identity import new_identity

NOON = 1_750_000_000.0
BOB, EVE = (new_identity().peer_id for _ in range(2))


def at(peer_id: str, host: str = "192.0.2.7") -> str:
    return f"/ip4/{host}/tcp/4001/p2p/{peer_id}"


def file(now: float = NOON, *peers: str) -> bytes:
    """Return a file in which `peers` were reached at the time `now`."""
    places = Places(None, now)
    for peer_id in peers:
        places.reached(peer_id, [at(peer_id)])
    return places.write()


def names(data: bytes, now: float) -> list[str]:
    return [peer_id for peer_id, _ in Places(data, now).best()]


def used_until(data: bytes, days: range, hour: float = 0.0) -> bytes:
    """Return a file after a run on each of some days, in which nobody was met."""
    for day in days:
        data = Places(data, NOON + day * DAY + hour).write()
    return data


def test_who_was_reached_is_remembered_where_he_was_with_the_latest_address_first() -> None:
    places = Places(file(NOON, BOB), NOON + DAY)
    places.reached(BOB, [at(BOB, "192.0.2.8")])
    ((peer_id, addresses),) = Places(places.write(), NOON + DAY).best()
    assert peer_id == BOB
    assert [one.text for one in addresses] == [at(BOB, "192.0.2.8"), at(BOB)]


def test_who_is_not_met_in_a_month_of_use_is_forgotten() -> None:
    assert names(used_until(file(NOON, BOB), range(1, limits.REMEMBERED_DAYS)), NOON + 29 * DAY) == [BOB]
    assert names(used_until(file(NOON, BOB), range(1, limits.REMEMBERED_DAYS + 1)), NOON + 30 * DAY) == []


def test_after_a_long_holiday_nobody_is_forgotten() -> None:
    places = Places(file(NOON, BOB), NOON + 300 * DAY)
    assert [peer_id for peer_id, _ in places.best()] == [BOB]
    assert places.pause == LONGEST_PAUSE


@pytest.mark.parametrize("years", [-55.48, -50, -1, 1, 50])
def test_a_clock_that_is_wrong_for_one_run_neither_loses_anybody_nor_keeps_him_for_ever(years: float) -> None:
    data = file(NOON, BOB)
    wrong = Places(data, NOON + years * 365 * DAY)
    wrong.reached(EVE, [at(EVE)])
    data = wrong.write()
    assert set(names(data, NOON + DAY)) == {BOB, EVE}
    assert names(used_until(data, range(1, 45)), NOON + 44 * DAY) == []


def test_a_time_that_lies_ahead_is_no_later_than_now() -> None:
    data = json.dumps({"written": NOON, "peers": {BOB: {"addresses": [at(BOB)], "seen": NOON + 999 * DAY}}}).encode()
    assert names(used_until(data, range(1, 45)), NOON + 44 * DAY) == []


def test_who_is_dialled_in_vain_on_five_days_is_forgotten_and_twice_on_one_day_counts_once() -> None:
    data = file(NOON, BOB)
    for day in range(1, limits.REMEMBERED_FAILURES + 1):
        assert names(data, NOON + day * DAY) == [BOB]
        for hour in range(8):
            places = Places(data, NOON + day * DAY + hour * 3_600)
            places.failed(BOB)
            data = places.write()
    assert names(data, NOON + (limits.REMEMBERED_FAILURES + 1) * DAY) == []


def test_who_is_met_again_begins_anew() -> None:
    data = file(NOON, BOB)
    for day in range(1, 3 * limits.REMEMBERED_FAILURES):
        places = Places(data, NOON + day * DAY)
        places.failed(BOB)
        if day % (limits.REMEMBERED_FAILURES - 1) == 0:
            places.told(BOB, [])
        data = places.write()
        assert names(data, NOON + day * DAY) == [BOB]


def test_a_failure_of_somebody_who_is_not_in_the_file_any_more_is_nothing() -> None:
    places = Places(None, NOON)
    places.failed(BOB)
    assert places.peers == {}


def test_the_file_is_bounded_and_who_only_called_us_does_not_push_out_whom_we_have_reached() -> None:
    reached = [new_identity().peer_id for _ in range(150)]
    callers = [new_identity().peer_id for _ in range(150)]
    places = Places(None, NOON)
    for peer_id in callers:
        places.told(peer_id, [at(peer_id, f"192.0.2.{number}") for number in range(9)])
    for peer_id in reached:
        places.reached(peer_id, [at(peer_id)])
    data = places.write()
    assert len(data) < limits.REMEMBERED_BYTES
    kept = Places(data, NOON).best()
    assert len(kept) == limits.REMEMBERED_PEERS
    assert {peer_id for peer_id, _ in kept[:150]} == set(reached)
    assert max(len(addresses) for _, addresses in kept) == limits.REMEMBERED_ADDRESSES


def test_the_largest_file_that_we_write_can_be_read_again() -> None:
    places = Places(None, NOON)
    for _ in range(2 * limits.REMEMBERED_PEERS):
        peer_id = new_identity().peer_id
        name = ".".join(4 * ["x" * 62])
        places.reached(peer_id, [f"/dns4/{name}/tcp/{port}/p2p/{peer_id}" for port in range(60_000, 60_010)])
    data = places.write()
    assert len(data) <= limits.REMEMBERED_BYTES
    assert data.count(b"/dns4/") == limits.REMEMBERED_PEERS * limits.REMEMBERED_ADDRESSES


def test_what_a_caller_tells_stands_behind_what_was_reached_but_has_a_place() -> None:
    places = Places(None, NOON)
    places.reached(BOB, [at(BOB, f"192.0.2.{number}") for number in range(4)])
    places.told(BOB, [at(BOB, "198.51.100.1")])
    ((_, addresses),) = places.best()
    assert [one.host for one in addresses] == ["192.0.2.0", "192.0.2.1", "192.0.2.2", "198.51.100.1"]


def test_what_was_reached_takes_the_place_of_what_was_told() -> None:
    places = Places(None, NOON)
    places.told(BOB, [at(BOB, "198.51.100.1")])
    places.reached(BOB, [at(BOB)])
    ((_, addresses),) = places.best()
    assert [one.host for one in addresses] == ["192.0.2.7"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "cannot be understood"),
        (b"[]", "cannot be understood"),
        (b"{}", "cannot be understood"),
        (b'{"written": "today", "peers": {}}', "cannot be understood"),
        (file(NOON, BOB)[:-9], "cannot be understood"),
        (b"\xff\xfe", "cannot be understood"),
        (b"[" * 100_000, "cannot be understood"),
        (b'{"version": 2, "neighbours": []}', "is of a later version of py-peer"),
    ],
)
def test_what_is_no_such_file_is_called_so(data: bytes, reason: str) -> None:
    with pytest.raises(RememberedError, match=f"^{reason}$"):
        Places(data, NOON)


def test_a_file_without_a_version_is_one_of_the_first() -> None:
    data = file(NOON, BOB)
    assert b'"version": 1,' in data
    assert names(data.replace(b'"version": 1,', b""), NOON) == [BOB]


@pytest.mark.parametrize(
    ("whole", "instead"),
    [
        (BOB.encode(), b"bob"),
        (BOB.encode(), b" " + BOB.encode()),
        (b'"seen": 1750000000.0', b'"seen": "yesterday"'),
        (b"/tcp/4001", b""),
        (b"/tcp/4001/p2p/" + BOB.encode(), b"/tcp/4001"),
        (b"/tcp/4001/p2p/" + BOB.encode(), b"/tcp/4001/p2p/" + EVE.encode()),
        (b"/tcp/4001/p2p/", b"/tcp/4001/p2p/" + EVE.encode() + b"/p2p/"),
    ],
)
def test_an_entry_that_cannot_be_understood_costs_no_other(whole: bytes, instead: bytes) -> None:
    data = file(NOON, BOB)
    assert whole in data
    bad = data.replace(whole, instead)
    entries = bad[bad.index(b'"peers": {') + 10 : bad.rindex(b"}", 0, bad.rindex(b"}"))]
    both = file(NOON, EVE).replace(b'"peers": {', b'"peers": {' + entries + b",")
    places = Places(both, NOON)
    assert [peer_id for peer_id, _ in places.best()] == [EVE]
    assert places.left_out == 1
    assert Places(places.write(), NOON).left_out == 0


def test_an_address_that_is_none_costs_no_other_of_its_peer() -> None:
    places = Places(None, NOON)
    places.reached(BOB, [at(BOB), at(BOB, "192.0.2.8")])
    places = Places(places.write().replace(b"192.0.2.7", b"192.0.2.777"), NOON)
    ((_, addresses),) = places.best()
    assert [one.host for one in addresses] == ["192.0.2.8"]
    assert places.left_out == 1


@given(
    st.binary(max_size=100)
    | st.recursive(
        st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.just(at(BOB)),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["version", "written", "peers", "addresses", "seen", "reached", "failures", "tried", BOB]
                ),
                inner,
                max_size=5,
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_bytes_do_worse_than_be_refused(data: bytes) -> None:
    with contextlib.suppress(RememberedError):
        Places(Places(data, NOON).write(), NOON)
