"""Packets of mDNS: the ones we write, and what there is in those of others. No sockets, no clock.

zeroconf (0.150.5) is our codec and no more. Its own engine needs a thread or an asyncio loop, binds its interfaces
once, and does not say by which one a record came, which a link-local address needs and trust hangs on; its
ServiceBrowser ignores the Go peer's service, which has no underscore, and get_service_info waits for records that
JavaScript and Rust never send. So we ask, answer and listen ourselves.

Each peer wants its own shape. Go takes an answer when PTR, SRV, TXT and the address of the SRV's target are in one
packet; Rust reads TXT among the additional records alone; JavaScript answers a packet whose first question is its own,
and reads PTR among the answers. What we send suits all three: one question a packet, and one answer a packet, PTR in
front and all else behind it.

Spec: https://github.com/libp2p/specs/blob/master/discovery/mdns.md, RFC 6762 and 6763. Pinned by
tests/net/test_mdns_packets.py.
"""

from __future__ import annotations

import random
import string
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

from zeroconf import (  # type: ignore[attr-defined] # it says that this is for old programs, and has no other way
    DNSAddress,
    DNSIncoming,
    DNSOutgoing,
    DNSPointer,
    DNSQuestion,
    DNSService,
    DNSText,
)

from py_peer.core import limits
from py_peer.core.mdns_text import read_text, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from py_peer.core.addresses import DialAddress
    from py_peer.core.interfaces import IP

PORT: Final = 5353
SERVICES: Final = ("_p2p._udp.local.", "universal-connectivity.local.")
"""That of libp2p's specification, and the one that the Go peer asks for and answers."""

EVERY_SERVICE: Final = "_services._dns-sd._udp.local."
"""Asked by tools that list what there is (RFC 6763, 9)."""

_LABELS: Final = (b"\x04_p2p\x04_udp", b"\x16universal-connectivity", b"\x09_services\x07_dns-sd")
"""One of these is in every packet that concerns us: a name is compressed only where it is said again."""

_HEADER: Final = struct.Struct("!4x4H")
"""How many questions and records of each section there are."""

_A: Final = 1
_PTR: Final = 12
_TXT: Final = 16
_AAAA: Final = 28
_SRV: Final = 33
_IN: Final = 1
_OURS_ALONE: Final = 0x8000
"""Set in the class of a record: forget what you knew of it. In a question: answer me alone."""

_QUERY: Final = 0
_RESPONSE: Final = 0x8400
_PLAIN_TTL: Final = 10
"""For who speaks plain DNS to the group and keeps to no rule of mDNS (RFC 6762, 6.7)."""

NAME_CHARS: Final = 32
"""Of our instance names, which are random; the specification wants 32 to 63."""


@final
@dataclass(frozen=True, slots=True)
class Packet:
    """What concerns us in one packet. `asked` are services that its sender wants to know of."""

    asked: frozenset[str] = frozenset()
    asked_alone: frozenset[str] = frozenset()
    """Those of them that are to be answered to the sender alone."""

    wants_services: bool = False
    """It asks which services there are."""

    found: dict[str, list[DialAddress]] = field(default_factory=dict)
    """Peers, and where they are."""

    gone: frozenset[str] = frozenset()
    """Peers that say goodbye."""

    is_open: bool = False
    """It is a question in which no answers are named that are not wanted, so that everybody answers."""

    query: DNSIncoming | None = None
    """The question itself."""


def concerns_us(data: bytes) -> bool:
    """Say whether one of our services is named in a packet. Costs little, for most of a network's talk is not ours."""
    data = data.lower()
    return any(label in data for label in _LABELS)


def question(service: str) -> bytes:
    """Return the packet that asks who offers a service."""
    out = DNSOutgoing(_QUERY)
    out.add_question(DNSQuestion(service, _PTR, _IN))
    return out.packets()[0]


def peers_in(data: bytes, zone: str) -> set[str]:
    """Return the IDs of the peers that a packet tells of; none for one that cannot be read."""
    message = _parsed(data)
    return set(_told(message, zone).found) if message is not None and message.is_response() else set()


@final
class Records:
    """What we say of ourselves on one interface: the places that `told_on` gives, and one port where one is wanted."""

    def __init__(self, peer_id: str, port: int, places: Sequence[tuple[IP, str]]) -> None:
        self.peer_id = peer_id
        name = "".join(random.choices(string.ascii_lowercase + string.digits, k=NAME_CHARS))
        self._host = f"{name}.local."
        self._instances = {service: f"{name}.{service}" for service in SERVICES}
        self._text = write_text(places, peer_id)
        self._port = port
        self._ips = tuple(dict.fromkeys(ip for ip, _ in places))
        self._about = {
            **{service: service for service in SERVICES},
            **{instance: service for service, instance in self._instances.items()},
            self._host: SERVICES[0],
        }

    def answer(self, service: str, *, ttl: int = limits.MDNS_TTL, plain: DNSIncoming | None = None) -> bytes:
        """Return the packet that tells where we are; with a `ttl` (seconds) of 0, that we go.

        `plain` is a question of plain DNS, from another port than that of mDNS, whose sender wants it repeated.
        """
        out = DNSOutgoing(_RESPONSE)
        if plain is not None:
            ttl = min(ttl, _PLAIN_TTL)
            out = DNSOutgoing(_RESPONSE, multicast=False, id_=plain.id)
            out.add_question(next(one for one in plain.questions if self._about.get(one.key) == service))
        instance = self._instances[service]
        out.add_answer_at_time(DNSPointer(service, _PTR, _IN, ttl, instance), 0)
        ours = _IN | _OURS_ALONE
        out.add_additional_answer(DNSService(instance, _SRV, ours, ttl, 0, 0, self._port, self._host))
        out.add_additional_answer(DNSText(instance, _TXT, ours, ttl, self._text))
        for ip in self._ips:
            out.add_additional_answer(DNSAddress(self._host, _A if ip.version == 4 else _AAAA, ours, ttl, ip.packed))
        return out.packets()[0]

    def services(self) -> bytes:
        """Return the packet that tells which service there is."""
        out = DNSOutgoing(_RESPONSE)
        out.add_answer_at_time(DNSPointer(EVERY_SERVICE, _PTR, _IN, limits.MDNS_TTL, SERVICES[0]), 0)
        return out.packets()[0]

    def read(self, data: bytes, zone: str) -> Packet | None:
        """Return what is in a packet, or None when it cannot be read. `zone` is that of its interface."""
        message = _parsed(data)
        if message is None:
            return None
        return self._asked(message) if message.is_query() else _told(message, zone)

    def _asked(self, message: DNSIncoming) -> Packet:
        asked = {service: one for one in message.questions if (service := self._about.get(one.key))}
        # Who says that he knows us needs no answer, unless he is about to forget (RFC 6762, 7.1).
        known_answers = message.answers()
        for record in known_answers:
            if isinstance(record, DNSPointer) and 2 * record.ttl >= limits.MDNS_TTL:
                known = self._about.get(record.alias.lower())
                if known == record.key:
                    asked.pop(known, None)
        return Packet(
            asked=frozenset(asked),
            asked_alone=frozenset(service for service, one in asked.items() if one.unicast),
            wants_services=any(one.key == EVERY_SERVICE for one in message.questions),
            is_open=not known_answers,
            query=message,
        )


def _parsed(data: bytes) -> DNSIncoming | None:
    """Return a packet's records; None when it cannot be read, or says that it has more than anybody needs."""
    if len(data) < _HEADER.size or sum(_HEADER.unpack_from(data)) > limits.MDNS_RECORDS:
        return None
    message = DNSIncoming(data)
    return message if message.valid else None


def _told(message: DNSIncoming, zone: str) -> Packet:
    records = message.answers()
    # Rust's instances are not named after the service; the PTR says which are meant.
    instances = {
        record.alias.lower() for record in records if isinstance(record, DNSPointer) and record.key in SERVICES
    }
    texts = [
        record
        for record in records
        if isinstance(record, DNSText) and (record.key in instances or record.key.endswith(SERVICES))
    ]
    return Packet(
        found=read_text((record.text for record in texts if record.ttl), zone),
        gone=frozenset(read_text((record.text for record in texts if not record.ttl), zone)),
    )
