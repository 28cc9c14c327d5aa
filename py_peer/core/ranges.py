"""What kind of place an IP address is, and which range it lies in: what may be dialled on whose word hangs on both."""

from __future__ import annotations

import ipaddress
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias, final

if TYPE_CHECKING:
    from collections.abc import Iterable

IP: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""An IPv4 address is in its last four bytes (RFC 6052)."""


@final
class Kind(Enum):
    """What kind of place an address is. The value is how it is called, behind "an address"."""

    LOOPBACK = "of one machine"
    LINK_LOCAL = "of one link"
    PRIVATE = "of a private network"
    """Also what a provider shares out (100.64/10) and whatever else is not for the whole world, such as the addresses
    for documentation: somebody uses it as his own."""

    PUBLIC = "of the Internet"
    UNUSABLE = "that nobody has"
    """Unspecified, multicast, broadcast, reserved."""


@lru_cache(maxsize=2_048)
def kind_of(host: str) -> Kind:
    """Return what kind of place an IP address is, with a zone or without. Raises ValueError when it is none.

    One that wraps an IPv4 address is what the one inside is.
    """
    ip = _inside(host)
    if ip.is_loopback:
        return Kind.LOOPBACK
    if ip.is_unspecified or ip.is_multicast or ip.is_reserved or (ip.version == 4 and int(ip) >> 24 == 0):
        return Kind.UNUSABLE
    if ip.is_link_local:
        return Kind.LINK_LOCAL
    is_own = not ip.is_global or (isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local)
    return Kind.PRIVATE if is_own else Kind.PUBLIC


@lru_cache(maxsize=2_048)
def range_of(host: str) -> str:
    """Return the range in which an IP address lies. Raises ValueError when it is none.

    It is what one household, or one machine's provider, has: /24 of IPv4, /64 of IPv6 and /48 of public IPv6. All of
    loopback is one range, and all of one link.
    """
    ip = _inside(host)
    match kind_of(host), ip.version:
        case (Kind.LOOPBACK, 4):
            bits = 8
        case (Kind.LINK_LOCAL, 4):
            bits = 16
        case (_, 4):
            bits = 24
        case (Kind.PUBLIC, _):
            bits = 48
        case _:
            bits = 64
    return str(ipaddress.ip_network((ip, bits), strict=False))


@lru_cache(maxsize=2_048)
def household_of(host: str) -> str:
    """Return what an IP address counts as where the addresses of one house are counted. Raises ValueError.

    It is itself for IPv4, and of the Internet's IPv6 its /64, in which one machine has as many as it likes. In a
    private network and on a link, where neighbours share a /64, addresses stand for themselves, as with IPv4.
    """
    ip = _inside(host)
    if ip.version == 4 or kind_of(host) is not Kind.PUBLIC:
        return str(ip)
    return str(ipaddress.ip_network((ip, 64), strict=False))


def lies_in(host: str, networks: Iterable[Network]) -> bool:
    """Return whether an IP address lies in one of several networks."""
    ip = _inside(host)
    return any(ip.version == network.version and ip in network for network in networks)


def place(host: str) -> str:
    """Return an IP address in its one form, without zone: all that wrap the same one lead to the same place."""
    return str(_inside(host))


@lru_cache(maxsize=2_048)
def _inside(host: str) -> IP:
    """Return the IPv4 address inside of an IPv6 one (mapped, 6to4, NAT64), else the address itself, without zone."""
    ip = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
