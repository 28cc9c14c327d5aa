"""What kind of place an address is, and in which range."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core.ranges import Kind, household_of, kind_of, lies_in, place, range_of


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("127.0.0.1", Kind.LOOPBACK),
        ("127.255.255.254", Kind.LOOPBACK),
        ("::1", Kind.LOOPBACK),
        ("169.254.7.7", Kind.LINK_LOCAL),
        ("fe80::1", Kind.LINK_LOCAL),
        ("fe80::1%eth0", Kind.LINK_LOCAL),
        ("10.1.2.3", Kind.PRIVATE),
        ("172.31.0.1", Kind.PRIVATE),
        ("192.168.1.1", Kind.PRIVATE),
        ("100.64.0.1", Kind.PRIVATE),
        ("100.127.255.255", Kind.PRIVATE),
        ("fd00::1", Kind.PRIVATE),
        ("fec0::1", Kind.PRIVATE),
        ("64:ff9b:1::a00:1", Kind.UNUSABLE),
        ("192.0.2.1", Kind.PRIVATE),
        ("198.51.100.1", Kind.PRIVATE),
        ("203.0.113.1", Kind.PRIVATE),
        ("198.18.0.1", Kind.PRIVATE),
        ("2001:db8::1", Kind.PRIVATE),
        ("100.63.255.255", Kind.PUBLIC),
        ("100.128.0.1", Kind.PUBLIC),
        ("8.8.8.8", Kind.PUBLIC),
        ("2606:4700::1", Kind.PUBLIC),
        ("0.0.0.0", Kind.UNUSABLE),  # noqa: S104 - nobody binds it here
        ("0.1.2.3", Kind.UNUSABLE),
        ("::", Kind.UNUSABLE),
        ("224.0.0.251", Kind.UNUSABLE),
        ("ff02::fb", Kind.UNUSABLE),
        ("240.0.0.1", Kind.UNUSABLE),
        ("255.255.255.255", Kind.UNUSABLE),
        ("::127.0.0.1", Kind.UNUSABLE),
        # Wrapped: what counts is the address inside.
        ("::ffff:127.0.0.1", Kind.LOOPBACK),
        ("::ffff:10.0.0.1", Kind.PRIVATE),
        ("::ffff:8.8.8.8", Kind.PUBLIC),
        ("2002:a00:1::", Kind.PRIVATE),
        ("2002:7f00:1::1", Kind.LOOPBACK),
        ("2002:808:808::", Kind.PUBLIC),
        ("64:ff9b::192.168.1.1", Kind.PRIVATE),
        ("64:ff9b::8.8.8.8", Kind.PUBLIC),
        ("64:ff9b::e000:1", Kind.UNUSABLE),
    ],
)
def test_what_kind_of_place_an_address_is(host: str, kind: Kind) -> None:
    assert kind_of(host) is kind


@pytest.mark.parametrize(
    ("host", "its_range"),
    [
        ("10.1.2.3", "10.1.2.0/24"),
        ("8.8.8.8", "8.8.8.0/24"),
        ("127.3.2.1", "127.0.0.0/8"),
        ("169.254.7.7", "169.254.0.0/16"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("fd00:1:2:3:4::5", "fd00:1:2:3::/64"),
        ("2606:4700:1:2::3", "2606:4700:1::/48"),
        ("::ffff:10.1.2.3", "10.1.2.0/24"),
        ("2002:a01:203::1", "10.1.2.0/24"),
        ("64:ff9b::10.1.2.3", "10.1.2.0/24"),
    ],
)
def test_the_range_of_an_address(host: str, its_range: str) -> None:
    assert range_of(host) == its_range


@pytest.mark.parametrize(
    ("host", "household"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("2002:808:808:1::7", "8.8.8.8"),
        ("2606:4700:0:1:2:3:4:5", "2606:4700:0:1::/64"),
        ("fd00::1:2", "fd00::1:2"),
        ("fe80::1%eth0", "fe80::1"),
        ("::1", "::1"),
        ("127.0.0.7", "127.0.0.7"),
    ],
)
def test_whose_house_an_address_is_of(host: str, household: str) -> None:
    assert household_of(host) == household


def test_all_ways_to_wrap_an_address_lead_to_one_place() -> None:
    assert {place(host) for host in ("10.1.2.3", "::ffff:10.1.2.3", "2002:a01:203::9", "64:ff9b::a01:203")} == {
        "10.1.2.3"
    }


def test_an_address_lies_in_the_networks_of_its_own_version() -> None:
    networks = [ip_network("192.168.1.0/24"), ip_network("fd00:1::/64")]
    assert lies_in("192.168.1.7", networks)
    assert lies_in("::ffff:192.168.1.7", networks)
    assert lies_in("fd00:1::5", networks)
    assert not lies_in("192.168.2.7", networks)
    assert not lies_in("fd00:2::5", networks)
    assert not lies_in("192.168.1.7", [])


@pytest.mark.parametrize("host", ["", "example.com", "10.1.2", "10.0.0.1/24", "%eth0"])
def test_what_is_no_ip_address_is_said(host: str) -> None:
    for look in (kind_of, range_of, household_of, place):
        with pytest.raises(ValueError, match="does not appear"):
            look(host)


@given(st.ip_addresses().map(str))
def test_every_address_has_a_kind_and_a_range_and_lies_in_it(host: str) -> None:
    assert kind_of(host) in Kind
    assert lies_in(host, [ip_network(range_of(host))])
