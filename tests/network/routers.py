"""An Internet of our own: hosts with public addresses on one bridge, and homes behind routers that translate addresses.

Who is at home reaches everybody on the Internet, and nobody there reaches him before he has spoken, or the router was
told to forward a port. What may come in afterwards is for the kind of router to say (RFC 4787, 4 and 5).
"""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

from tests.network.namespaces import INTERFACE, Bridge, Host, Kind, NotHereError, missing
from tests.network.peers import Peer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LAN: Final = "lan0"
"""A router's interface to the home; the other one is INTERFACE."""


@final
class Nat(Enum):
    """How a router translates. The value is what it does with the port from which a host speaks."""

    CONE = "masquerade"
    """The host's own port whomever it speaks to, if it is free: hole punching works. Only those come in to whom it has
    spoken from there, with the same port ("port-restricted cone")."""

    SYMMETRIC = "masquerade random,fully-random"
    """Another port for each other end: nobody can tell a third where the host is to be reached."""


_RULES: Final = """
add table ip router;
add chain ip router sources {{ type nat hook postrouting priority srcnat; }};
add rule ip router sources oifname {out} meta l4proto {{ tcp, udp }} {how};
add rule ip router sources oifname {out} masquerade;
add chain ip router forwarded {{ type nat hook prerouting priority dstnat; }};
add chain ip router through {{ type filter hook forward priority filter; policy drop; }};
add rule ip router through ct state established,related accept;
add rule ip router through ct status dnat accept;
add rule ip router through iifname {lan} accept;
add chain ip router itself {{ type filter hook input priority filter; }};
add rule ip router itself iifname {out} ct state new drop
"""
# What nobody has asked for is dropped without an answer, as most do. It is no connection of the router's own then,
# which would take the port away from a host that is about to punch its hole there.


@final
class Home:
    """A private network, and the router in front of it. `number` is that of its public address, and its own."""

    def __init__(self, number: int, internet: Bridge, nat: Nat, hosts: int, stack: contextlib.ExitStack) -> None:
        bridge = Bridge(Kind.HOME, number)
        stack.callback(bridge.space.close)
        self.router = Host(number, internet)
        stack.callback(self.router.close)
        self.router.plug(bridge, 1, LAN)
        self.router.space.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        self.router.space.run("nft", _RULES.format(out=INTERFACE, lan=LAN, how=nat.value))
        self.hosts: list[Host] = []
        for which in range(2, hosts + 2):
            self.hosts.append(Host(which, bridge))
            stack.callback(self.hosts[-1].close)
            self.hosts[-1].space.run("ip", "route", "add", "default", "via", bridge.address(1))

    @property
    def address(self) -> str:
        """The public address."""
        return self.router.address

    def forward(self, port: int, host: Host) -> None:
        """Have everybody reach a host at a port of the public address, over TCP and UDP."""
        for protocol in ("tcp", "udp"):
            rule = f"add rule ip router forwarded iifname {INTERFACE} {protocol} dport {port} dnat to {host.address}"
            self.router.space.run("nft", rule)


@final
@dataclass(frozen=True, slots=True)
class Internet:
    """What `internet` makes."""

    hosts: list[Host]
    """Those with public addresses, each in a range of its own (11.1.0.1, 11.2.0.1, …)."""

    homes: list[Home]
    """In the order in which they were asked for."""


@contextlib.contextmanager
def internet(public: int, *nats: Nat, at_home: int = 1) -> Iterator[Internet]:
    """Make so many hosts with public addresses, and a home of `at_home` hosts behind each router.

    Raises NotHereError where that cannot be (`no_routers` says so before).
    """
    if reason := missing():
        raise NotHereError(reason)
    with contextlib.ExitStack() as stack:
        bridge = Bridge(Kind.INTERNET)
        stack.callback(bridge.space.close)
        hosts = []
        for number in range(1, public + 1):
            hosts.append(Host(number, bridge))
            stack.callback(hosts[-1].close)
        homes = [Home(100 + which, bridge, nat, at_home, stack) for which, nat in enumerate(nats)]
        yield Internet(hosts, homes)


@functools.cache
def no_routers() -> str:
    """Return why there can be no routers here, or ""."""
    if reason := missing():
        return reason
    try:
        with internet(0, Nat.SYMMETRIC):
            return ""
    except NotHereError as error:
        return f"the kernel translates no addresses ({error})"


def peer_in(
    host: Host,
    name: str,
    folder: Path,
    *options: str,
    connect: tuple[str, ...] = (),
    limits: Mapping[str, float] = MappingProxyType({}),
) -> Peer:
    """Return a py-peer that lives on a host, to be started. `Peer.address` is where its own network reaches it."""
    return Peer(name, folder / name, connect, host.address, host.space.inside, limits, options)
