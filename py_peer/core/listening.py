"""Where we listen, and the addresses under which others reach us there.

Spec: https://github.com/multiformats/multiaddr
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar, final

from py_peer.core import limits
from py_peer.core.addresses import MAX_PORT, QUIC, TCP, WS, WSS, AddressError, behind_the_host, is_of_this_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from py_peer.core.interfaces import Interface
    from py_peer.core.ranges import IP
    from py_peer.core.settings import Transports

T = TypeVar("T")

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
    """A place where we listen: an IP address of ours (0.0.0.0, ::: all), a port, and what others are to speak there.

    Port 0 is a free one. TCP, WS and WSS share a port of TCP: there all three are answered, and `transport` is what
    others are told. QUIC is on UDP.
    """

    host: str
    port: int
    transport: str = TCP

    @property
    def is_ip6(self) -> bool:
        """Whether it is IPv6."""
        return ":" in self.host

    @property
    def is_udp(self) -> bool:
        """Whether the port is one of UDP."""
        return self.transport == QUIC

    @property
    def text(self) -> str:
        """The multiaddr."""
        return f"/ip{6 if self.is_ip6 else 4}/{self.host}{behind_the_host(self.transport, self.port)}"

    def at(self, port: int) -> ListenAddress:
        """Return the same place with another port."""
        return replace(self, port=port)

    def over(self, transport: str) -> ListenAddress:
        """Return the same place for what is spoken there, too."""
        return replace(self, transport=transport)

    def covers(self, other: ListenAddress) -> bool:
        """Say whether who listens here hears who calls at another place."""
        is_port = (self.port, self.is_udp, self.is_ip6) == (other.port, other.is_udp, other.is_ip6)
        return is_port and bool(self.port) and self.host in (other.host, ANY_IP4, ANY_IP6)


@final
@dataclass(frozen=True, slots=True)
class Wish:
    """Places on one port. The first must be had; the others may be missing (no IPv6 here). `option` asks for them."""

    option: str
    places: tuple[ListenAddress, ...]


def wished(transports: Transports) -> tuple[Wish, ...]:
    """Return where the user wants us to listen, what is to be told first at the beginning. Raises AddressError."""
    everywhere = (LOOPBACK,) if transports.loopback else (ANY_IP4, ANY_IP6)
    if transports.listen:
        places = [parse_listen_address(text) for text in transports.listen]
        # All of a port before one interface of it, which is heard then.
        wishes = [Wish("--listen", (place,)) for place in sorted(places, key=lambda one: one.host not in everywhere)]
    else:
        spoken = (TCP, QUIC) if transports.quic else (TCP,)
        on_the_port = (ListenAddress(host, transports.port, one) for one in spoken for host in everywhere)
        wishes = [Wish("--port", tuple(on_the_port))]
    if transports.ws and transports.ws_port is not None:
        hosts = dict.fromkeys(place.host for wish in wishes for place in wish.places)
        wishes.append(Wish("--ws", tuple(ListenAddress(host, transports.ws_port, WS) for host in hosts)))
    return tuple(wishes)


def with_websockets(bound: Iterable[ListenAddress], *, ws: bool, wss: bool) -> tuple[ListenAddress, ...]:
    """Return where we listen, with what is answered there, too, and is to be told: WebSockets, also inside TLS.

    That is on the ports which are for them; where there is none, on all that we have of TCP.
    """
    places = tuple(bound)
    for transport, is_wanted, below in ((WS, ws, (TCP,)), (WSS, wss, (WS, TCP))):
        if is_wanted and not any(one.transport == transport for one in places):
            beneath = next((one for one in below if any(place.transport == one for place in places)), "")
            places += tuple(one.over(transport) for one in places if one.transport == beneath)
    return places


def parse_listen_address(text: str) -> ListenAddress:
    """Return a place to listen on from a multiaddr like /ip6/::1/udp/0/quic-v1. Raises AddressError."""
    parts = text.strip().rstrip("/").split("/")[1:]
    kind, host, protocol, port = [*parts, "", "", "", ""][:4]
    transport = _TRANSPORTS.get((protocol, *parts[4:]))
    try:
        ip = ipaddress.IPv4Address(host) if kind == "ip4" else ipaddress.IPv6Address(host)
    except ValueError:
        ip = None
    if isinstance(ip, ipaddress.IPv6Address) and ip.is_link_local:
        msg = f"{ip} in {text[:120]!r} is link-local: listen on all of IPv6, with /ip6/::, to be reached there"
        raise AddressError(msg)
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


def expand_listen_addresses(
    ips: Iterable[str], bound: Iterable[ListenAddress], peer_id: str, certified: Iterable[str] = ()
) -> list[str]:
    """Return the full multiaddrs under which a peer that listens at `bound` can be dialled; `ips` are the machine's.

    The one to hand on comes first: IPv4 addresses of networks, in the order of the interfaces (those of containers come
    last as a rule), then IPv6, the global ones first, then link-local IPv4, then loopback; of one IP address they are
    in the order of `bound`. Link-local IPv6 addresses are left out: they mean nothing elsewhere without their zone.
    Inside TLS only those hosts are told for which the certificate holds, `certified`, behind those of networks. An IP
    address among them may be one outside of a router, where all interfaces are listened on, and else has to be ours.
    """
    own = dict.fromkeys(ipaddress.ip_address(ip.partition("%")[0]) for ip in [*ips, LOOPBACK])
    bound = tuple(bound)
    there: dict[IP, dict[ListenAddress, None]] = {}
    for one in bound:
        for ip in _meant(one, own) if one.transport != WSS else ():
            there.setdefault(ip, {})[one] = None
    usable = [
        ip for ip in there if not (ip.is_unspecified or ip.is_multicast) and not (ip.version == 6 and ip.is_link_local)
    ]
    usable.sort(key=lambda ip: (ip.is_loopback, ip.is_link_local, ip.version, ip.version == 6 and not ip.is_global))
    hosts = [(f"/ip{ip.version}/{ip}", one) for ip in usable for one in there[ip]]
    hosts += [(host, one) for one in bound if one.transport == WSS for host in certified if _may_lead(host, one)]
    addresses = dict.fromkeys(f"{host}{behind_the_host(one.transport, one.port)}/p2p/{peer_id}" for host, one in hosts)
    return sorted(addresses, key=is_of_this_machine)


def told_on(interface: Interface, bound: Iterable[ListenAddress]) -> list[tuple[IP, str]]:
    """Return where peers on the link of an interface can dial us: an IP address, and what follows it in a multiaddr.

    TCP comes first, and ones of networks before link-local ones, IPv4 before IPv6. There are not more than a packet has
    room for.
    """
    ips = sorted((address.ip for address in interface.addresses), key=lambda ip: (ip.version, ip.is_link_local))
    plain = sorted((one for one in bound if one.transport != WSS), key=lambda one: (TCP, QUIC, WS).index(one.transport))
    there = [(ip, one) for one in plain for ip in ips if ip in _meant(one, ips)]
    some = first_of_each(there, limits.MDNS_ADDRESSES, lambda found: (found[0].version, found[1].transport))
    return [(ip, behind_the_host(one.transport, one.port)) for ip, one in some]


def first_of_each(found: Iterable[T], most: int, group: Callable[[T], Hashable]) -> list[T]:
    """Return `most` of what is found, in its order: the first of each group, then others as they come."""
    things = list(dict.fromkeys(found))
    first: dict[Hashable, T] = {}
    for thing in things:
        first.setdefault(group(thing), thing)
    chosen = {*[*first.values(), *(thing for thing in things if thing not in first.values())][:most]}
    return [thing for thing in things if thing in chosen]


def _may_lead(host: str, one: ListenAddress) -> bool:
    """Say whether who calls a host of a certificate, like /ip4/192.0.2.7, may come out at a place that we listen on."""
    _, kind, name = host.split("/")
    ip = None if kind == "dns" else ipaddress.ip_address(name)
    return ip is None or ip in _meant(one, [ip])


def _meant(one: ListenAddress, own: Iterable[IP]) -> list[IP]:
    """Return the IP addresses that a place to listen on stands for."""
    host = ipaddress.ip_address(one.host)
    return [ip for ip in own if ip.version == host.version] if host.is_unspecified else [host]
