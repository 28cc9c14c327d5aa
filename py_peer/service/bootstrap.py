"""Kademlia for a session: the bootstrap peers are reached, their table is joined, and the room is found in it.

The table goes on without the bootstrap peers; they are tried again only when nobody is left in it.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final, cast, final

import trio
from libp2p.custom_types import TProtocol

from py_peer.chatroom import _log_system_message
from py_peer.core import limits
from py_peer.core.cleaning import clean_line, clean_path
from py_peer.core.events import KademliaBootstrap, Notice
from py_peer.core.kademlia import K
from py_peer.core.settings import KademliaPart
from py_peer.net.kademlia import kademlia
from py_peer.net.kept_values import KeptValues
from py_peer.service.kept import Troubles

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.peer.id import ID

    from py_peer.core.events import Event
    from py_peer.core.findings import Finding
    from py_peer.core.settings import Settings
    from py_peer.net.connections import PeerRecord
    from py_peer.net.kademlia import Kademlia
    from py_peer.net.node import Node
    from py_peer.service.finder import Finder
    from py_peer.service.named import Named

FILE: Final = "dht.sqlite"

FIRST_PAUSE: Final = 1.0
"""Seconds between two searches, at least; doubled each time while nobody new is told that we are here. Who came at the
same moment as we is not in the records yet when we look first."""

JITTER: Final = 0.2
LOOK_SECONDS: Final = 0.2
"""How often it is looked whether anybody may still come."""

SECOND_WORD_SECONDS: Final = 1.0

AGAIN_AFTER: Final = (5.0, 300.0)
"""An empty table is bootstrapped again after so many seconds, doubled each time up to the second."""


@final
class KademliaWay:
    """One session's part in Kademlia."""

    def __init__(self, settings: Settings, finder: Finder, emit: Callable[[Event], None]) -> None:
        self._settings = settings
        self._file = settings.data / FILE if settings.data is not None and settings.identity is not None else None
        """Where what the DHT has us keep outlives the session."""

        self._finder = finder
        self._emit = emit
        self._node: Node | None = None
        self._dht: Kademlia | None = None
        self._failure = ""
        """Why the table was not joined, the last time that it was tried."""

        self._started = trio.Event()
        self._reached = trio.Event()
        self._turn = trio.Lock()
        self._found: set[str] = set()

    def identified(self, record: PeerRecord) -> None:
        """Take note of what a peer says it speaks."""
        if self._dht is not None:
            self._dht.identified(record)

    def moved(self, peer_id: ID) -> None:
        """Take note that a peer has come or gone."""
        if self._dht is not None and self._node is not None and peer_id not in self._node.peers.records:
            self._dht.gone(peer_id)

    def addresses_changed(self) -> None:
        """Take note that we are elsewhere."""
        if self._dht is not None:
            self._dht.stir()

    def reached_from_outside(self) -> None:
        """Take note that others reach us."""
        self._reached.set()

    def values_kept(self) -> dict[str, int]:
        """Return how many values are kept, for the figures; nothing while there is no part in Kademlia."""
        if self._dht is None:
            return {}
        own, others = self._dht.values.kept()
        return {"ours": own, "others": others}

    def told(self) -> str:
        """Return what has come of it, for /discover."""
        size = len(self._dht.table) if self._dht else 0
        told = f"Kademlia: {size} peer{'s' * (size != 1)} in the table, {len(self._found)} found"
        return f"{told}; {self._failure}" if self._failure and not size else told

    async def run(self, node: Node, bootstrap: Named) -> None:
        """Take part until cancelled; `bootstrap`, if there are any, have a table that can be joined."""
        troubles = Troubles(self._file, "what is put in the DHT is kept in this run alone", self._emit)
        kept = KeptValues(self._file, troubles)
        settings = self._settings
        taking_part = kademlia(
            node,
            self._finder.reach,
            TProtocol(settings.kademlia_protocol),
            kept,
            serves=settings.kademlia_part is KademliaPart.SERVER,
            in_room=settings.room,
        )
        async with taking_part as dht, trio.open_nursery() as nursery:
            self._node, self._dht = node, dht
            dht.values.given_up = self._given_up
            self._started.set()
            self._finder.ways.append(self.told)
            nursery.start_soon(self._keep_joined, dht, bootstrap)
            nursery.start_soon(self._refresh, dht)
            if settings.room:
                nursery.start_soon(self._search, node, dht)
            if settings.kademlia_part is KademliaPart.SERVER_WHEN_REACHED:
                await self._reached.wait()
                await dht.serve()

    async def somebody_to_ask(self, may_come: Callable[[], bool]) -> Kademlia:
        """Wait until somebody is in the table, or nobody is to be expected; return our part.

        Somebody is to be expected while `may_come` says so, or has just come: as long as for a peer that was named.
        Before there is a node there is no part in Kademlia, and without the settings for it there never is one.
        """
        await self._started.wait()
        dht = cast("Kademlia", self._dht)
        with trio.move_on_after(limits.NAMED_PEER_WAIT):
            while not dht.table and (may_come() or self._has_just_come()):
                with trio.move_on_after(LOOK_SECONDS):
                    await dht.stirred.wait()
        return dht

    def _has_just_come(self) -> bool:
        """Say whether somebody has not said yet what he speaks, or may say more: who has just started says it twice."""
        now = trio.current_time()
        return any(
            now - record.arrived < (SECOND_WORD_SECONDS if record.protocols else limits.DIAL_TIMEOUT)
            for record in cast("Node", self._node).peers.records.values()
        )

    # --- The table --------------------------------------------------------------------------------

    async def _keep_joined(self, dht: Kademlia, bootstrap: Named) -> None:
        """Join the table of the bootstrap peers; again, when nobody is left in ours."""
        if not bootstrap.addresses:
            return
        await self._join(dht, bootstrap)
        pause, longest = AGAIN_AFTER
        while True:
            if dht.table:
                pause = AGAIN_AFTER[0]
                await _until(dht, lambda: not dht.table)
            await trio.sleep(pause)
            pause = min(2 * pause, longest)
            if not dht.table:
                await self._join(dht, bootstrap)

    async def _join(self, dht: Kademlia, bootstrap: Named) -> None:
        joined = 0

        async def join(peer_id: ID) -> None:
            """Walk from the first peer that is in the table at once, and tell."""
            nonlocal joined
            peer = peer_id.to_bytes()
            with trio.move_on_after(limits.DIAL_TIMEOUT):
                await _until(dht, lambda: dht.table.get(peer) is not None or self._is_known(peer_id))
            if dht.table.get(peer) is not None:
                async with self._turn:  # first the room, whose members are told as found, then the others of the table
                    if self._settings.room:
                        await dht.search(self._take)
                    await dht.refresh()
                joined = len(dht.table)
                self._tell(KademliaBootstrap(joined))

        bootstrap.on_reached = join
        reached = await bootstrap.run(cast("Node", self._node))
        if not joined:
            cause = "the peers that were reached speak no Kademlia" if reached else "no bootstrap peer was reached"
            self._tell(KademliaBootstrap(0, cause))

    def _tell(self, event: KademliaBootstrap) -> None:
        """Tell how it went; that it failed, only once until it goes well."""
        if event.cause and event.cause == self._failure:
            return
        self._failure = event.cause
        how = f"Kademlia bootstrap: {event.cause or f'{event.peers} peers in the table'}"
        _log_system_message(f"ERROR: {how}" if event.cause else how)
        self._emit(event)

    def _given_up(self, key: bytes) -> None:
        """Tell that somebody else has put a later value than ours."""
        shown = clean_path(key.decode(errors="replace"))
        text = f"Somebody has put a later value of {shown} into the DHT; yours is given up"
        _log_system_message(text)
        self._emit(Notice(clean_line(text, limits.MAX_ERROR_CHARS)))

    def _is_known(self, peer_id: ID) -> bool:
        """Return whether a peer has said what it speaks, or has gone."""
        record = self._node.peers.records.get(peer_id) if self._node else None
        return record is None or bool(record.protocols)

    async def _refresh(self, dht: Kademlia) -> None:
        """Walk through the table now and then, so that those who have gone are noticed and others are met."""
        while True:
            await trio.sleep(limits.KAD_REFRESH_SMALL if len(dht.table) < K else limits.KAD_REFRESH_SECONDS)
            await dht.refresh()

    # --- The room ---------------------------------------------------------------------------------

    async def _search(self, node: Node, dht: Kademlia) -> None:
        """Look for the room: often while few are in it, and soon again when the table has just grown, or we moved."""
        pause = FIRST_PAUSE
        while True:
            await _until(dht, lambda: dht.table)
            before = len(dht.table)
            async with self._turn:
                if await dht.search(self._take):
                    pause = FIRST_PAUSE
            await trio.sleep(FIRST_PAUSE)
            with trio.move_on_after(random.uniform(1 - JITTER, 1 + JITTER) * pause):
                while not (before < len(dht.table) < K or dht.has_moved):
                    await dht.stirred.wait()
            pause = min(2 * pause, _longest_pause(len(node.pubsub.room())))

    def _take(self, finding: Finding) -> None:
        self._found.add(finding.peer_id)
        if len(self._found) > limits.BOOK_PEERS:
            self._found.pop()
        self._finder.found(finding)


def _longest_pause(members: int) -> float:
    """Return the seconds between two searches when so many are in the room."""
    many = max(1, members + 2 - limits.KAD_FEW_PEERS)
    return min(limits.KAD_SEARCH_SECONDS * many, limits.KAD_SEARCH_LONGEST)


async def _until(dht: Kademlia, condition: Callable[[], object]) -> None:
    while not condition():
        await dht.stirred.wait()
