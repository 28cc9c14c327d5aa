"""The routers are what they are called: sockets without any library say whom each of them lets through.

Sockets are opened on a host and used from here. What must not come is followed by something that does, and would have
come first.
"""

from __future__ import annotations

import contextlib
import select
import socket
from typing import TYPE_CHECKING, Final

import pytest

from tests.network.inside import call_in
from tests.network.routers import Nat, internet, no_routers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.network.namespaces import Host

pytestmark = pytest.mark.skipif(bool(no_routers()), reason=no_routers())

PORT: Final = 4001
PATIENCE: Final = 10.0


@contextlib.contextmanager
def sockets(kind: socket.SocketKind, *hosts: Host) -> Iterator[list[socket.socket]]:
    """Open a socket on each host, all at one port."""
    opened: list[socket.socket] = []

    def bind() -> None:
        opened.append(socket.socket(type=kind))
        opened[-1].settimeout(PATIENCE)
        opened[-1].bind(("", PORT))

    try:
        for host in hosts:
            call_in(host, bind)
        yield opened
    finally:
        for one in opened:
            one.close()


@pytest.mark.parametrize("nat", Nat)
def test_who_is_at_home_is_answered_and_called_by_nobody_else(nat: Nat) -> None:
    with internet(2, nat) as net:
        (home,) = net.homes
        with sockets(socket.SOCK_DGRAM, home.hosts[0], *net.hosts) as (inside, friend, stranger):
            inside.sendto(b"hello", (net.hosts[0].address, PORT))
            _, seen = friend.recvfrom(9)
            stranger.sendto(b"stranger", seen)
            friend.sendto(b"friend", seen)
            assert inside.recvfrom(9) == (b"friend", (net.hosts[0].address, PORT))


@pytest.mark.parametrize(("nat", "ports"), [(Nat.CONE, 1), (Nat.SYMMETRIC, 2)])
def test_a_cone_shows_all_the_same_port_and_a_symmetric_router_each_another(nat: Nat, ports: int) -> None:
    with internet(2, nat) as net:
        (home,) = net.homes
        with sockets(socket.SOCK_DGRAM, home.hosts[0], *net.hosts) as (inside, *outside):
            for host in net.hosts:
                inside.sendto(b"hello", (host.address, PORT))
            seen = [one.recvfrom(9)[1] for one in outside]
            assert {ip for ip, _ in seen} == {home.address}
            assert len({port for _, port in seen}) == ports
            assert ((home.address, PORT) in seen) is (nat is Nat.CONE)


def test_a_forwarded_port_lets_everybody_in() -> None:
    with internet(1, Nat.SYMMETRIC) as net:
        (home,) = net.homes
        home.forward(PORT, home.hosts[0])
        with sockets(socket.SOCK_DGRAM, home.hosts[0], *net.hosts) as (inside, stranger):
            stranger.sendto(b"hello", (home.address, PORT))
            assert inside.recvfrom(9) == (b"hello", (net.hosts[0].address, PORT))


def test_two_behind_cones_who_call_each_other_meet_over_udp() -> None:
    with internet(0, Nat.CONE, Nat.CONE) as net:
        one, other = net.homes
        with sockets(socket.SOCK_DGRAM, one.hosts[0], other.hosts[0]) as (first, second):
            first.sendto(b"lost", (other.address, PORT))
            second.sendto(b"here", (one.address, PORT))
            assert first.recvfrom(9) == (b"here", (other.address, PORT))
            first.sendto(b"there", (other.address, PORT))
            assert second.recvfrom(9) == (b"there", (one.address, PORT))


def test_two_behind_cones_who_call_each_other_meet_over_tcp() -> None:
    with internet(0, Nat.CONE, Nat.CONE) as net:
        one, other = net.homes
        with sockets(socket.SOCK_STREAM, one.hosts[0], other.hosts[0]) as (first, second):
            first.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                first.connect((other.address, PORT))
            second.connect((one.address, PORT))
            assert select.select([], [first], [], PATIENCE)[1]
            first.send(b"hello")
            assert second.recv(9) == b"hello"


def test_two_of_whom_one_is_behind_a_symmetric_router_do_not_meet() -> None:
    with internet(1, Nat.CONE, Nat.SYMMETRIC) as net:
        (friend,), (one, other) = net.hosts, net.homes
        with sockets(socket.SOCK_DGRAM, one.hosts[0], other.hosts[0], friend) as (first, second, third):
            for inside in (first, second):
                inside.sendto(b"hello", (friend.address, PORT))
            seen = {ip: port for _, (ip, port) in (third.recvfrom(9), third.recvfrom(9))}
            first.sendto(b"lost", (other.address, seen[other.address]))
            second.sendto(b"lost", (one.address, seen[one.address]))
            for home in net.homes:
                third.sendto(b"friend", (home.address, seen[home.address]))
            assert first.recv(9) == second.recv(9) == b"friend"
