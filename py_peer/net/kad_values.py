"""Values in Kademlia: put and looked up, kept for others, and mended where somebody holds less than the best.

Spec: https://github.com/libp2p/specs/blob/master/kad-dht/README.md#value-storage-and-retrieval
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from libp2p.kad_dht.pb.kademlia_pb2 import Message

from py_peer.core import limits
from py_peer.core.ranges import Kind, kind_of, range_of
from py_peer.core.records import (
    MILLISECOND,
    Record,
    RecordRefusedError,
    check_size,
    received,
    rule_for,
)
from py_peer.core.value_shelf import FullError, ValueShelf
from py_peer.net.connections import remote_ip
from py_peer.net.kad_records import RULES, put_record, read_record

if TYPE_CHECKING:
    from libp2p.peer.id import ID

    from py_peer.core.records import Rule
    from py_peer.net.kad_walk import Answer, Walker
    from py_peer.net.node import Node

OURSELVES: Final = ""

OWN: Final = b""
"""Stands for us among those who hold a record."""


@final
@dataclass(frozen=True, slots=True)
class Told:
    """How many have taken something to keep, of those who were asked and have answered."""

    took: int
    asked: int


@final
@dataclass(frozen=True, slots=True)
class Lookup:
    """The best record that was found, if any; `said` of the `asked` who have answered hold the same value."""

    record: Record | None
    said: int
    asked: int


@final
@dataclass(frozen=True, slots=True)
class _Looked:
    asked: int
    closest: list[bytes]
    found: dict[bytes, Record]
    """The valid records, by who holds them."""

    best: Record | None


@final
class Values:
    """The values that one node keeps, and its ways to those that others keep."""

    def __init__(self, node: Node, walker: Walker) -> None:
        self._node = node
        self._walker = walker
        self.shelf = ValueShelf(in_all=limits.KAD_VALUES_WEIGHT, per_sender=limits.KAD_SENDER_WEIGHT)

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
            self.shelf.put(record, OURSELVES)
        except FullError:
            raise RecordRefusedError("one value too many: there is no room for more of our own") from None
        return Told(len(await self._hand(record, looked.closest)), looked.asked)

    async def get(self, key: bytes) -> Lookup:
        """Look for the best value of a key; those of the closest who hold less are handed it.

        Raises RecordRefusedError for a key under which nobody would keep one.
        """
        check_size(key, b"")
        looked = await self._look(key, rule_for(key, RULES))
        best = looked.best
        if best is None:
            return Lookup(None, 0, looked.asked)
        said = sum(peer != OWN and record.value == best.value for peer, record in looked.found.items())
        return Lookup(best, said, looked.asked)

    async def _look(self, key: bytes, rule: Rule) -> _Looked:
        """Ask those who are closest to a key, and ourselves, what they keep under it."""
        found: dict[bytes, Record] = {}
        if (kept := self.shelf.get(key, time.time_ns())) is not None:
            found[OWN] = kept.record

        async def answered(answer: Answer) -> None:
            try:
                record = read_record(answer.message, key, time.time_ns())
                if record is not None:
                    rule.check(key, record.value)
                    found[answer.peer] = record
            except RecordRefusedError as error:
                self._node.counters[f"ignored: Kademlia, found {error.kind}"] += 1

        walk = await self._walker.walk(Message.GET_VALUE, key, answered)
        best = max(found.values(), key=rule.rank, default=None)
        return _Looked(walk.answers, walk.closest(), found, best)

    async def _hand(self, record: Record, peers: list[bytes]) -> list[bytes]:
        """Have some keep a record; return those who now hold it."""
        message = put_record(Message(type=Message.PUT_VALUE, key=record.key), record, time.time_ns())
        return [
            peer
            for peer, answer in await self._walker.tell(message, peers)
            if answer.type == Message.PUT_VALUE and answer.record.value == record.value
        ]

    # --- For others -------------------------------------------------------------------------------

    def take(self, request: Message, sender: ID) -> Message:
        """Keep the value that a request hands us, unless ours is better; return what is kept as the answer.

        Raises RecordRefusedError for one that cannot be kept.
        """
        now = time.time_ns()
        key = bytes(request.key)
        record = read_record(request, key, now)
        if record is None:
            raise RecordRefusedError("no value to keep")
        rule = rule_for(key, RULES)
        rule.check(key, record.value)
        kept = self.shelf.get(key, now)
        if kept is None or rule.rank(kept.record) < rule.rank(record):
            gone = self.shelf.put(record, self._bringer(sender))
            if gone:
                self._node.counters["ignored: Kademlia, values that made room"] += gone
            return request
        answer = Message(type=Message.PUT_VALUE, key=key)
        return put_record(answer, kept.record, now)

    def add(self, answer: Message) -> None:
        """Put the value that we keep into an answer, if we keep one."""
        now = time.time_ns()
        kept = self.shelf.get(bytes(answer.key), now)
        if kept is not None:
            put_record(answer, kept.record, now)

    def _bringer(self, sender: ID) -> str:
        """Return to whose account goes what a peer hands us: on the Internet one household has one, else each peer."""
        record = self._node.peers.records.get(sender)
        ip = remote_ip(record.address) if record else ""
        return range_of(ip) if ip and kind_of(ip) is Kind.PUBLIC else str(sender)
