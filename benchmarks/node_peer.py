"""One of our nodes in a process of its own, with nothing on top: what a message costs in the network alone.

Commands, on standard input, in JSON lines: `{"do": "dial", "address": …}`,
`{"do": "expect", "count": …, "watch": …}`, `{"do": "send", "count": …, "rate": …, "watch": …}`. What is watched is
"calls" (of functions, Python's and C's, exact), "steps" (of trio's scheduler) or "" (nothing: it costs time itself).
"""

from __future__ import annotations

import json
import sys
import time
from array import array
from typing import TYPE_CHECKING, Any, Final, Self, final

import trio

from py_peer.core.addresses import parse_dial_address
from py_peer.net.node import open_node

if TYPE_CHECKING:
    from types import FrameType

    from py_peer.net.node import Node

TOPIC: Final = "bench"
TEXT_BYTES: Final = 100
MESSAGES_PER_TURN: Final = 16


def say(what: str, **values: Any) -> None:
    """Tell the parent."""
    print(json.dumps({"event": what, **values}), flush=True)


@final
class _Unwatched:
    """Observes nothing but who is in the room."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None

    def room_changed(self, joined: frozenset[Any], left: frozenset[Any]) -> None:
        """Tell the parent that somebody is there."""
        del left
        if joined:
            say("joined")


@final
class _Meter(trio.abc.Instrument):
    """Counts calls, or the scheduler's steps, and takes the time of the processor."""

    def __init__(self, watch: str) -> None:
        self._watch = watch
        self._counted = 0
        self._cpu = 0.0

    def __enter__(self) -> Self:
        if self._watch == "calls":
            sys.setprofile(self._call)
        if self._watch == "steps":
            trio.lowlevel.add_instrument(self)
        self._cpu = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop counting."""
        self._cpu = time.process_time() - self._cpu
        sys.setprofile(None)
        if self._watch == "steps":
            trio.lowlevel.remove_instrument(self)

    def _call(self, frame: FrameType, event: str, argument: object) -> None:
        del frame, argument
        if event in ("call", "c_call"):
            self._counted += 1

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Count a step."""
        del task
        self._counted += 1

    def figures(self, count: int) -> dict[str, float]:
        """Return what one of `count` messages cost: in processor time, in seconds, and in what was counted."""
        return {"cpu": self._cpu / count, "counted": self._counted / count}


async def send(node: Node, count: int, rate: float, watch: str) -> None:
    """Say `count` texts, evenly, at `rate` a second (0: as fast as they go), and wait until they are written."""
    start = trio.current_time()
    with _Meter(watch) as meter:
        for number in range(count):
            if rate:
                await trio.sleep_until(start + number / rate)
            await node.pubsub.wait_for_room(5)
            text = f"{number} {time.monotonic():.6f} ".ljust(TEXT_BYTES, ".")
            await node.pubsub.publish(TOPIC, text.encode())
            if number % MESSAGES_PER_TURN == 0:
                await trio.lowlevel.checkpoint()
        while any(len(queue) for queue in node.pubsub.peer_queues.values()):
            await trio.lowlevel.checkpoint()
    say("sent", **meter.figures(count))


async def expect(subscription: Any, count: int, watch: str) -> None:
    """Hear `count` texts and tell what they cost."""
    numbers, delays = array("l"), array("d")
    say("expecting")
    with trio.move_on_after(60), _Meter(watch) as meter:
        while len(numbers) < count:
            number, said_at, _ = bytes((await subscription.get()).data).split(b" ", 2)
            delays.append(time.monotonic() - float(said_at))
            numbers.append(int(number))
    say(
        "received",
        delays=list(delays),
        in_order=list(numbers) == sorted(numbers),
        distinct=len(set(numbers)),
        **meter.figures(count),
    )


async def obey(node: Node, subscription: Any) -> None:
    """Do what the parent says, one thing after the other, until it is gone."""
    async for line in trio.wrap_file(sys.stdin):
        command = json.loads(line)
        match command["do"]:
            case "dial":
                await node.dial(parse_dial_address(command["address"]))
            case "expect":
                await expect(subscription, command["count"], command["watch"])
            case "send":
                await send(node, command["count"], command["rate"], command["watch"])


async def main() -> None:
    """Run a node until the parent is gone."""
    observer: Any = _Unwatched()
    async with open_node(
        topics=frozenset({TOPIC}), room_topic=TOPIC, observer=observer, admit=lambda _: True, loopback=True
    ) as node:
        subscription = await node.pubsub.subscribe(TOPIC)
        say("ready", address=node.addresses[0])
        await obey(node, subscription)


if __name__ == "__main__":
    trio.run(main)
