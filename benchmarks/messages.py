"""What one message costs in the network alone: calls, steps of the scheduler, processor time; and how long it takes."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, Final

from benchmarks.processes import BenchError
from benchmarks.services import Service
from benchmarks.table import Row, milliseconds, percentile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.processes import Workshop

RATES: Final = (50, 1_000)
COUNTED: Final = 200
"""Messages whose calls and steps are counted, one by one, so that none shares a write with another."""

COUNTED_RATE: Final = 100.0


@contextlib.contextmanager
def _pair(shop: Workshop) -> Iterator[tuple[Service, Service]]:
    """Run two nodes that see each other."""
    with _start(shop) as first, _start(shop) as second:
        second.do("dial", address=first.wait_for("ready")["address"])
        first.wait_for("joined")
        second.wait_for("joined")
        yield first, second


def _start(shop: Workshop) -> Service:
    return Service(shop.start(sys.executable, "-m", "benchmarks.node_peer"))


def _send(
    sender: Service, receiver: Service, count: int, rate: float, watch: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Send `count` messages at `rate` a second; return what both sides tell. Raises BenchError when some are lost."""
    receiver.do("expect", count=count, watch=watch)
    receiver.wait_for("expecting")
    sender.do("send", count=count, rate=rate, watch=watch)
    sent, received = sender.wait_for("sent"), receiver.wait_for("received")
    if received["distinct"] != count or not received["in_order"]:
        msg = f"of {count:,} messages {received['distinct']:,} came, or not in order"
        raise BenchError(msg)
    return sent, received


def cost(shop: Workshop, burst: int) -> Iterator[Row]:
    """Measure what a message costs who sends it and who reads it."""
    with _pair(shop) as (first, second):
        _send(second, first, 100, COUNTED_RATE)  # the first messages also pay for code that runs for the first time
        for watch in ("calls", "steps"):
            sent, received = _send(second, first, COUNTED, COUNTED_RATE, watch)
            values = {"sender": sent["counted"], "receiver": received["counted"]}
            yield Row(
                f"{watch} a message, sender/receiver",
                f"{values['sender']:.0f}/{values['receiver']:.0f}",
                values=values,
            )
        best = min((_send(second, first, burst, 0) for _ in range(5)), key=lambda run: run[0]["cpu"] + run[1]["cpu"])
        values = {"sender": best[0]["cpu"], "receiver": best[1]["cpu"]}
        yield Row(
            f"processor time a message, {burst:,} at once, sender/receiver",
            f"{values['sender'] * 1e6:.0f}/{values['receiver'] * 1e6:.0f} µs",
            values=values,
        )


def latency(shop: Workshop, seconds: float) -> Iterator[Row]:
    """Measure the way of a message from node to node at two rates."""
    with _pair(shop) as (first, second):
        _send(second, first, 100, COUNTED_RATE)
        for rate in RATES:
            _, received = _send(second, first, int(rate * seconds), rate)
            p50, p99 = (percentile(received["delays"], part) for part in (0.5, 0.99))
            yield Row(
                f"latency at {rate:,}/s, node to node",
                f"p50 {milliseconds(p50)}, p99 {milliseconds(p99)}",
                values={"p50": p50, "p99": p99},
            )
