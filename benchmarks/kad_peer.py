"""Several of our nodes in one process that take part in Kademlia: a part of a network, for the figures of keys.

Commands, on standard input, in JSON lines: `{"do": "open", "names": […]}`, `{"do": "join", "who": name, "address": …,
"size": …}`, which ends when as many others are in its table, and `{"do": "put", "who": name, "key": …, "value": …}`, as
well as `get`, `provide` and `find`, each with `key`, `publish` with the `path` and `revs` of a repository, and `show`
with the `commit_id` of what was published; it is told how long it took, and what came of it.

Requests are answered as fast as they can be; with the argument "held", at the pace that one peer is held to.
"""

from __future__ import annotations

import contextlib
import json
import math
import sys
import time
from typing import TYPE_CHECKING, Any, Final, final

import trio

from benchmarks.node_peer import say
from py_peer.core import limits
from py_peer.core.addresses import parse_dial_address
from py_peer.core.events import Answer
from py_peer.core.git_events import CommitsPublished
from py_peer.core.requests import PublishCommits
from py_peer.core.settings import Settings, Transports
from py_peer.net.dial import DialError
from py_peer.net.kademlia import Kademlia, kademlia
from py_peer.net.node import open_node
from py_peer.service.published import find_published, shown_commit
from py_peer.service.publishing import Publishing

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.findings import Finding
    from py_peer.net.connections import PeerRecord
    from py_peer.net.node import Node

TOPIC: Final = "bench"
AGAIN: Final = 0.5
"""Seconds between two walks of a node that does not know all others yet."""

HELD: Final = "held"
UNHELD: Final = 1_000_000
"""Requests of one peer that are answered at once; of a hundred and more in a few seconds the others would wait."""


@final
class _Watching:
    """Observes who speaks Kademlia, and nothing else."""

    def __init__(self) -> None:
        self.dht: Kademlia | None = None

    def identified(self, record: PeerRecord) -> None:
        if self.dht is not None:
            self.dht.identified(record)

    def peer_down(self, record: PeerRecord) -> None:
        if self.dht is not None:
            self.dht.gone(record.peer_id)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


@final
class KadPeer:
    """One node, and what it does with keys."""

    def __init__(self, node: Node, dht: Kademlia) -> None:
        self.node = node
        self.dht = dht

    async def join(self, address: str, size: int) -> None:
        """Dial somebody, and walk until `size` others are in the table."""
        if address:
            await self.node.dial(parse_dial_address(address))
        while len(self.dht.table) < size:
            await trio.sleep(AGAIN)
            await self.dht.refresh()

    async def put(self, key: str, value: str) -> dict[str, Any]:
        """Have a value kept."""
        told = await self.dht.put_value(key.encode(), value.encode())
        return {"took": told.took, "asked": told.asked}

    async def get(self, key: str) -> dict[str, Any]:
        """Look for a value."""
        found = await self.dht.get_value(key.encode())
        return {"value": found.record.value.decode() if found.record else None, "asked": found.asked}

    async def provide(self, key: str) -> dict[str, Any]:
        """Have it written down that this node provides a key."""
        told = await self.dht.provide(key.encode())
        return {"took": told.took, "asked": told.asked}

    async def publish(self, path: str, revs: str) -> dict[str, Any]:
        """Publish commits, as the service does."""
        told, done = trio.open_memory_channel[Any](math.inf)
        part = Publishing(Settings("bench", kademlia=True), told.send_nowait)
        part.somebody_to_ask = self._own_dht
        async with trio.open_nursery() as nursery:
            nursery.start_soon(part.run, self.node)
            part.handlers[PublishCommits](PublishCommits(1, path, revs))
            async for event in done:
                if isinstance(event, CommitsPublished | Answer):
                    nursery.cancel_scope.cancel()
                    return {"told": repr(event), "stored": getattr(event, "stored", 0)}
        raise AssertionError

    async def _own_dht(self) -> Kademlia:
        return self.dht

    async def show(self, commit_id: str) -> dict[str, Any]:
        """Look for a commit that was published, and its patch."""
        shown = shown_commit(1, await find_published(self.dht, commit_id))
        return {"verified": bool(shown and shown.verified and shown.patch)}

    async def find(self, key: str) -> dict[str, Any]:
        """Look for providers."""
        found = await self.dht.find_providers(key.encode(), lambda _: None)
        return {"peers": len(found.peers), "asked": found.asked}


@final
class Part:
    """The part of a network that is in this process."""

    def __init__(self, stack: contextlib.AsyncExitStack, nursery: trio.Nursery) -> None:
        self._stack = stack
        self._nursery = nursery
        self._peers: dict[int, KadPeer] = {}

    async def obey(self) -> None:
        """Do what the parent says, until it is gone."""
        async for line in trio.wrap_file(sys.stdin):
            command = json.loads(line)
            match command.pop("do"):
                case "open":
                    await self._open(**command)
                case "join":
                    self._nursery.start_soon(self._join, command)
                case what:
                    peer = self._peers[command.pop("who")]
                    start = time.perf_counter()
                    told = await getattr(peer, what)(**command)
                    seconds = time.perf_counter() - start
                    say(what, seconds=seconds, **told)

    async def _open(self, names: list[int]) -> None:
        for name in names:
            self._peers[name] = await self._one()
        say("open", addresses={name: peer.node.addresses[0] for name, peer in self._peers.items()})

    async def _one(self) -> KadPeer:
        watching: Any = _Watching()
        node = await self._stack.enter_async_context(
            open_node(
                room_topic=TOPIC,
                observer=watching,
                admit=lambda _: True,
                transports=Transports(loopback=True),
            )
        )
        await node.pubsub.subscribe(TOPIC)  # who is in no room is let go by those who are

        async def reach(finding: Finding) -> None:
            failure = DialError("it has no address")
            for address in finding.addresses:
                try:
                    await node.dial(address)
                except DialError as error:
                    failure = error
                else:
                    return
            raise failure

        watching.dht = await self._stack.enter_async_context(kademlia(node, reach))
        return KadPeer(node, watching.dht)

    async def _join(self, command: dict[str, Any]) -> None:
        who = command.pop("who")
        await self._peers[who].join(**command)
        say("joined", who=who)


async def main() -> None:
    """Run until the parent is gone."""
    if sys.argv[1:] != [HELD]:
        limits.KAD_REQUEST_BURST = UNHELD
    async with contextlib.AsyncExitStack() as stack, trio.open_nursery() as nursery:
        await Part(stack, nursery).obey()
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)
