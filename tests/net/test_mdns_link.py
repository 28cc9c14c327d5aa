"""What is asked and answered on one interface, and when; what is not listened to. Time is the test's."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from zeroconf import DNSIncoming  # type: ignore[attr-defined]

from py_peer.core import limits
from py_peer.core.listening import told_on
from py_peer.net.counters import Counters
from py_peer.net.mdns_link import AGAIN, DROPPED, FIRST_PAUSES, LISTEN_AGAIN, SHORT_PAUSE, Guard, Link
from py_peer.net.mdns_packets import EVERY_SERVICE, PORT, SERVICES, Records
from tests.interfaces import BOTH, interface
from tests.net import dns_by_hand as dns

if TYPE_CHECKING:
    from py_peer.core.interfaces import IP

US = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
ALICE = "12D3KooWNjoUki9Hk6jgYDBnE4bvd9cU5y2ftAKz8pSdyhcuarP4"
CABLE = interface("eth0", "192.0.2.7/24", "fe80::7/64", index=2)
NEAR = ip_address("192.0.2.9")
TCP = f"/ip4/192.0.2.9/tcp/4001/p2p/{ALICE}"
P2P, ROOM = SERVICES


class Wire:
    """A link, and what it has sent: when, to whom, and whether it asks or tells of which service."""

    def __init__(self, begun: bool = True) -> None:
        self.counters = Counters()
        self.records = Records(US, 4001, told_on(CABLE, BOTH))
        guard = Guard(self.counters)
        guard.own = frozenset(address.ip for address in CABLE.addresses)
        self.link = Link(CABLE, self.records, guard, self._send)
        self.now = 0.0
        self.sent: list[tuple[float, str, str, tuple[IP, int] | None]] = []
        if begun:
            self.link.begin(0.0)

    def _send(self, data: bytes, to: tuple[IP, int] | None) -> None:
        message = DNSIncoming(data)
        first = message.questions[0] if message.is_query() else message.answers()[0]
        what = "asks" if message.is_query() else "tells" if message.answers()[0].ttl else "leaves"
        self.sent.append((self.now, what, first.name, to))

    def until(self, end: float) -> None:
        """Let time pass, and do what is due."""
        while self.link.next_due() <= end:
            self.now = max(self.now, self.link.next_due())
            self.link.speak(self.now)
        self.now = end

    def settle(self) -> None:
        """Let the first minute pass, with its questions and announcements."""
        self.until(30.0)
        self.sent.clear()

    def hears(self, data: bytes, source: str = "192.0.2.9", port: int = PORT) -> list[str]:
        return [one.peer_id for one in self.link.hear(data, (ip_address(source), port), self.now)]

    def times(self, what: str, service: str = P2P) -> list[float]:
        return [when for when, did, which, to in self.sent if (did, which, to) == (what, service, None)]

    def alone(self) -> list[str]:
        return [service for _, did, service, to in self.sent if to is not None and did == "tells"]

    def dropped(self) -> dict[str, int]:
        return {name.removeprefix(DROPPED): count for name, count in self.counters.items()}


@pytest.mark.parametrize("service", SERVICES)
def test_questions_come_at_once_then_more_and_more_seldom(service: str) -> None:
    wire = Wire()
    wire.until(200.0)
    first, *others = wire.times("asks", service)
    assert SHORT_PAUSE[0] <= first <= SHORT_PAUSE[1]
    pauses = [after - before for before, after in zip([first, *others], others, strict=False)]
    assert pauses[: len(FIRST_PAUSES)] == pytest.approx(FIRST_PAUSES)
    lazy = pauses[len(FIRST_PAUSES) :]
    assert lazy
    assert all(0 <= pause - limits.MDNS_ASK_INTERVAL <= limits.MDNS_ASK_JITTER for pause in lazy)


@pytest.mark.parametrize("service", SERVICES)
def test_we_are_announced_twice_unasked(service: str) -> None:
    wire = Wire()
    wire.until(50.0)
    first, second = wire.times("tells", service)
    assert SHORT_PAUSE[0] <= first <= SHORT_PAUSE[1]
    assert second - first == pytest.approx(AGAIN)


def test_a_question_is_answered_soon_and_once_whoever_else_asks() -> None:
    wire = Wire()
    wire.settle()
    for number in range(1, 20):
        wire.until(30.0 + number / 100)
        wire.hears(dns.asks(dns.P2P), source=f"192.0.2.{number}")
    wire.until(30.9)
    [answered] = wire.times("tells")
    assert SHORT_PAUSE[0] <= answered - 30.01 <= SHORT_PAUSE[1]
    assert not wire.times("tells", ROOM)


def test_the_same_is_not_said_again_within_a_second_but_after_it() -> None:
    wire = Wire()
    wire.settle()
    wire.hears(dns.asks(dns.ROOM))
    wire.until(30.5)
    wire.hears(dns.asks(dns.ROOM))
    wire.until(35.0)
    first, second = wire.times("tells", ROOM)
    assert second - first >= AGAIN


def test_who_hears_his_question_asked_does_not_ask_it() -> None:
    wire = Wire()
    wire.settle()
    for when in range(40, 400, 20):
        wire.until(when)
        wire.hears(dns.asks(dns.P2P))
    assert not wire.times("asks", P2P)
    assert wire.times("asks", ROOM)


@pytest.mark.parametrize(
    "quiet",
    [
        dns.asks(dns.P2P, flags=dns.ALONE),
        dns.asks(dns.P2P, known=[dns.record(dns.P2P, dns.PTR, dns.name(f"x.{dns.P2P}"), 120)]),
    ],
)
def test_a_question_that_not_everybody_answers_does_not_stand_for_ours(quiet: bytes) -> None:
    wire = Wire()
    wire.settle()
    for when in range(40, 200, 20):
        wire.until(when)
        wire.hears(quiet)
    assert wire.times("asks", P2P)


def test_who_wants_an_answer_for_himself_gets_it_and_all_others_when_they_have_not_heard_it_for_long() -> None:
    wire = Wire()
    wire.settle()
    wire.hears(dns.asks(dns.P2P, flags=dns.ALONE))
    wire.until(32.0)
    assert wire.alone() == [P2P]
    assert wire.sent[0][3] == (NEAR, PORT)
    assert not wire.times("tells")
    wire.until(30.0 + LISTEN_AGAIN)
    wire.hears(dns.asks(dns.P2P, flags=dns.ALONE))
    wire.until(32.0 + LISTEN_AGAIN)
    assert wire.times("tells")


def test_who_asks_from_another_port_is_answered_there_and_before_all() -> None:
    wire = Wire()
    wire.settle()
    wire.hears(dns.asks(dns.P2P, number=7), port=40_000)
    wire.until(31.0)
    assert wire.sent[0][3] == (NEAR, 40_000)
    assert len(wire.times("tells")) == 1


def test_answers_to_one_alone_have_a_limit() -> None:
    wire = Wire()
    wire.settle()
    for number in range(1, 101):
        wire.hears(dns.asks(dns.P2P, flags=dns.ALONE), source=f"192.0.2.{number}")
    assert len(wire.alone()) == limits.MDNS_UNICAST_BURST


def test_the_services_are_told() -> None:
    wire = Wire()
    wire.settle()
    wire.hears(dns.asks(EVERY_SERVICE))
    assert wire.times("tells", EVERY_SERVICE)


def test_leaving_is_said_for_both_services() -> None:
    wire = Wire()
    wire.link.leave()
    assert wire.times("leaves", P2P)
    assert wire.times("leaves", ROOM)


def test_peers_are_heard_and_we_are_none_of_them() -> None:
    wire = Wire()
    assert wire.hears(dns.go_says(TCP)) == [ALICE]
    assert wire.hears(dns.rust_says(f"/ip4/192.0.2.7/tcp/4001/p2p/{US}", TCP)) == [ALICE]
    assert wire.hears(wire.records.answer(P2P), source="192.0.2.7") == []
    assert wire.hears(wire.records.answer(P2P, ttl=0)) == []
    [goodbye] = wire.link.hear(dns.go_goes(TCP), (NEAR, PORT), 0.0)
    assert (goodbye.peer_id, goodbye.addresses) == (ALICE, ())
    assert not wire.dropped()


def test_addresses_of_other_networks_are_not_taken_and_counted() -> None:
    wire = Wire()
    elsewhere = [f"/ip4/{ip}/tcp/1/p2p/{ALICE}" for ip in ("10.0.0.1", "192.168.1.1", "8.8.8.8", "127.0.0.1")]
    [heard] = wire.link.hear(dns.js_says(*elsewhere, TCP), (NEAR, PORT), 0.0)
    assert [address.host for address in heard.addresses] == ["192.0.2.9"]
    assert wire.dropped() == {"addresses of other networks": 4}
    assert wire.hears(dns.js_says(*elsewhere)) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.7"])
def test_an_address_of_this_machine_is_taken_from_a_peer_that_is_on_it(host: str) -> None:
    local = dns.js_says(f"/ip4/{host}/tcp/4002/p2p/{ALICE}")
    assert Wire().hears(local, source="192.0.2.7") == [ALICE]
    assert Wire().hears(local) == []


@pytest.mark.parametrize("source", ["198.51.100.1", "10.0.0.1", "127.0.0.1", "2001:db8::1", "0.0.0.0"])  # noqa: S104
def test_who_is_not_on_the_link_is_not_heard_nor_answered(source: str) -> None:
    wire = Wire()
    wire.settle()
    assert wire.hears(dns.go_says(TCP), source=source) == []
    wire.hears(dns.asks(dns.P2P), source=source, port=40_000)
    wire.until(35.0)
    assert not wire.sent
    assert wire.dropped() == {"from another network": 2}


def test_a_packet_that_is_too_large_or_cannot_be_read_is_dropped() -> None:
    wire = Wire()
    assert wire.hears(dns.go_says(TCP) + bytes(limits.MDNS_PACKET)) == []
    assert wire.hears(dns.name(dns.P2P) + b"\xff" * 40) == []
    assert wire.dropped() == {"larger than a packet may be": 1, "cannot be read": 1}


def test_one_who_floods_is_cut_short_and_the_others_are_heard() -> None:
    wire = Wire()
    told = sum(bool(wire.hears(dns.go_says(TCP))) for _ in range(1_000))
    assert told == limits.MDNS_SOURCE_BURST
    assert wire.dropped() == {"more than are looked into": 1_000 - told}
    assert wire.hears(dns.go_says(TCP), source="192.0.2.10") == [ALICE]


def test_a_crowd_that_floods_is_cut_short() -> None:
    wire = Wire()
    sources = [f"fe80::{number:x}" for number in range(2_000)]
    assert sum(bool(wire.hears(dns.go_says(TCP), source=source)) for source in sources) == limits.MDNS_BURST


def test_the_talk_of_others_costs_no_share() -> None:
    wire = Wire()
    for _ in range(1_000):
        wire.hears(dns.asks("_ipp._tcp.local"))
    assert wire.hears(dns.go_says(TCP)) == [ALICE]
    assert not wire.dropped()
