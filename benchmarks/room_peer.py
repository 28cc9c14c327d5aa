"""Several of our nodes in one process: a part of a room, for the figures of rooms that grow.

Commands, on standard input, in JSON lines: `{"do": "open", "names": […], "degrees": […]}`,
`{"do": "dial", "who": name, "addresses": […], "friends": …}`, `{"do": "begin"}`, `{"do": "say", "count": …, "pause": …,
"delays": {…}, "bytes": …}`, `{"do": "report"}`. Each text carries its author's name, its number and when it was said.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, final

import trio

from benchmarks.node_peer import say
from py_peer.core.addresses import parse_dial_address
from py_peer.core.settings import Transports
from py_peer.net.dial import DialError
from py_peer.net.node import open_node

if TYPE_CHECKING:
    from py_peer.net.node import Node

TOPIC: Final = "bench"
TICK: Final = 0.02


@final
class _Unwatched:
    """Observes nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


@final
class RoomPeer:
    """One node, and what it has heard."""

    def __init__(self, name: int, node: Node) -> None:
        self.name = name
        self.node = node
        self.heard: dict[str, float] = {}
        """Seconds that each text took, by its author's name and its number."""

        self._before: Counter[str] = Counter()

    async def listen(self) -> None:
        """Write down what is heard."""
        subscription = await self.node.pubsub.subscribe(TOPIC)
        while True:
            author, number, said_at, _ = bytes((await subscription.get()).data).split(b" ", 3)
            self.heard[f"{author.decode()} {number.decode()}"] = time.monotonic() - float(said_at)

    async def talk(self, count: int, pause: float, delay: float, size: int) -> None:
        """Say `count` texts of `size` bytes, `pause` seconds apart, after `delay`."""
        start = trio.current_time() + delay
        for number in range(count):
            await trio.sleep_until(start + number * pause)
            text = f"{self.name} {number} {time.monotonic():.6f} ".ljust(size, ".")
            await self.node.pubsub.publish(TOPIC, text.encode())

    async def dial(self, addresses: list[str], friends: int) -> None:
        """Dial, and wait until as many friends are in the room."""
        for address in addresses:
            with contextlib.suppress(DialError):  # then the other has dialled us at the same moment
                await self.node.dial(parse_dial_address(address))
        while len(self.node.pubsub.room()) < friends:  # noqa: ASYNC110 - what is waited for has no event
            await trio.sleep(TICK)

    def begin(self) -> None:
        """Count from here."""
        self._before = Counter(self.node.counters)
        self.heard.clear()

    def report(self) -> dict[str, Any]:
        """Return what was heard and counted since then."""
        counted = Counter(self.node.counters)
        counted.subtract(self._before)
        mesh = len(self.node.pubsub.router.mesh[TOPIC])
        return {"name": self.name, "heard": self.heard, "counted": dict(+counted), "mesh": mesh}


@final
class Part:
    """The part of a room that is in this process."""

    def __init__(self, stack: contextlib.AsyncExitStack, nursery: trio.Nursery) -> None:
        self._stack = stack
        self._nursery = nursery
        self._peers: dict[int, RoomPeer] = {}
        self._cpu = 0.0

    async def obey(self) -> None:
        """Do what the parent says, until it is gone."""
        async for line in trio.wrap_file(sys.stdin):
            command = json.loads(line)
            match command.pop("do"):
                case "open":
                    await self._open(**command)
                case "dial":
                    self._nursery.start_soon(self._dial, command)
                case "begin":
                    self._begin()
                case "say":
                    self._nursery.start_soon(self._say, command)
                case "report":
                    cpu = time.process_time() - self._cpu
                    say("report", cpu=cpu, peers=[peer.report() for peer in self._peers.values()])

    async def _open(self, names: list[int], degrees: list[int] | None) -> None:
        observer: Any = _Unwatched()
        for name in names:
            node = await self._stack.enter_async_context(
                open_node(
                    room_topic=TOPIC,
                    observer=observer,
                    admit=lambda _: True,
                    transports=Transports(loopback=True),
                )
            )
            router = node.pubsub.router
            if degrees:
                router.degree, router.degree_low, router.degree_high = degrees
            peer = self._peers[name] = RoomPeer(name, node)
            self._nursery.start_soon(peer.listen)
        say("open", addresses={name: peer.node.addresses[0] for name, peer in self._peers.items()})

    async def _dial(self, command: dict[str, Any]) -> None:
        await self._peers[command["who"]].dial(command["addresses"], command["friends"])
        say("together", who=command["who"])

    def _begin(self) -> None:
        for peer in self._peers.values():
            peer.begin()
        self._cpu = time.process_time()
        say("begun")

    async def _say(self, command: dict[str, Any]) -> None:
        async with trio.open_nursery() as nursery:
            for name, peer in self._peers.items():
                delay = command["delays"][str(name)]
                nursery.start_soon(peer.talk, command["count"], command["pause"], delay, command["bytes"])
        say("said")


async def main() -> None:
    """Run until the parent is gone."""
    async with contextlib.AsyncExitStack() as stack, trio.open_nursery() as nursery:
        await Part(stack, nursery).obey()
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)
