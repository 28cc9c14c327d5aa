"""What a node does for what it keeps in Kademlia and has others keep, as long as it runs.

Values are handed, about hourly, to those who should have them and have not; our own values and the keys that we provide
also to those who come, and renewed. All of that in small turns, so that it is too much for nobody.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, final

import trio

from py_peer.core import limits
from py_peer.core.agenda import Agenda
from py_peer.core.kademlia import K

if TYPE_CHECKING:
    from py_peer.core.kademlia import RoutingTable
    from py_peer.core.records import Record
    from py_peer.net.kademlia import Kademlia
    from py_peer.net.kept_values import KeptValues
    from py_peer.net.node import Node


@final
class Upkeep:
    """The agenda of one node, and what waits to be handed to others."""

    def __init__(self, node: Node, dht: Kademlia, kept: KeptValues) -> None:
        self._node = node
        self._dht = dht
        self._kept = kept
        self._values: Agenda[bytes] = Agenda()
        self._provided: Agenda[bytes] = Agenda()
        self._repairs, self._to_repair = trio.open_memory_channel[tuple["Record", list[bytes]]](limits.KAD_REPAIRS)
        self._seen: set[bytes] = set()
        kept.shelf.on_gone = self._values.drop
        dht.values.on_put = self.kept_anew
        dht.values.on_lacking = self._repair_later

    def kept_anew(self, key: bytes) -> None:
        """Take note of a value that was put just now: whoever has put it has handed it to the others, too."""
        self._values.put(key, trio.current_time() + random.uniform(0.8, 1.2) * limits.KAD_PASS_SECONDS)

    def provide_later(self, key: bytes) -> None:
        """Take note of a key that we provide, and of which others are told: anew when it is time."""
        self._provided.put(key, trio.current_time() + random.uniform(1.0, 1.2) * limits.KAD_ANNOUNCE_SECONDS)

    def provide_no_more(self, key: bytes) -> None:
        """Forget a key that we provided."""
        self._provided.drop(key)

    def _repair_later(self, best: Record, lacking: list[bytes]) -> None:
        try:
            self._repairs.send_nowait((best, lacking))
        except trio.WouldBlock:
            self._node.counters["ignored: Kademlia, values found that were not handed on"] += 1

    async def run(self) -> None:
        """Do all of it, until cancelled; then what is kept is written."""
        try:
            await self._kept.load()
            for kept in self._kept.shelf:
                self._values.put(kept.record.key, trio.current_time() + random.uniform(0, limits.KAD_PASS_SECONDS))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._repair)
                nursery.start_soon(self._write)
                nursery.start_soon(self._take_turns)
        finally:
            with trio.CancelScope(shield=True):
                await self._kept.close()

    async def _repair(self) -> None:
        async for best, lacking in self._to_repair:
            with self._node.counters.catching("handing on a value that was found"):
                await self._dht.values.hand(best, lacking)

    async def _write(self) -> None:
        while True:
            await self._kept.write()
            await trio.sleep(limits.KAD_WRITE_SECONDS)

    async def _take_turns(self) -> None:
        while True:
            await trio.sleep(limits.KAD_UPKEEP_PAUSE)
            self._kept.shelf.expire(time.time_ns())
            if self._dht.table:
                with self._node.counters.catching("passing on what Kademlia keeps"):
                    await self._take_turn(self._dht.table)

    async def _take_turn(self, table: RoutingTable) -> None:
        self._dht.look_where_we_are()
        if self._someone_has_come(table):
            self.hurry()
        for _ in range(limits.KAD_UPKEEP_TURN):
            now = trio.current_time()
            if (key := self._provided.take(now)) is not None:
                self.provide_later(key)
                await self._dht.write_down(key)
            elif (key := self._values.take(now)) is not None:
                self.kept_anew(key)
                await self._dht.values.pass_on(key)
            else:
                return

    def _someone_has_come(self, table: RoutingTable) -> bool:
        """Say whether somebody is in the table who was not: in a small one he is close to every key."""
        before, self._seen = self._seen, table.contacts()
        return len(table) <= K and not self._seen <= before

    def hurry(self) -> None:
        """Have those who are there know soon what is ours."""
        now = trio.current_time()
        for kept in self._kept.shelf:
            if kept.is_own:
                self._values.put(kept.record.key, now)
        for key in self._dht.own_keys:
            self._provided.put(key, now)
