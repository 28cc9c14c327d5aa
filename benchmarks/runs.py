"""Messages sent at a rate from one child to another, and what became of them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, final

from benchmarks.processes import PATIENCE, BenchError
from benchmarks.table import milliseconds, percentile

if TYPE_CHECKING:
    from benchmarks.processes import Child

LONGEST_P99: Final = 0.250
"""Seconds. Above it the receiver no longer keeps up, and only a queue hides that."""

QUIET: Final = 3.0
"""Seconds in which nothing more comes, after which what has not come is lost."""


@final
class Talker:
    """A child that takes JSON lines with `do`, and tells JSON lines with `event`."""

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
        """Return the next event of that name, whatever else is told before it. Raises BenchError."""
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


Pair = tuple[Talker, Talker]
"""Who sends, and who receives."""


@dataclass(frozen=True, slots=True)
class Run:
    """What became of messages sent at a rate. Times in seconds."""

    rate: float
    count: int
    arrived: int
    refused: int
    in_order: bool
    p50: float
    p99: float
    seconds: float
    """From the first that arrived to the last."""

    cpu: tuple[float, float]
    """Processor time a message, of who sends and who receives."""

    @property
    def is_whole(self) -> bool:
        """Whether all arrived."""
        return self.arrived == self.count

    @property
    def is_held(self) -> bool:
        """Whether all arrived, at nearly the rate that was asked for and without queueing up."""
        on_time = self.seconds < 1.05 * self.count / self.rate + LONGEST_P99
        return self.is_whole and on_time and self.p99 < LONGEST_P99

    @property
    def fault(self) -> str:
        """Return what is said of messages that did not come, or not in order; "" when there are none."""
        if self.arrived < self.count:
            return f"{self.count - self.arrived:,} LOST"
        return "" if self.in_order else "OUT OF ORDER"

    def why_not_held(self) -> str:
        """Return why a run was not held."""
        if not self.is_whole:
            refused = f", {self.refused:,} of them refused by the outbox" if self.refused else ""
            return f"at {self.rate:,.0f}/s {self.fault} of {self.count:,}{refused}"
        pace = (self.count - 1) / max(self.seconds, 1e-9)
        return f"at {self.rate:,.0f}/s only {pace:,.0f}/s, p99 {milliseconds(self.p99)}"


def send(pair: Pair, count: int, rate: float) -> Run:
    """Send `count` messages at `rate` a second (0: all at once) and see what arrives. Raises BenchError."""
    sender, receiver = pair
    receiver.do("expect", count=count)
    receiver.wait_for("expecting")
    before = [side.child.cpu_time() for side in pair]
    sender.do("send", count=count, rate=rate)
    sent = sender.wait_for("sent", count / (rate or 100) * 3 + PATIENCE)
    received = _received(receiver)
    cpu = tuple((side.child.cpu_time() - used) / count for side, used in zip(pair, before, strict=True))
    delays = received["delays"] or [float("inf")]
    return Run(
        rate=rate,
        count=count,
        arrived=received["distinct"],
        refused=sent.get("refused", 0),
        in_order=received["in_order"],
        p50=percentile(delays, 0.5),
        p99=percentile(delays, 0.99),
        seconds=received["seconds"],
        cpu=(cpu[0], cpu[1]),
    )


def _received(receiver: Talker) -> dict[str, Any]:
    """Return what has come when all has, or when nothing more comes."""
    distinct = -1
    while True:
        try:
            return receiver.wait_for("received", QUIET)
        except BenchError:
            receiver.do("report")
            received = receiver.wait_for("received")
        if received["distinct"] == distinct:
            return received
        distinct = received["distinct"]
