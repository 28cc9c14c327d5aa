"""How we are reached from outside: found out, told, and helped.

Connected peers on the Internet are asked to dial us back (AutoNAT), each at the address where it sees us; what they
say is weighed in `py_peer.core.reachability`. A router that can be asked forwards our port (UPnP), and a place at a
relay is kept while nobody reaches us otherwise. What comes of it is told to others (`Node.set_outside`), and to the
user.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final, final

import trio
from google.protobuf.message import DecodeError

from py_peer.chatroom import _log_system_message
from py_peer.core import limits
from py_peer.core.addresses import TCP, WSS, leads_through_relay, parse_dial_address, without_peer_id
from py_peer.core.events import Notice, ReachabilityChanged
from py_peer.core.hearsay import is_name
from py_peer.core.ranges import Kind, kind_of, range_of
from py_peer.core.reachability import SOMEWHERE, Status, Votes
from py_peer.net.autonat import AUTONAT, DialBack, ask
from py_peer.net.autonat2 import DIAL_BACK, DIAL_REQUEST, Asker, Server
from py_peer.net.connections import remote_ip
from py_peer.net.dial_back import Turns
from py_peer.net.multiaddrs import dialable
from py_peer.net.streams import StreamFaultError
from py_peer.net.upnp import Upnp
from py_peer.service.reservations import Reservations

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.abc import INetStream
    from libp2p.custom_types import StreamHandlerFn, TProtocol
    from libp2p.peer.id import ID

    from py_peer.core.addresses import DialAddress
    from py_peer.core.events import Event
    from py_peer.core.settings import Transports
    from py_peer.net.connections import PeerRecord
    from py_peer.net.node import Node

log = logging.getLogger(__name__)

_SOURCE: Final = "reachability"

_ASKED: Final = frozenset({AUTONAT, DIAL_REQUEST})

_HANGS_UP: Final = "js-libp2p"
"""Asked to dial back, js-libp2p (@libp2p/autonat 2.0.38) takes the connection that there is, and closes it after that.
Pinned by tests/sisters/test_autonat.py."""


@final
class Reachability:
    """Finds out how we are reached, and does what helps."""

    def __init__(self, transports: Transports, emit: Callable[[Event], None]) -> None:
        self._transports = transports
        self._emit = emit
        self._votes = Votes()
        self._asked: dict[str, float] = {}
        self._hung_up: dict[ID, None] = {}
        """Who has gone when he was asked, and would again."""

        self._under_way = 0
        self._node: Node | None = None
        self._since = 0.0
        self._forwarded: tuple[str, ...] = ()
        self._is_announced = any(_is_for_outside(parse_dial_address(text)) for text in transports.told)
        self._stirred = trio.Event()
        self._reservations = Reservations(transports.relays, self._look, lambda text: emit(Notice(text)))
        self._asker = Asker()
        self._turns = Turns()
        self.streams: dict[TProtocol, StreamHandlerFn] = {
            AUTONAT: self._dial_back,
            DIAL_REQUEST: self._dial_back,
            DIAL_BACK: self._asker.handle,
        }
        """The handlers of what we do for others."""

        self.now = ReachabilityChanged(Status.UNKNOWN.value)
        """What is believed, as it was told last."""

        self.on_reached: Callable[[], None] = lambda: None
        """Called when others reach us, or should."""

    async def run(self, node: Node) -> None:
        """Ask, and do what helps. Runs until cancelled."""
        self._node = node
        self._since = trio.current_time()
        async with trio.open_nursery() as nursery:
            if self._transports.upnp and not self._transports.loopback:
                nursery.start_soon(self._have_forwarded, node)
            nursery.start_soon(self._reservations.run, node)
            nursery.start_soon(self._follow, node)
            while True:
                stirred = self._stirred
                self._look()
                for record, voice in islice(self._whom(node), limits.NAT_ASKED - self._under_way):
                    self._under_way += 1
                    self._note_asked(voice)
                    nursery.start_soon(self._ask, node, record, voice)
                with trio.move_on_after(limits.NAT_LOOK_INTERVAL):
                    await stirred.wait()

    # --- What is noticed --------------------------------------------------------------------------

    def moved(self, peer_id: ID) -> None:
        """Take note that a peer has come or gone: who comes from outside, uncalled, has reached us."""
        record = self._node.peers.records.get(peer_id) if self._node else None
        if record is not None and record.inbound and (voice := _voice(record)):
            self._votes.take(voice, SOMEWHERE, trio.current_time())
            self._look()

    def identified(self, record: PeerRecord) -> None:
        """Take note of what a peer says it is: it may be asked, or be a relay."""
        if _ASKED.intersection(record.protocols):
            self._stir()
        self._reservations.stir()

    def _note_forwarded(self, addresses: tuple[str, ...]) -> None:
        """Take note of where a router forwards to us: what was said of us before is to be asked again."""
        self._forwarded = addresses
        self._begin_anew()

    async def _have_forwarded(self, node: Node) -> None:
        with node.counters.catching("having ports forwarded"):
            await Upnp(node.bound, self._note_forwarded).run(node.interfaces)

    async def _follow(self, node: Node) -> None:
        while True:
            await node.interfaces.changed.wait()
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._votes.clear()
        self._asked.clear()
        self._since = trio.current_time()
        self._stir()

    def _stir(self) -> None:
        stirred, self._stirred = self._stirred, trio.Event()
        stirred.set()

    # --- Asking -----------------------------------------------------------------------------------

    def _whom(self, node: Node) -> list[tuple[PeerRecord, str]]:
        """Return who is to be asked now, one of each range; nobody when enough have answered."""
        now = trio.current_time()
        voices = {voice: record for record in node.peers.records.values() if (voice := _voice(record))}
        verdict = self._votes.verdict(now, patient=False)
        answered = sum(self._votes.age(voice, now) < limits.NAT_ASK_AGAIN for voice in voices)
        if verdict.status is not Status.UNKNOWN and answered >= limits.NAT_CONFIDENCE:
            return []
        return [
            (record, voice)
            for voice, record in voices.items()
            if _ASKED.intersection(record.protocols)
            and _HANGS_UP not in record.agent_version
            and record.peer_id not in self._hung_up
            and self._votes.age(voice, now) >= limits.NAT_ASK_AGAIN
            and now - self._asked.get(voice, -limits.NAT_RETRY) >= limits.NAT_RETRY
        ]

    def _note_asked(self, voice: str) -> None:
        self._asked.pop(voice, None)
        self._asked[voice] = trio.current_time()
        if len(self._asked) > limits.NAT_VOTES:
            del self._asked[next(iter(self._asked))]

    async def _ask(self, node: Node, record: PeerRecord, voice: str) -> None:
        """Ask one peer. Whatever it answers costs it nothing and us no more than time."""
        try:
            with node.counters.catching(f"asking {record.peer_id} to dial us back"):
                if addresses := self._candidates(node, record):
                    await self._ask_about(node, record, voice, addresses)
        finally:
            self._under_way -= 1
            self._stir()

    async def _ask_about(self, node: Node, record: PeerRecord, voice: str, addresses: list[str]) -> None:
        since = self._since
        asking = self._asker.ask if DIAL_REQUEST in record.protocols else ask
        try:
            reached = await asking(node.host, record.peer_id, addresses)
        except (StreamFaultError, DecodeError) as error:
            log.debug("%s does not say whether it reaches us: %r", record.peer_id, error)
            node.counters["asked to dial us back: no answer"] += 1
            if node.peers.records.get(record.peer_id) is not record:
                self._hung_up[record.peer_id] = None
                if len(self._hung_up) > limits.NAT_VOTES:
                    del self._hung_up[next(iter(self._hung_up))]
        else:
            node.counters[f"asked to dial us back: {'not reached' if reached is None else 'reached'}"] += 1
            if since == self._since:  # else we are elsewhere by now
                known = reached is None or reached in addresses
                self._votes.take(voice, reached if known else SOMEWHERE, trio.current_time())

    def _candidates(self, node: Node, record: PeerRecord) -> list[str]:
        """Return where a peer may reach us: where we are told to be, and our ports at the address that it sees.

        What it sees is its word. But it dials no other address than that, and it is told to nobody else before others
        have reached us there.
        """
        told = [parse_dial_address(text) for text in (*self._forwarded, *node.addresses)]
        own = [one for one in told if one.via is None and not is_name(one) and kind_of(one.host) is Kind.PUBLIC]
        found = [without_peer_id(one.text) for one in own]
        for seen in dialable([record.observed], node.host.get_id().to_bytes(), 1):
            if seen.via is None and not is_name(seen) and kind_of(seen.host) is Kind.PUBLIC:
                plain = (one for one in node.bound if one.transport != WSS)  # a certificate is for no IP address
                there = [one for one in plain if one.is_ip6 == (seen.kind == "ip6")]
                found += [replace(one, host=seen.host).text for one in there]
        found.sort(key=lambda text: f"/{TCP}/" not in text)  # many dial nothing else
        return list(dict.fromkeys(found))[: limits.NAT_ADDRESSES]

    async def _dial_back(self, stream: INetStream) -> None:
        if self._node is not None:
            kind = DialBack if stream.get_protocol() == AUTONAT else Server
            await kind(self._node, self._turns).handle(stream)

    # --- What is believed -------------------------------------------------------------------------

    def _look(self) -> None:
        """Work out how we are reached; tell it when it is new, and get a place at a relay when it is needed."""
        node, now = self._node, trio.current_time()
        if node is None:
            return
        is_late = now - self._since >= limits.NAT_PATIENCE
        verdict = self._votes.verdict(now, patient=is_late)
        status, direct = verdict.status, (*self._forwarded, *verdict.addresses)
        if status is Status.UNKNOWN and self._forwarded:
            status = Status.PUBLIC
        elif status is Status.UNKNOWN and self._is_announced:
            status = Status.ANNOUNCED
        if status is not Status.PUBLIC:
            direct = ()
        is_needed = status is Status.PRIVATE or (is_late and not self._votes.is_reached(now))
        is_open = status in (Status.PUBLIC, Status.ANNOUNCED)
        if is_open:
            self.on_reached()
        relays = self._reservations
        relays.want(wanted=not is_open and (is_needed or relays.has_named))
        if relays.relay and not is_open:
            status = Status.RELAYED
        outside = tuple(f"{one}/p2p/{node.peer_id}" for one in dict.fromkeys(direct)) + relays.addresses
        node.set_outside(_SOURCE, outside)
        self._tell(ReachabilityChanged(status.value, outside, relays.relay if status is Status.RELAYED else ""))

    def _tell(self, new: ReachabilityChanged) -> None:
        new = replace(new, previous=self.now.previous)
        if new != self.now:
            self.now = new = replace(new, previous=self.now.status)
            _log_system_message(f"Reached from outside: {new.status} {', '.join(new.addresses)}".rstrip())
            self._emit(new)


def _is_for_outside(address: DialAddress) -> bool:
    """Say whether an address may lead here from the Internet with no relay: it has a name, or a public IP address."""
    return address.via is None and (is_name(address) or kind_of(address.host) is Kind.PUBLIC)


def _voice(record: PeerRecord) -> str:
    """Return the range on the Internet from which a peer speaks with us; "" when it is not there, or behind a relay."""
    ip = "" if leads_through_relay(record.address) else remote_ip(record.address)
    return range_of(ip) if ip and kind_of(ip) is Kind.PUBLIC else ""
