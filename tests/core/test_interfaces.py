"""Which interfaces are for mDNS, and what is on the link of one."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from py_peer.core.interfaces import Interface, is_tunnel_name, usable
from tests.interfaces import interface

CABLE = interface("eth0", "192.0.2.7/24", "2001:db8::7/64", "fe80::7/64", index=2)
LOOPBACK = interface("lo", "127.0.0.1/8", "::1/128", loopback=True, multicast=False)
TUNNEL = interface("wg0", "10.9.0.1/24", index=3, tunnel=True)


def names(found: list[Interface]) -> list[str]:
    return [one.name for one in found]


def test_what_is_up_and_neither_loopback_nor_a_tunnel_is_used() -> None:
    unplugged = interface("eth1", "192.0.2.8/24", up=False)
    deaf = interface("eth2", "192.0.2.9/24", multicast=False)
    assert names(usable([LOOPBACK, CABLE, TUNNEL, unplugged, deaf, interface("bare")])) == ["eth0"]


def test_who_is_told_uses_just_what_he_is_told() -> None:
    assert names(usable([LOOPBACK, CABLE, TUNNEL], ["lo", "wg0"])) == ["lo", "wg0"]
    assert names(usable([CABLE, TUNNEL], ["wlan0"])) == []
    assert names(usable([interface("eth1", "192.0.2.8/24", up=False)], ["eth1"])) == []


@pytest.mark.parametrize(
    ("ip", "near"),
    [
        ("192.0.2.200", True),
        ("192.0.3.1", False),
        ("10.0.0.1", False),
        ("169.254.3.4", True),
        ("127.0.0.1", False),
        ("2001:db8::ffff", True),
        ("2001:db8:1::1", False),
        ("fe80::1", True),
        ("::1", False),
    ],
)
def test_on_the_link_is_what_is_in_its_networks_or_link_local(ip: str, near: bool) -> None:
    assert CABLE.is_on_link(ip_address(ip)) == near


def test_a_version_that_an_interface_does_not_have_is_not_on_its_link() -> None:
    assert not TUNNEL.is_on_link(ip_address("fe80::1"))
    assert not TUNNEL.has(6)
    assert not LOOPBACK.is_on_link(ip_address("fe80::1"))
    assert LOOPBACK.is_on_link(ip_address("127.0.0.9"))


def test_multicast_is_of_both_versions_and_on_loopback_of_one() -> None:
    assert CABLE.versions() == [4, 6]
    assert TUNNEL.versions() == [4]
    assert interface("eth0", "fe80::7/64").versions() == [6]
    assert LOOPBACK.versions() == [4]


def test_the_zone_is_a_name_that_an_address_can_carry() -> None:
    assert CABLE.zone == "eth0"
    assert interface("Local Area Connection* 3", index=7).zone == "7"


@pytest.mark.parametrize(
    "name", ["tun0", "tap1", "utun4", "wg0", "ppp0", "tailscale0", "My WireGuard Tunnel", "Teredo"]
)
def test_tunnels_are_known_by_their_names(name: str) -> None:
    assert is_tunnel_name(name)


@pytest.mark.parametrize(
    "name", ["eth0", "en0", "wlan0", "wlp3s0", "br-lan", "docker0", "Wi-Fi", "Ethernet 2", "bond0"]
)
def test_what_is_no_tunnel_is_not_taken_for_one(name: str) -> None:
    assert not is_tunnel_name(name)
