"""What a relay gives away: never more than its limits, and what was given back is there for others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.relay_slots import RelaySlots

HOUR = limits.RELAY_RESERVATION_SECONDS
peers = st.integers(0, 60).map(lambda number: b"%d" % number)


def test_a_reservation_holds_for_its_time_and_can_be_renewed() -> None:
    slots = RelaySlots()
    assert slots.reserve(b"ann", "11.1.1.1", 0) == ""
    assert slots.reserve(b"ann", "11.1.1.1", HOUR / 2) == ""
    assert slots.has_reserved(b"ann", HOUR * 1.4)
    assert not slots.has_reserved(b"ann", HOUR * 1.5)
    assert not slots.has_reserved(b"bob", 0)


def test_so_many_are_given_in_all_and_whose_time_is_over_makes_room() -> None:
    slots = RelaySlots()
    for number in range(limits.RELAY_RESERVATIONS):
        assert slots.reserve(b"%d" % number, f"11.{number}.1.1", 0) == ""
    assert slots.reserve(b"one more", "12.1.1.1", 1) == "there are too many reservations"
    assert slots.reserve(b"0", "11.0.1.1", 1) == ""  # its own again
    assert slots.reserve(b"one more", "12.1.1.1", HOUR) == ""
    slots.keep({b"0"})
    assert slots.has_reserved(b"0", HOUR)
    assert not slots.has_reserved(b"one more", HOUR)


def test_one_network_has_its_share_and_this_machine_no_limit_of_its_own() -> None:
    slots = RelaySlots()
    for number in range(limits.RELAY_RESERVATIONS_OF_ONE_RANGE):
        assert slots.reserve(b"%d" % number, f"11.1.1.{number}", 0) == ""
    assert slots.reserve(b"one more", "11.1.1.200", 0) == "there are too many reservations from one network"
    assert slots.reserve(b"elsewhere", "11.1.2.1", 0) == ""
    for number in range(limits.RELAY_RESERVATIONS_OF_ONE_RANGE + 1):
        assert slots.reserve(b"here %d" % number, "127.0.0.1", 0) == ""


def test_one_network_takes_a_part_of_the_circuits_whatever_it_calls_itself_and_this_machine_may_have_all() -> None:
    slots = RelaySlots()

    def asked(network: str) -> list[str]:
        made = [slots.open(b"%d" % number, b"to %d" % number, f"{network}.{number % 250}") for number in range(300)]
        return [reason for reason in made if reason]

    assert len(asked("11.1.1")) == 300 - limits.RELAY_CIRCUITS_OF_ONE_RANGE
    assert set(asked("11.1.1")) == {"there are too many circuits from one network"}
    assert slots.open(b"ann", b"bob", "11.1.2.1") == ""
    slots.close(b"ann", b"bob", "11.1.2.1")
    assert set(asked("127.0.0")) == {"there are too many circuits"}
    assert slots.circuits == limits.RELAY_CIRCUITS


def test_two_have_no_more_circuits_than_they_need() -> None:
    slots = RelaySlots()
    made = [slots.open(b"ann", b"bob", "11.1.1.1") for _ in range(limits.RELAY_CIRCUITS_OF_TWO + 1)]
    assert made[-2:] == ["", "there are too many circuits between two peers"]
    assert slots.open(b"bob", b"ann", "11.1.1.2") == ""


ips = st.sampled_from(["11.1.1.1", "11.1.1.2", "11.1.2.1", "127.0.0.1"])


@given(st.lists(st.tuples(st.booleans(), peers, peers, ips), max_size=600))
def test_no_more_circuits_are_open_than_may_be_whatever_is_asked_for(
    steps: list[tuple[bool, bytes, bytes, str]],
) -> None:
    slots, opened = RelaySlots(), []
    for opens, source, target, ip in steps:
        if opens and slots.open(source, target, ip) == "":
            opened.append((source, target, ip))
        elif not opens and opened:
            slots.close(*opened.pop())
        ends = [peer for circuit in opened for peer in circuit[:2]]
        assert slots.circuits == len(opened) <= limits.RELAY_CIRCUITS
        assert all(ends.count(peer) <= limits.RELAY_CIRCUITS_OF_ONE + 1 for peer in set(ends))
    for circuit in opened:
        slots.close(*circuit)
    assert slots.circuits == 0
    assert not slots._circuits
