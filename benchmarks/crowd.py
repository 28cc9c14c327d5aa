"""Many authors through one connection: the child that floods a room.

`python -m benchmarks.crowd PORT AUTHORS` joins the room of the peer that listens on PORT of 127.0.0.1, and relays, as
any peer of a room does, messages signed by AUTHORS keys, in turns. Commands, a JSON line each, on standard input:
`{"count": …, "rate": …, "prefix": …}`; the texts are prefix and number. Told, on standard output: `joined`, then for
each command `signed` and `sent`.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import trio
from libp2p.crypto.ed25519 import create_new_key_pair

from benchmarks.processes import PATIENCE
from benchmarks.service_peer import say
from py_peer.chatroom import CHAT_TOPIC
from tests.net.raw_peer import raw_peer, signed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from libp2p.pubsub.pb import rpc_pb2

    from tests.net.raw_peer import RawStream

TEXT_BYTES = 60
SIGNED_AHEAD = 2_000
TICK = 0.01
"""Messages go out in handfuls, this many seconds apart."""


async def run(port: int, authors: int) -> None:
    """Join the room, and send what is asked for until standard input ends."""
    keys = [create_new_key_pair() for _ in range(authors)]
    numbers = itertools.count(time.time_ns())
    with trio.fail_after(PATIENCE):
        await _until_it_listens(port)
    async with raw_peer(port) as peer:
        gossip = await peer.join(CHAT_TOPIC)
        while not peer.rpcs:  # noqa: ASYNC110 - the other's hello: now it is listened to
            await trio.sleep(TICK)
        say("joined")
        while line := await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
            command = json.loads(line)
            texts = (f"{command['prefix']}{number:06d} ".ljust(TEXT_BYTES, ".") for number in range(command["count"]))
            messages = (
                signed(keys[number % authors], CHAT_TOPIC, text.encode(), next(numbers))
                for number, text in enumerate(texts)
            )
            await _send(gossip, messages, command["rate"])


async def _until_it_listens(port: int) -> None:
    while True:
        try:
            await (await trio.open_tcp_stream("127.0.0.1", port)).aclose()
        except OSError:
            await trio.sleep(TICK)
        else:
            return


async def _send(gossip: RawStream, messages: Iterator[rpc_pb2.Message], rate: float) -> None:
    """Send `messages` at `rate` a second. The first of them are signed before the clock starts."""
    ahead = list(itertools.islice(messages, SIGNED_AHEAD))
    say("signed")
    start = time.monotonic()
    for number, message in enumerate(itertools.chain(ahead, messages)):
        if (wait := start + number / rate - time.monotonic()) > TICK:
            await trio.sleep(wait)
        await gossip.send_rpc(publish=[message])
    say("sent", seconds=time.monotonic() - start)


def main(arguments: list[Any]) -> None:
    """Run with a port and a number of authors."""
    trio.run(run, int(arguments[0]), int(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
