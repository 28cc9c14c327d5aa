"""Network interfaces: which ones are for mDNS, and which addresses are on the link of one."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

IP: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Interface | ipaddress.IPv6Interface

TUNNEL_NAMES: Final = (
    *("tun", "tap", "utun", "wg", "ppp", "ipsec", "gif", "stf", "gre", "sit", "ip6tnl", "vti", "tailscale"),
    # Windows names them in words.
    *("wireguard", "openvpn", "wintun", "teredo", "isatap", "6to4", "tunnel"),
)
"""How the names of tunnels begin, or of their words: for systems that do not tell their kind."""

_ZONE_CHARS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


@final
@dataclass(frozen=True, slots=True)
class Interface:
    """One interface of this machine, as it was at one time. `addresses` are in the system's order."""

    name: str
    index: int
    addresses: tuple[Network, ...]
    up: bool = True
    """Switched on, with a cable or a radio network."""

    multicast: bool = True
    loopback: bool = False
    tunnel: bool = False
    """A line to one other host, or to a private network behind it; who is there is not near."""

    @property
    def zone(self) -> str:
        """What stands behind the % of a link-local IPv6 address here."""
        return zone(self.name, self.index)

    def has(self, version: int) -> bool:
        """Say whether it has an address of IP version 4 or 6."""
        return any(address.version == version for address in self.addresses)

    def versions(self) -> list[int]:
        """Return the IP versions in which it can do multicast."""
        # Linux has no way to a group of IPv6 on loopback.
        found = [version for version in (4, 6) if self.has(version)]
        return found[:1] if self.loopback else found

    def is_own(self, ip: IP) -> bool:
        """Say whether an address is one of the interface's own."""
        return any(ip == address.ip for address in self.addresses)

    def is_on_link(self, ip: IP) -> bool:
        """Say whether an address is in one of the interface's networks; a link-local one always is."""
        if ip.is_link_local and not self.loopback:
            return self.has(ip.version)
        return any(ip.version == address.version and ip in address.network for address in self.addresses)


def zone(name: str, index: int) -> str:
    """Return what stands behind the % of a link-local IPv6 address on an interface."""
    # Windows takes numbers alone, and its names have spaces.
    return name if name and _ZONE_CHARS.issuperset(name) else str(index)


def usable(interfaces: Iterable[Interface], wanted: Sequence[str] = ()) -> list[Interface]:
    """Return the interfaces on which peers are looked for: those that are up, and neither loopback nor tunnels.

    With `wanted`, those of these names, of whatever kind they are, as far as they are up.
    """
    there = [one for one in interfaces if one.up and one.addresses]
    if wanted:
        return [one for one in there if one.name in wanted]
    return [one for one in there if one.multicast and not (one.loopback or one.tunnel)]


def is_tunnel_name(name: str) -> bool:
    """Say whether an interface of this name, or of this description, is likely to be a tunnel."""
    return any(word.startswith(TUNNEL_NAMES) for word in name.lower().replace("-", " ").split())
