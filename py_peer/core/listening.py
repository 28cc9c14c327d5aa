"""Where we listen, and the addresses under which others reach us there.

Spec: https://github.com/multiformats/multiaddr
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, final

from py_peer.core.addresses import MAX_PORT, QUIC, TCP, WS, WSS, AddressError, behind_the_host

if TYPE_CHECKING:
    from collections.abc import Iterable

    from py_peer.core.ranges import IP

ANY_IP4: Final = "0.0.0.0"  # noqa: S104 - a chat peer listens on every interface
ANY_IP6: Final = "::"
LOOPBACK: Final = "127.0.0.1"

EXAMPLE: Final = "/ip4/0.0.0.0/tcp/4001"

_TRANSPORTS: Final = {
    ("tcp",): TCP,
    ("tcp", "ws"): WS,
    ("tcp", "wss"): WSS,
    ("tcp", "tls", "ws"): WSS,
    ("udp", "quic-v1"): QUIC,
}


@final
@dataclass(frozen=True, slots=True)
class ListenAddress:
    """A place where we listen: an IP address of ours (0.0.0.0, ::: all), a port, and TCP, WS, WSS or QUIC.

    Port 0 is a free one.
    """

    host: str
    port: int
    transport: str = TCP

    @property
    def is_ip6(self) -> bool:
        """Whether it is IPv6."""
        return ":" in self.host

    @property
    def text(self) -> str:
        """The multiaddr."""
        return _multiaddr(self.host, self)

    def at(self, port: int) -> ListenAddress:
        """Return the same place with another port."""
        return replace(self, port=port)


def parse_listen_address(text: str) -> ListenAddress:
    """Return a place to listen on from a multiaddr like /ip6/::1/udp/0/quic-v1. Raises AddressError."""
    parts = text.strip().rstrip("/").split("/")[1:]
    kind, host, protocol, port = [*parts, "", "", "", ""][:4]
    transport = _TRANSPORTS.get((protocol, *parts[4:]))
    try:
        ip = ipaddress.IPv4Address(host) if kind == "ip4" else ipaddress.IPv6Address(host)
    except ValueError:
        ip = None
    if ip is None or kind not in ("ip4", "ip6") or transport is None or ip.is_multicast:
        msg = (
            f"{text[:120]!r} is no place to listen on: write an IP address of this machine, or 0.0.0.0 or :: for all, "
            f"a port, and /ws or /tls/ws for browsers, like {EXAMPLE} or /ip6/::/udp/4001/quic-v1"
        )
        raise AddressError(msg)
    if not (port.isascii() and port.isdigit() and len(port) <= len(str(MAX_PORT)) and int(port) <= MAX_PORT):
        msg = f"{port[:40]!r} in {text[:120]!r} is not a port: it is a number from 1 to {MAX_PORT}, or 0 for a free one"
        raise AddressError(msg)
    return ListenAddress(str(ip), int(port), transport)


def expand_listen_addresses(ips: Iterable[str], bound: Iterable[ListenAddress], peer_id: str) -> list[str]:
    """Return the full multiaddrs under which a peer that listens at `bound` can be dialled; `ips` are the machine's.

    The one to hand on comes first: IPv4 addresses of networks, in the order of the interfaces (those of containers come
    last as a rule), then IPv6, the global ones first, then link-local IPv4, then loopback; of one IP address they are
    in the order of `bound`. Link-local IPv6 addresses are left out: they mean nothing elsewhere without their zone.
    """
    own = dict.fromkeys(ipaddress.ip_address(ip.partition("%")[0]) for ip in [*ips, LOOPBACK])
    there: dict[IP, dict[ListenAddress, None]] = {}
    for one in bound:
        for ip in _meant(one, own):
            there.setdefault(ip, {})[one] = None
    usable = [
        ip for ip in there if not (ip.is_unspecified or ip.is_multicast) and not (ip.version == 6 and ip.is_link_local)
    ]
    usable.sort(key=lambda ip: (ip.is_loopback, ip.is_link_local, ip.version, ip.version == 6 and not ip.is_global))
    return [f"{_multiaddr(str(ip), one)}/p2p/{peer_id}" for ip in usable for one in there[ip]]


def _meant(one: ListenAddress, own: Iterable[IP]) -> list[IP]:
    """Return the IP addresses that a place to listen on stands for."""
    host = ipaddress.ip_address(one.host)
    return [ip for ip in own if ip.version == host.version] if host.is_unspecified else [host]


def _multiaddr(host: str, one: ListenAddress) -> str:
    return f"/ip{6 if ':' in host else 4}/{host}{behind_the_host(one.transport, one.port)}"
