"""People of a small town who take part in Kademlia, come and go, and have disks of their own; and records by hand."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.kad_dht.pb.kademlia_pb2 import Message

from py_peer.core.records import SECOND, received
from py_peer.net.kad_records import put_record
from tests.net.support import until
from tests.net.test_kademlia import Somebody, somebody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from libp2p.crypto.keys import KeyPair

    from py_peer.core.records import Record

HOUR = 3_600 * SECOND


class Town:
    """People who come and go, each with a disk of their own."""

    def __init__(self, folder: Path, nursery: trio.Nursery) -> None:
        self.folder = folder
        self.people: dict[str, Somebody] = {}
        self._nursery = nursery
        self._leave: dict[str, trio.Event] = {}
        self._left: dict[str, trio.Event] = {}
        self._keys: dict[str, KeyPair] = {}

    async def comes(self, name: str, *met: Somebody) -> Somebody:
        """Start one, with the disk and the key of the last time, and have him know all who are met."""
        self._leave[name], self._left[name] = trio.Event(), trio.Event()
        one: Somebody = await self._nursery.start(self._live, name)
        self.people[name] = one
        for other in met:
            await one.meet(other)
        return one

    async def _live(self, name: str, task_status: Any) -> None:
        key = self._keys.setdefault(name, create_new_key_pair())
        async with somebody(self.folder / f"{name}.sqlite", key) as one:
            task_status.started(one)
            await self._leave[name].wait()
        self._left[name].set()

    async def goes(self, name: str) -> None:
        """Stop one, and wait until nobody counts with him any more."""
        gone = self.people.pop(name)
        self._leave[name].set()
        await self._left[name].wait()
        for other in self.people.values():
            await until(lambda other=other: gone.id not in other.member.node.peers.records)
            other.dht.table.drop(gone.id.to_bytes())

    def all_go(self) -> None:
        """Have all stop at once."""
        for leave in self._leave.values():
            leave.set()

    async def live(self, names: str) -> list[Somebody]:
        """Start some, each of whom knows all others."""
        return [await self.comes(name, *self.people.values()) for name in names]


@asynccontextmanager
async def town(folder: Path) -> AsyncIterator[Town]:
    async with trio.open_nursery() as nursery:
        here = Town(folder, nursery)
        yield here
        here.all_go()


async def value(one: Somebody, key: bytes = b"key") -> bytes | None:
    """Return what one finds."""
    record = (await one.dht.get_value(key)).record
    return record.value if record else None


def holds(one: Somebody, key: bytes = b"key") -> bytes | None:
    """Return what one keeps."""
    record = kept(one, key)
    return record.value if record else None


def kept(one: Somebody, key: bytes = b"key") -> Record | None:
    found = one.dht.upkeep._kept.shelf.get(key, time.time_ns())
    return found.record if found else None


def made(text: bytes, age: float = 0.0, key: bytes = b"key") -> Record:
    """Return a record that was put so many hours ago."""
    now = time.time_ns()
    when = now - int(age * HOUR)
    return received(key, text, when, 0, when)


def give(one: Somebody, record: Record, sender: str = "somebody") -> None:
    one.dht.upkeep._kept.shelf.put(record, sender)


def putting(record: Record, **changes: bytes | str) -> Message:
    message = put_record(Message(type=Message.PUT_VALUE, key=record.key), record, time.time_ns())
    for name, change in changes.items():
        setattr(message.record, name, change)
    return message
