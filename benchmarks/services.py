"""Figures from service to service: two processes, each with a HeadlessService and nothing on top."""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.kinds import OURS, Kind
from benchmarks.messages import MEGABYTE
from benchmarks.runs import Pair, Talker
from benchmarks.table import Row, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.messages import Openers
    from benchmarks.processes import Workshop

GOAL_MEGABYTES: Final = 100
SETTLING: Final = 2.0
"""Seconds in which more arrives, if more is to come."""


def pairs(shop: Workshop, kinds: tuple[Kind, ...]) -> Openers:
    """Return how pairs of services of ours are opened."""
    return {kind.name: partial(pair, shop, kind) for kind in kinds if kind.is_ours}


def start(shop: Workshop, *connect: str, kind: Kind = OURS) -> Talker:
    """Start a service that holds no pace; it is not ready yet."""
    wishes = {"nickname": "bench", "connect": connect, "paced": False, "intro": False, **kind.settings}
    return Talker(shop.start(sys.executable, "-m", "benchmarks.service_peer", json.dumps(wishes)))


@contextlib.contextmanager
def pair(shop: Workshop, kind: Kind = OURS) -> Iterator[Pair]:
    """Run two services that see each other in the room; the first has dialled the second, and sends."""
    with start(shop, kind=kind) as receiver:
        receiver.address = receiver.wait_for("ready")["address"]
        with start(shop, receiver.address, kind=kind) as sender:
            sender.wait_for("joined")
            receiver.wait_for("joined")
            yield sender, receiver


def first_message(shop: Workshop, rounds: int) -> Iterator[Row]:
    """Measure how long after a service was ready to dial the first text has gone each way."""
    there: list[float] = []
    back: list[float] = []
    for _ in range(rounds):
        with start(shop) as first:
            address = first.wait_for("ready")["address"]
            first.do("expect", count=1)
            first.wait_for("expecting")
            with start(shop, address) as second:
                second.do("expect", count=1)
                for service in (first, second):  # waits in the outbox until somebody is there
                    service.do("send", count=1, rate=0)
                ready = second.wait_for("ready")["at"]
                there.append(first.wait_for("received")["at"] - ready)
                back.append(second.wait_for("received")["at"] - ready)
    for way, times in (("dialler to listener", there), ("listener to dialler", back)):
        median = statistics.median(times)
        yield Row(f"connect to first message, {way}", milliseconds(median), "", None, {"seconds": times})


def memory(shop: Workshop, count: int, rate: float) -> Row:
    """Measure the receiver's memory before and after many messages."""
    with pair(shop) as (sender, receiver):
        held = receiver.child.memory
        before = held()
        receiver.do("expect", count=count + 1)  # one that never comes: to report takes memory of its own
        receiver.wait_for("expecting")
        sender.do("send", count=count, rate=rate)
        sender.wait_for("sent", count / rate * 3 + 10)
        time.sleep(SETTLING)
        after = held()
        arrived, earlier = 0, -1
        while earlier < arrived < count:
            receiver.do("report")
            earlier, arrived = arrived, receiver.wait_for("received")["distinct"]
            time.sleep(SETTLING)
    lost = "" if arrived == count else f"{count - arrived} LOST"
    return Row(
        f"memory of a service that has heard {count:,} messages",
        " ".join(filter(None, (f"{after / MEGABYTE:.0f} MB (before: {before / MEGABYTE:.0f} MB)", lost))),
        f"{GOAL_MEGABYTES} MB",
        after <= GOAL_MEGABYTES * MEGABYTE and not lost,
        {"before": before, "after": after, "count": count, "arrived": arrived},
    )
