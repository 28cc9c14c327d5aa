"""Peers behind routers find out whether they are reached, and a router that can be asked lets others in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.network.miniupnpd import answering, no_miniupnpd
from tests.network.peers import PATIENCE, met, party, until
from tests.network.routers import Nat, internet, no_routers, peer_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.network.peers import Peer

pytestmark = pytest.mark.skipif(bool(no_routers()), reason=no_routers())


SOON: Final = {"NAT_DIAL_TIMEOUT": 1.0, "NAT_RETRY": 3.0, "NAT_LOOK_INTERVAL": 1.0}
"""Limits with which nobody waits long for a dial that fails, and a busy machine that missed one asks again."""


def status(peer: Peer) -> str:
    """Return how a peer says that it is reached now."""
    return str((peer.last("reachability_changed") or {}).get("status", "unknown"))


def wait_until(peer: Peer, wanted: str) -> None:
    peer.wait_for(lambda: status(peer) == wanted, f"being {wanted}, not {status(peer)}", 2 * PATIENCE)


def test_who_is_behind_a_router_is_private_and_who_is_not_is_public_and_all_are_told_so(tmp_path: Path) -> None:
    with internet(4, Nat.CONE) as net:
        servers = [peer_in(host, f"server{number}", tmp_path, limits=SOON) for number, host in enumerate(net.hosts[:3])]
        known = tuple(server.address for server in servers)
        home = peer_in(net.homes[0].hosts[0], "home", tmp_path, connect=known, limits=SOON)
        outside = peer_in(net.hosts[3], "outside", tmp_path, connect=known, limits=SOON)
        with party(*servers, home, outside):
            wait_until(home, "private")
            wait_until(outside, "public")
            told = outside.last("reachability_changed")
            assert told
            assert told["addresses"] == [f"{outside.address}/p2p/{outside.id}"]


def test_a_forwarded_port_makes_who_is_behind_a_router_public_and_its_address_is_handed_on(tmp_path: Path) -> None:
    with internet(4, Nat.SYMMETRIC) as net:
        servers = [peer_in(host, f"server{number}", tmp_path) for number, host in enumerate(net.hosts[:3])]
        known = tuple(server.address for server in servers)
        (router,) = net.homes
        home = peer_in(router.hosts[0], "home", tmp_path, connect=known, limits=SOON)
        router.forward(home.port, router.hosts[0])
        with party(*servers, home):
            wait_until(home, "public")
            there = f"/ip4/{router.address}/tcp/{home.port}"
            home.see("addresses_changed")
            home.command("multiaddr", id=1)
            told = home.see("status_report", id=1)
            assert told["addresses"][0] == f"{there}/p2p/{home.id}"
            stranger = peer_in(net.hosts[3], "stranger", tmp_path, connect=(there,))
            with party(stranger):
                stranger.wait_for(lambda: home.id in stranger.room(), "the one behind the router")


@pytest.mark.skipif(bool(no_miniupnpd()), reason=no_miniupnpd())
def test_a_router_is_asked_for_a_port_asked_again_and_told_at_the_end(tmp_path: Path) -> None:
    soon = {"UPNP_PATIENCE": 300, "UPNP_SEARCH_INTERVAL": 1.0, "UPNP_LEASE": 4}
    with internet(1, Nat.SYMMETRIC) as net, answering(net.homes[0], tmp_path) as router:
        home = peer_in(net.homes[0].hosts[0], "home", tmp_path, "--upnp", limits=soon)
        there = f"/ip4/{net.homes[0].address}/tcp/{home.port}"
        stranger = peer_in(net.hosts[0], "stranger", tmp_path, connect=(there,))
        with party(home):
            told = home.see("reachability_changed", status="public")
            assert f"{there}/p2p/{home.id}" in told["addresses"]
            with party(stranger):
                stranger.wait_for(lambda: home.id in stranger.room(), "the one behind the router")
            until(lambda: router.asked > len(told["addresses"]))
            assert f"dport {home.port}" in router.forwarded
            home.leave()
            assert f"dport {home.port}" not in router.forwarded


def test_who_is_behind_a_router_is_reached_through_a_relay_and_through_another_when_that_dies(tmp_path: Path) -> None:
    with internet(3, Nat.SYMMETRIC) as net:
        relays = [
            peer_in(host, f"relay{number}", tmp_path, "--relay-server") for number, host in enumerate(net.hosts[:2])
        ]
        named = [part for relay in relays for part in ("--relay", relay.address)]
        home = peer_in(net.homes[0].hosts[0], "home", tmp_path, *named)
        stranger = peer_in(net.hosts[2], "stranger", tmp_path)
        with party(*relays):
            for relay in relays:
                relay.see("ready")
            with party(home):
                first = home.see("reachability_changed", status="relayed", relay=relays[0].id)
                relays[0].kill()
                second = home.see("reachability_changed", status="relayed", relay=relays[1].id)
                assert first["addresses"] != second["addresses"]
                stranger.connect = (second["addresses"][0],)
                with party(stranger):
                    met(stranger, home)


def test_two_behind_routers_at_one_relay_find_and_dial_each_other_by_the_discovery_topic(
    tmp_path: Path,
) -> None:
    with internet(1, Nat.SYMMETRIC, Nat.SYMMETRIC) as net:
        relay = peer_in(net.hosts[0], "relay", tmp_path, "--relay-server")
        ann, bob = (
            peer_in(home.hosts[0], name, tmp_path, "--relay", relay.address, "--discovery", "--no-quic")
            for name, home in zip(("ann", "bob"), net.homes, strict=True)
        )
        with party(relay):
            relay.see("ready")
            with party(ann, bob):
                for one in (ann, bob):
                    one.see("reachability_changed", status="relayed", relay=relay.id)
                for one, other in ((ann, bob), (bob, ann)):
                    told = one.see("peer_connected", 2 * PATIENCE, peer_id=other.id)
                    assert "/p2p-circuit" in told["address"]
