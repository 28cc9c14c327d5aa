"""What a message and a stream cost two of our nodes in one process, with one of our classes taken away: `… NAME`.

It reaches into modules, as nothing but a measurement should. Time is the processor's, of both nodes together, and each
message is counted by itself, so that a busy machine changes little.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import trio
from libp2p.io.trio import TrioTCPStream
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.mcache import MessageCache
from libp2p.pubsub.pubsub import Pubsub
from libp2p.pubsub.validators import signature_validator
from libp2p.security.noise.transport import Transport
from libp2p.stream_muxer.yamux.yamux import YamuxStream
from libp2p.tools.timed_cache.last_seen_cache import LastSeenCache

from benchmarks.node_peer import BLOCK, TOPIC, ZEROS, Meter, Unwatched, serve_zeros
from py_peer.core.addresses import parse_dial_address
from py_peer.core.settings import Transports
from py_peer.net import (
    gossip,
    host,
    library,
    mesh,
    message_check,
    muxed_stream,
    muxer,
    node,
    pubsub,
    signatures,
    stock,
    tcp,
)
from py_peer.net.streams import widen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from py_peer.net.node import Node

COUNTED: Final = 100
BURST: Final = 1_000
ROUNDS: Final = 5
FILE: Final = 32 * 1024 * 1024
PATIENCE: Final = 20.0


def _replace(there: Any, **names: Any) -> None:
    for name, theirs in names.items():
        setattr(there, name, theirs)


def _keep_places(*names: str) -> None:
    library._CLASSES[:] = [one for one in library._CLASSES if one[1] not in names]  # noqa: SLF001


class _Cache(MessageCache):
    """The library's cache with what ours is asked for beside."""

    def __init__(self, window_size: int, *_: object) -> None:
        super().__init__(window_size, 5)

    def recent(self, topic: str, beats: int) -> list[bytes]:
        """Return the IDs of the last heartbeats."""
        del beats
        return self.window(topic)


async def _read(stream: Any, n: int | None = None) -> bytes:
    data = await TrioTCPStream.read(stream, n)
    stream.on_life()  # our muxer wants to know
    return data


async def _no_peek(_: object) -> bytes:
    """Nothing is looked at: it would have to be kept for `read`."""
    return b""


def _signed(_: object, message: Any) -> bool:
    return signature_validator(message)


WITHOUT: Final[dict[str, Callable[[], None]]] = {
    "nothing": lambda: None,
    "tcp.TCPStream": lambda: _replace(tcp.TCPStream, read=_read, write=TrioTCPStream.write, peek=_no_peek),
    "noise.NoiseSession": lambda: _replace(host, NoiseTransport=Transport),
    "muxer.LimitedYamux": lambda: _keep_places("Yamux", "YamuxStream"),
    "muxed_stream.LimitedStream": lambda: _replace(
        muxed_stream.LimitedStream,
        read=YamuxStream.read,
        write=YamuxStream.write,
        _auto_tune_and_send_window_update=YamuxStream._auto_tune_and_send_window_update,  # noqa: SLF001
    ),
    "header_gate.HeaderGate": lambda: _replace(muxer, HeaderGate=lambda _, conn: conn),
    "net_stream.UnlockedStream": lambda: _keep_places("NetStream"),
    "pubsub.RoomPubsub": lambda: _replace(node, RoomPubsub=stock.StockPubsub),
    "pubsub.RoomPubsub's reading": lambda: _replace(
        pubsub.RoomPubsub, continuously_read_stream=Pubsub.continuously_read_stream
    ),
    "gossip.Router": lambda: _replace(
        gossip.Router,
        publish=GossipSub.publish,
        send_rpc=GossipSub.send_rpc,
        emit_control_message=GossipSub.emit_control_message,
    ),
    "author.Author": lambda: _replace(pubsub.RoomPubsub, publish=Pubsub.publish),
    "signatures.Signatures": lambda: _replace(signatures.Signatures, hold=_signed),
    "seen.SeenCache": lambda: _replace(message_check, SeenCache=lambda _: LastSeenCache(120)),
    "message_cache.BoundedCache": lambda: _replace(mesh, BoundedCache=_Cache),
}
"""How each of our classes is taken away; most with what cannot be there without it."""


@asynccontextmanager
async def _node() -> AsyncIterator[Node]:
    observer: Any = Unwatched()
    wishes: dict[str, Any] = {"room_topic": TOPIC, "streams": {ZEROS: serve_zeros}}
    wishes["transports"] = Transports(loopback=True)
    async with node.open_node(observer=observer, admit=lambda _: True, **wishes) as one:
        yield one


class _Pair:
    """Two nodes that see each other, of which the first speaks."""

    def __init__(self, speaker: Node, listener: Node) -> None:
        self._speaker, self._listener = speaker, listener
        self._heard = 0
        self._wanted = 0
        self._all = trio.Event()
        self._in_order = True

    async def listen(self, subscription: Any) -> None:
        """Hear what is said, to the end."""
        while True:
            number = int((await subscription.get()).data[:8])
            self._in_order &= number == self._heard
            self._heard += 1
            if self._heard == self._wanted:
                self._all.set()

    async def _say(self, count: int) -> int:
        """Say so many texts as fast as they go; return how many of them were lost."""
        self._heard, self._wanted, self._all = 0, count, trio.Event()
        for number in range(count):
            await self._speaker.pubsub.wait_for_room(PATIENCE)
            await self._speaker.pubsub.publish(TOPIC, f"{number:08}".encode().ljust(100, b"."))
            if number % 16 == 0:
                await trio.lowlevel.checkpoint()
        with trio.move_on_after(PATIENCE):
            await self._all.wait()
        return count - self._heard

    async def count(self, watch: str) -> float:
        """Return what one message is for Python, or for trio, when nothing else is said."""
        meter, counted = Meter(), []
        for _ in range(COUNTED):
            meter.start(watch)
            await self._say(1)
            counted.append(meter.stop())
        return statistics.median(counted)  # a heartbeat or a ping falls into a few of them

    async def cost(self) -> float:
        """Return the processor time of a message when nothing else is said, in seconds, the best of some rounds."""
        times = []
        for _ in range(ROUNDS):
            start = time.process_time()
            for _ in range(COUNTED):
                await self._say(1)
            times.append((time.process_time() - start) / COUNTED)
        return min(times)

    async def burst(self) -> dict[str, Any]:
        """Return the processor time of one of many messages at once, in seconds, and whether all came, in order."""
        times, lost, self._in_order = [], 0, True
        for _ in range(ROUNDS):
            start = time.process_time()
            lost += await self._say(BURST)
            times.append((time.process_time() - start) / BURST)
        return {"burst": min(times), "lost": lost, "in_order": self._in_order}

    async def fetch(self) -> float:
        """Return the processor time of a megabyte on one stream, in seconds, the best of some rounds."""
        times = []
        for _ in range(ROUNDS):
            stream = await self._speaker.host.new_stream(self._listener.host.get_id(), [ZEROS])
            await widen(stream)
            start = time.process_time()
            await stream.write(FILE.to_bytes(8))
            left = FILE
            while left:
                left -= len(await stream.read(BLOCK))
            times.append((time.process_time() - start) / (FILE / 1e6))
        return min(times)


async def measure() -> dict[str, Any]:
    """Return all that is measured."""
    async with _node() as speaker, _node() as listener, trio.open_nursery() as nursery:
        pair = _Pair(speaker, listener)
        await speaker.pubsub.subscribe(TOPIC)
        nursery.start_soon(pair.listen, await listener.pubsub.subscribe(TOPIC))
        await speaker.dial(parse_dial_address(listener.addresses[0]))
        while not (speaker.pubsub.router.mesh[TOPIC] and speaker.pubsub.room()):  # noqa: ASYNC110
            await trio.sleep(0.01)
        await pair.burst()  # the first messages also pay for code that runs for the first time
        figures = {"calls": await pair.count("calls"), "steps": await pair.count("steps")}
        figures |= await pair.burst() | {"cost": await pair.cost(), "stream": await pair.fetch()}
        nursery.cancel_scope.cancel()
    return figures


if __name__ == "__main__":
    WITHOUT[sys.argv[1]]()
    print(json.dumps(trio.run(measure)))
