"""Kademlia without a network: who is close, who has room in the table, which records are kept, where a walk ends."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from py_peer.core.kademlia import ROOM_KEYS, Contact, K, Providers, RoutingTable, Walk, place

if TYPE_CHECKING:
    from collections.abc import Iterable

HOUR = 3_600.0
OWN = b"own"


def peer(number: int) -> bytes:
    return b"peer %d" % number


def contacts(count: int) -> list[Contact]:
    return [Contact(peer(number)) for number in range(count)]


def table_of(everybody: Iterable[Contact]) -> RoutingTable:
    table = RoutingTable(OWN)
    for one in everybody:
        table.put(one, lambda _: True)
    return table


def test_the_room_is_recorded_under_the_keys_of_the_go_peer_and_the_rust_peer() -> None:
    """Go: the multihash in the CID of the room's name; Rust: its agent version."""
    go, rust = ROOM_KEYS
    assert (
        go.hex() == "1220bc586c5f9661414cea43ec0e5c515d0ed988ea1b10a77db8142acd1956c0c419"
    )  # a multihash, as it stands in a CID
    assert rust == b"universal-connectivity/0.1.0"


# --- The table ------------------------------------------------------------------------------------


def test_the_closest_peers_of_the_table_come_first() -> None:
    table = table_of(contacts(100))
    closest = table.closest(b"key")
    assert len(closest) == K
    distances = [place(contact.peer) ^ place(b"key") for contact in closest]
    assert distances == sorted(distances)
    others = [place(contact.peer) ^ place(b"key") for contact in table.closest(b"key", 100)[K:]]
    assert max(distances) < min(others)


def test_of_the_many_far_ones_there_is_room_for_twenty_and_of_the_near_ones_for_all() -> None:
    table = table_of(contacts(1_000))
    far = [contact for contact in contacts(1_000) if place(contact.peer) >> 255 != place(OWN) >> 255]
    assert sum(table.get(contact.peer) is not None for contact in far) == K
    assert K < len(table) < 10 * K
    nearest = sorted(contacts(1_000), key=lambda contact: place(contact.peer) ^ place(OWN))[:K]
    assert {contact.peer for contact in table.closest(OWN)} == {contact.peer for contact in nearest}


def test_in_a_full_bucket_only_one_who_is_not_connected_makes_room() -> None:
    far = [contact for contact in contacts(100) if place(contact.peer) >> 255 != place(OWN) >> 255]
    table = table_of(far[:K])
    assert not table.put(far[K], lambda _: True)
    assert table.put(far[K], lambda one: one != far[3].peer)
    assert table.get(far[3].peer) is None
    assert table.get(far[K].peer) == far[K]


def test_what_is_new_of_a_peer_is_taken_and_we_are_not_in_our_table() -> None:
    table = table_of([Contact(OWN), Contact(peer(1), (b"old",)), Contact(peer(1), (b"new",))])
    assert len(table) == 1
    assert table.closest(b"") == [Contact(peer(1), (b"new",))]
    table.drop(peer(1))
    table.drop(peer(2))
    assert len(table) == 0


def test_the_far_keys_are_one_in_each_part_of_the_world_that_is_not_ours() -> None:
    for bits, key in enumerate(RoutingTable(OWN).far_keys(3)):
        assert 256 - (place(key) ^ place(OWN)).bit_length() == bits
        assert key[:2] == b"\x12\x20"  # Go and the library take only what could be a peer ID
        assert len(key) == 34


# --- The records ----------------------------------------------------------------------------------


def providers(per_key: int = 3, per_peer: int = 4, in_all: int = 10) -> Providers:
    return Providers(per_key=per_key, per_peer=per_peer, in_all=in_all, seconds=48 * HOUR, address_seconds=24 * HOUR)


def test_a_record_holds_for_two_days_and_its_addresses_for_one() -> None:
    records = providers()
    records.add(b"key", Contact(peer(1), (b"address",)), "", 0.0)
    assert records.of(b"key", 23 * HOUR) == [Contact(peer(1), (b"address",))]
    assert records.of(b"key", 25 * HOUR) == [Contact(peer(1))]
    assert records.of(b"key", 48 * HOUR) == []
    assert len(records) == 0


def test_one_who_says_it_again_is_renewed() -> None:
    records = providers()
    records.add(b"key", Contact(peer(1), (b"old",)), "", 0.0)
    assert records.add(b"key", Contact(peer(1), (b"new",)), "", 40 * HOUR) == 0
    assert records.of(b"key", 60 * HOUR) == [Contact(peer(1), (b"new",))]
    assert len(records) == 1


def test_the_oldest_record_makes_room_of_a_key_of_a_peer_and_in_all() -> None:
    of_key = providers()
    assert [of_key.add(b"key", Contact(peer(n)), str(n), n) for n in range(5)] == [0, 0, 0, 1, 1]
    assert [contact.peer for contact in of_key.of(b"key", 5)] == [peer(2), peer(3), peer(4)]
    of_peer = providers()
    assert [of_peer.add(b"key %d" % n, Contact(peer(1)), "", n) for n in range(6)] == [0, 0, 0, 0, 1, 1]
    assert [n for n in range(6) if of_peer.of(b"key %d" % n, 6)] == [2, 3, 4, 5]
    in_all = providers()
    assert [in_all.add(b"key %d" % n, Contact(peer(n)), str(n), n) for n in range(12)] == [0] * 10 + [1, 1]
    assert not in_all.of(b"key 1", 12)
    assert len(in_all) == 10


def test_many_peers_with_many_records_take_their_own_place_and_nobody_elses() -> None:
    in_all = providers()
    in_all.add(b"bread", Contact(peer(0)), "honest", 0.0)
    for n in range(40):
        in_all.add(b"key %d" % n, Contact(peer(1 + n % 4)), str(n % 4), 1.0 + n)
    assert (len(in_all), [one.peer for one in in_all.of(b"bread", 50.0)]) == (10, [peer(0)])


def test_of_one_key_the_peers_of_one_account_take_their_own_place_and_nobody_elses() -> None:
    of_key = providers()
    of_key.add(b"bread", Contact(peer(0)), "honest", 0.0)
    for n in range(1, 9):
        of_key.add(b"bread", Contact(peer(n)), "greedy", n)
    assert [one.peer for one in of_key.of(b"bread", 9)] == [peer(0), peer(7), peer(8)]


def test_whatever_comes_the_records_stay_within_their_bounds() -> None:
    records, dice = providers(), random.Random(6)
    for now in range(5_000):
        key = b"key %d" % dice.randrange(20)
        records.add(key, Contact(peer(dice.randrange(20))), str(dice.randrange(5)), float(now))
        assert len(records) <= 10
        assert len(records.of(key, float(now))) <= 3
    for index in (records._of_key, records._of_peer, records._of_account):
        assert sum(map(len, index.values())) == len(records)


# --- A walk ---------------------------------------------------------------------------------------


def test_a_walk_ends_when_the_twenty_closest_of_all_have_answered() -> None:
    """Each one knows only a few; whom they name is asked, and a failure lets the next one in."""
    everybody = sorted(map(peer, range(300)), key=lambda one: place(one) ^ place(b"key"))
    dead = set(everybody[2:20:5])
    dice = random.Random(6)
    walk = Walk(b"key", 300)
    walk.hear(everybody[-5:])
    while (asked := walk.next()) is not None:
        if asked in dead:
            walk.failed(asked)
            continue
        walk.answered(asked)
        nearer = everybody[: everybody.index(asked) + 1]
        walk.hear(nearer[-4:] if len(nearer) > 40 else dice.sample(everybody[:40], 10))
    alive = [one for one in everybody if one not in dead]
    assert walk.closest() == alive[:K]


def test_a_walk_asks_nobody_twice_and_only_so_many() -> None:
    walk = Walk(b"key", 30)
    asked = []
    for number in range(1_000):
        walk.hear([peer(number), peer(number // 2)])
        if (one := walk.next()) is not None:
            asked.append(one)
            walk.failed(one)
    assert len(asked) == len(set(asked)) == 30


def test_of_those_that_count_the_connected_ones_are_asked_first() -> None:
    everybody = sorted(map(peer, range(30)), key=lambda one: place(one) ^ place(b"key"))
    walk = Walk(b"key", 30)
    walk.hear(everybody[:20], everybody[10:12])
    walk.hear(everybody[20:], everybody[25:26])  # he is too far to count
    order = [walk.next() for _ in range(20)]
    assert order == [*everybody[10:12], *everybody[:10], *everybody[12:20]]


def test_who_is_put_off_makes_room_is_asked_again_and_counts_as_unasked_only_while_he_would_count() -> None:
    everybody = sorted(map(peer, range(30)), key=lambda one: place(one) ^ place(b"key"))
    walk = Walk(b"key", 60)
    walk.hear(everybody)
    while (asked := walk.next()) is not None:
        if asked in everybody[5:7]:
            walk.put_off(asked)
        else:
            walk.answered(asked)
    assert walk.closest() == [*everybody[:5], *everybody[7:22]]
    assert walk.unasked == 2
    again = walk.again()
    assert again == everybody[5]
    walk.answered(again)
    assert walk.closest() == [*everybody[:6], *everybody[7:21]]
    assert walk.again() == everybody[6]
    walk.put_off(everybody[6])
    assert walk.unasked == 1
    walk.failed(everybody[6])
    few = Walk(b"key", 60)
    few.hear(everybody)
    while (asked := few.next()) is not None:
        (few.put_off if asked == everybody[19] else few.answered)(asked)
    closer = [
        one for one in map(peer, range(30, 2_000)) if place(one) ^ place(b"key") < place(everybody[0]) ^ place(b"key")
    ]
    few.hear(closer)
    while (asked := few.next()) is not None:
        few.answered(asked)
    assert (few.unasked, few.again()) == (0, None)


def test_a_walk_that_hears_of_nobody_is_over() -> None:
    walk = Walk(b"key", 30)
    assert walk.next() is None
    assert walk.closest() == []
