"""Where is listened, as the user writes it, and the addresses under which others reach us there."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.addresses import QUIC, TCP, WS, WSS, AddressError, is_of_this_machine, parse_dial_address
from py_peer.core.listening import ANY_IP4, ANY_IP6, ListenAddress, expand_listen_addresses, parse_listen_address

PEER_ID = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
BOTH = (ListenAddress(ANY_IP4, 4001), ListenAddress(ANY_IP6, 4001))


def told(ips: list[str], bound: tuple[ListenAddress, ...] = BOTH) -> list[str]:
    """Return what others are told, without our peer ID."""
    end = f"/p2p/{PEER_ID}"
    addresses = expand_listen_addresses(ips, bound, PEER_ID)
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
