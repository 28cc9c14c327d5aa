"""A listener on which five hundred handshakes are begun and none is ended: its room goes on, and others come in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from py_peer.core import limits
from tests.network.flooders import CONNECTIONS, Flood
from tests.network.ledger import Ledger
from tests.network.namespaces import hosts, missing
from tests.network.peers import PATIENCE, Peer, met, party, whole
from tests.network.scenes import AGAIN, talk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.network.namespaces import Host

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

LEAVING = 20
"""Of who had to make room a few are on their way out."""

MORE_MEMORY = 40_000_000
"""Bytes that the flood may cost: two hundred connections with what each has said."""


def peer_on(host: Host, name: str, folder: Path, connect: tuple[str, ...] = ()) -> Peer:
    return Peer(name, folder / name, connect, host=host.address, inside=host.space.inside)


def test_a_room_goes_on_and_grows_while_its_hub_is_flooded_and_all_that_was_taken_comes_back(tmp_path: Path) -> None:
    with hosts(4) as (first, second, flooding, fourth):
        hub = peer_on(first, "hub", tmp_path)
        ann, bob = (peer_on(second, name, tmp_path, (hub.address,)) for name in ("ann", "bob"))
        late, later = (peer_on(host, host.address, tmp_path, (hub.address,)) for host in (fourth, flooding))
        with party(hub, ann, bob):
            whole(hub, ann, bob)
            before = hub.usage()
            ledger = Ledger(hub, ann, bob)
            flood = Flood(flooding, hub)
            with flood.running():
                talk(ledger, 3, rate=2)
                with party(late):
                    met(hub, late)
                    account = ledger.settle(AGAIN)
                    assert account.clean, account
                deadline = time.monotonic() + PATIENCE
                while (during := hub.usage()) and flood.calls < 2 * CONNECTIONS:
                    assert time.monotonic() < deadline, "nobody floods"
                assert during.descriptors - before.descriptors <= limits.MAX_INBOUND + LEAVING
                assert during.memory - before.memory < MORE_MEMORY
            deadline = time.monotonic() + PATIENCE
            while hub.usage().descriptors > before.descriptors:
                assert time.monotonic() < deadline, "what was taken does not come back"
            assert flood.words
            with party(later):
                met(hub, later)
        assert not hub.last("peer_banned")
