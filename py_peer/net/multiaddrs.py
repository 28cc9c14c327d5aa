"""Binary multiaddrs, as peers send them: which of them this version dials.

The library takes up to 1 ms for 250 bytes, since an address may have any number of parts. The few forms that are
dialled here are simple, and are read without it; any other is put aside at a glance.

Spec: https://github.com/multiformats/multiaddr
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from itertools import islice
from typing import TYPE_CHECKING, Final

from py_peer.core.addresses import (
    PEER_ID_LENGTHS,
    is_peer_id,
    parse_dial_address,
    peer_id_text,
    through,
    with_peer,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from py_peer.core.addresses import DialAddress

_IP4: Final = 4
_IP6: Final = 41
_NAMES: Final = {53: "dns", 54: "dns4", 55: "dns6"}
"""The codes of kinds of hosts. Behind that of a name comes its length, in one byte while it is below 128."""

_TCP: Final = b"\x06"
"""Behind it comes a port, in two bytes."""

_UDP: Final = b"\x91\x02"
"""The code 273; behind it comes a port, too."""

_BEHIND_THE_PORT: Final = {
    b"": ("tcp", _TCP, ""),
    b"\xdd\x03": ("tcp", _TCP, "/ws"),
    b"\xde\x03": ("tcp", _TCP, "/tls/ws"),  # /wss
    b"\xc0\x03\xdd\x03": ("tcp", _TCP, "/tls/ws"),
    b"\xcd\x03": ("udp", _UDP, "/quic-v1"),
}
"""What may stand behind the port: the codes 477, 478 (the older way to write the next), 448 and 477, and 461."""

_P2P: Final = b"\xa5\x03"
"""The code 421; behind it come the length of a peer ID and the peer ID."""

_CIRCUIT: Final = b"\xa2\x02"
"""The code 290. In front of it stands the whole address of a relay."""


def dialable(addresses: Iterable[bytes], peer: bytes, most: int) -> tuple[DialAddress, ...]:
    """Return the first `most` of a peer's addresses that this version dials, each once, with the peer's ID in it.

    `peer` is the binary ID; an address that names another peer is none of its own.
    """
    plain = dict.fromkeys(without_peer(address, peer) for address in addresses)
    text = peer_id_text(peer)
    read = (found for address in plain if (found := _read_relayed(address, text) or _read(address, text)) is not None)
    return tuple(islice(read, most))


def without_peer(address: bytes, peer: bytes) -> bytes:
    """Return an address without the ID of the peer who is there, if that stands at its end."""
    return address.removesuffix(_P2P + bytes([len(peer)]) + peer)


def _read_relayed(address: bytes, peer_id: str) -> DialAddress | None:
    """Return an address through a relay; None for any other."""
    relay = address.removesuffix(_CIRCUIT)
    if relay == address:
        return None
    for length in PEER_ID_LENGTHS:
        if relay[-length - 3 : -length] == _P2P + bytes([length]) and is_peer_id(relay[-length:]):
            via = _read(relay[: -length - 3], peer_id_text(relay[-length:]))
            return None if via is None else through(via, peer_id)
    return None


def _read(address: bytes, peer_id: str) -> DialAddress | None:
    """Return an address that is a host, a port and what is spoken there; None for other forms and what is no one."""
    for code, (protocol, head, name) in _BEHIND_THE_PORT.items():  # a port may end as a code does: one leaves a host
        plain = address.removesuffix(code)
        if (code == b"" or plain != address) and plain[:-2].endswith(head) and (host := _host(plain[: -2 - len(head)])):
            try:
                one = parse_dial_address(f"{host}/{protocol}/{int.from_bytes(plain[-2:], 'big')}{name}")
                return with_peer(one, peer_id)
            except ValueError:
                return None
    return None


def _host(part: bytes) -> str:
    """Return the first part of a multiaddr as text; "" when it is no host, or when there is more than that part."""
    if len(part) == 1 + 4 and part[0] == _IP4:
        return f"/ip4/{IPv4Address(part[1:])}"
    if len(part) == 1 + 16 and part[0] == _IP6:
        return f"/ip6/{IPv6Address(part[1:])}"
    if len(part) > 2 and len(part) == 2 + part[1] < 2 + 128 and (kind := _NAMES.get(part[0])):
        # A / in a name makes it no name, whatever is behind it.
        return f"/{kind}/{part[2:].decode('latin-1').replace('/', ' ')}"
    return ""
