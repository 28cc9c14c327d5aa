"""One of our nodes in a process of its own that offers files as peers in other languages do: unverified, as they come.

`python -m benchmarks.sister_peer BYTES` joins the room and offers a file of so many zeros under each ID that it reads
on standard input. It tells what it does as the other children do, in JSON lines.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import trio
from libp2p.utils import encode_uvarint
from libp2p.utils.varint import read_varint_prefixed_bytes

from benchmarks.node_peer import Unwatched, say, send_zeros
from py_peer.chatroom import CHAT_TOPIC
from py_peer.core.settings import Transports
from py_peer.net.node import open_node
from py_peer.net.sister_files import SISTER_FILE
from py_peer.service.offers import FILE_TOPIC

if TYPE_CHECKING:
    from libp2p.abc import INetStream


async def main(size: int) -> None:
    """Run until the end of the input; `size` is that of the files that are offered."""

    async def serve_file(stream: INetStream) -> None:
        await read_varint_prefixed_bytes(stream)
        await stream.write(encode_uvarint(size))
        await send_zeros(stream, size)

    observer: Any = Unwatched()
    streams: Any = {SISTER_FILE: serve_file}
    async with open_node(
        room_topic=CHAT_TOPIC,
        observer=observer,
        admit=lambda _: True,
        transports=Transports(loopback=True),
        streams=streams,
    ) as node:
        for topic in (CHAT_TOPIC, FILE_TOPIC):
            await node.pubsub.subscribe(topic)
        say("ready", address=node.addresses[0])
        async for line in trio.wrap_file(sys.stdin):
            await node.pubsub.publish(FILE_TOPIC, line.strip().encode())


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]))
