"""Hosts of our own in network namespaces, cabled to a bridge: packets are dropped, the line narrowed, cables pulled.

Each namespace belongs to a child process that waits on a pipe, and has no name: when the test ends, however it does,
the pipe closes, the child ends, and the kernel takes the namespace and its cables away. The machine's own network is
not touched, and nothing leaves it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
from enum import Enum
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE: Final = 10.0
NETWORKS: Final = ("198.51.100", "203.0.113")
"""Addresses that are for documentation: nothing on any network has them. Each bridge has its own."""

INTERNET: Final = 11
"""The first number of what is the Internet here: py-peer takes those for documentation for private ones."""

INTERFACE: Final = "eth0"
TUNNEL: Final = "tun0"
MDNS: Final = "udp dport 5353"
CALL: Final = "tcp flags & (syn | ack) == syn"
"""The first packet of a connection."""

_HOLD_TUNNEL: Final = """
import fcntl, struct, sys
tunnel = open("/dev/net/tun", "r+b", buffering=0)
fcntl.ioctl(tunnel, 0x400454CA, struct.pack("16sH", sys.argv[1].encode(), 0x0001))  # TUNSETIFF, IFF_TUN
print(flush=True)
sys.stdin.read()
"""


@final
class Kind(Enum):
    """Which addresses the hosts of a network have."""

    IPV4 = "IPv4 alone"
    HOME = "IPv4 alone, private addresses"
    INTERNET = "IPv4 alone, public addresses, each host in a range of its own"
    IPV6 = "IPv6 alone"
    LINK_LOCAL = "IPv6 alone, and link-local addresses alone"


class NotHereError(Exception):
    """This machine makes no namespaces, or has not the tools; the text says what is missing."""


@final
class Space:
    """One network namespace, which lasts as long as its child."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self.pid = self._child.pid
        self.inside: tuple[str, ...] = ("nsenter", f"--net=/proc/{self.pid}/ns/net")
        """What a command is to be preceded by, to run in the namespace."""

        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.write(b"\n")
            self._child.stdin.flush()
        if not self._child.stdout.readline():  # an echo comes from inside
            raise NotHereError("the kernel gives no network namespace to this user")
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *command: str) -> str:
        """Run a command in the namespace; return what it prints."""
        return _run(*self.inside, *command)

    def close(self) -> None:
        """Give the namespace back."""
        _end(self._child)


@final
class Bridge:
    """What cables are plugged into: one local network, joined to no other."""

    def __init__(self, kind: Kind = Kind.IPV4, number: int = 0) -> None:
        self.kind = kind
        self._number = number
        self.space = Space()
        self.space.run("ip", "link", "add", "bridge", "type", "bridge", "mcast_snooping", "0")
        self.space.run("ip", "link", "set", "bridge", "up")

    def address(self, number: int) -> str:
        """Return the address of one host on this network."""
        match self.kind:
            case Kind.IPV4:
                return f"{NETWORKS[self._number]}.{number}"
            case Kind.HOME:
                return f"192.168.{self._number}.{number}"
            case Kind.INTERNET:
                return f"{INTERNET}.{number}.0.1"
            case Kind.IPV6:
                return f"fd00:5ca:{self._number}::{number}"
            case Kind.LINK_LOCAL:
                return f"fe80::{number}"

    @property
    def bits(self) -> int:
        """How long the network's prefix is."""
        return {Kind.IPV4: 24, Kind.HOME: 24, Kind.INTERNET: 8}.get(self.kind, 64)


@final
class Host:
    """One host of the little network."""

    def __init__(self, number: int, bridge: Bridge) -> None:
        self.bridge = bridge
        self.space = Space()
        self.address = bridge.address(number)
        """At its first cable; a link-local one without its zone."""

        self._ports: dict[str, tuple[Bridge, str]] = {}
        self._counters = 0
        self._loss: Callable[[], int] | None = None
        self._tunnels: list[subprocess.Popen[bytes]] = []
        with contextlib.suppress(NotHereError):  # a kernel without IPv6
            # An address is used at once, not after the second in which it might be somebody else's.
            self._set("accept_dad", 0)
            self._set("disable_ipv6", int(bridge.bits < 64))
        self.plug(bridge, number)

    def close(self) -> None:
        """Give everything back."""
        for tunnel in self._tunnels:
            _end(tunnel)
        self.space.close()

    # --- Cables and addresses ---------------------------------------------------------------------

    def plug(self, bridge: Bridge, number: int, interface: str = INTERFACE) -> None:
        """Add an interface, with a cable to a bridge and an address there."""
        port = f"port{number}"
        bridge.space.run(
            *("ip", "link", "add", "name", port, "type", "veth"),
            *("peer", "name", interface, "netns", str(self.space.pid)),
        )
        self._ports[interface] = bridge, port
        bridge.space.run("ip", "link", "set", port, "master", "bridge", "up")
        if bridge.kind is Kind.LINK_LOCAL:
            self.space.run("ip", "link", "set", interface, "addrgenmode", "none")
        self.space.run("ip", "link", "set", interface, "up")
        self._change("add", f"{bridge.address(number)}/{bridge.bits}", interface)

    def unplug(self, interface: str = INTERFACE) -> None:
        """Take an interface away, as an adapter is pulled out."""
        bridge, port = self._ports.pop(interface)
        bridge.space.run("ip", "link", "delete", port)

    def move(self, number: int) -> None:
        """Give the host another address in place of its own."""
        self._change("delete", f"{self.address}/{self.bridge.bits}", INTERFACE)
        self.address = self.bridge.address(number)
        self._change("add", f"{self.address}/{self.bridge.bits}", INTERFACE)

    def pull_cable(self) -> None:
        """Cut the host off. It keeps its address, and no connection is told."""
        bridge, port = self._ports[INTERFACE]
        bridge.space.run("ip", "link", "set", port, "down")

    def plug_in(self) -> None:
        """End `pull_cable`."""
        bridge, port = self._ports[INTERFACE]
        bridge.space.run("ip", "link", "set", port, "up")

    def route_multicast(self) -> None:
        """Have multicast leave by the interface also when a program names none, as hosts with a router do."""
        self.space.run("ip", "route", "add", "224.0.0.0/4", "dev", INTERFACE)

    def make_tunnel(self, address: str) -> None:
        """Add a tunnel that is up, as that of a VPN; at its other end nobody reads."""
        self.space.run("ip", "tuntap", "add", TUNNEL, "mode", "tun")
        command = [*self.space.inside, sys.executable, "-c", _HOLD_TUNNEL, TUNNEL]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._tunnels.append(holder)
        assert holder.stdout is not None
        assert holder.stdout.readline()
        self.space.run("ip", "address", "add", f"{address}/24", "dev", TUNNEL)
        self.space.run("ip", "link", "set", TUNNEL, "multicast", "on", "up")

    # --- Packets ----------------------------------------------------------------------------------

    def match(self, hook: str, packets: str, verdict: str = "") -> Callable[[], int]:
        """Count the packets that pass a hook ("input", "output") from now on, and deal with them, if with a verdict.

        Return what tells how many there have been. `packets` is an expression of nftables.
        """
        self._counters += 1
        counter = f"counter{self._counters}"
        self.space.run(
            "nft",
            "add table inet test;"
            f"add chain inet test {hook} {{ type filter hook {hook} priority 0; }};"
            f"add counter inet test {counter};"
            f"add rule inet test {hook} {packets} counter name {counter} {verdict}",
        )

        def count() -> int:
            words = self.space.run("nft", "list", "counter", "inet", "test", counter).split()
            return int(words[words.index("packets") + 1])

        return count

    def block_multicast(self, *hooks: str) -> None:
        """Have mDNS dropped on the way in ("input") or out ("output"), as firewalls do."""
        for hook in hooks:
            self.match(hook, MDNS, "drop")

    def cannot_call(self) -> None:
        """Have every call dropped that the host makes: it can only be called."""
        self.match("output", CALL, "drop")

    def drop(self, percent: int) -> None:
        """Have so many percent of the packets that come in dropped, at random."""
        self._loss = self.match("input", f"iif {INTERFACE} numgen random mod 100 < {percent}", "drop")

    def dropped(self) -> int:
        """Return how many packets `drop` has dropped."""
        assert self._loss is not None
        return self._loss()

    def narrow(self, kilobits: int) -> None:
        """Let out at most so many kilobits a second."""
        self.space.run(
            *("tc", "qdisc", "add", "dev", INTERFACE, "root"),
            *("tbf", "rate", f"{kilobits}kbit", "burst", "16kb", "latency", "400ms"),
        )

    def _change(self, how: str, address: str, interface: str) -> None:
        self.space.run("ip", "address", how, address, "dev", interface)

    def _set(self, name: str, value: int) -> None:
        for which in ("all", "default"):
            self.space.run("sh", "-c", f"echo {value} > /proc/sys/net/ipv6/conf/{which}/{name}")


@contextlib.contextmanager
def hosts(count: int, kind: Kind = Kind.IPV4, number: int = 0) -> Iterator[list[Host]]:
    """Make `count` hosts on one bridge; each bridge has a number. Raises NotHereError where that cannot be."""
    if reason := missing():
        raise NotHereError(reason)
    with contextlib.ExitStack() as stack:
        bridge = Bridge(kind, number)
        stack.callback(bridge.space.close)
        made: list[Host] = []
        for which in range(1, count + 1):
            made.append(Host(which, bridge))
            stack.callback(made[-1].close)
        yield made


@functools.cache
def missing() -> str:
    """Return why there can be no namespaces here, or ""."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root, on Linux"
    lacking = [tool for tool in ("ip", "tc", "nft", "unshare", "nsenter") if shutil.which(tool) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)} (Debian: apt install iproute2 nftables util-linux)"
    try:
        Space().close()
    except (NotHereError, OSError, subprocess.SubprocessError) as error:
        return str(error)
    return ""


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a child that waits for the end of its input."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.close()
    child.wait(PATIENCE)
    child.stdout.close()


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        raise NotHereError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
