"""Of several addresses of a peer the one goes first where the peer is now."""

from __future__ import annotations

from ipaddress import ip_network

from py_peer.core import limits
from py_peer.core.addresses import parse_dial_address
from py_peer.core.findings import Source
from py_peer.core.spots import Spot, spot_at


def spot(host: str, *sources: Source, now: float = 100.0) -> Spot:
    """Return an address in a network of ours, of which these tell, one after the other."""
    made = spot_at(parse_dial_address(f"/ip4/{host}/tcp/4001"), sources[0])
    made.look_around([ip_network("192.168.1.0/24")])
    for source in sources:
        made.told(source, "")
        made.told_again(source, now)
    return made


def test_where_mdns_says_that_a_peer_is_now_goes_ahead_of_where_it_was() -> None:
    old, new = spot("192.168.1.3", Source.MDNS), spot("192.168.1.33", Source.MDNS, now=101.0)
    old.reached()
    assert new.order < old.order
    old.told_again(Source.MDNS, 101.0)  # it is at both
    assert old.order < new.order


def test_what_is_remembered_near_by_waits_for_mdns_and_nothing_else_does() -> None:
    assert spot("192.168.1.3", Source.MEMORY).again == 100.0 + limits.MEMORY_PAUSE
    assert spot("192.168.1.3", Source.MEMORY, Source.MDNS).again <= 100.0
    assert spot("192.168.1.3", Source.MDNS, Source.MEMORY).again <= 100.0
    assert spot("8.8.8.8", Source.MEMORY).again <= 100.0
