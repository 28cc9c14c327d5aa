"""Multiaddrs that we can dial, and those under which we can be dialled.

Spec: https://github.com/multiformats/multiaddr and https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md
"""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, final

import base58

MAX_ADDRESS_CHARS: Final = 1_000
MAX_PORT: Final = 65_535
HOST_KINDS: Final = ("ip4", "ip6", "dns", "dns4", "dns6")
DNSADDR: Final = "dnsaddr"
EXAMPLE: Final = "/ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…"

MAX_SHOWN_CHARS: Final = 120
"""Of an address that is refused this much is repeated to the user."""

TCP: Final = "tcp"
WS: Final = "ws"
WSS: Final = "wss"
QUIC: Final = "quic-v1"
RELAY: Final = "p2p-circuit"
"""What a connection goes over: TCP, a WebSocket on TCP, or one inside TLS; QUIC; or a connection to a relay."""

_BEST_FIRST: Final = (TCP, QUIC, WS, WSS, RELAY)
"""QUIC takes several times the work of TCP here, and some Go peers die of it; a relay carries for others, and not for
long."""

_BEHIND_THE_PORT: Final = {TCP: "", WS: "/ws", WSS: "/tls/ws", QUIC: "/quic-v1"}

_PEER_ID_HEADS: Final = {b"\x00\x24": 38, b"\x00\x25": 39, b"\x12\x20": 34}
"""The multihash heads of peer IDs and their length: an Ed25519 or secp256k1 key itself (identity), or a SHA-256."""

PEER_ID_LENGTHS: Final = frozenset(_PEER_ID_HEADS.values())
"""In bytes."""

_CID_HEAD: Final = b"\x01\x72"
"""CID version 1, libp2p-key: the newer way to write a peer ID, in base32 (b…) or base36 (k…)."""

_LONGEST_NAME: Final = 253
"""Of a host (RFC 1035, 2.3.4)."""

_ZONE: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_DNS_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")


class AddressError(ValueError):
    """An address that cannot be used; the text says why, and what to write instead."""


@final
@dataclass(frozen=True, slots=True)
class DialAddress:
    """An address that can be dialled, as parts.

    `text` is the whole, one for all ways to write it. `kind` is one of HOST_KINDS. `host` may end in a zone
    (`fe80::1%eth0`). `peer_id` is base58btc, and None when the address names no peer. `transport` is one of the above;
    `sni` is the name that a certificate is to hold for, where it is not that of the host. With RELAY kind, host and
    port are the relay's, whose own address is `via`. One that the user named may have the kind DNSADDR: then there is
    no port, and what can be dialled stands in the DNS (`py_peer.net.dnsaddr`).
    """

    text: str
    kind: str
    host: str
    port: int
    peer_id: str | None
    transport: str = TCP
    sni: str = ""
    via: DialAddress | None = None


def transport_rank(address: DialAddress) -> int:
    """Return a number that is the less, the sooner an address is dialled of whose peer nothing else is known."""
    return _BEST_FIRST.index(address.transport)


def parse_dial_address(text: str) -> DialAddress:
    """Return the parts of a multiaddr that can be dialled, with or without /p2p. Raises AddressError."""
    text = text.strip()
    if len(text) > MAX_ADDRESS_CHARS:
        msg = f"an address of {len(text):,} characters is not an address; write it like {EXAMPLE}"
        raise AddressError(msg)
    shown = _shown(text)
    if not text.startswith("/"):
        msg = f"{shown} is not a multiaddr: it begins with /, like {EXAMPLE}"
        raise AddressError(msg)
    parts = text.rstrip("/").split("/")[1:]
    if RELAY in parts:
        return _through_a_relay(parts, shown)
    return _direct(parts, shown)


def _through_a_relay(parts: list[str], shown: str) -> DialAddress:
    at = parts.index(RELAY)
    via = _direct(parts[:at], shown)
    if via.peer_id is None:
        msg = f"{shown} does not say which peer the relay is: /p2p/ and its peer ID go before /{RELAY}"
        raise AddressError(msg)
    if (peer_id := _peer_id(parts[at + 1 :], shown)) is None:
        msg = f"{shown} does not say who is to be reached through the relay: /p2p/ and a peer ID go behind /{RELAY}"
        raise AddressError(msg)
    return through(via, peer_id)


def through(relay: DialAddress, peer_id: str) -> DialAddress:
    """Return the address of a peer, with its ID in base58btc, through a relay whose address names it."""
    text = f"{relay.text}/{RELAY}/p2p/{peer_id}"
    return replace(relay, text=text, peer_id=peer_id, transport=RELAY, sni="", via=relay)


def _direct(parts: list[str], shown: str) -> DialAddress:
    zone = ""
    if parts[:1] == ["ip6zone"]:
        zone, parts = parts[1] if len(parts) > 1 else "", parts[2:]
        if not _ZONE.fullmatch(zone) or parts[:1] != ["ip6"]:
            msg = f"{shown} is not an address with a zone: write it like /ip6zone/eth0/ip6/fe80::1/tcp/4001"
            raise AddressError(msg)
    kind, host, transport, port = [*parts, "", "", "", ""][:4]
    if kind == DNSADDR:
        msg = f"{shown} stands for other addresses, and goes with -c and --bootstrap alone; name one of those here"
        raise AddressError(msg)
    if kind not in HOST_KINDS:
        kinds = f"/{', /'.join(HOST_KINDS)} and /ip6zone, and with -c and --bootstrap /{DNSADDR}"
        msg = f"{shown} begins with /{_shown(kind)[1:-1]}; this version takes {kinds}, like {EXAMPLE}"
        raise AddressError(msg)
    host = _checked_host(kind, host, zone, shown)
    if transport not in ("tcp", "udp") or not port:
        msg = f"{shown} has no port: after the host comes /tcp/ and a port, like {EXAMPLE}"
        raise AddressError(msg)
    number = _checked_port(port, shown)
    above, sni, rest = _above_tcp(parts[4:], shown) if transport == "tcp" else _above_udp(parts[4:], shown)
    return _dial_address(kind, host, number, _peer_id(rest, shown), above, sni)


def parse_named_address(text: str) -> DialAddress:
    """Return the parts of a multiaddr that the user named: as above, or /dnsaddr/host[/p2p/ID]. Raises AddressError."""
    text = text.strip()
    if len(text) > MAX_ADDRESS_CHARS or not text.startswith(f"/{DNSADDR}/"):
        return parse_dial_address(text)
    shown = _shown(text)
    name, *rest = text.rstrip("/").split("/")[2:] or [""]
    host = _checked_host(DNSADDR, name, "", shown)
    if rest[:1] not in ([], ["p2p"], ["ipfs"]):
        msg = f"{shown}: after the name in a /dnsaddr comes /p2p/ and a peer ID, or nothing"
        raise AddressError(msg)
    peer_id = _peer_id(rest, shown)
    return DialAddress(f"/{DNSADDR}/{host}" + f"/p2p/{peer_id}" * bool(peer_id), DNSADDR, host, 0, peer_id)


def _above_tcp(rest: list[str], shown: str) -> tuple[str, str, list[str]]:
    """Return what goes over TCP, the name for its certificate if one is given, and the parts behind it."""
    match rest:
        case ["ws", *rest]:
            return WS, "", rest
        case ["wss", *rest] | ["tls", "ws", *rest]:
            return WSS, "", rest
        case ["tls", "sni", name, "ws", *rest]:
            return WSS, _checked_host("dns", name, "", shown), rest
    return TCP, "", rest


def _above_udp(rest: list[str], shown: str) -> tuple[str, str, list[str]]:
    if rest[:1] == [QUIC] and rest[1:2] != ["webtransport"]:
        return QUIC, "", rest[1:]
    msg = (
        f"{shown} is an address over UDP, and of those this version dials /udp/PORT/{QUIC} alone: "
        "take the peer's /tcp address"
    )
    raise AddressError(msg)


def behind_the_host(transport: str, port: int) -> str:
    """Return the part of a multiaddr that follows an IP address or a name."""
    return f"/{'udp' if transport == QUIC else 'tcp'}/{port}{_BEHIND_THE_PORT[transport]}"


def _dial_address(kind: str, host: str, port: int, peer_id: str | None, transport: str, sni: str) -> DialAddress:  # noqa: PLR0913 - the parts
    ip, _, zone = host.partition("%")
    behind = f"/tcp/{port}/tls/sni/{sni}/ws" if sni else behind_the_host(transport, port)
    text = f"/ip6zone/{zone}" * bool(zone) + f"/{kind}/{ip}{behind}" + f"/p2p/{peer_id}" * bool(peer_id)
    return DialAddress(text, kind, host, port, peer_id, transport, sni)


def with_peer(address: DialAddress, peer_id: str) -> DialAddress:
    """Return an address that names no peer with the ID, in base58btc, of the one who is there."""
    return replace(address, text=f"{address.text}/p2p/{peer_id}", peer_id=peer_id)


def _shown(text: str) -> str:
    """Quote what the user wrote, with escapes for what cannot be seen."""
    return repr(text if len(text) <= MAX_SHOWN_CHARS else text[:MAX_SHOWN_CHARS] + "…")


def _checked_host(kind: str, host: str, zone: str, shown: str) -> str:
    if kind.startswith("dns"):
        if len(host) <= _LONGEST_NAME and _DNS_NAME.fullmatch(host):
            return host
        msg = f"{_shown(host)} in {shown} is not a host name"
        raise AddressError(msg)
    try:
        if "%" in host:  # Python would take it for a zone, multiaddrs write that in front
            raise ValueError(host)  # noqa: TRY301
        ip = ipaddress.IPv4Address(host) if kind == "ip4" else ipaddress.IPv6Address(host)
    except ValueError as error:
        msg = f"{_shown(host)} in {shown} is not an IPv{kind[-1]} address; a name goes after /dns/"
        raise AddressError(msg) from error
    if ip.is_unspecified or ip.is_multicast:
        msg = f"{ip} in {shown} is no address that one can dial; take one of the peer's own"
        raise AddressError(msg)
    if kind == "ip6" and ip.is_link_local and not zone:
        msg = f"{ip} in {shown} is link-local: say on which interface, like /ip6zone/eth0/ip6/{ip}/tcp/4001"
        raise AddressError(msg)
    return f"{ip}%{zone}" if zone else str(ip)


def _checked_port(port: str, shown: str) -> int:
    if port.isascii() and port.isdigit() and len(port) <= len(str(MAX_PORT)) and 0 < int(port) <= MAX_PORT:
        return int(port)
    msg = f"{_shown(port)} in {shown} is not a port: it is a number from 1 to {MAX_PORT}"
    raise AddressError(msg)


def _peer_id(rest: list[str], shown: str) -> str | None:
    if not rest:
        return None
    name, peer_id, *more = [*rest, ""][: max(2, len(rest))]
    if name not in ("p2p", "ipfs"):
        msg = (
            f"{shown} goes on with /{_shown(name)[1:-1]}; what this version dials ends with the port, /ws, /tls/ws or "
            "/quic-v1, or with /p2p/ and a peer ID behind it"
        )
        raise AddressError(msg)
    if more:
        msg = f"{shown} goes on after the peer ID; behind that comes nothing, or /{RELAY}/p2p/ and another peer's ID"
        raise AddressError(msg)
    if not (found := parse_peer_id(peer_id)):
        msg = (
            f"{_shown(peer_id)} in {shown} is not a peer ID, which looks like 12D3KooW… or Qm…; "
            "was a character lost in copying?"
        )
        raise AddressError(msg)
    return found


def parse_peer_id(text: str) -> str:
    """Return a peer ID, in base58btc or as a CID, in base58btc; "" when it is none."""
    raw = _multihash(text) if len(text) <= MAX_SHOWN_CHARS else b""
    return base58.b58encode(raw).decode() if is_peer_id(raw) else ""


def is_peer_id(raw: bytes) -> bool:
    """Return whether bytes are a peer ID."""
    return _PEER_ID_HEADS.get(raw[:2]) == len(raw)


def _multihash(peer_id: str) -> bytes:
    """Return the bytes of a peer ID in base58btc or as a CID, b"" for anything else."""
    try:
        if peer_id[:1] == "b":
            cid = base64.b32decode(peer_id[1:].upper() + "=" * (-len(peer_id[1:]) % 8))
        elif peer_id[:1] == "k" and peer_id.isascii() and peer_id.isalnum():
            number = int(peer_id[1:], 36)
            cid = number.to_bytes((number.bit_length() + 7) // 8, "big")
        else:
            return base58.b58decode(peer_id.encode("ascii"))
    except ValueError:
        return b""
    return cid[len(_CID_HEAD) :] if cid.startswith(_CID_HEAD) else b""


def split_list(text: str) -> tuple[str, ...]:
    """Return the addresses of a comma-separated list, blanks left out."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


@lru_cache(maxsize=1024)
def peer_id_text(raw: bytes) -> str:
    """Return a binary peer ID in base58, worked out once for each peer (0.1 ms)."""
    return base58.b58encode(raw).decode()


def short_id(peer_id: str) -> str:
    """Return the last eight characters of a peer ID (the first eight are the same for every Ed25519 key)."""
    return peer_id[-8:]


def short_npub(npub: str) -> str:
    """Return what people tell Nostr keys apart by: the end, as of peer IDs."""
    return f"npub1…{npub[-8:]}"


def id_with_nick(peer_id: str, nick: str) -> str:
    """Return the short ID of a peer and, beside it, its nickname, if it has one other than that."""
    id8 = short_id(peer_id)
    return id8 if nick == id8 else f"{id8} ({nick})"


def socket_multiaddr(address: tuple[str, int] | None, transport: str = TCP) -> str:
    """Return host and port of a socket as a multiaddr; IPv4 inside IPv6 as IPv4; "" for None.

    A zone stays where it means something, which is at a link-local address.
    """
    if address is None:
        return ""
    host, _, zone = address[0].partition("%")
    ip = ipaddress.ip_address(host)
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip
    on_link = f"/ip6zone/{zone}" if zone and ip.version == 6 and ip.is_link_local else ""
    return f"{on_link}/ip{ip.version}/{ip}{behind_the_host(transport, address[1])}"


def without_zone(address: str) -> str:
    """Return a multiaddr without the zone of a link-local IPv6 address, which is of our machine alone."""
    return "/" + "/".join(address.split("/")[3:]) if address.startswith("/ip6zone/") else address


def without_peer_id(address: str) -> str:
    """Return a multiaddr without the peer that it ends with; that of a relay before stays."""
    before, _, last = address.rpartition("/p2p/")
    return before if before and "/" not in last else address


def leads_through_relay(address: str) -> bool:
    """Say whether a multiaddr leads through a relay."""
    return f"/{RELAY}" in address


def is_of_this_machine(address: str) -> bool:
    """Say whether a multiaddr, one of our own, is loopback: of no use elsewhere."""
    return address.startswith(("/ip4/127.", "/ip6/::1/", "/dns/localhost/"))
