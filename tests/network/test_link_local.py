"""Peers with link-local addresses alone: each is shown where it can be dialled from here; others are not told that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.network.namespaces import INTERFACE, Kind, hosts, missing
from tests.network.peers import Peer, hear_each_other, met, party

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


def test_a_link_local_peer_is_dialled_over_every_transport_and_shown_where_it_can_be_dialled_again(
    tmp_path: Path,
) -> None:
    with hosts(2, Kind.LINK_LOCAL) as made:
        ann, bob = (
            Peer(name, tmp_path / name, host=host.address, inside=host.space.inside, options=("--ws", "--quic"))
            for host, name in zip(made, ("ann", "bob"), strict=True)
        )
        here = f"/ip6zone/{INTERFACE}/ip6"
        with party(ann, bob):
            for peer in (ann, bob):
                peer.wait_for(lambda: peer.last("ready"), "ready")  # noqa: B023 - at once
                assert "ip6zone" not in str(peer.last("ready"))
            ends = (f"/tcp/{ann.port}", f"/udp/{ann.port}/quic-v1", f"/tcp/{ann.port}/ws")
            for count, behind in enumerate(ends, 1):
                address = f"{here}/{made[0].address}{behind}"
                bob.command("connect", addr=address)
                met(ann, bob)
                hear_each_other(ann, bob)
                assert bob.all("peer_connected")[-1]["address"] == address
                assert re.match(f"{here}/{made[1].address}/(tcp|udp)/", ann.all("peer_connected")[-1]["address"])
                bob.command("disconnect", peer=ann.id)
                for peer in (ann, bob):
                    peer.wait_for(lambda: len(peer.all("peer_disconnected")) == count, "that it is let go")  # noqa: B023
