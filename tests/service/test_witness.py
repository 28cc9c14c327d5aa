"""What is told of a peer from which nothing comes any more."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.events import AddressesChanged, Notice, PeerLeft
from py_peer.service.witness import Witness
from tests.service.support import in_trio

if TYPE_CHECKING:
    from py_peer.core.events import Event

ANN = ID.from_pubkey(create_new_key_pair(bytes([1]) * 32).public_key)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (9.5, "for 10 s; what was said meanwhile may be lost unless it is back within 40 s"),
        (15.04, "for 15 s; what was said meanwhile may be lost unless it is back within 34 s"),
        (49.9, "for 50 s; what was said meanwhile may be lost"),
        (3_600.0, "for 3600 s; what was said meanwhile may be lost"),
    ],
)
def test_a_peer_that_is_missed_is_told_with_the_time_that_has_passed(seconds: float, said: str) -> None:
    told: list[Event] = []
    nobody: Any = None
    Witness(told.append, nobody, nobody, nobody, nobody).silent(ANN, seconds)
    assert told == [Notice(f"Nothing has come from {str(ANN)[-8:]} {said}")]


def test_with_a_change_of_addresses_it_is_told_which_there_were() -> None:
    told: list[Event] = []
    nobody: Any = None
    discovery: Any = SimpleNamespace(addresses_changed=lambda: None)
    witness = Witness(told.append, nobody, nobody, nobody, discovery)
    witness.addresses = ("/ip4/192.0.2.7/tcp/1",)
    witness.addresses_changed(("/ip4/192.0.2.8/tcp/1",))
    witness.addresses_changed(())
    assert told == [
        AddressesChanged(("/ip4/192.0.2.8/tcp/1",), ("/ip4/192.0.2.7/tcp/1",)),
        AddressesChanged((), ("/ip4/192.0.2.8/tcp/1",)),
    ]


def test_who_was_in_a_report_and_not_told_to_have_come_is_told_to_have_left() -> None:
    told: list[Event] = []
    nobody: Any = None
    outgoing: Any = SimpleNamespace(room_changed=lambda _size: None)
    discovery: Any = SimpleNamespace(joined=lambda _peer_id: None)
    pubsub = SimpleNamespace(room=frozenset)
    node: Any = SimpleNamespace(pubsub=pubsub, peers=SimpleNamespace(records={ANN: None}), counters=Counter())
    witness = Witness(told.append, nobody, nobody, outgoing, discovery)
    witness.node = node
    ann, none = frozenset({ANN}), frozenset[ID]()

    async def scene() -> None:
        for _ in range(limits.COMINGS_BURST // 2):
            witness.room_changed(ann, none)
            witness.room_changed(none, ann)
        before = len(told)
        witness.room_changed(ann, none)
        witness.reported()
        witness.room_changed(none, ann)
        assert (before, len(told)) == (limits.COMINGS_BURST, limits.COMINGS_BURST)
        with trio.move_on_after(2 / limits.COMINGS_RATE):
            await witness.run(node)
        assert told[before:] == [PeerLeft(str(ANN), 0)]

    in_trio(scene)
