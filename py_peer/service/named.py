"""Peers that the user named: dialled until they are reached, and again whenever they have gone.

What is kept is an entry for each peer, not for each address. Addresses with the same peer ID are alternatives of one
entry; one without an ID is an entry of its own until somebody has answered there, and joins that peer's entry then.
The first dials begin at once and side by side, so that a start is fast. All that are tried again share one pace.
"""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, cast, final

import trio
from libp2p.peer.id import ID

from py_peer.chatroom import _log_system_message
from py_peer.core import limits
from py_peer.core.addresses import DNSADDR, parse_named_address, transport_rank
from py_peer.core.cleaning import clean_line
from py_peer.core.events import DialFailed
from py_peer.core.rates import TokenBucket
from py_peer.net.dial import DialError
from py_peer.net.pace import keep_pace
from py_peer.net.racing import race

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from py_peer.core.addresses import DialAddress
    from py_peer.core.events import Event
    from py_peer.net.node import Node

PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between tries, more or less; the last one repeats. Who was there and is back is dialled within half a minute,
unless so many have gone that the pace holds them back."""

JITTER: Final = 0.2
"""More or less by so much of a pause, so that the many who have lost one peer do not all come back at once."""

MAX_CAUSES: Final = 8
"""Causes of failure that are told of one address until somebody answers there."""


@final
class Pace:
    """When a dial may be tried again, over all peers."""

    def __init__(self) -> None:
        self._bucket = TokenBucket(limits.DIALS_PER_SECOND, 1)
        self._turn = trio.Lock()
        self._strangers = trio.Lock()

    async def wait(self, *, stranger: bool) -> None:
        """Wait for a turn; who came first goes first, but of the strangers there is only one in the line at a time.

        Else many addresses where nobody ever was would keep one who is back waiting for a minute.
        """
        if stranger:
            async with self._strangers:
                await self._wait()
        else:
            await self._wait()

    async def _wait(self) -> None:
        async with self._turn:
            await keep_pace(self._bucket)


@final
class _Entry:
    """One peer, with the addresses under which it may be."""

    def __init__(self, address: DialAddress, peer_id: ID | None = None) -> None:
        self.addresses = {address.text: address}
        self.peer_id = peer_id if address.peer_id is None else ID.from_string(address.peer_id)
        """Who it is; None until somebody has answered, if the user did not say."""

        self.forgives = False
        """Whether the user has just asked for it, so that it is dialled though it was refused before."""

        self.was_there = False
        """Whether it has been connected."""

        self.absent_since: float | None = None
        self.stirred = trio.Event()
        self.reached_at = ""
        """The address where somebody has answered last."""

        self.turn = trio.Lock()
        """Held by the one of its addresses that waits for its turn, so that they go in order."""

        self.in_line = trio.CancelScope()
        """Of the strangers' line, which one leaves who is none any more."""

        self.scope = trio.CancelScope()

    @property
    def is_stranger(self) -> bool:
        """Whether nobody was ever there, nor has the user just asked for it."""
        return not (self.was_there or self.forgives)

    @property
    def is_pinned(self) -> bool:
        """Whether the user said which peer it is."""
        return any(address.peer_id for address in self.addresses.values())

    def best_first(self) -> list[DialAddress]:
        """Return the addresses as they are to be dialled."""
        return sorted(self.addresses.values(), key=lambda one: (one.text != self.reached_at, transport_rank(one)))

    def stir(self) -> None:
        """End whatever is waited for: something has changed."""
        self.stirred.set()
        self.stirred = trio.Event()
        if not self.is_stranger:
            self.in_line.cancel()


@final
class Named:
    """Dials the peers of a list, side by side."""

    def __init__(
        self,
        addresses: Iterable[str],
        emit: Callable[[Event], None],
        pace: Pace,
        dial: Callable[..., Awaitable[ID]],
        *,
        keep: bool = False,
    ) -> None:
        """`dial` is as `py_peer.service.finder.Finder.dial`.

        With `keep` a peer that goes away, or was not reached in time, is dialled again and again.
        """
        self._emit = emit
        self._pace = pace
        self._dial_once = dial
        self._keep = keep
        self._entries: list[_Entry] = []
        self._told: dict[str, set[str]] = {}
        self._node: Node | None = None
        self._nursery: trio.Nursery | None = None
        self._reached = 0
        self.on_reached: Callable[[ID], Awaitable[None]] | None = None
        self.addresses = tuple(dict.fromkeys(addresses))
        """What was named at the start."""

        self._begin()

    def _begin(self) -> None:
        for text in self.addresses:
            if reason := self.add(parse_named_address(text)):
                self._tell(text, reason)

    # --- What the user says -----------------------------------------------------------------------

    def add(self, address: DialAddress, *, forgive: bool = False) -> str:
        """Dial an address from now on, at once; return why not, or "". With `forgive` whoever answers is taken."""
        known = next((entry for entry in self._entries if address.text in entry.addresses), None)
        if known is None and sum(len(entry.addresses) for entry in self._entries) >= limits.MAX_NAMED_ADDRESSES:
            full = f"{limits.MAX_NAMED_ADDRESSES} addresses are dialled already"
            return f"{full}; /status names some, and /disconnect ADDR makes room"
        if known is None and address.peer_id:
            known = self._entry_of(ID.from_string(address.peer_id))
        entry = known or _Entry(address)
        entry.addresses[address.text] = address
        entry.forgives = forgive
        self._told.pop(address.text, None)
        if known is None:
            self._start(entry)
        else:
            entry.stir()
        return ""

    def names(self, peer_id: ID) -> bool:
        """Return whether a peer is one that the user named, or is at an address that he named."""
        return self._entry_of(peer_id) is not None

    def drop(self, peer_id: ID) -> None:
        """Dial a peer no more."""
        if entry := self._entry_of(peer_id):
            entry.scope.cancel()
            self._end(entry)

    def holder(self, address: DialAddress) -> ID | None:
        """Return the peer that is known to be at an address of the list, or is said to be there."""
        entries = [entry for entry in self._entries if _held(entry, address)]
        return entries[0].peer_id if entries else None

    def forget(self, address: DialAddress) -> list[str]:
        """Dial an address no more, with a peer ID or without; return what was dialled."""
        forgotten: list[str] = []
        for entry in list(self._entries):
            for text in _held(entry, address):
                del entry.addresses[text]
                self._told.pop(text, None)
                forgotten.append(text)
            if not entry.addresses:
                entry.scope.cancel()
                self._end(entry)
        return forgotten

    def dialling(self) -> tuple[str, ...]:
        """Return the addresses where nobody is yet, or any more."""
        away = (entry for entry in self._entries if not self._is_there(entry))
        return tuple(clean_line(text, limits.MAX_ERROR_CHARS) for entry in away for text in entry.addresses)

    # --- What happens -----------------------------------------------------------------------------

    def is_dialling(self) -> bool:
        """Return whether a named peer is worth waiting for: gone, or not reached yet, and not for long.

        The time before the first try is included.
        """
        return any(
            entry.absent_since is None or trio.current_time() - entry.absent_since < limits.NAMED_PEER_WAIT
            for entry in self._entries
            if not self._is_there(entry)
        )

    def moved(self, peer_id: ID) -> None:
        """Take note that a peer has come or gone."""
        if entry := self._entry_of(peer_id):
            entry.was_there |= self._is_there(entry)
            entry.stir()

    def wake(self) -> None:
        """Try whoever is not there again now: time has passed without us."""
        for entry in self._entries:
            entry.stir()

    async def run(self, node: Node) -> int:
        """Dial until every peer has been reached or given up; return how many were reached. With `keep`, for ever.

        It may be run again, and begins with the peers of the start then.
        """
        if self._node is not None:
            self._begin()
        self._node = node
        self._reached = 0
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            for entry in self._entries:
                nursery.start_soon(self._attend, entry)
            if self._keep:
                await trio.sleep_forever()
        self._nursery = None
        return self._reached

    # --- One peer ---------------------------------------------------------------------------------

    async def _attend(self, entry: _Entry) -> None:
        with entry.scope:
            peer_id = await self._reach(entry, first=True)
            if peer_id is not None:
                self._reached += 1
                if self.on_reached is not None:
                    await self.on_reached(peer_id)
            while self._keep and entry in self._entries:
                while self._is_there(entry):
                    entry.was_there = True
                    await entry.stirred.wait()
                await self._reach(entry)
        self._end(entry)

    async def _reach(self, entry: _Entry, *, first: bool = False) -> ID | None:
        """Dial the addresses of one peer until one answers; without `keep`, not for ever."""
        entry.absent_since = trio.current_time()
        tries = 0
        while True:
            with suppress(DialError):
                return await race(entry.best_first(), partial(self._try, entry, first=first))
            first = False
            pause = PAUSES[min(tries, len(PAUSES) - 1)] * random.uniform(1 - JITTER, 1 + JITTER)
            if not self._keep and trio.current_time() + pause > entry.absent_since + limits.NAMED_PEER_WAIT:
                return None
            tries += 1
            with trio.move_on_after(pause):
                await entry.stirred.wait()
                tries = 0

    async def _try(self, entry: _Entry, address: DialAddress, *, first: bool) -> ID | None:
        """Dial one address of a peer in its turn; return who is there, also when it has come meanwhile."""
        if not first:
            async with entry.turn:
                await self._wait_for_turn(entry)
        if self._is_there(entry):
            return entry.peer_id
        if address.text not in entry.addresses:
            msg = "forgotten while it waited"
            raise DialError(msg)
        peer_id = await self._dial(entry, address)
        if not self._settle(entry, address, peer_id):
            msg = "another peer is there"
            raise DialError(msg)
        return peer_id

    async def _wait_for_turn(self, entry: _Entry) -> None:
        if entry.is_stranger:
            with trio.CancelScope() as entry.in_line:
                await self._pace.wait(stranger=True)
                return
        await self._pace.wait(stranger=False)

    async def _dial(self, entry: _Entry, address: DialAddress) -> ID:
        """Dial one address; each new cause of failure is told once. Raises DialError."""
        node = cast("Node", self._node)
        try:
            if not entry.forgives and entry.peer_id is not None and (reason := node.bans.refusal(entry.peer_id)):
                raise DialError(reason)  # noqa: TRY301 - one way to fail, wherever it is noticed
            peer_id = await self._dial_alternatives(entry, address)
        except DialError as error:
            self._tell(address.text, str(error))
            raise
        entry.forgives = False
        entry.reached_at = address.text
        self._told.pop(address.text, None)
        return peer_id

    async def _dial_alternatives(self, entry: _Entry, address: DialAddress) -> ID:
        """Dial an address; of a /dnsaddr, what stands in the DNS. Raises DialError."""
        if address.kind != DNSADDR:
            return await self._dial_once(address, forgive=entry.forgives)
        from py_peer.net.dnsaddr import resolve  # noqa: PLC0415 - needed by few

        ways = sorted(await resolve(address), key=transport_rank)
        return await race(ways, partial(self._dial_once, forgive=entry.forgives))

    def _settle(self, entry: _Entry, address: DialAddress, peer_id: ID) -> bool:
        """Put an address to the peer that has answered there; return whether that is the peer of `entry`, or was new.

        Only an address without a peer ID has anything to be learnt.
        """
        if entry.peer_id == peer_id:
            return True
        other = self._entry_of(peer_id)
        if entry.is_pinned:
            entry.addresses.pop(address.text, None)
            if other is None:
                self._start(_Entry(address, peer_id))
            else:
                other.addresses[address.text] = address
            return False
        if other is None:
            entry.peer_id = peer_id
        else:
            other.addresses |= entry.addresses
            self._end(entry)
            other.stir()
        return True

    def _entry_of(self, peer_id: ID) -> _Entry | None:
        return next((entry for entry in self._entries if entry.peer_id == peer_id), None)

    def _is_there(self, entry: _Entry) -> bool:
        return self._node is not None and entry.peer_id in self._node.peers.records

    def _start(self, entry: _Entry) -> None:
        self._entries.append(entry)
        if self._nursery is not None:
            self._nursery.start_soon(self._attend, entry)

    def _end(self, entry: _Entry) -> None:
        if entry in self._entries:
            self._entries.remove(entry)

    def _tell(self, text: str, cause: str) -> None:
        told = self._told.setdefault(text, set())
        cause = clean_line(cause, limits.MAX_ERROR_CHARS)
        if cause not in told and len(told) < MAX_CAUSES:
            told.add(cause)
            _log_system_message(f"ERROR: Failed to connect to {text}: {cause}")
            self._emit(DialFailed(clean_line(text, limits.MAX_ERROR_CHARS), cause))


def _held(entry: _Entry, address: DialAddress) -> list[str]:
    """Return which addresses of an entry are `address`; one without a peer ID is any at that place."""
    return [
        text
        for text, known in entry.addresses.items()
        if address in (known, replace(known, text=address.text, peer_id=None))
    ]
