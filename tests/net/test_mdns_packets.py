"""What peers in every language send is understood, and what we send has the shape that each of them wants."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zeroconf import DNSIncoming  # type: ignore[attr-defined]

from py_peer.core import limits
from py_peer.net.mdns_packets import EVERY_SERVICE, SERVICES, Packet, Records, concerns_us, peers_in, question
from tests.net import dns_by_hand as dns

if TYPE_CHECKING:
    from collections.abc import Callable

US = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
ALICE = "12D3KooWNjoUki9Hk6jgYDBnE4bvd9cU5y2ftAKz8pSdyhcuarP4"
TCP = f"/ip4/192.0.2.1/tcp/4001/p2p/{ALICE}"
TCP6 = f"/ip6/2001:db8::1/tcp/4001/p2p/{ALICE}"
QUIC = f"/ip4/192.0.2.1/udp/4001/quic-v1/p2p/{ALICE}"
LONGEST = [ip_address(f"fd00:1111:2222:3333:4444:5555:6666:{number:x}") for number in range(0x1111, 0x1119)]
ETHERNET = 1460


def records(*ips: str, port: int = 4001) -> Records:
    return Records(US, port, [(ip_address(ip), f"/tcp/{port}") for ip in ips or ("192.0.2.7", "fe80::7")])


def read(data: bytes) -> Packet:
    packet = records().read(data, "eth0")
    assert packet is not None
    return packet


def answers(data: bytes) -> list[Any]:
    return list(DNSIncoming(data).answers())


def texts(packet: Packet) -> dict[str, list[str]]:
    return {peer_id: [address.text for address in addresses] for peer_id, addresses in packet.found.items()}


@pytest.mark.parametrize("says", [dns.go_says, dns.js_says, dns.rust_says])
def test_an_answer_of_any_shape_is_read(says: Callable[..., bytes]) -> None:
    data = says(TCP, QUIC, TCP6)
    assert concerns_us(data)
    assert texts(read(data)) == {ALICE: [TCP, QUIC, TCP6]}
    assert not read(data).gone
    assert peers_in(data, "eth0") == {ALICE}


def test_an_answer_with_a_question_in_it_is_read() -> None:
    instance = f"x.{dns.P2P}"
    text = dns.record(instance, dns.TXT, dns.strings(f"dnsaddr={TCP}"), 10)
    data = dns.packet(
        dns.RESPONSE, [dns.question(dns.P2P)], [dns.record(dns.P2P, dns.PTR, dns.name(instance), 10), text]
    )
    assert texts(read(data)) == {ALICE: [TCP]}


def test_text_that_is_named_after_the_service_needs_nothing_else() -> None:
    text = dns.record(f"x.{dns.ROOM}", dns.TXT, dns.strings(f"dnsaddr={TCP}"), 120)
    assert texts(read(dns.packet(dns.RESPONSE, [], [text]))) == {ALICE: [TCP]}


def test_a_goodbye_is_one() -> None:
    packet = read(dns.go_goes(TCP, TCP6))
    assert packet.gone == {ALICE}
    assert not packet.found


def test_text_of_other_services_is_not_read() -> None:
    text = dns.record("x._ipp._tcp.local", dns.TXT, dns.strings(f"dnsaddr={TCP}"), 120)
    ours = dns.record(dns.P2P, dns.PTR, dns.name(f"y.{dns.P2P}"), 120)
    assert not read(dns.packet(dns.RESPONSE, [], [ours, text])).found


@pytest.mark.parametrize("service", [dns.P2P, dns.ROOM, dns.P2P.upper()])
def test_a_question_for_either_service_is_one(service: str) -> None:
    assert concerns_us(dns.asks(service))
    packet = read(dns.asks(service))
    assert packet.asked == {f"{service.lower()}."}
    assert packet.is_open
    assert not packet.asked_alone
    assert read(dns.asks(service, flags=dns.ALONE)).asked_alone == packet.asked


def test_a_question_among_others_is_found() -> None:
    questions = [dns.question("_ipp._tcp.local"), dns.question(dns.ROOM), dns.question(dns.P2P)]
    assert read(dns.packet(dns.QUERY, questions)).asked == set(SERVICES)


def test_who_asks_for_our_records_one_by_one_gets_them_all() -> None:
    mine = records()
    for one in answers(mine.answer(SERVICES[1])):
        packet = mine.read(dns.packet(dns.QUERY, [dns.question(one.name, one.type)]), "eth0")
        assert packet is not None
        assert len(packet.asked) == 1


def test_who_knows_us_is_not_answered_unless_he_is_about_to_forget() -> None:
    mine = records()
    instance = next(one.alias for one in answers(mine.answer(SERVICES[0])) if one.type == dns.PTR)
    for ttl, wanted in ((limits.MDNS_TTL, False), (limits.MDNS_TTL // 2 - 1, True)):
        known = [dns.record(dns.P2P, dns.PTR, dns.name(instance), ttl)]
        packet = mine.read(dns.asks(dns.P2P, known=known), "eth0")
        assert packet is not None
        assert bool(packet.asked) == wanted
        assert not packet.is_open
    others = [dns.record(dns.P2P, dns.PTR, dns.name(f"somebody.{dns.P2P}"), limits.MDNS_TTL)]
    assert read(dns.asks(dns.P2P, known=others)).asked


def test_the_list_of_services_names_that_of_the_specification() -> None:
    assert concerns_us(dns.asks(EVERY_SERVICE))
    packet = read(dns.asks(EVERY_SERVICE))
    assert packet.wants_services
    assert not packet.asked
    [answer] = answers(records().services())
    assert (answer.name, answer.alias) == (EVERY_SERVICE, SERVICES[0])


def test_a_question_is_one_packet_with_one_question() -> None:
    for service in SERVICES:
        [asked] = DNSIncoming(question(service)).questions
        assert (asked.name, asked.type, asked.unicast) == (service, dns.PTR, False)


@pytest.mark.parametrize("service", SERVICES)
def test_our_answer_suits_go_rust_and_javascript(service: str) -> None:
    data = Records(US, 65_535, [(ip, "/udp/65535/quic-v1") for ip in LONGEST]).answer(service)
    assert len(data) <= ETHERNET
    assert (data[6:8], data[8:10]) == (b"\0\1", b"\0\0")  # one answer, and all else is additional
    ptr, srv, txt, *hosts = answers(data)
    assert (ptr.name, ptr.type) == (service, dns.PTR)
    assert 32 <= len(ptr.alias.split(".")[0]) <= 63
    assert ptr.alias.endswith(f".{service}")
    assert (srv.name, srv.type, srv.port) == (ptr.alias, dns.SRV, 65_535)
    assert (txt.name, txt.type) == (ptr.alias, dns.TXT)
    assert txt.text.count(b"dnsaddr=/ip6/fd00:") == len(hosts) == len(LONGEST)
    assert {host.name for host in hosts} == {srv.server}
    assert {one.ttl for one in answers(data)} == {limits.MDNS_TTL}


def test_link_local_addresses_are_told_without_a_zone() -> None:
    text = answers(records("fe80::7").answer(SERVICES[0]))[2].text
    assert text[1:] == f"dnsaddr=/ip6/fe80::7/tcp/4001/p2p/{US}".encode()


def test_a_goodbye_of_ours_is_a_goodbye() -> None:
    assert read(records().answer(SERVICES[0], ttl=0)).gone == {US}


def test_plain_dns_gets_its_question_and_its_number_back() -> None:
    packet = read(dns.asks(dns.ROOM, number=77))
    answer = DNSIncoming(records().answer(SERVICES[1], plain=packet.query))
    assert answer.id == 77
    assert [one.name for one in answer.questions] == [SERVICES[1]]
    assert all(one.ttl <= 10 and not one.unique for one in answer.answers())


def test_names_are_new_each_time() -> None:
    assert records().answer(SERVICES[0]) != records().answer(SERVICES[0])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 11,
        b"\xff" * 9_000,
        dns.asks(dns.P2P)[:-1],
        dns.packet(dns.QUERY, [dns.question(dns.P2P)] * (limits.MDNS_RECORDS + 1)),
        b"\0\0\0\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1",
    ],
)
def test_what_cannot_be_read_is_nothing(data: bytes) -> None:
    assert records().read(data, "eth0") is None
    assert peers_in(data, "eth0") == set()


def test_the_talk_of_others_does_not_concern_us() -> None:
    assert not concerns_us(dns.asks("_ipp._tcp.local"))
    assert not concerns_us(dns.packet(dns.RESPONSE, [], [dns.record("tv.local", dns.A, b"\1\2\3\4", 120)]))


@given(st.binary(max_size=200), st.integers(0, 300), st.sampled_from([dns.go_says(TCP), dns.rust_says(TCP6)]))
def test_whatever_comes_is_read_or_refused(noise: bytes, at: int, whole: bytes) -> None:
    for data in (noise, whole[:at] + noise, whole[:at] + noise + whole[at + len(noise) :]):
        packet = records().read(data, "eth0")
        assert packet is None or isinstance(packet, Packet)
