"""Peers find each other: on networks of our own, with the real program, and no address given.

Each scene keeps several promises, as its programs take a second or two to start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.network.namespaces import Host, hosts, missing
from tests.network.peers import Peer, hear_each_other, met, party

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

TO_MEET: Final = 3.0
"""What is promised: seconds from the last Ready until all are in one room."""

FOUND_BY_ITSELF: Final = ("--mdns", "--discovery")
QUICK: Final = {"PING_INTERVAL": 1.0, "PING_TIMEOUT": 1.0}
"""Limits with which a peer whose address is gone is let go in two seconds instead of fifteen."""


def peer_on(host: Host, name: str, folder: Path, *options: str, **limits: float) -> Peer:
    return Peer(name, folder / name, host=host.address, inside=host.space.inside, options=options, limits=limits)


def test_one_bootstrap_address_finds_the_room_also_when_that_peer_is_gone(tmp_path: Path) -> None:
    with hosts(6) as made:
        first, *others, late = (
            peer_on(host, f"peer{which}", tmp_path, "--kademlia") for which, host in enumerate(made)
        )
        for other in others:
            other.options = ("--bootstrap", first.address)
        with party(first, *others):
            met(first, *others)
            hear_each_other(first, *others)
            first.kill()
            late.options = ("--bootstrap", f"{others[0].address}/p2p/{others[0].id}")
            with party(late):
                met(late, *others)
                hear_each_other(late, *others)
