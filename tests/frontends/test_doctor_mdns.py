"""`py-peer doctor` says on which interfaces peers are looked for, whether multicast works there, and what to do."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import pytest

from py_peer.core.interfaces import Interface
from py_peer.frontends import doctor, doctor_mdns
from py_peer.frontends.arguments import parse_arguments
from py_peer.frontends.doctor import Level
from py_peer.net import interfaces, multicast_probe
from py_peer.net.multicast_probe import MulticastReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from py_peer.frontends.doctor import Finding

SOMEWHERE = (ipaddress.ip_interface("192.0.2.7/24"),)
ETH0 = Interface("eth0", 2, SOMEWHERE)
OTHERS = (
    Interface("lo", 1, SOMEWHERE, loopback=True),
    Interface("tun0", 3, SOMEWHERE, tunnel=True),
    Interface("eth1", 4, SOMEWHERE, up=False),
    Interface("dummy0", 5, SOMEWHERE, multicast=False),
    Interface("eth2", 6, ()),
)


def fine(name: str = "eth0", family: str = "IPv4", peers: int = 0) -> MulticastReport:
    return MulticastReport(name, family, "", heard_itself=True, peers=peers)


def found(
    monkeypatch: pytest.MonkeyPatch,
    *argv: str,
    there: Sequence[Interface] = (ETH0,),
    reports: Sequence[MulticastReport] = (),
) -> list[Finding]:
    """Return what is found on a machine with these interfaces, where probing gives these reports."""

    def probe(_seconds: float, wanted: Sequence[str]) -> list[MulticastReport]:
        asked.append(tuple(wanted))
        return list(reports)

    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(interfaces, "read_interfaces", lambda: tuple(there))
    monkeypatch.setattr(multicast_probe, "probe_multicast", probe)
    arguments = parse_arguments(["doctor", *argv], {})
    findings = doctor.examine("mdns", doctor_mdns.check_mdns, arguments)
    assert asked == ([arguments.settings.mdns_interfaces] if reports else [])
    return findings


def test_where_it_is_off_nothing_is_sent_and_it_is_said_who_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    (off,) = found(monkeypatch, "--no-mdns")
    assert (off.level, off.text) == (Level.OK, "off, as --no-mdns says")


def test_who_answers_is_told_for_each_interface_and_family(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = found(monkeypatch, reports=[fine(), fine(family="IPv6", peers=2)])
    assert [(one.level, one.text, one.advice) for one in findings] == [
        (Level.OK, "eth0, IPv4: multicast works, no other peer answered", ""),
        (Level.OK, "eth0, IPv6: multicast works, 2 peer(s) answered", ""),
    ]


def test_with_no_answer_anywhere_it_is_said_what_may_be_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = found(monkeypatch, reports=[fine(), fine("eth1")])
    assert "guest Wi-Fi" in first.advice
    assert (first.level, second.advice) == (Level.OK, "")


@pytest.mark.parametrize(("family", "group"), [("IPv4", "224.0.0.251"), ("IPv6", "ff02::fb")])
def test_blocked_multicast_is_a_warning_with_the_rule_that_opens_it(
    monkeypatch: pytest.MonkeyPatch, family: str, group: str
) -> None:
    (bad,) = found(monkeypatch, reports=[MulticastReport("eth0", family, "", heard_itself=False, peers=0)])
    assert bad.level is Level.WARNING
    assert bad.text == f"eth0, {family}: multicast is blocked: our own question did not come back"
    assert bad.advice == f"let the firewall of this machine pass UDP port 5353 to {group}, in and out"


def test_what_keeps_us_from_asking_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    report = MulticastReport("eth0", "IPv4", "no buffer space", heard_itself=False, peers=0)
    (bad,) = found(monkeypatch, reports=[report])
    assert (bad.level, bad.text) == (Level.WARNING, "eth0, IPv4: no buffer space")
    assert bad.advice.startswith("if it is a firewall: ")


def test_it_is_said_why_the_other_interfaces_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    unused, _ = found(monkeypatch, there=(ETH0, *OTHERS), reports=[fine()])
    assert unused.level is Level.OK
    assert unused.text == (
        "not used: lo (loopback), tun0 (a tunnel), eth1 (down), dummy0 (without multicast), eth2 (without an address)"
    )


def test_where_there_is_no_interface_for_it_that_is_a_warning_and_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, bad = found(monkeypatch, there=OTHERS)
    assert (bad.level, bad.text[:27]) == (Level.WARNING, "there is no interface for i")
    assert "name an interface with --mdns-interface" in bad.advice
    *_, bad = found(monkeypatch, "--mdns-interface", "eth1", there=OTHERS)
    assert bad.advice.startswith("switch it on, or leave --mdns-interface out")


def test_a_named_interface_that_is_not_there_is_a_warning_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    named = ("--mdns-interface", "eth0", "--mdns-interface", "eht1")
    bad, unused, _ = found(monkeypatch, *named, there=(ETH0, *OTHERS[:2]), reports=[fine()])
    assert (bad.level, bad.text) == (Level.WARNING, "no interface is called eht1")
    assert bad.advice == "there are eth0, lo, tun0"
    assert unused.text == "not used: lo (loopback), tun0 (a tunnel)"


def test_a_machine_whose_interfaces_cannot_be_read_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable() -> tuple[Interface, ...]:
        raise OSError("no netlink")

    monkeypatch.setattr(interfaces, "read_interfaces", unreadable)
    (bad,) = doctor.examine("mdns", doctor_mdns.check_mdns, parse_arguments(["doctor"], {}))
    assert (bad.level, bad.text) == (Level.WARNING, "the interfaces of this machine cannot be read: no netlink")
