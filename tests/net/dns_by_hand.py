"""Packets of mDNS built by hand, as peers in Go, JavaScript and Rust build theirs."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

P2P = "_p2p._udp.local"
ROOM = "universal-connectivity.local"
QUERY, RESPONSE = 0, 0x8400
A, PTR, TXT, AAAA, SRV = 1, 12, 16, 28, 33
ALONE = FLUSH = 0x8000


def name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.rstrip(".").split(".")) + b"\0"


def packet(
    flags: int,
    questions: Sequence[bytes],
    answers: Sequence[bytes] = (),
    more: Sequence[bytes] = (),
    number: int = 0,
) -> bytes:
    counts = (len(questions), len(answers), 0, len(more))
    return struct.pack("!6H", number, flags, *counts) + b"".join([*questions, *answers, *more])


def question(service: str, kind: int = PTR, flags: int = 0) -> bytes:
    return name(service) + struct.pack("!2H", kind, 1 | flags)


def record(owner: str, kind: int, data: bytes, ttl: int, flags: int = 0) -> bytes:
    return name(owner) + struct.pack("!2HIH", kind, 1 | flags, ttl, len(data)) + data


def strings(*texts: str) -> bytes:
    return b"".join(bytes([len(text)]) + text.encode() for text in texts)


def asks(service: str, flags: int = 0, known: Sequence[bytes] = (), number: int = 0) -> bytes:
    return packet(QUERY, [question(service, flags=flags)], known, number=number)


def go_says(*addresses: str, ttl: int = 3200) -> bytes:
    """PTR among the answers; SRV, one TXT and the host's addresses behind it."""
    instance = f"a1b2c3.{ROOM}"
    ptr = record(ROOM, PTR, name(instance), ttl)
    srv = record(instance, SRV, struct.pack("!3H", 0, 0, 4001) + name("host.local"), ttl)
    txt = record(instance, TXT, strings(*(f"dnsaddr={address}" for address in addresses)), ttl)
    a = record("host.local", A, IPv4Address("127.0.0.1").packed, ttl)
    aaaa = record("host.local", AAAA, IPv6Address("::1").packed, ttl)
    return packet(RESPONSE, [], [ptr], [srv, txt, a, aaaa])


def go_goes(*addresses: str) -> bytes:
    """Everything among the answers, to be forgotten at once."""
    instance = f"a1b2c3.{ROOM}"
    srv = record(instance, SRV, struct.pack("!3H", 0, 0, 4001) + name("host.local"), 0, FLUSH)
    txt = record(instance, TXT, strings(*(f"dnsaddr={address}" for address in addresses)), 0, FLUSH)
    return packet(RESPONSE, [], [srv, txt, record(ROOM, PTR, name(instance), 0)])


def js_says(*addresses: str) -> bytes:
    """PTR and a TXT for each address, all of them answers; no SRV, no address of a host."""
    instance = f"Zx9.{P2P}"
    texts = [record(instance, TXT, strings(f"dnsaddr={address}"), 120) for address in addresses]
    return packet(RESPONSE, [], [record(P2P, PTR, name(instance), 120), *texts])


def rust_says(*addresses: str) -> bytes:
    """PTR to a name without the service; a TXT for each address among the additional records."""
    instance = "Q" * 40
    texts = [record(instance, TXT, strings(f"dnsaddr={address}"), 360, FLUSH) for address in addresses]
    return packet(RESPONSE, [], [record(P2P, PTR, name(instance), 360)], texts, number=0xF8F8)
