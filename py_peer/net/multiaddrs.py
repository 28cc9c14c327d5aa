"""Binary multiaddrs, as peers send them: which of them this version dials.

Spec: https://github.com/multiformats/multiaddr
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import base58
from multiaddr import Multiaddr

from py_peer.core.addresses import parse_dial_address, with_peer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from py_peer.core.addresses import DialAddress

_IPS: Final = {4: 4, 41: 16}
"""The codes of ip4 and ip6, and how many bytes come behind each."""

_NAMES: Final = (53, 54, 55)
"""The codes of dns, dns4 and dns6; behind each comes the length of the name, in one byte while it is below 128."""

_TCP: Final = 6
_P2P: Final = b"\xa5\x03"
"""The code 421; behind it come the length of a peer ID and the peer ID."""


def dialable(addresses: Iterable[bytes], peer_id: str) -> tuple[DialAddress, ...]:
    """Return which of a peer's addresses this version dials, each once, with the peer's ID in it.

    `peer_id` is base58; an address that names another peer is none of its own.
    """
    raw = base58.b58decode(peer_id)
    own = _P2P + bytes([len(raw)]) + raw
    plain = (one for one in (address.removesuffix(own) for address in addresses) if _is_host_and_port(one))
    read = (_read(one) for one in plain)
    return tuple(dict.fromkeys(with_peer(one, peer_id) for one in read if one is not None))


def _is_host_and_port(address: bytes) -> bool:
    """Say whether an address has the form of what this version dials; to read any other may take milliseconds."""
    code, size = [*address[:2], 0, 0][:2]
    if code in _NAMES:
        return size < 128 and len(address) == 1 + 1 + size + 3 and address[-3] == _TCP
    return code in _IPS and len(address) == 1 + _IPS[code] + 3 and address[-3] == _TCP


def _read(address: bytes) -> DialAddress | None:
    try:
        return parse_dial_address(str(Multiaddr(address)))
    except Exception:  # noqa: BLE001 - whatever the library raises, it is none that can be dialled
        return None
