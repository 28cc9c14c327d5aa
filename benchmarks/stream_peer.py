"""One of our nodes in a process of its own, with nothing on top: one raw libp2p stream, to measure files beside.

It serves zeros to whoever asks, and asks another node for them: `ADDRESS BYTES` on standard input. With a number of
bytes as its argument it joins the room and offers a file of so many zeros, as peers in other languages do, under each
ID that it reads. It tells what it does as the other children do, in JSON lines.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import trio
from libp2p.utils import encode_uvarint
from libp2p.utils.varint import read_varint_prefixed_bytes

from py_peer.chatroom import CHAT_TOPIC
from py_peer.core.addresses import parse_dial_address
from py_peer.net.node import open_node
from py_peer.net.sister_files import SISTER_FILE
from py_peer.net.streams import widen
from py_peer.service.offers import FILE_TOPIC

if TYPE_CHECKING:
    from libp2p.abc import INetStream
    from libp2p.custom_types import TProtocol

    from py_peer.net.node import Node

PROTOCOL: Final[Any] = "/py-peer/bench/1.0.0"
BLOCK: Final = 256 * 1024


class _Unwatched:
    """Observes nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def say(what: str, **values: Any) -> None:
    """Tell the parent."""
    print(json.dumps({"event": what, **values}), flush=True)


async def _send_zeros(stream: INetStream, count: int) -> None:
    block = bytes(BLOCK)
    while count:
        part = block[:count]
        await stream.write(part)
        count -= len(part)
    await stream.close()


async def serve(stream: INetStream) -> None:
    """Send as many zeros as are asked for: eight bytes say how many."""
    await _send_zeros(stream, int.from_bytes(await stream.read(8)))


async def fetch(node: Node, address: str, count: int) -> None:
    """Ask for `count` bytes and read them all, with the window that a file has."""
    peer_id = await node.dial(parse_dial_address(address))
    stream = await node.host.new_stream(peer_id, [PROTOCOL])
    await widen(stream)
    start = time.monotonic()
    await stream.write(count.to_bytes(8))
    left = count
    while left:
        left -= len(await stream.read(BLOCK))
    say("fetched", seconds=time.monotonic() - start)


async def main(size: int) -> None:
    """Run until the end of the input; `size` is that of the files that are offered."""

    async def serve_file(stream: INetStream) -> None:
        await read_varint_prefixed_bytes(stream)
        await stream.write(encode_uvarint(size))
        await _send_zeros(stream, size)

    streams: dict[TProtocol, Any] = {PROTOCOL: serve, SISTER_FILE: serve_file}
    observer: Any = _Unwatched()
    topics = frozenset({CHAT_TOPIC, FILE_TOPIC} if size else ())
    async with open_node(
        topics=topics, room_topic=CHAT_TOPIC, observer=observer, admit=lambda _: True, loopback=True, streams=streams
    ) as node:
        for topic in topics:
            await node.pubsub.subscribe(topic)
        say("ready", address=node.addresses[0])
        async for line in trio.wrap_file(sys.stdin):
            first, *count = line.split()
            if count:
                await fetch(node, first, int(count[0]))
            else:
                await node.pubsub.publish(FILE_TOPIC, first.encode())


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 0)
