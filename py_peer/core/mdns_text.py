"""What peers write into the TXT records of mDNS: strings like `dnsaddr=/ip4/192.0.2.7/tcp/4001/p2p/12D3…`.

Spec: https://github.com/libp2p/specs/blob/master/discovery/mdns.md (and RFC 6763, 6.1, for the strings).
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Final

from py_peer.core import limits
from py_peer.core.addresses import AddressError, parse_dial_address
from py_peer.core.ranges import Kind, kind_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from py_peer.core.addresses import DialAddress
    from py_peer.core.interfaces import IP, Interface

KEY: Final = b"dnsaddr="
LONGEST: Final = 255
"""Of a string in a TXT record; its length is one byte."""


def write_text(places: Iterable[tuple[IP, str]], peer_id: str) -> bytes:
    """Return the data of a TXT record that tells where a peer is: IP addresses, and what follows them in a multiaddr.

    Link-local IPv6 addresses have no zone: it is the receiver's, who knows on which interface he has heard of them.
    """
    strings = [KEY + f"/ip{ip.version}/{ip}{behind}/p2p/{peer_id}".encode() for ip, behind in places]
    # Where there is nothing to tell that is one empty string (RFC 6763, 6.1).
    return b"".join(bytes([len(string)]) + string for string in strings if len(string) <= LONGEST) or b"\0"


def read_strings(data: bytes) -> Iterator[bytes]:
    """Give the strings in the data of a TXT record; one that is cut off ends it."""
    at = 0
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data):
            return
        yield data[at + 1 : end]
        at = end


def read_text(records: Iterable[bytes], zone: str) -> dict[str, list[DialAddress]]:
    """Return who is where, from the data of the TXT records of one packet.

    `zone` is that of the interface that it came in by. What this version does not dial is left out, and so is what
    cannot be read; of many strings and of many addresses of a peer the first ones are taken.
    """
    found: dict[str, list[DialAddress]] = {}
    strings = (string for data in records for string in read_strings(data) if string.startswith(KEY))
    for string in islice(strings, limits.MDNS_STRINGS):
        address = _read_address(string[len(KEY) :], zone)
        if address is None or address.peer_id is None or address.via is not None:  # a relay is no neighbour's place
            continue
        known = found.setdefault(address.peer_id, [])
        if address not in known and len(known) < limits.MDNS_ADDRESSES:
            known.append(address)
    return found


@lru_cache(maxsize=1024)  # the same is said again every minute, by everybody, and reading it takes 0.04 ms
def _read_address(written: bytes, zone: str) -> DialAddress | None:
    try:
        return parse_dial_address(_with_zone(written.decode("ascii"), zone))
    except (AddressError, UnicodeDecodeError):
        return None


def _with_zone(text: str, zone: str) -> str:
    """Put our zone into a link-local IPv6 address, in place of the sender's if it has one."""
    head, *parts = text.split("/")
    if parts[:1] == ["ip6zone"]:
        parts = parts[2:]
    if len(parts) > 1 and parts[0] == "ip6":
        try:
            ip = ipaddress.IPv6Address(parts[1])
        except ValueError:
            return text
        if ip.is_link_local:
            parts = ["ip6zone", zone, *parts]
    return "/".join([head, *parts])


def is_believable(address: DialAddress, interface: Interface, own: Container[IP], *, from_here: bool) -> bool:
    """Say whether an address heard on an interface may be dialled.

    It is on this link: nobody on one network may have us knock in another, nor aim all of it at somebody far away. One
    of this machine (loopback, or one of `own`) is, from a peer on it (`from_here`); a name is not, for it may mean
    anything.
    """
    if address.kind not in ("ip4", "ip6"):
        return False
    ip = ipaddress.ip_address(address.host.partition("%")[0])
    if ip in own or kind_of(address.host) is Kind.LOOPBACK:
        return from_here
    return interface.is_on_link(ip)
