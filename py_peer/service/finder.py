"""The one who dials: all that is found comes here, is weighed in the address book, and is dialled or not."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast, final

import trio
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.address_book import AddressBook, Dial
from py_peer.core.addresses import parse_dial_address, short_id, transport_rank
from py_peer.core.cleaning import clean_line
from py_peer.core.events import DiscoveryReport, Notice, PeerFound
from py_peer.core.findings import Finding, Source
from py_peer.core.rates import TokenBucket
from py_peer.core.speakers import Name
from py_peer.net.connections import remote_ip
from py_peer.net.dial import DialError, NotNowError, SomebodyElseError
from py_peer.net.multiaddrs import dialable
from py_peer.net.racing import race

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from py_peer.core.addresses import DialAddress
    from py_peer.core.events import Event, KnownPeer
    from py_peer.core.requests import RequestDiscovery
    from py_peer.net.connections import PeerRecord
    from py_peer.net.node import Node

_as_id = lru_cache(maxsize=limits.BOOK_PEERS)(ID.from_string)
"""Each time 0.1 ms, and a report wants it of everybody."""

LOOK_PAUSE: Final = 0.1
"""Between two looks at who is due, in seconds: a flood of findings makes nobody busy with looking."""

DIES_OF_QUIC: Final = "universal-connectivity/go-peer"
"""Its quic-go (0.55.0) panics at any QUIC connection that comes in. Not remembered from one run to the next, which
begins with the addresses where the peer was reached."""

FIRST_MOMENT: Final = 1.0
"""Seconds of a run in which it is not yet said that nobody has told where a peer is: files are still being read."""


@final
class Finder:
    """Keeps the address book, and dials from it while it runs."""

    def __init__(self, peer_id: str, emit: Callable[[Event], None]) -> None:
        """`peer_id` is our own."""
        self._emit = emit
        self._book = AddressBook(peer_id, self._refusal)
        self._changed = trio.Event()
        self._began = -math.inf
        self._under_way = 0
        self._lookups = trio.CapacityLimiter(limits.FOUND_DIALS)
        self._pace = TokenBucket(limits.FINDINGS_TOLD_RATE, limits.FINDINGS_TOLD_BURST)
        self._untold = 0
        self.node: Node | None = None
        """The node, when it is up."""

        self.called: Callable[[str], Name] = lambda peer_id: Name(short_id(peer_id))
        """Returns what a peer is called."""

        self.dialling: Callable[[], tuple[str, ...]] = tuple
        """Returns the addresses that the user named, and where nobody is."""

        self.ways: list[Callable[[], str]] = []
        """Of each way of finding that is in use, what says what it has come to: "mDNS: on eth0, 3 peers"."""

    # --- What is told -----------------------------------------------------------------------------

    def found(self, finding: Finding) -> None:
        """Take note of a finding; it does not block, and anything may be in it."""
        now = trio.current_time()
        is_news = self._book.take(finding, now)
        self._stir()
        if not is_news:
            return
        is_told = self._pace.take(now)
        if self.node is not None:
            self.node.counters[f"peers found: {'told' if is_told else 'not told'}"] += 1
        self._untold += not is_told
        if is_told:
            addresses = tuple(one.text for one in finding.addresses[: limits.BOOK_ADDRESSES])
            self._emit(PeerFound(finding.peer_id, finding.source.value, addresses))

    def left(self, peer_id: str) -> None:
        """Take note that a peer says goodbye."""
        self._book.left(peer_id, trio.current_time())

    def moved(self, peer_id: ID) -> None:
        """Take note that a peer has come or gone."""
        if self.node is not None:
            change = self._book.came if peer_id in self.node.peers.records else self._book.went
            change(str(peer_id), trio.current_time())
            self._stir()

    def identified(self, record: PeerRecord) -> None:
        """Take note of what a peer says it is, and where."""
        peer_id = str(record.peer_id)
        addresses = dialable(record.listen, record.peer_id.to_bytes(), limits.BOOK_ADDRESSES)
        finding = Finding(peer_id, addresses, Source.ITSELF, peer_id, remote_ip(record.address))
        self._book.take_of_itself(finding, trio.current_time())
        if record.agent_version.startswith(DIES_OF_QUIC):
            self._book.dies_of_quic(peer_id)

    def look_around(self) -> None:
        """Take note of where we are now, and at which addresses."""
        if self.node is not None:
            own = [parse_dial_address(text) for text in self.node.addresses]
            there = self.node.interfaces.now
            networks = [address.network for one in there if one.up for address in one.addresses]
            ips = [str(address.ip) for one in there for address in one.addresses]
            self._book.look_around(own, networks, ips)
            self._stir()

    def wake(self) -> None:
        """Try those again who were there: time has passed without us, or we are elsewhere."""
        self._book.wake(trio.current_time())
        self._stir()

    def stop_naming(self, addresses: Iterable[str]) -> None:
        """Take note that the user names addresses no more."""
        for text in addresses:
            self._book.stop_naming(parse_dial_address(text))

    # --- Dialling ---------------------------------------------------------------------------------

    async def dial(self, address: DialAddress, *, forgive: bool = False) -> ID:
        """Dial an address that the user named, and note it in the book. Raises DialError. As `Node.dial`.

        While it is slow, and when it fails, the peer that is to be there is dialled where else it is said to be.
        """
        if address.peer_id is None:
            peer_id = await self._dial(self._begun(address), limits.DIAL_TIMEOUT, forgive=forgive)
            self._named(str(peer_id), address)
            self._book.begun(str(peer_id), address, trio.current_time())
            self._book.ended(str(peer_id), address, trio.current_time())
            return peer_id
        self._named(address.peer_id, address)
        self._begun(address)
        failure = DialError("")

        async def go(way: DialAddress) -> ID:
            nonlocal failure
            if way is not address:
                return await self._dial(way)
            try:
                return await self._dial(way, limits.DIAL_TIMEOUT, forgive=forgive)
            except DialError as error:
                failure = error
                raise

        try:
            return await race(self._ways(Dial(address.peer_id, address)), go)
        except DialError:
            raise failure from None

    async def reach(self, finding: Finding) -> ID:
        """Dial, now, a peer that a lookup has to ask. Raises DialError, also when a rule forbids it.

        It raises NotNowError where an address was left untried that may be dialled later: the peer may well be there.
        The rules are those for whatever else a stranger tells; the peer is not put into the book, nor dialled again.
        """
        node = cast("Node", self.node)
        peer_id = ID.from_string(finding.peer_id)
        if peer_id in node.peers.records:
            return peer_id
        if not finding.addresses:
            msg = "nobody has told where it is"
            raise DialError(msg)

        async def ask(address: DialAddress) -> ID:
            objection, passes = self._book.for_lookup(finding, address, trio.current_time())
            if objection:
                raise (NotNowError if passes else DialError)(objection)
            address = replace(address, peer_id=finding.peer_id)
            try:
                reached = await node.dial(address, timeout=limits.FOUND_DIAL_TIMEOUT)
            except SomebodyElseError:
                self._book.answered(finding.peer_id, address, wrong=True)
                raise
            self._book.answered(finding.peer_id, address)
            return reached

        async with self._lookups:
            ways = sorted(finding.addresses[: limits.BOOK_ADDRESSES], key=transport_rank)
            await race(ways, ask, limits.NEXT_WAY_OF_LOOKUP)
        self._book.asked(finding.peer_id)
        return peer_id

    async def call(self, peer_id: str) -> ID:
        """Dial, now, a peer that the user asks for, where it is said to be. Raises DialError."""
        ways, reason = self._book.ways_to(peer_id, trio.current_time())
        while self._book.found_by(peer_id) is None and (left := self._began + FIRST_MOMENT - trio.current_time()) > 0:
            with trio.move_on_after(left):
                await self._changed.wait()
            ways, reason = self._book.ways_to(peer_id, trio.current_time())
        if not ways:
            raise DialError(reason)
        return await race(map(self._begun, ways), self._dial)

    async def run(self, node: Node) -> None:
        """Dial who is found, until cancelled."""
        self.node = node
        self._began = trio.current_time()
        for peer_id in node.peers.records:
            self._book.came(str(peer_id), trio.current_time())
        self.look_around()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._sum_up)
            while True:
                changed = self._changed
                dial, wait = self._book.next(trio.current_time(), self._under_way)
                if dial is not None:
                    self._begun(dial.address)
                    self._under_way += 1
                    nursery.start_soon(self._try, dial)
                    continue
                with trio.move_on_after(wait):
                    await changed.wait()
                await trio.sleep(LOOK_PAUSE)

    async def _sum_up(self) -> None:
        """Say how many were found whom nobody was told of, so that a flood costs a line now and then."""
        while True:
            await trio.sleep(limits.FINDINGS_SUMMED_SECONDS)
            if self._untold:
                were = "peers were" if self._untold > 1 else "peer was"
                self._emit(Notice(f"{self._untold} more {were} found; /discover lists who is known"))
                self._untold = 0

    async def _try(self, dial: Dial) -> None:
        cast("Node", self.node).counters["dials of found peers"] += 1
        try:
            await race(self._ways(dial), self._dial)
        except DialError:
            pass  # noted in the book
        finally:
            self._under_way -= 1
            self._stir()

    def _ways(self, dial: Dial) -> Iterator[DialAddress]:
        """Go through the addresses of a peer, each of which is noted as begun when it is its turn, like the first."""
        begun = [dial.address]
        yield dial.address
        while address := self._book.another_way(dial.peer_id, begun, trio.current_time()):
            cast("Node", self.node).counters["dials of found peers"] += 1
            begun.append(address)
            yield self._begun(address)

    def _begun(self, address: DialAddress) -> DialAddress:
        """Note that an address is being dialled; `_dial` must follow, without a pause."""
        self._book.begun(address.peer_id or "", address, trio.current_time())
        return address

    async def _dial(
        self,
        address: DialAddress,
        timeout: float = limits.FOUND_DIAL_TIMEOUT,  # noqa: ASYNC109
        *,
        forgive: bool = False,
    ) -> ID:
        """Dial an address that the book knows to be dialled, and note how it ended. Raises DialError."""
        node = cast("Node", self.node)
        here = address.peer_id is not None and _as_id(address.peer_id) in node.peers.records
        cause, wrong = None, False
        try:
            peer_id = await node.dial(address, forgive=forgive, timeout=timeout)
            cause = None if here else ""  # then nobody was dialled
        except DialError as error:
            cause, wrong = clean_line(str(error), limits.MAX_ERROR_CHARS), isinstance(error, SomebodyElseError)
            raise
        finally:
            if cause is None:
                self._book.given_up(address.peer_id or "", address)
            else:
                self._book.ended(address.peer_id or "", address, trio.current_time(), cause, wrong=wrong)
        return peer_id

    def _named(self, peer_id: str | None, address: DialAddress) -> None:
        if peer_id is not None:
            self._book.take(Finding(peer_id, (address,), Source.NAMED), trio.current_time())

    def _refusal(self, peer_id: str) -> str:
        return self.node.bans.refusal(_as_id(peer_id)) if self.node is not None else ""

    def _stir(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    # --- What is known ----------------------------------------------------------------------------

    def found_by(self, peer_id: str) -> str:
        """Return how we came to know a peer, as in PeerFound; "" for one of whom nobody told."""
        source = self._book.found_by(peer_id)
        return source.value if source else ""

    def report(self, request: RequestDiscovery) -> None:
        """Tell what is known, and why it was not dialled."""
        ways = tuple(way() for way in self.ways)
        peers = tuple(map(self._where_it_is, self._book.known(trio.current_time(), self.called)))
        refused, forgotten = dict(self._book.refused), self._book.forgotten
        self._emit(DiscoveryReport(request.ticket, ways, peers, refused, forgotten, self.dialling()))

    def _where_it_is(self, peer: KnownPeer) -> KnownPeer:
        """Put the address under which a peer is connected first; who came to us has one of that host's."""
        record = self.node.peers.records.get(_as_id(peer.peer_id)) if self.node is not None else None
        if record is None:
            return peer
        host = re.split("/(?:tcp|udp)/", record.address)[0] + "/"
        return replace(peer, addresses=tuple(sorted(peer.addresses, key=lambda text: not text.startswith(host))))
