"""Values in Kademlia: put and looked up, kept for others, and handed to those who should have them and have less.

Spec: https://github.com/libp2p/specs/blob/master/kad-dht/README.md#value-storage-and-retrieval
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.addresses import RELAY
from py_peer.core.kademlia import K
from py_peer.core.ranges import Kind, kind_of, range_of
from py_peer.core.records import (
    MILLISECOND,
    SECOND,
    UNTOLD,
    Record,
    RecordRefusedError,
    check_size,
    received,
    rule_for,
)
from py_peer.core.value_shelf import FullError
from py_peer.net.connections import remote_ip
from py_peer.net.kad_records import RULES, put_record, read_record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from py_peer.core.kademlia import RoutingTable
    from py_peer.core.records import Rule
    from py_peer.net.kad_walk import Answer, Walker
    from py_peer.net.kept_values import KeptValues
    from py_peer.net.node import Node

OURSELVES: Final = ""

OWN: Final = b""
"""Stands for us among those who hold a record."""


@final
@dataclass(frozen=True, slots=True)
class Told:
    """How many have taken something to keep, of the closest to its key, who were asked to."""

    took: int
    asked: int


@final
@dataclass(frozen=True, slots=True)
class Lookup:
    """The best record that was found, if any; `said` of the `asked` who have answered hold the same value."""

    record: Record | None
    said: int
    asked: int
    unasked: int = 0
    """Who could not be asked just now: too much was dialled lately."""


@final
@dataclass(frozen=True, slots=True)
class _Looked:
    asked: int
    unasked: int
    closest: list[bytes]
    found: dict[bytes, Record]
    """The valid records, by who holds them."""

    best: Record | None

    def lacking(self, best: Record, rule: Rule) -> list[bytes]:
        """Return who of those who should have the best record has not.

        Who has its value has it, unless it was put anew since: Rust and JavaScript do not keep the time of a record.
        """
        rank = rule.rank(best)

        def has_it(record: Record) -> bool:
            is_known = record.time == UNTOLD or best.time - record.time < limits.KAD_PASS_SECONDS * SECOND
            return rule.rank(record) >= rank or (record.value == best.value and is_known)

        return [peer for peer in self.closest if not (peer in self.found and has_it(self.found[peer]))]


@final
class Values:
    """The values that one node keeps, and its ways to those that others keep."""

    def __init__(self, node: Node, table: RoutingTable, walker: Walker, kept: KeptValues) -> None:
        self._node = node
        self._table = table
        self._walker = walker
        self._kept = kept
        self._shelf = kept.shelf
        self.serves = False
        """Whether others may ask us what we keep: else we keep only our own."""

        self.given_up: Callable[[bytes], None] = lambda _: None
        """Told of each key of ours of which somebody else's value is later: then we renew ours no more."""

        self.on_put: Callable[[bytes], None] = lambda _: None
        """Told of each key of which something else is kept from now on."""

        self.on_lacking: Callable[[Record, list[bytes]], None] = lambda *_: None
        """Told of each record that was found for us, and of those who should have it and have not."""

    # --- For us -----------------------------------------------------------------------------------

    async def put(self, key: bytes, value: bytes) -> Told:
        """Keep a value, and have it kept by those who are closest to its key; it takes the place of what is there.

        Raises RecordRefusedError for one that nobody would keep, or that another has overtaken.
        """
        check_size(key, value)
        rule = rule_for(key, RULES)
        rule.check(key, value)
        looked = await self._look(key, rule)
        now = time.time_ns()
        best = looked.best
        record = received(key, value, max(now, best.time + MILLISECOND) if best else now, 0, now)
        if best is not None and rule.rank(best) >= rule.rank(record):
            raise RecordRefusedError("a value that is older than the one which is there already")
        try:
            self._shelf.put(record, OURSELVES)
        except FullError:
            count = self._shelf.own_count
            raise RecordRefusedError(
                f"one value too many, as {count:,} of yours are kept and others keep no more of one peer;"
                " kv forget KEY and git forget make room again"
            ) from None
        self.on_put(key)
        await self._kept.write()
        return Told(len(await self.hand(record, looked.closest)), len(looked.closest))

    async def keys_of(self, values: Collection[bytes]) -> list[bytes]:
        """Return the keys under which we have put one of these values."""
        return await self._kept.keys_of(values)

    async def forget(self, key: bytes) -> bool:
        """Forget what we have put under a key, on the disk too; return whether there was anything."""
        return await self._kept.forget(key)

    def renew_no_more(self, key: bytes) -> None:
        """Forget what we have put under a key; others keep it until it expires."""
        if self._shelf.own(key) is not None:
            self._shelf.drop(key)

    async def get(self, key: bytes) -> Lookup:
        """Look for the best value of a key; those of the closest who hold less are handed it afterwards.

        Raises RecordRefusedError for a key under which nobody would keep one.
        """
        check_size(key, b"")
        rule = rule_for(key, RULES)
        looked = await self._look(key, rule, patient=True)
        best = looked.best
        if best is None:
            return Lookup(None, 0, looked.asked, looked.unasked)
        self._adopt(best, looked, rule)
        if lacking := looked.lacking(best, rule):
            self.on_lacking(best, lacking)
        said = sum(peer != OWN and record.value == best.value for peer, record in looked.found.items())
        return Lookup(best, said, looked.asked, looked.unasked)

    async def pass_on(self, key: bytes) -> None:
        """Hand what we keep to those who should have it and have not.

        What is our own, and old, is put anew. What is not, we pass on if we are one of those who should have it.
        """
        own = self._shelf.own(key)
        if own is None and (self._shelf.get(key, time.time_ns()) is None or not self._is_near(key)):
            return
        rule = rule_for(key, RULES)
        looked = await self._look(key, rule)
        if looked.best is not None:
            self._adopt(looked.best, looked, rule)
        best = self._renewed(key, rule) or looked.best
        if best is not None and key in self._shelf:  # nothing that was forgotten meanwhile
            await self.hand(best, looked.lacking(best, rule))

    def _renewed(self, key: bytes, rule: Rule) -> Record | None:
        """Put our own value anew, if it is time; return it. What others have, and is better, has been taken already."""
        own = self._shelf.own(key)
        now = time.time_ns()
        if own is None or now - own.time < limits.KAD_RENEW_SECONDS * SECOND:
            return None
        try:
            rule.check(key, own.value)
            record = received(key, own.value, max(now, own.time), 0, now)
            self._shelf.put(record, OURSELVES)
        except (RecordRefusedError, FullError) as error:  # a namespace of an earlier version, a signature that is over
            self._shelf.drop(key)
            self._node.counters[f"ignored: Kademlia, of our own {getattr(error, 'kind', 'a value without room')}"] += 1
            return None
        self.on_put(key)  # what was put anew is handed on and renewed as what was put
        return record

    def _adopt(self, best: Record, looked: _Looked, rule: Rule) -> None:
        """Keep the best that was found, in place of ours, or if we are one of those who should have it."""
        key = best.key
        kept = self._shelf.get(key, time.time_ns())
        own = self._shelf.own(key)
        if kept is None and own is None and not self._is_near(key):
            return
        if rule.rank(best) > max((rule.rank(one) for one in (own, kept and kept.record) if one), default=()):
            tellers = (peer for peer, one in looked.found.items() if peer != OWN and one.value == best.value)
            if teller := next(tellers, None):  # else it is what we kept when the walk began, and keep no more
                self._replace(best, self.account(ID(teller)))

    def _replace(self, record: Record, sender: str) -> None:
        own = self._shelf.own(record.key)
        if own is not None and own.value == record.value:
            return  # it stays as we have put it: what others say of its time neither shortens it nor puts it off
        gone = self._shelf.put(record, sender)
        if gone:
            self._node.counters["ignored: Kademlia, values that made room"] += gone
        self.on_put(record.key)
        if own is not None:
            self.given_up(record.key)

    def _is_near(self, key: bytes) -> bool:
        """Say whether we are one of those who should have what is kept under a key."""
        return self.serves and self._table.closer(key) < K

    async def _look(self, key: bytes, rule: Rule, *, patient: bool = False) -> _Looked:
        """Ask those who are closest to a key, and ourselves, what they keep under it."""
        found: dict[bytes, Record] = {}
        if (kept := self._shelf.get(key, time.time_ns())) is not None:
            found[OWN] = kept.record

        async def answered(answer: Answer) -> None:
            try:
                record = read_record(answer.message, key, time.time_ns())
                if record is not None:
                    rule.check(key, record.value)
                    found[answer.peer] = record
            except RecordRefusedError as error:
                self._node.counters[f"ignored: Kademlia, found {error.kind}"] += 1

        seconds = limits.KAD_WALK_TIMEOUT - limits.KAD_TELL_TIMEOUT
        walk = await self._walker.walk(Message.GET_VALUE, key, answered, seconds, lambda: patient and not found)
        best = max(found.values(), key=rule.rank, default=None)
        if best is not None and best.time == UNTOLD:
            now = time.time_ns()
            best = received(key, best.value, now, 0, now)
        return _Looked(walk.answers, walk.unasked, walk.closest(), found, best)

    async def hand(self, record: Record, peers: list[bytes]) -> list[bytes]:
        """Have some keep a record; return those who now hold it."""
        message = put_record(Message(type=Message.PUT_VALUE, key=record.key), record, time.time_ns())
        return [
            peer
            for peer, answer in await self._walker.tell(message, peers)
            if answer.type == Message.PUT_VALUE and answer.record.value == record.value
        ]

    def kept(self) -> tuple[int, int]:
        """Return how many values of our own are kept, and how many of others."""
        own = self._shelf.own_count
        return own, len(self._shelf) - own

    # --- For others -------------------------------------------------------------------------------

    def take(self, request: Message, sender: ID) -> Message:
        """Keep the value that a request hands us, unless ours is better; return what is kept as the answer.

        Raises RecordRefusedError for one that cannot be kept.
        """
        now = time.time_ns()
        key = bytes(request.key)
        record = read_record(request, key, now, sender.to_bytes())
        if record is None:
            raise RecordRefusedError("no value to keep")
        rule = rule_for(key, RULES)
        rule.check(key, record.value)
        kept = self._shelf.get(key, now)
        if kept is not None and rule.rank(kept.record) >= rule.rank(record):
            return put_record(Message(type=Message.PUT_VALUE, key=key), kept.record, now)
        self._replace(record, self.account(sender))
        return request

    def add(self, answer: Message) -> None:
        """Put the value that we keep into an answer, if we keep one."""
        now = time.time_ns()
        kept = self._shelf.get(bytes(answer.key), now)
        if kept is not None:
            put_record(answer, kept.record, now)

    def account(self, sender: ID) -> str:
        """Return to whose account goes what a peer hands us: on the Internet one household has one, else each peer.

        Through a relay come peers of many households.
        """
        record = self._node.peers.records.get(sender)
        if record is None or RELAY in record.address:
            return str(sender)
        ip = remote_ip(record.address)
        return range_of(ip) if ip and kind_of(ip) is Kind.PUBLIC else str(sender)
