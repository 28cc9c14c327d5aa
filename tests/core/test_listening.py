"""Where is listened, as the user writes it, and the addresses under which others reach us there."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.addresses import QUIC, TCP, WS, WSS, AddressError, is_of_this_machine, parse_dial_address
from py_peer.core.listening import (
    ANY_IP4,
    ANY_IP6,
    ListenAddress,
    expand_listen_addresses,
    parse_listen_address,
    told_on,
    wished,
    with_websockets,
)
from py_peer.core.settings import Transports
from tests.interfaces import BOTH, interface

if TYPE_CHECKING:
    from collections.abc import Iterable

PEER_ID = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"


def told(ips: list[str], bound: tuple[ListenAddress, ...] = BOTH, certified: tuple[str, ...] = ()) -> list[str]:
    """Return what others are told, without our peer ID."""
    end = f"/p2p/{PEER_ID}"
    addresses = expand_listen_addresses(ips, bound, PEER_ID, certified)
    assert all(address.endswith(end) for address in addresses)
    return [address.removesuffix(end) for address in addresses]


def test_the_address_to_hand_on_comes_first() -> None:
    interfaces = [
        "127.0.0.1",
        "::1",
        "169.254.3.4",
        "192.168.1.5",
        "fe80::1%eth0",
        "fd00::5",
        "2001:4860::7",
        "172.17.0.1",
    ]
    assert told(interfaces) == [
        "/ip4/192.168.1.5/tcp/4001",
        "/ip4/172.17.0.1/tcp/4001",
        "/ip6/2001:4860::7/tcp/4001",
        "/ip6/fd00::5/tcp/4001",
        "/ip4/169.254.3.4/tcp/4001",
        "/ip4/127.0.0.1/tcp/4001",
        "/ip6/::1/tcp/4001",
    ]


def test_loopback_comes_last_whatever_else_there_is_and_is_known_to_be_of_this_machine_alone() -> None:
    addresses = told(["127.0.0.1", "::1", "fe80::1%eth0", "fd00::5"])
    assert [is_of_this_machine(address + "/p2p/x") for address in addresses] == [False, True, True]
    assert addresses[0] == "/ip6/fd00::5/tcp/4001"


def test_without_ipv6_no_such_address_is_told_and_loopback_is_always_there() -> None:
    assert told(["::1", "2001:4860::7"], BOTH[:1]) == ["/ip4/127.0.0.1/tcp/4001"]
    assert told([str(IPv4Address(0)), "::"]) == ["/ip4/127.0.0.1/tcp/4001"]


def test_of_one_ip_address_all_that_is_spoken_there_is_told_in_its_order() -> None:
    bound = (BOTH[0], ListenAddress(ANY_IP4, 4001, QUIC), ListenAddress("192.0.2.7", 80, WS))
    assert told(["198.51.100.1"], bound) == [
        "/ip4/198.51.100.1/tcp/4001",
        "/ip4/198.51.100.1/udp/4001/quic-v1",
        "/ip4/192.0.2.7/tcp/80/ws",
        "/ip4/127.0.0.1/tcp/4001",
        "/ip4/127.0.0.1/udp/4001/quic-v1",
    ]


def test_inside_tls_those_hosts_are_told_that_the_certificate_names() -> None:
    bound = with_websockets(BOTH, ws=False, wss=True)
    names = ("/dns/peer.example", "/ip4/192.0.2.7", "/dns/localhost")
    assert told(["198.51.100.1", "fd00::5"], bound, names) == [
        "/ip4/198.51.100.1/tcp/4001",
        "/ip6/fd00::5/tcp/4001",
        "/dns/peer.example/tcp/4001/tls/ws",
        "/ip4/192.0.2.7/tcp/4001/tls/ws",
        "/ip4/127.0.0.1/tcp/4001",
        "/dns/localhost/tcp/4001/tls/ws",
    ]


def test_inside_tls_an_ip_address_is_told_only_where_who_calls_it_comes_out() -> None:
    names = ("/dns/peer.example", "/ip4/192.0.2.7", "/ip6/fd00::7", "/ip4/127.0.0.1")
    for host, hosts in (
        ("192.0.2.7", ["/dns/peer.example", "/ip4/192.0.2.7"]),
        ("127.0.0.1", ["/dns/peer.example", "/ip4/127.0.0.1"]),
        (ANY_IP6, ["/dns/peer.example", "/ip6/fd00::7"]),
        (ANY_IP4, ["/dns/peer.example", "/ip4/192.0.2.7", "/ip4/127.0.0.1"]),
    ):
        assert told([], (ListenAddress(host, 1, WSS),), names) == [f"{one}/tcp/1/tls/ws" for one in hosts]


@pytest.mark.parametrize(
    ("bound", "ws", "wss", "more"),
    [
        (BOTH, False, False, ()),
        (BOTH, True, False, [one.over(WS) for one in BOTH]),
        (BOTH[:1], True, True, [BOTH[0].over(WS), BOTH[0].over(WSS)]),
        ((*BOTH, ListenAddress(ANY_IP4, 80, WS)), True, True, [ListenAddress(ANY_IP4, 80, WSS)]),
        ((*BOTH, ListenAddress(ANY_IP4, 443, WSS)), False, True, ()),
        ((ListenAddress(ANY_IP4, 1, QUIC),), True, True, ()),
    ],
)
def test_websockets_are_told_on_the_ports_that_are_for_them_or_else_on_all_of_tcp(
    bound: tuple[ListenAddress, ...],
    ws: bool,
    wss: bool,
    more: Iterable[ListenAddress],
) -> None:
    assert with_websockets(bound, ws=ws, wss=wss) == (*bound, *more)


def places(transports: Transports) -> list[tuple[str, list[str]]]:
    """Return what is wished for, as texts."""
    return [(wish.option, [place.text for place in wish.places]) for wish in wished(transports)]


def test_without_a_wish_it_is_one_port_on_all_interfaces_and_on_this_machine_alone_one_address() -> None:
    assert places(Transports()) == [("--port", ["/ip4/0.0.0.0/tcp/0", "/ip6/::/tcp/0"])]
    assert places(Transports(port=4001, loopback=True)) == [("--port", ["/ip4/127.0.0.1/tcp/4001"])]
    assert places(Transports(quic=True)) == [
        (
            "--port",
            ["/ip4/0.0.0.0/tcp/0", "/ip6/::/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1", "/ip6/::/udp/0/quic-v1"],
        )
    ]


def test_a_port_for_websockets_is_one_more() -> None:
    assert places(Transports(port=1, ws=True)) == places(Transports(port=1))
    assert places(Transports(port=1, ws=True, ws_port=0))[1:] == [
        ("--ws", ["/ip4/0.0.0.0/tcp/0/ws", "/ip6/::/tcp/0/ws"])
    ]
    named = ("/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/udp/1/quic-v1", "/ip6/::1/tcp/1")
    assert places(Transports(listen=named, ws=True, ws_port=80))[-1] == (
        "--ws",
        ["/ip4/127.0.0.1/tcp/80/ws", "/ip6/::1/tcp/80/ws"],
    )


def test_named_places_stand_in_for_the_port_and_those_that_hear_others_come_first() -> None:
    named = ("/ip4/192.0.2.7/tcp/1/ws", "/ip4/0.0.0.0/tcp/1", "/ip6/::1/udp/0/quic-v1")
    assert places(Transports(port=5, listen=named)) == [
        ("--listen", ["/ip4/0.0.0.0/tcp/1"]),
        ("--listen", ["/ip4/192.0.2.7/tcp/1/ws"]),
        ("--listen", ["/ip6/::1/udp/0/quic-v1"]),
    ]


@pytest.mark.parametrize(
    ("place", "other", "is_heard"),
    [
        ("/ip4/0.0.0.0/tcp/1", "/ip4/192.0.2.7/tcp/1/ws", True),
        ("/ip4/192.0.2.7/tcp/1", "/ip4/192.0.2.7/tcp/1/tls/ws", True),
        ("/ip4/192.0.2.7/tcp/1", "/ip4/0.0.0.0/tcp/1", False),
        ("/ip4/0.0.0.0/tcp/1", "/ip4/0.0.0.0/tcp/2", False),
        ("/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/tcp/0", False),
        ("/ip4/0.0.0.0/tcp/1", "/ip6/::1/tcp/1", False),
        ("/ip4/0.0.0.0/tcp/1", "/ip4/0.0.0.0/udp/1/quic-v1", False),
    ],
)
def test_who_listens_on_all_of_a_port_hears_who_calls_one_interface_of_it(
    place: str,
    other: str,
    is_heard: bool,
) -> None:
    assert parse_listen_address(place).covers(parse_listen_address(other)) is is_heard


def on_link(bound: Iterable[ListenAddress], *addresses: str) -> list[str]:
    """Return what mDNS tells of us on an interface with such addresses."""
    return [f"{ip}{behind}" for ip, behind in told_on(interface("eth0", *addresses), bound)]


def test_on_a_link_those_places_are_told_that_it_can_dial_the_best_first() -> None:
    odd = ("fe80::7/64", "169.254.1.1/16", "2001:db8::7/64", "192.0.2.7/24")
    best = ["192.0.2.7/tcp/4001", "169.254.1.1/tcp/4001", "2001:db8::7/tcp/4001", "fe80::7/tcp/4001"]
    assert on_link(BOTH, *odd) == best
    assert on_link(BOTH[:1], *odd) == best[:2]
    assert on_link([ListenAddress("192.0.2.7", 4001), ListenAddress("127.0.0.1", 4001)], *odd) == best[:1]
    assert on_link([ListenAddress("127.0.0.1", 4001)], *odd) == []


def test_on_a_link_every_transport_is_told_on_both_versions_of_ip_as_far_as_there_is_room() -> None:
    bound = [one.over(over) for over in (WS, TCP, WSS, QUIC) for one in BOTH]
    many = [f"192.0.2.{number}/24" for number in range(1, 100)] + ["fd00::7/64"]
    assert on_link(bound, *many) == [
        "192.0.2.1/tcp/4001",
        "192.0.2.2/tcp/4001",
        "192.0.2.3/tcp/4001",
        "fd00::7/tcp/4001",
        "192.0.2.1/udp/4001/quic-v1",
        "fd00::7/udp/4001/quic-v1",
        "192.0.2.1/tcp/4001/ws",
        "fd00::7/tcp/4001/ws",
    ]


@given(st.lists(st.ip_addresses().map(str), max_size=5), st.sampled_from([BOTH, BOTH[:1]]))
def test_every_address_told_is_one_that_can_be_dialled(interfaces: list[str], bound: tuple[ListenAddress, ...]) -> None:
    addresses = expand_listen_addresses(interfaces, bound, PEER_ID)
    assert len(set(addresses)) == len(addresses) > 0
    for address in addresses:
        assert parse_dial_address(address).peer_id == PEER_ID


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("/ip4/0.0.0.0/tcp/0", ListenAddress(ANY_IP4, 0, TCP)),
        (" /ip6/::/udp/4001/quic-v1/", ListenAddress(ANY_IP6, 4001, QUIC)),
        ("/ip6/0:0::1/tcp/80/ws", ListenAddress("::1", 80, WS)),
        ("/ip4/192.0.2.7/tcp/443/tls/ws", ListenAddress("192.0.2.7", 443, WSS)),
        ("/ip4/192.0.2.7/tcp/443/wss", ListenAddress("192.0.2.7", 443, WSS)),
    ],
)
def test_a_place_to_listen_on_is_read_as_it_is_meant(text: str, place: ListenAddress) -> None:
    assert parse_listen_address(text) == place
    assert parse_listen_address(place.text) == place


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no place to listen on"),
        ("4001", "is no place to listen on"),
        ("/dns/localhost/tcp/1", "is no place to listen on"),
        ("/ip4/::/tcp/1", "is no place to listen on"),
        ("/ip4/239.0.0.1/tcp/1", "is no place to listen on"),
        ("/ip6/fe80::1/tcp/1", "is link-local: listen on all of IPv6"),
        ("/ip4/0.0.0.0/udp/1", "is no place to listen on"),
        ("/ip4/0.0.0.0/tcp/1/p2p/x", "is no place to listen on"),
        ("/ip4/0.0.0.0/tcp/x", "'x' in '/ip4/0.0.0.0/tcp/x' is not a port"),
        ("/ip4/0.0.0.0/tcp", "'' in '/ip4/0.0.0.0/tcp' is not a port"),
        ("/ip4/0.0.0.0/tcp/70000", "'70000' in"),
    ],
)
def test_of_what_is_no_place_it_is_said_why(text: str, words: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_listen_address(text)
    assert words in str(caught.value)


@given(st.text(max_size=60))
def test_whatever_is_written_is_read_or_refused_with_a_sentence(text: str) -> None:
    try:
        parse_listen_address(text)
    except AddressError as error:
        assert str(error)  # noqa: PT017 - it may also be none
