"""mDNS on real interfaces, in namespaces: it is heard and hears, also beside zeroconf's own responder and browser."""

from __future__ import annotations

import contextlib
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest
import trio
from zeroconf import IPVersion, ServiceBrowser, ServiceInfo, ServiceListener, Zeroconf

from py_peer.core import limits
from py_peer.frontends.front_end import new_loop
from py_peer.net.counters import Counters
from py_peer.net.interfaces import Interfaces
from py_peer.net.mdns import Mdns
from py_peer.net.mdns_packets import SERVICES
from py_peer.net.multicast_probe import MulticastReport, probe_multicast
from tests.interfaces import BOTH
from tests.network.inside import call_in, running_in
from tests.network.namespaces import Bridge, Host, Kind, hosts, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from py_peer.core.findings import Finding

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

ALICE: Final = "12D3KooWNjoUki9Hk6jgYDBnE4bvd9cU5y2ftAKz8pSdyhcuarP4"
BOB: Final = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
CAROL: Final = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
PATIENCE: Final = 5.0


class Ears:
    """mDNS without the rest of a node, and what it has told."""

    def __init__(self, peer_id: str) -> None:
        self.told: list[Finding] = []
        self.left: list[str] = []
        self.notices: list[str] = []
        self.counters = Counters()
        self.peer_id = peer_id

    async def run(self) -> None:
        interfaces = Interfaces()
        node: Any = SimpleNamespace(
            peer_id=self.peer_id, port=4001, bound=BOTH, counters=self.counters, interfaces=interfaces
        )
        self.mdns = Mdns(node, found=self.told.append, left=self.left.append, notice=self.notices.append)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(interfaces.run)
            nursery.start_soon(self.mdns.run)

    def hosts(self, peer_id: str) -> list[str]:
        """Where a peer was when it was told of last."""
        addresses = [finding.addresses for finding in self.told if finding.peer_id == peer_id]
        return [address.host for address in addresses[-1]] if addresses else []


def wait_for(condition: Callable[[], object]) -> float:
    """Wait until something holds, and return for how long."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < PATIENCE
        time.sleep(0.01)
    return time.monotonic() - begun


@pytest.fixture
def both() -> Iterator[list[Host]]:
    """Two hosts with IPv4 and IPv6."""
    with hosts(2, Kind.IPV6) as made:
        for number, host in enumerate(made, 1):
            host.space.run("ip", "address", "add", f"198.51.100.{number}/24", "dev", "eth0")
        yield made


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INTERFACE_INTERVAL", 0.1)


@pytest.fixture(autouse=True)
def own_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give zeroconf loops of asyncio's own, also when trio_asyncio was imported before."""
    monkeypatch.setattr("asyncio.new_event_loop", new_loop)


def test_two_find_each_other_follow_what_changes_and_miss_who_left(both: list[Host]) -> None:
    one, other = both
    alice, bob = Ears(ALICE), Ears(BOB)
    with contextlib.ExitStack() as stack:
        second = Bridge(Kind.IPV4, 1)
        stack.callback(second.space.close)
        stack.enter_context(running_in(one, alice.run))
        with running_in(other, bob.run):
            wait_for(lambda: alice.hosts(BOB) and bob.hosts(ALICE))
            ip4, ip6, local = alice.hosts(BOB)
            assert (ip4, ip6) == ("198.51.100.2", "fd00:5ca::2")
            assert local.startswith("fe80::")
            assert local.endswith("%eth0")

            other.move(77)
            wait_for(lambda: "fd00:5ca::77" in alice.hosts(BOB) and "fd00:5ca::2" not in alice.hosts(BOB))

            for number, host in enumerate(both, 1):
                host.plug(second, number, "eth1")
            wait_for(lambda: {"198.51.100.2", "203.0.113.2"} <= set(alice.hosts(BOB)))
            alice.left.clear()
        wait_for(lambda: set(alice.left) == {BOB})  # on each interface, and for each service
        assert not alice.notices + bob.notices
        assert not {name for name in alice.counters if "dropped" in name or "caught" in name}


class Names(ServiceListener):
    """What zeroconf's browser has seen, and at once asked about."""

    def __init__(self) -> None:
        self.seen: dict[str, ServiceInfo | None] = {}
        self.gone: list[str] = []

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self.seen[name] = zc.get_service_info(type_, name, 1_000)

    def update_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        """Nothing."""

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self.gone.append(name)


def test_zeroconf_finds_us_and_is_found(both: list[Host]) -> None:
    one, other = both
    alice = Ears(ALICE)
    service = SERVICES[0]
    text = {"dnsaddr": f"/ip4/198.51.100.2/tcp/4001/p2p/{CAROL}"}
    names = Names()

    def stranger() -> None:
        with Zeroconf(ip_version=IPVersion.All) as zeroconf:
            ServiceBrowser(zeroconf, service, names)
            info = ServiceInfo(
                service, f"carol.{service}", port=4001, parsed_addresses=["198.51.100.2"], properties=text
            )
            zeroconf.register_service(info)
            wait_for(lambda: alice.hosts(CAROL))
            wait_for(
                lambda: any(found and found.port == 4001 for name, found in names.seen.items() if "carol" not in name)
            )
            zeroconf.unregister_service(info)
            wait_for(lambda: CAROL in alice.left)
            left.close()
            wait_for(lambda: names.gone)

    with contextlib.ExitStack() as left:
        left.enter_context(running_in(one, alice.run))
        call_in(other, stranger)
    assert alice.hosts(CAROL) == ["198.51.100.2"]
    [found] = [found for name, found in names.seen.items() if found and "carol" not in name]
    assert set(found.parsed_addresses(IPVersion.V4Only)) == {"198.51.100.1"}
    assert f"/p2p/{ALICE}".encode() in found.text


def test_several_on_one_machine_find_each_other_beside_a_program_that_speaks_mdns(both: list[Host]) -> None:
    one, other = both
    alice, bob, carol = Ears(ALICE), Ears(BOB), Ears(CAROL)

    def stranger() -> None:
        with Zeroconf(ip_version=IPVersion.All), running_in(one, alice.run), running_in(one, bob.run):
            wait_for(lambda: alice.hosts(BOB) and bob.hosts(ALICE))
            with running_in(other, carol.run):
                wait_for(lambda: alice.hosts(CAROL) and bob.hosts(CAROL) and carol.hosts(ALICE) and carol.hosts(BOB))

    call_in(one, stranger)
    assert not alice.notices + bob.notices


def test_garbage_and_strangers_are_dropped_and_the_peer_goes_on(both: list[Host]) -> None:
    one, other = both
    alice, bob = Ears(ALICE), Ears(BOB)
    send = (
        "import socket, os; s = socket.socket(type=2);"
        "[s.sendto(b'\\x04_p2p\\x04_udp' + os.urandom(n), ('224.0.0.251', 5353)) for n in range(100)]"
    )
    other.space.run("ip", "address", "add", "192.0.2.2/24", "dev", "eth0")
    other.space.run("ip", "route", "add", "224.0.0.0/4", "dev", "eth0", "src", "198.51.100.2")
    with running_in(one, alice.run):
        wait_for(lambda: hasattr(alice, "mdns") and "eth0" in alice.mdns.summary())
        other.space.run("python3", "-c", send)
        other.space.run("ip", "route", "replace", "224.0.0.0/4", "dev", "eth0", "src", "192.0.2.2")
        other.space.run("python3", "-c", send)
        wait_for(lambda: alice.counters["mDNS dropped: from another network"] == 100)
        assert alice.counters["mDNS dropped: cannot be read"] >= limits.MDNS_SOURCE_BURST
        assert alice.counters["mDNS dropped: more than are looked into"] > 40
        with running_in(other, bob.run):
            wait_for(lambda: alice.hosts(BOB))


def test_the_probe_tells_what_comes_back_and_who_answers(both: list[Host]) -> None:
    one, other = both
    reports: list[list[MulticastReport]] = []

    def probe() -> None:
        reports.append(probe_multicast(0.5))

    bob = Ears(BOB)
    with running_in(other, bob.run):
        wait_for(lambda: hasattr(bob, "mdns") and "eth0" in bob.mdns.summary())
        call_in(one, probe)
    assert reports[0] == [
        MulticastReport("eth0", family, "", heard_itself=True, peers=1) for family in ("IPv4", "IPv6")
    ]
    one.match("input", "udp dport 5353", "drop")
    call_in(one, probe)
    assert [(report.problem, report.heard_itself) for report in reports[1]] == [("", False)] * 2
    one.match("output", "udp dport 5353", "drop")
    call_in(one, probe)
    assert [report.problem for report in reports[2]] == ["the system or a firewall does not allow it"] * 2


def test_a_peer_that_may_not_send_says_so_and_is_found_once_it_may(
    both: list[Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = both
    monkeypatch.setattr("py_peer.net.mdns_socket.LONGEST_PAUSE", 0.1)
    alice, bob = Ears(ALICE), Ears(BOB)
    one.match("output", "udp dport 5353", "drop")
    with running_in(one, alice.run), running_in(other, bob.run):
        wait_for(lambda: len(alice.notices) == 2)
        assert all("firewall does not allow it" in notice for notice in alice.notices)
        one.space.run("nft", "flush", "ruleset")
        wait_for(lambda: bob.hosts(ALICE))
        wait_for(lambda: "not on" not in alice.mdns.summary())
