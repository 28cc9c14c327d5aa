"""One of our nodes in a process of its own, with nothing on top: what the network alone costs.

Commands, on standard input, in JSON lines: `{"do": "dial", "address": …}`, `{"do": "expect", "count": …}`,
`{"do": "send", "count": …, "rate": …}`, `{"do": "report"}`, `{"do": "fetch", "address": …, "count": …}`: bytes over
one stream. With "watch" in the two that it is for, what a message costs is counted: "calls" (of functions, Python's and
C's, exact) or "steps" (of trio's scheduler); that takes time itself. A peer in another language
(interop/README.md) does the same but for that, and for `{"do": "fetch-named", "address": …, "name": …}`: a file, as
gnostr asks for it. With `--stock-net` the classes are py-libp2p's own.

Each text carries its number and when it was said; time.monotonic is the same clock in all processes of one machine.
"""

from __future__ import annotations

import contextlib
import gc
import json
import sys
import time
from array import array
from functools import partial
from typing import TYPE_CHECKING, Any, Final, final

import trio

from py_peer.core.addresses import parse_dial_address
from py_peer.core.settings import Transports
from py_peer.net.named_files import open_named
from py_peer.net.node import open_node
from py_peer.net.streams import widen

if TYPE_CHECKING:
    from types import FrameType

    from libp2p.abc import INetStream

    from py_peer.net.node import Node

TOPIC: Final = "bench"
TEXT_BYTES: Final = 100
MESSAGES_PER_TURN: Final = 16
ZEROS: Final[Any] = "/py-peer/bench/1.0.0"
BLOCK: Final = 256 * 1024


def say(what: str, **values: Any) -> None:
    """Tell the parent."""
    print(json.dumps({"event": what, **values}), flush=True)


@final
class Unwatched:
    """Observes nothing but who is in the room."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None

    def room_changed(self, joined: frozenset[Any], left: frozenset[Any]) -> None:
        """Tell the parent that somebody is there, or not any more."""
        if joined:
            say("joined")
        if left:
            say("failed", reason="the other has left the room")


@final
class Meter(trio.abc.Instrument):
    """Counts calls or the scheduler's steps."""

    def __init__(self) -> None:
        self._counted = 0

    def start(self, watch: str) -> None:
        """Count from now on."""
        self._counted = 0
        if watch == "calls":
            sys.setprofile(self._call)
        if watch == "steps":
            trio.lowlevel.add_instrument(self)

    def stop(self) -> int:
        """Return what was counted, and count no more."""
        sys.setprofile(None)
        with contextlib.suppress(KeyError):
            trio.lowlevel.remove_instrument(self)
        return self._counted

    def _call(self, frame: FrameType, event: str, argument: object) -> None:
        del frame, argument
        if event in ("call", "c_call"):
            self._counted += 1

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Count a step."""
        del task
        self._counted += 1


@final
class NodePeer:
    """A node and what it has heard."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._meter = Meter()
        self._expected = 0
        self._numbers, self._delays = array("l"), array("d")
        self._first = self._last = 0.0

    async def hear(self, subscription: Any) -> None:
        """Take note of every text."""
        while True:
            number, said_at, _ = bytes((await subscription.get()).data).split(b" ", 2)
            self._last = time.monotonic()
            self._first = self._first or self._last
            self._delays.append(self._last - float(said_at))
            self._numbers.append(int(number))
            if len(self._numbers) == self._expected:
                self._report()

    def _report(self) -> None:
        say(
            "received",
            delays=list(self._delays),
            in_order=list(self._numbers) == sorted(self._numbers),
            distinct=len(set(self._numbers)),
            seconds=self._last - self._first,
            counted=self._meter.stop() / max(1, len(self._numbers)),
        )

    def _expect(self, count: int, watch: str) -> None:
        self._expected = count
        self._numbers, self._delays, self._first = array("l"), array("d"), 0.0
        say("expecting")
        self._meter.start(watch)

    async def _send(self, count: int, rate: float, watch: str) -> None:
        """Say `count` texts, evenly, at `rate` a second (0: as fast as they go), and wait until they are written."""
        pubsub = self._node.pubsub
        start = trio.current_time()
        self._meter.start(watch)
        for number in range(count):
            if rate:
                await trio.sleep_until(start + number / rate)
            await pubsub.wait_for_room(5)
            text = f"{number} {time.monotonic():.6f} ".ljust(TEXT_BYTES, ".")
            await pubsub.publish(TOPIC, text.encode())
            if number % MESSAGES_PER_TURN == 0:
                await trio.lowlevel.checkpoint()
        while any(len(queue) for queue in pubsub.peer_queues.values()):
            await trio.lowlevel.checkpoint()
        say("sent", counted=self._meter.stop() / count)

    async def _fetch(self, address: str, count: int) -> None:
        """Ask for `count` bytes and read them all, with the window that a file has."""
        peer_id = await self._node.dial(parse_dial_address(address))
        stream = await self._node.host.new_stream(peer_id, [ZEROS])
        await widen(stream)
        start = time.monotonic()
        await stream.write(count.to_bytes(8))
        left = count
        while left:
            left -= len(await stream.read(BLOCK))
        say("fetched", seconds=time.monotonic() - start)

    async def _fetch_named(self, address: str, name: str) -> None:
        """Ask for a file by its name, on the protocol of the original."""
        peer_id = await self._node.dial(parse_dial_address(address))
        start = time.monotonic()
        fetch = await open_named(self._node.host, peer_id, name)
        while await fetch.read(BLOCK):
            pass
        await fetch.aclose()
        say("fetched", seconds=time.monotonic() - start)

    async def obey(self) -> None:
        """Do what the parent says, one thing after the other, until it is gone."""
        async for line in trio.wrap_file(sys.stdin):
            command = json.loads(line)
            watch = command.get("watch", "")
            match command["do"]:
                case "dial":
                    await self._node.dial(parse_dial_address(command["address"]))
                case "expect":
                    self._expect(command["count"], watch)
                case "send":
                    await self._send(command["count"], command["rate"], watch)
                case "report":
                    self._report()
                case "fetch":
                    await self._fetch(command["address"], command["count"])
                case "fetch-named":
                    await self._fetch_named(command["address"], command["name"])


async def serve_zeros(stream: INetStream) -> None:
    """Send as many zeros as are asked for: eight bytes say how many."""
    await send_zeros(stream, int.from_bytes(await stream.read(8)))


async def send_zeros(stream: INetStream, count: int) -> None:
    """Send `count` zeros and close the stream."""
    block = bytes(BLOCK)
    while count:
        part = block[:count]
        await stream.write(part)
        count -= len(part)
    await stream.close()


async def main(*, stock: bool, quic: bool) -> None:
    """Run a node until the parent is gone; with `quic` the address that it tells is QUIC's."""
    observer: Any = Unwatched()
    async with (
        open_node(
            room_topic=TOPIC,
            observer=observer,
            admit=lambda _: True,
            transports=Transports(loopback=True, quic=quic, stock=stock),
            streams={ZEROS: serve_zeros},
        ) as node,
        trio.open_nursery() as nursery,
    ):
        peer = NodePeer(node)
        nursery.start_soon(peer.hear, await node.pubsub.subscribe(TOPIC))
        say("ready", address=node.addresses[-1])
        await peer.obey()
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    # As the program does when all is imported: a full collection looks at 93,000 objects less, and takes 3 ms, not 65.
    gc.freeze()
    trio.run(partial(main, stock="--stock-net" in sys.argv[1:], quic="--quic" in sys.argv[1:]))
