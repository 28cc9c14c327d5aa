"""The hosts in their namespaces behave as they are told to, and nothing is left of them."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.network.namespaces import MDNS, NETWORKS, Host, Kind, hosts, missing

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

REACH = "import socket, sys; socket.create_connection((sys.argv[1], 7), 0.3)"
LISTEN = (
    "import socket; s = socket.create_server(('::', 7), family=10, dualstack_ipv6=True); print(flush=True); "
    "[s.accept() for _ in range(9)]"
)
SEND = "import socket, sys; s = socket.socket(type=2); [s.sendto(b'x', (sys.argv[1], 7)) for _ in range(200)]"


def reaches(one: Host, address: str) -> bool:
    command = [*one.space.inside, "python3", "-c", REACH, address]
    return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0


def listen(host: Host, server: list[subprocess.Popen[bytes]]) -> None:
    server.append(subprocess.Popen([*host.space.inside, "python3", "-c", LISTEN], stdout=subprocess.PIPE))
    assert server[-1].stdout is not None
    assert server[-1].stdout.readline()


@pytest.fixture
def server() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        with process:
            process.kill()


def test_a_cable_is_pulled_and_plugged_in_again(server: list[subprocess.Popen[bytes]]) -> None:
    with hosts(2) as (one, other):
        listen(other, server)
        assert reaches(one, other.address)
        other.pull_cable()
        assert not reaches(one, other.address)
        other.plug_in()
        assert reaches(one, other.address)


@pytest.mark.parametrize(("kind", "zone"), [(Kind.IPV4, ""), (Kind.IPV6, ""), (Kind.LINK_LOCAL, "%eth0")])
def test_a_host_has_addresses_of_one_kind_alone_and_can_move(
    kind: Kind, zone: str, server: list[subprocess.Popen[bytes]]
) -> None:
    with hosts(2, kind) as (one, other):
        listen(other, server)
        old = other.address
        shown = other.space.run("ip", "-brief", "address", "show", "dev", "eth0").split()[2:]
        assert [text for text in shown if kind is Kind.IPV6 and not text.startswith("fe80:")] or len(shown) == 1
        assert reaches(one, f"{old}{zone}")
        other.move(3)
        assert other.address != old
        assert reaches(one, f"{other.address}{zone}")
        assert not reaches(one, f"{old}{zone}")


def test_a_host_that_cannot_call_can_be_called(server: list[subprocess.Popen[bytes]]) -> None:
    with hosts(2) as (one, other):
        listen(other, server)
        other.cannot_call()
        assert reaches(one, other.address)
        assert not reaches(other, one.address)


def test_an_interface_comes_later_and_two_networks_are_joined_by_nothing(server: list[subprocess.Popen[bytes]]) -> None:
    with hosts(1) as (one,), hosts(1, number=1) as (other,):
        listen(other, server)
        assert not reaches(one, other.address)
        one.plug(other.bridge, 2, "eth1")
        assert reaches(one, other.address)
        one.unplug("eth1")
        assert not reaches(one, other.address)


def test_packets_are_counted_and_multicast_is_blocked() -> None:
    ask = f"import socket; socket.socket(type=2).sendto(b'x', ('{NETWORKS[0]}.2', 5353))"
    with hosts(2) as (one, other):
        sent, came = one.match("output", MDNS), other.match("input", MDNS)
        one.space.run("python3", "-c", ask)
        assert (sent(), came()) == (1, 1)
        other.block_multicast("input")
        blocked = other.match("input", MDNS)
        one.space.run("python3", "-c", ask)
        assert (sent(), came(), blocked()) == (2, 2, 0)


def test_packets_are_lost_at_random() -> None:
    with hosts(2) as (one, other):
        other.drop(50)
        one.space.run("python3", "-c", SEND, other.address)
        assert 60 < other.dropped() < 140


def test_nothing_is_left_of_the_hosts() -> None:
    with hosts(2) as made:
        spaces = [host.space.pid for host in made]
    assert not [pid for pid in spaces if Path(f"/proc/{pid}").exists()]
    assert "port1" not in [name for _, name in socket.if_nameindex()]
