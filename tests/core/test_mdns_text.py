"""Addresses in TXT records: whatever a stranger writes is read without harm, and only what is near is believed."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_peer.core import limits
from py_peer.core.mdns_text import is_believable, read_strings, read_text, write_text
from tests.interfaces import interface

ALICE = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
BOB = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
WIFI_IP = ip_address("192.0.2.8")
CABLE = interface("eth0", "192.0.2.7/24", "2001:db8::7/64", "fe80::7/64", index=2)


def strings(*texts: str) -> bytes:
    return b"".join(bytes([len(text)]) + text.encode() for text in texts)


def read(*texts: str) -> dict[str, list[str]]:
    found = read_text([strings(text) for text in texts], "eth0")
    return {peer_id: [address.text for address in addresses] for peer_id, addresses in found.items()}


def test_what_we_write_we_can_read() -> None:
    ips = [ip_address("192.0.2.7"), ip_address("2001:db8::7"), ip_address("fe80::7")]
    data = write_text([(ip, "/tcp/4001") for ip in ips], ALICE)
    assert len(list(read_strings(data))) == 3
    assert [address.host for address in read_text([data], "eth0")[ALICE]] == [
        "192.0.2.7",
        "2001:db8::7",
        "fe80::7%eth0",
    ]


def test_one_record_or_many_one_peer_or_many() -> None:
    addresses = [f"/ip4/192.0.2.{number}/tcp/4001/p2p/{peer}" for number, peer in ((1, ALICE), (2, ALICE), (3, BOB))]
    apart = read(*(f"dnsaddr={address}" for address in addresses))
    assert apart == {ALICE: addresses[:2], BOB: addresses[2:]}
    together = read_text([strings(*(f"dnsaddr={address}" for address in addresses))], "eth0")
    assert {peer: [address.text for address in found] for peer, found in together.items()} == apart


@pytest.mark.parametrize("written", ["/ip6/fe80::9/tcp/1", "/ip6/FE80:0::9/tcp/1", "/ip6zone/en7/ip6/fe80::9/tcp/1"])
def test_a_link_local_address_gets_the_zone_of_the_interface_it_came_by(written: str) -> None:
    assert read(f"dnsaddr={written}/p2p/{ALICE}") == {ALICE: [f"/ip6zone/eth0/ip6/fe80::9/tcp/1/p2p/{ALICE}"]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dnsaddr=",
        "dnsaddr=/",
        "dnsaddr=/ip6",
        "dnsaddr=/ip6zone",
        "dnsaddr=/ip4/192.0.2.7/tcp/4001",
        f"dnsaddr2=/ip4/192.0.2.7/tcp/4001/p2p/{ALICE}",
        f"DNSADDR=/ip4/192.0.2.7/tcp/4001/p2p/{ALICE}",
        f"dnsaddr=/ip4/192.0.2.7/udp/4001/webrtc-direct/p2p/{ALICE}",
        f"dnsaddr=/ip4/192.0.2.7/tcp/4001/http/p2p/{ALICE}",
        f"dnsaddr=/ip4/192.0.2.7/tcp/0/p2p/{ALICE}",
        f"dnsaddr=/ip4/0.0.0.0/tcp/4001/p2p/{ALICE}",
        f"dnsaddr=/ip4/224.0.0.251/tcp/4001/p2p/{ALICE}",
        f"dnsaddr=/ip4/192.0.2.7/tcp/4001/p2p/{ALICE}/p2p-circuit/p2p/{BOB}",
        "dnsaddr=/ip4/192.0.2.7/tcp/4001/p2p/é",
    ],
)
def test_what_is_not_dialled_is_left_out_and_the_others_are_taken(text: str) -> None:
    good = f"/ip4/192.0.2.9/tcp/4001/p2p/{BOB}"
    assert read(text, f"dnsaddr={good}") == {BOB: [good]}


def test_a_flood_of_strings_is_read_to_a_limit() -> None:
    many = [f"dnsaddr=/ip4/192.0.2.7/tcp/{port}/p2p/{ALICE}" for port in range(1, 1_000)]
    assert len(read(*many)[ALICE]) == limits.MDNS_ADDRESSES
    late = f"dnsaddr=/ip4/192.0.2.7/tcp/1/p2p/{BOB}"
    assert BOB in read(*many[: limits.MDNS_STRINGS - 1], late)
    assert BOB not in read(*many[: limits.MDNS_STRINGS], late)


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_whatever_is_in_the_records_they_are_read(records: list[bytes]) -> None:
    for addresses in read_text(records, "eth0").values():
        assert 0 < len(addresses) <= limits.MDNS_ADDRESSES


@given(st.lists(st.binary(max_size=255), max_size=8), st.integers(0, 20))
def test_strings_are_what_was_written_and_what_is_cut_off_is_not_one(texts: list[bytes], cut: int) -> None:
    data = b"".join(bytes([len(text)]) + text for text in texts)
    assert list(read_strings(data)) == texts
    some = list(read_strings(data[: len(data) - cut]))
    assert some == texts[: len(some)]


@given(st.text(alphabet="/ip46zone:fe80tcpd.%1", max_size=40))
def test_whatever_stands_in_an_address_it_is_read(text: str) -> None:
    for addresses in read_text([strings(f"dnsaddr=/ip6/{text}/p2p/{ALICE}"[:255])], "eth0").values():
        assert all(address.peer_id == ALICE for address in addresses)


@pytest.mark.parametrize(
    ("host", "near", "here"),
    [
        ("/ip4/192.0.2.200", True, True),
        ("/ip4/169.254.1.1", True, True),
        ("/ip6/2001:db8::1", True, True),
        ("/ip6zone/eth0/ip6/fe80::1", True, True),
        ("/ip4/127.0.0.1", False, True),
        ("/ip6/::1", False, True),
        ("/ip4/192.0.2.7", False, True),
        ("/ip6zone/eth0/ip6/fe80::7", False, True),
        (f"/ip4/{WIFI_IP}", False, True),
        ("/ip4/8.8.8.8", False, False),
        ("/ip6/2606:4700::1", False, False),
        ("/ip4/10.0.0.1", False, False),
        ("/ip4/192.168.1.1", False, False),
        ("/ip4/100.64.0.1", False, False),
        ("/ip6/fd00::1", False, False),
        ("/ip6/::ffff:10.0.0.1", False, False),
        ("/dns4/printer.local", False, False),
        ("/dns/example.org", False, False),
    ],
)
def test_what_is_on_the_link_is_believed_and_of_this_machine_what_comes_from_it(
    host: str, near: bool, here: bool
) -> None:
    [[address]] = read_text([strings(f"dnsaddr={host}/tcp/4001/p2p/{ALICE}")], "eth0").values()
    own = {WIFI_IP, *(ip.ip for ip in CABLE.addresses)}
    assert is_believable(address, CABLE, own, from_here=False) == near
    assert is_believable(address, CABLE, own, from_here=True) == here
