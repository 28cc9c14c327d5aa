"""Multiaddrs that we can dial, and those under which we can be dialled.

Spec: https://github.com/multiformats/multiaddr and https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import base58

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_ADDRESS_CHARS: Final = 1_000
MAX_PORT: Final = 65_535
HOST_KINDS: Final = ("ip4", "ip6", "dns", "dns4", "dns6")
EXAMPLE: Final = "/ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…"

_PEER_ID_HEADS: Final = {b"\x00\x24": 38, b"\x12\x20": 34}
"""The multihash heads of peer IDs and their length: an Ed25519 key itself (identity), or a SHA-256."""

_DNS_NAME: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?")


class AddressError(ValueError):
    """An address that cannot be used; the text says why, and what to write instead."""


@final
@dataclass(frozen=True, slots=True)
class DialAddress:
    """A TCP address, as parts. `peer_id` is None when the address names no peer."""

    text: str
    kind: str
    host: str
    port: int
    peer_id: str | None


def parse_dial_address(text: str) -> DialAddress:
    """Return the parts of a multiaddr over TCP, with or without /p2p. Raises AddressError."""
    text = text.strip()
    if len(text) > MAX_ADDRESS_CHARS:
        msg = f"an address of {len(text):,} characters is not an address; write it like {EXAMPLE}"
        raise AddressError(msg)
    if not text.startswith("/"):
        msg = f"{text!r} is not a multiaddr: it begins with /, like {EXAMPLE}"
        raise AddressError(msg)
    parts = text.rstrip("/").split("/")[1:]
    if parts[:1] == ["ip6zone"] and len(parts) > 1:
        zone = f"%{parts[1]}"
        parts = parts[2:]
    else:
        zone = ""
    kind, host = [*parts, "", ""][:2]
    if kind not in HOST_KINDS:
        msg = f"{text!r} begins with /{kind}; this version dials /{', /'.join(HOST_KINDS)}, like {EXAMPLE}"
        raise AddressError(msg)
    host = _checked_host(kind, host, text) + (zone if kind == "ip6" else "")
    transport, port = [*parts[2:], "", ""][:2]
    if transport == "udp":
        msg = f"{text!r} is a QUIC or WebRTC address; this version dials TCP only: take the peer's /tcp address"
        raise AddressError(msg)
    if transport != "tcp":
        msg = f"{text!r} has no port: after the host comes /tcp/ and a port, like {EXAMPLE}"
        raise AddressError(msg)
    return DialAddress(text, kind, host, _checked_port(port, text), _peer_id(parts[4:], text))


def _checked_host(kind: str, host: str, text: str) -> str:
    if kind.startswith("dns"):
        if len(host) <= 253 and _DNS_NAME.fullmatch(host):  # noqa: PLR2004 - RFC 1035, 2.3.4
            return host
        msg = f"{host!r} in {text!r} is not a host name"
        raise AddressError(msg)
    try:
        ip = ipaddress.IPv4Address(host) if kind == "ip4" else ipaddress.IPv6Address(host)
    except ValueError as error:
        msg = f"{host!r} in {text!r} is not an IPv{kind[-1]} address; a name goes after /dns/"
        raise AddressError(msg) from error
    if ip.is_unspecified or ip.is_multicast:
        msg = f"{host} in {text!r} is no address that one can dial; take one of the peer's own"
        raise AddressError(msg)
    return str(ip)


def _checked_port(port: str, text: str) -> int:
    if port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= MAX_PORT:  # noqa: PLR2004
        return int(port)
    msg = f"{port!r} in {text!r} is not a port: it is a number from 1 to {MAX_PORT}"
    raise AddressError(msg)


def _peer_id(rest: list[str], text: str) -> str | None:
    if not rest:
        return None
    name, peer_id = [*rest, ""][:2]
    if name not in ("p2p", "ipfs"):
        msg = f"{text!r} goes on with /{name}; this version dials plain TCP, which ends with the port or with /p2p/ and a peer ID"
        raise AddressError(msg)
    if len(rest) > 2:  # noqa: PLR2004
        msg = f"{text!r} goes on after the peer ID; addresses through a relay are not dialled by this version"
        raise AddressError(msg)
    try:
        raw = base58.b58decode(peer_id.encode("ascii"))
    except ValueError:
        raw = b""
    if _PEER_ID_HEADS.get(raw[:2]) != len(raw):
        msg = f"{peer_id!r} in {text!r} is not a peer ID, which looks like 12D3KooW… or Qm…; was a character lost in copying?"
        raise AddressError(msg)
    return peer_id


def split_list(text: str) -> tuple[str, ...]:
    """Return the addresses of a comma-separated list, blanks left out."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def short_id(peer_id: str) -> str:
    """Return the last eight characters of a peer ID (the first eight are the same for every Ed25519 key)."""
    return peer_id[-8:]


def expand_listen_addresses(ips: Iterable[str], port: int, peer_id: str, has_ip6: bool) -> list[str]:  # noqa: FBT001
    """Return the full multiaddrs under which a peer that listens on every interface can be dialled.

    IPv4 addresses of networks come first, then IPv4 loopback, then IPv6, left out without `has_ip6`; link-local
    addresses, which mean nothing elsewhere without their zone, are left out. There is always at least loopback.
    """
    parsed = {ipaddress.ip_address(ip.split("%")[0]) for ip in ips} | {ipaddress.ip_address("127.0.0.1")}
    usable = [ip for ip in parsed if not (ip.is_link_local or ip.is_unspecified or ip.is_multicast)]
    ordered = sorted(
        (ip for ip in usable if ip.version == 4 or has_ip6),  # noqa: PLR2004
        key=lambda ip: (ip.version, ip.is_loopback, int(ip)),
    )
    return [f"/ip{ip.version}/{ip}/tcp/{port}/p2p/{peer_id}" for ip in ordered]
