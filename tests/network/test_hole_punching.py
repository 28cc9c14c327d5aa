"""Two behind routers meet through a relay, and then directly where their routers let them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.network.peers import hear_each_other, party, until
from tests.network.routers import Nat, internet, no_routers, peer_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.network.peers import Peer

pytestmark = pytest.mark.skipif(bool(no_routers()), reason=no_routers())


@contextmanager
def met_through_a_relay(folder: Path, nats: tuple[Nat, Nat], *options: str) -> Iterator[tuple[Peer, Peer, Peer]]:
    """Run a relay, one who calls through it, and one who is called; both are behind routers.

    Without --no-quic their routers pass no TCP from one to the other.
    """
    soon = {"PUNCH_TIMEOUT": 1.0}
    with internet(1, *nats) as net:
        for home, other in (net.homes, reversed(net.homes)):
            if "--no-quic" not in options:
                rule = f"insert rule ip router through ip daddr {other.address} meta l4proto tcp drop"
                home.router.space.run("nft", rule)
        relay = peer_in(net.hosts[0], "relay", folder, "--relay-server")
        called = peer_in(net.homes[0].hosts[0], "called", folder, "--relay", relay.address, *options, limits=soon)
        caller = peer_in(net.homes[1].hosts[0], "caller", folder, *options, limits=soon)
        with party(relay):
            relay.see("ready")
            with party(called):
                caller.connect = (called.see("reachability_changed", status="relayed")["addresses"][0],)
                with party(caller):
                    caller.wait_for(lambda: called.id in caller.room(), "who is called")
                    assert "/p2p-circuit" in caller.see("peer_connected", peer_id=called.id)["address"]
                    yield relay, called, caller


def used(peer: Peer) -> dict[str, int]:
    """Return what a peer did with the help of relays."""
    peer.usage()
    told: Any = peer.last("statistics")
    found: dict[str, int] = told["relay_used"]
    return found


@pytest.mark.parametrize("options", [("--no-quic",), ()], ids=["tcp", "quic"])
def test_two_behind_cones_meet_through_a_relay_and_then_directly(tmp_path: Path, options: tuple[str, ...]) -> None:
    with met_through_a_relay(tmp_path, (Nat.CONE, Nat.CONE), *options) as (relay, called, caller):
        until(lambda: used(caller).get("gossip moved to a direct connection"))
        until(lambda: used(called).get("gossip moved to a direct connection"))
        relay.kill()
        hear_each_other(called, caller)
        assert not [told for told in caller.all("peer_left") if told["peer_id"] == called.id]


def test_one_behind_a_symmetric_router_stays_relayed_and_is_heard(tmp_path: Path) -> None:
    with met_through_a_relay(tmp_path, (Nat.CONE, Nat.SYMMETRIC), "--no-quic") as (_, called, caller):
        until(lambda: used(called).get("direct ways tried") == 3)
        hear_each_other(called, caller)
        assert "direct ways found" not in used(called)
