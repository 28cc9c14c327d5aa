"""Figures from service to service: two processes, each with a HeadlessService and nothing on top."""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, final

from benchmarks.processes import PATIENCE, BenchError
from benchmarks.table import Row, milliseconds, percentile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.processes import Child, Workshop

RATES: Final = (500, 1_000, 1_500, 2_000, 2_500, 3_000, 4_000, 5_000)
LONGEST_P99: Final = 0.250
"""Above it the receiver no longer keeps up, and only a queue hides that."""

GOAL_P50: Final = 0.004
GOAL_P99: Final = 0.010
GOAL_RATE: Final = 1_000
GOAL_MEGABYTES: Final = 100
MEGABYTE: Final = 1_000_000


@final
class Service:
    """A service in a child process."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.address = ""
        """Where it is to be dialled, when it is ready and that has been read."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.child.__exit__()

    def wait_for(self, event: str, patience: float = PATIENCE) -> dict[str, Any]:
        """Return the next event of that name, whatever else is told before it."""
        deadline = time.monotonic() + patience
        while True:
            _, line = self.child.next_line(deadline)
            told: dict[str, Any] = json.loads(line)
            if told["event"] == event:
                return told
            if told["event"] == "failed":
                raise BenchError(told["reason"])

    def do(self, what: str, **values: Any) -> None:
        """Give a command."""
        self.child.write(json.dumps({"do": what, **values}) + "\n")


def start(shop: Workshop, *connect: str, paced: bool = False) -> Service:
    """Start a service; it is not ready yet."""
    wishes = {"nickname": "bench", "connect": connect, "paced": paced, "intro": False}
    return Service(shop.start(sys.executable, "-m", "benchmarks.service_peer", json.dumps(wishes)))


@contextlib.contextmanager
def pair(shop: Workshop) -> Iterator[tuple[Service, Service]]:
    """Run two services that see each other in the room."""
    with start(shop) as first:
        first.address = first.wait_for("ready")["address"]
        with start(shop, first.address) as second:
            second.wait_for("joined")
            first.wait_for("joined")
            yield first, second


@dataclass(frozen=True, slots=True)
class Run:
    """What became of messages sent at a rate."""

    rate: float
    count: int
    arrived: int
    refused: int
    in_order: bool
    p50: float
    p99: float
    seconds: float

    @property
    def is_lossless(self) -> bool:
        """Whether all arrived, in order, at nearly the rate that was asked for and without queueing up."""
        on_time = self.seconds < 1.05 * self.count / self.rate + LONGEST_P99
        return self.arrived == self.count and self.in_order and on_time and self.p99 < LONGEST_P99


def send(sender: Service, receiver: Service, count: int, rate: float) -> Run:
    """Send `count` messages at `rate` a second and see what arrives."""
    receiver.do("expect", count=count)
    receiver.wait_for("expecting")
    sender.do("send", count=count, rate=rate)
    sent = sender.wait_for("sent", count / (rate or 100) * 3 + 10)
    try:
        received = receiver.wait_for("received", 3)
    except BenchError:
        receiver.do("report")
        received = receiver.wait_for("received", 3)
    delays = received["delays"] or [float("inf")]
    return Run(
        rate=rate,
        count=count,
        arrived=received["distinct"],
        refused=sent["refused"],
        in_order=received["in_order"],
        p50=percentile(delays, 0.5),
        p99=percentile(delays, 0.99),
        seconds=received["seconds"],
    )


def latency(shop: Workshop, rates: tuple[int, ...], seconds: float) -> Iterator[Row]:
    """Measure one-way latency at chat rates."""
    with pair(shop) as (first, second):
        send(second, first, 40, 40.0)  # the first messages also pay for code that runs for the first time
        for rate in rates:
            run = send(second, first, int(rate * seconds), float(rate))
            yield latency_row(f"latency at {rate}/s, service to service", run.p50, run.p99, run.count - run.arrived)


def latency_row(figure: str, p50: float, p99: float, lost: int) -> Row:
    """Return the row of a latency, with the goal that all of them have."""
    return Row(
        figure,
        f"p50 {milliseconds(p50)}, p99 {milliseconds(p99)}{f', {lost} LOST' if lost else ''}",
        f"p50 {milliseconds(GOAL_P50)}, p99 {milliseconds(GOAL_P99)}",
        p50 <= GOAL_P50 and p99 <= GOAL_P99 and not lost,
        {"p50": p50, "p99": p99, "lost": lost},
    )


def highest_rate(shop: Workshop, seconds: float) -> Row:
    """Go up in steps until messages are lost, late or out of order; a step may fail once, the machine is shared."""
    best: Run | None = None
    stopped = ""
    with pair(shop) as (first, second):
        for rate in RATES:
            run = send(second, first, int(rate * seconds), float(rate))
            if not run.is_lossless:
                run = send(second, first, int(rate * seconds), float(rate))
            if not run.is_lossless:
                stopped = _why(run)
                break
            best = run
    if best is None:
        return Row("highest rate without loss", f"none: {stopped}", f"{GOAL_RATE:,}/s", met=False)
    return Row(
        "highest rate without loss",
        f"{best.rate:,.0f}/s (p50 {milliseconds(best.p50)}, p99 {milliseconds(best.p99)}{stopped and f'; {stopped}'})",
        f"{GOAL_RATE:,}/s",
        best.rate >= GOAL_RATE,
        {"rate": best.rate, "p50": best.p50, "p99": best.p99, "next": stopped},
    )


def _why(run: Run) -> str:
    """Return why a run was not lossless."""
    if run.arrived < run.count:
        lost = run.count - run.arrived
        return f"at {run.rate:,.0f}/s {lost:,} of {run.count:,} lost, {run.refused:,} of them refused by the outbox"
    if not run.in_order:
        return f"at {run.rate:,.0f}/s out of order"
    return f"at {run.rate:,.0f}/s only {(run.count - 1) / max(run.seconds, 1e-9):,.0f}/s, p99 {milliseconds(run.p99)}"


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
    with pair(shop) as (first, second):
        before = first.child.memory()
        run = send(second, first, count, rate)
        after = first.child.memory()
    lost = run.count - run.arrived
    return Row(
        f"memory of the receiver after {count:,} messages",
        f"{after / MEGABYTE:.0f} MB (before: {before / MEGABYTE:.0f} MB){f', {lost:,} LOST' if lost else ''}",
        f"{GOAL_MEGABYTES} MB",
        after <= GOAL_MEGABYTES * MEGABYTE and not lost,
        {"before": before, "after": after, "count": count, "lost": lost},
    )
