"""The hosts in their namespaces behave as they are told to, and nothing is left of them."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.network.namespaces import Host, hosts, missing

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

REACH = "import socket, sys; socket.create_connection((sys.argv[1], 7), 0.3)"
LISTEN = "import socket; s = socket.create_server(('', 7)); print(flush=True); [s.accept() for _ in range(9)]"
SEND = "import socket, sys; s = socket.socket(type=2); [s.sendto(b'x', (sys.argv[1], 7)) for _ in range(200)]"


def reaches(one: Host, other: Host) -> bool:
    done = subprocess.run(
        [*one.space.inside, "python3", "-c", REACH, other.address], capture_output=True, timeout=10, check=False
    )
    return done.returncode == 0


@pytest.fixture
def server() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        with process:
            process.kill()


def test_a_cable_is_pulled_and_plugged_in_again(server: list[subprocess.Popen[bytes]]) -> None:
    with hosts(2) as (one, other):
        command = [*other.space.inside, "python3", "-c", LISTEN]
        server.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        assert server[0].stdout is not None
        assert server[0].stdout.readline()
        assert reaches(one, other)
        other.pull_cable()
        assert not reaches(one, other)
        other.plug_in()
        assert reaches(one, other)


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
