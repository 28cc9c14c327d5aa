"""The interfaces of this machine, and their coming and going.

psutil knows which are up and of what kind, ifaddr has the length of each network and the index. No way to be told of
changes is the same on all systems, so they are looked at again and again: 0.2 ms each time, and 0.8 ms when there is
something new, which was a fifth of what a program costs that does nothing.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import ifaddr
import psutil
import trio

from py_peer.core import limits
from py_peer.core.interfaces import Interface, is_tunnel_name, zone

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from py_peer.core.interfaces import Network

log = logging.getLogger(__name__)

TUNNEL_TYPES: Final = frozenset({"512", "519", "768", "769", "776", "778", "823", "65534"})
"""ARPHRD_… of linux/if_arp.h: PPP, raw IP, IP in IP, in IPv6 and in IPv4, GRE of both kinds, none (tun, WireGuard)."""


def read_interfaces() -> tuple[Interface, ...]:
    """Return the interfaces that have an address. Raises OSError where the system does not say."""
    addresses = tuple((name, *known) for name, known in psutil.net_if_addrs().items())
    return _put_together(tuple(psutil.net_if_stats().items()), (tuple(socket.if_nameindex()), addresses))


@lru_cache(maxsize=1)
def _put_together(states: tuple[tuple[str, Any], ...], told: Hashable) -> tuple[Interface, ...]:
    """Return the interfaces. While neither their states nor what else is `told` of them change, nor do they."""
    del told
    stats = dict(states)
    found = []
    for adapter in ifaddr.get_adapters():
        name = adapter.ips[0].nice_name  # on Windows the adapter's own is a number, psutil's is this
        state = stats.get(name)
        flags = frozenset(state.flags.split(",")) if state else frozenset()
        addresses = tuple(_network(ip) for ip in adapter.ips)
        found.append(
            Interface(
                name,
                adapter.index or 0,
                addresses,
                up=state is None or state.isup,
                multicast="multicast" in flags or not flags,  # Windows tells none
                loopback="loopback" in flags or all(address.is_loopback for address in addresses),
                tunnel="pointopoint" in flags
                or is_tunnel_name(name)
                or is_tunnel_name(adapter.nice_name)
                or _type(name, adapter.index) in TUNNEL_TYPES,
            )
        )
    return tuple(found)


def _network(ip: ifaddr.IP) -> Network:
    text = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
    return ipaddress.ip_interface(f"{text}/{ip.network_prefix}")


@lru_cache(maxsize=256)
def _type(name: str, index: int | None) -> str:  # noqa: ARG001 - another interface may get the name
    """Return the type of an interface's hardware, where the system is Linux, or ""."""
    if not sys.platform.startswith("linux"):
        return ""
    try:
        return Path(f"/sys/class/net/{name}/type").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def host_and_port(address: tuple[Any, ...]) -> tuple[str, int]:
    """Return host and port of a socket's address; a link-local IPv6 one has the name of our interface for its zone."""
    host, port, *more = address
    index = more[1] if len(more) > 1 else 0
    if not index or "%" in host:
        return host, port
    try:
        name = socket.if_indextoname(index)
    except OSError:
        name = ""  # it has just gone
    return f"{host}%{zone(name, index)}", port


@final
class Interfaces:
    """The interfaces as they are now. Who follows them takes `changed`, looks at `now`, and waits for what he took."""

    def __init__(self, read: Callable[[], tuple[Interface, ...]] = read_interfaces) -> None:
        self._read = read
        self.now: tuple[Interface, ...] = ()
        self.changed = trio.Event()
        """Set, and replaced by a new one, when `now` has become another, or may have been while nobody looked."""

        self.look()

    def look(self) -> None:
        """Look once. When the system does not say, what was there is taken to be there still."""
        try:
            now = self._read()
        except (OSError, ValueError) as error:
            log.debug("the interfaces cannot be read: %s", error)
            return
        if now != self.now:
            self.now = now
            self.stir()

    def stir(self) -> None:
        """Have all who follow them look anew: they have changed, or time has passed without us."""
        changed, self.changed = self.changed, trio.Event()
        changed.set()

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await trio.sleep(limits.INTERFACE_INTERVAL)
            self.look()
