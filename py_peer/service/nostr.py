"""Relays of Nostr in a session: watched from when the user says so until he says that it is enough, and not before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

import trio

from py_peer.core import limits_nostr
from py_peer.core.addresses import short_id
from py_peer.core.events import Answer, Notice
from py_peer.core.nostr_events import NostrRelayInfo, NostrReport
from py_peer.core.rates import TokenBucket
from py_peer.core.requests import RequestNostr, WatchNostr
from py_peer.core.speakers import Name

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from py_peer.core.events import Event
    from py_peer.core.nostr_events import NostrHeard
    from py_peer.core.requests import Request
    from py_peer.core.settings import Settings
    from py_peer.net.node import Node
    from py_peer.service.nostr_feed import Feed

NO_RELAY = "No relay of Nostr is named: start with --nostr-relay wss://… (several may be)"


@final
class Nostr:
    """What one session does with relays of Nostr."""

    def __init__(self, settings: Settings, emit: Callable[[Event], None]) -> None:
        self._urls = settings.nostr_relays
        self._emit = emit
        self._wanted = False
        self._changed = trio.Event()
        self._feeds: list[Feed] = []
        self.bound: Callable[[str], str] = lambda _npub: ""
        """Returns the ID of the peer to whom a key is bound, or ""."""

        self.called: Callable[[str], Name] = lambda peer_id: Name(short_id(peer_id))
        self.is_ignored: Callable[[str], bool] = lambda _peer_id: False
        self.handlers: dict[type[Request], Callable[[Any], None]] = {
            WatchNostr: self._switch,
            RequestNostr: lambda request: emit(self._report(request.ticket)),
        }

    def connected(self) -> int:
        """Return how many relays are connected."""
        return sum(feed.connected for feed in self._feeds)

    async def run(self, node: Node) -> None:
        """Watch relays whenever that is wanted, until cancelled."""
        while True:
            await self._changes()
            if self._wanted:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._watch, node.counters)
                    while self._wanted:
                        await self._changes()
                    nursery.cancel_scope.cancel()
                self._feeds.clear()

    async def _changes(self) -> None:
        await self._changed.wait()
        self._changed = trio.Event()

    async def _watch(self, counters: Counter[str]) -> None:
        from py_peer.net.nostr_stream import pace_of_all  # noqa: PLC0415 - for those who watch relays
        from py_peer.service.nostr_feed import Feed, Judge  # noqa: PLC0415 - for those who watch relays

        read, pace = pace_of_all(), TokenBucket(limits_nostr.SHOWN_PER_SECOND, limits_nostr.SHOWN_BURST)

        def show(heard: NostrHeard) -> bool:
            if not pace.take(trio.current_time()):
                return False
            self._emit(self._with_peer(heard))
            return True

        judge = Judge(counters, show)
        judge.is_ignored = lambda npub: self.is_ignored(self.bound(npub))
        self._feeds = [Feed(url, judge, counters, self._emit, read) for url in self._urls]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tell_refused, counters, self._emit)
            for feed in self._feeds:
                nursery.start_soon(feed.run)

    def _with_peer(self, heard: NostrHeard) -> NostrHeard:
        """Return it with the peer who has signed it, if the key is bound to one; a derived key is everybody's."""
        if heard.standing != "verified" or not (peer_id := self.bound(heard.npub)):
            return heard
        name = self.called(peer_id)
        return replace(heard, peer_id=peer_id, nick=name.nick, plain=name.plain)

    # --- Requests ---------------------------------------------------------------------------------

    def _switch(self, request: WatchNostr) -> None:
        if request.on and not self._urls:
            self._emit(Answer(request.ticket, NO_RELAY, failed=True))
            return
        if request.on != self._wanted:
            self._wanted = request.on
            self._changed.set()
        self._emit(self._report(request.ticket))

    def _report(self, ticket: int) -> NostrReport:
        known = {info.relay: info for info in (feed.info() for feed in self._feeds)} if self._wanted else {}
        return NostrReport(
            ticket, self._wanted, tuple(known.get(url, NostrRelayInfo(url, connected=False)) for url in self._urls)
        )


async def tell_refused(counters: Counter[str], emit: Callable[[Event], object]) -> None:
    """Tell now and then how many events of relays were refused, and why, until cancelled."""
    from py_peer.net.nostr_relay import REFUSED  # noqa: PLC0415 - for those who watch relays

    def counted() -> Counter[str]:
        return type(counters)({name: count for name, count in counters.items() if name.startswith(REFUSED)})

    before = counted()
    while True:
        await trio.sleep(limits_nostr.REFUSED_TOLD_EVERY)
        now = counted()
        if new := now - before:
            why = ", ".join(f"{count} {name.removeprefix(REFUSED)}" for name, count in new.most_common())
            emit(Notice(f"Refused of what relays of Nostr have sent: {why}"))
        before = now
