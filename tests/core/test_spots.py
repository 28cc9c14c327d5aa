"""Of several addresses of a peer the one goes first where the peer is now."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.addresses import parse_dial_address
from py_peer.core.findings import Source
from py_peer.core.spots import Spot, spot_at

RELAY, PEER = (
    "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN",
    "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
)


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


BEHIND_THE_HOST = ["/tcp/1", "/udp/1/quic-v1", "/tcp/1/ws", "/tcp/1/tls/ws"]
RELAYED = f"/tcp/1/p2p/{RELAY}/p2p-circuit/p2p/{PEER}"


@given(
    st.sampled_from([*BEHIND_THE_HOST, RELAYED]),
    st.sampled_from([*BEHIND_THE_HOST, RELAYED]),
    st.tuples(st.booleans(), st.booleans(), st.floats(0, 10)),
    st.tuples(st.booleans(), st.booleans(), st.floats(0, 10)),
)
def test_relayed_goes_last_then_where_a_peer_was_goes_first_then_what_is_near_then_tcp_quic_and_websockets(
    one: str, other: str, of_one: tuple[bool, bool, float], of_other: tuple[bool, bool, float]
) -> None:
    spots = [
        replace(
            spot_at(parse_dial_address(f"/ip4/192.0.2.1{behind}"), Source.MDNS), proved=proved, near=near, heard=heard
        )
        for behind, (proved, near, heard) in ((one, of_one), (other, of_other))
    ]

    def rank(at: int) -> tuple[object, ...]:
        behind, (proved, near, heard) = ((one, of_one), (other, of_other))[at]
        return behind == RELAYED, -heard, not proved, not near, [*BEHIND_THE_HOST, RELAYED].index(behind)

    assert (spots[0].order < spots[1].order) is (rank(0) < rank(1))
