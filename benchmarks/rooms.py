"""What a message costs in a room that grows, and what arrives when one peer in five is killed.

The nodes of a room are in up to five processes, so that one in five can be killed at once: no connection of theirs is
closed politely, and what they were to pass on is lost with them. Rooms are of two shapes: in a full one everybody is
connected to everybody, which is what discovery makes of a room; in a sparse one each has dialled DIALS others.
"""

from __future__ import annotations

import contextlib
import random
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks.messages import both
from benchmarks.processes import BenchError
from benchmarks.runs import Talker
from benchmarks.table import FAILED, Row, milliseconds, percentile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.processes import Workshop

TABLE: Final = "A room that grows"
SIZES: Final = (2, 5, 10, 20, 50)
PROCESSES: Final = 5
DIALS: Final = 4
RATE: Final = 20.0
"""Messages a second, of the whole room."""

SMALL: Final = 100
LARGE: Final = 20_000
SETTLE: Final = 3.0
"""Seconds for the mesh to settle: some heartbeats."""

BUSY: Final = 0.2
"""Who uses more of a processor than this is still getting to know the others."""

PATIENCE: Final = 300.0
"""Seconds for everybody to meet: fifty peers have 1,225 connections, of some 30 ms of the processor each."""

MEND: Final = 5.0
"""Seconds in which nothing new has come to anybody: then all has arrived that will. Some heartbeats, whose gossip mends
gaps."""


@dataclass(frozen=True, slots=True)
class Talk:
    """What is said in a room: texts of so many bytes for so many seconds; then some peers may be killed."""

    seconds: float
    size: int = SMALL
    kill: bool = False
    rate: float = RATE


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of it. Of those who survive; their own texts they do not hear."""

    arrived: float
    """Share of the texts that came to each, 0 to 1."""

    copies: float
    """Copies of a text that come to each peer."""

    bytes_out: float
    """Bytes that each peer writes for a text; heartbeats included."""

    cpu: float
    """Seconds of the processor for a text and peer."""

    delays: list[float]
    meshes: list[int]
    counted: dict[str, int]


class Room:
    """A room of `size` nodes in some processes."""

    def __init__(self, parts: list[Talker], size: int) -> None:
        self._parts = parts
        self._size = size
        self._names = [list(range(part, size, len(parts))) for part in range(len(parts))]
        self._addresses: dict[int, str] = {}

    def open(self, degrees: tuple[int, int, int] | None) -> None:
        """Start the nodes."""
        for part, names in zip(self._parts, self._names, strict=True):
            part.do("open", names=names, degrees=degrees)
        for part in self._parts:
            self._addresses |= {int(name): where for name, where in part.wait_for("open")["addresses"].items()}

    def connect(self, dials: int) -> None:
        """Have each node dial so many others, by chance but the same each time; 0: everybody is connected."""
        chance = random.Random(self._size)
        pairs: set[frozenset[int]] = set()
        calls: dict[int, list[int]] = {name: [] for name in range(self._size)}
        for name in range(self._size):
            others = [other for other in range(self._size) if other != name]
            for other in chance.sample(others, dials) if 0 < dials < self._size - 1 else range(name):
                if frozenset({name, other}) not in pairs:
                    pairs.add(frozenset({name, other}))
                    calls[name].append(other)
        for part, names in zip(self._parts, self._names, strict=True):
            for name in names:
                friends = sum(1 for pair in pairs if name in pair)
                part.do("dial", who=name, addresses=[self._addresses[other] for other in calls[name]], friends=friends)
        for part, names in zip(self._parts, self._names, strict=True):
            for _ in names:
                part.wait_for("together", PATIENCE)
        time.sleep(SETTLE)
        wait_until_quiet(self._parts)

    def talk(self, talk: Talk) -> Heard:
        """Have everybody talk in turn; return what became of it."""
        pause = self._size / talk.rate
        count = max(3, round(talk.seconds / pause))
        delays = {name: pause * name / self._size for name in range(self._size)}
        for part in self._parts:
            part.do("begin")
        for part in self._parts:
            part.wait_for("begun")
        for part in self._parts:
            part.do("say", count=count, pause=pause, delays=delays, bytes=talk.size)
        if talk.kill:
            time.sleep(count * pause / 2)
            self._parts.pop().child.process.kill()
            self._names.pop()
        for part in self._parts:
            part.wait_for("said")
        heard, before = self._reports(), -1
        deadline = time.monotonic() + PATIENCE
        while (came := _came(heard)) > before and time.monotonic() < deadline:
            before = came
            time.sleep(MEND)
            heard = self._reports()
        return self._heard(heard, count, all_said=count * self._size)

    def _reports(self) -> list[dict[str, Any]]:
        """Return what each process has heard and used."""
        for part in self._parts:
            part.do("report")
        return [part.wait_for("report") for part in self._parts]

    def _heard(self, reports: list[dict[str, Any]], count: int, all_said: int) -> Heard:
        peers: list[dict[str, Any]] = [peer for report in reports for peer in report["peers"]]
        living = {peer["name"] for peer in peers}
        delays = [
            delay for peer in peers for what, delay in peer["heard"].items() if int(what.partition(" ")[0]) in living
        ]
        counted: dict[str, int] = {}
        for peer in peers:
            for what, number in peer["counted"].items():
                counted[what] = counted.get(what, 0) + number
        came = sum(counted.get(what, 0) for what in ("received", "duplicates", "dropped: own message came back"))
        shares = all_said * len(peers)
        return Heard(
            arrived=len(delays) / (count * len(living) * (len(living) - 1)),
            copies=came / (shares - count * len(living)),
            bytes_out=counted.get("gossip bytes out", 0) / shares,
            cpu=sum(report["cpu"] for report in reports) / shares,
            delays=delays,
            meshes=[peer["mesh"] for peer in peers],
            counted=counted,
        )


def wait_until_quiet(parts: list[Talker]) -> None:
    """Wait until the nodes of no process are busy any more with getting to know each other."""
    deadline = time.monotonic() + PATIENCE
    busy = True
    while busy and time.monotonic() < deadline:
        before = [part.child.cpu_time() for part in parts]
        time.sleep(1)
        busy = max(part.child.cpu_time() - time_ for part, time_ in zip(parts, before, strict=True)) > BUSY


def _came(reports: list[dict[str, Any]]) -> int:
    """Return how many texts have come to anybody."""
    return sum(len(peer["heard"]) for report in reports for peer in report["peers"])


@contextlib.contextmanager
def room(shop: Workshop, size: int, dials: int = 0, degrees: tuple[int, int, int] | None = None) -> Iterator[Room]:
    """Run a room of `size` nodes, each of which has dialled `dials` others (0: all are connected)."""
    with contextlib.ExitStack() as stack:
        parts = [
            stack.enter_context(Talker(shop.start(sys.executable, "-m", "benchmarks.room_peer")))
            for _ in range(min(size, PROCESSES))
        ]
        one = Room(parts, size)
        one.open(degrees)
        one.connect(dials)
        yield one


def sizes(shop: Workshop, sizes: tuple[int, ...], seconds: float) -> Iterator[Row]:
    """Measure rooms of these sizes, full and sparse; then kill one in five of each and measure on."""
    for size in sizes:
        for dials, shape in ((0, "full"), (DIALS, "sparse")):
            if dials and size <= DIALS + 1:
                continue
            try:
                with room(shop, size, dials) as one:
                    yield from _rows(f"room of {size}, {shape}", one.talk(Talk(seconds)))
                    if size >= PROCESSES:
                        killed = one.talk(Talk(seconds, kill=True))
                        yield from _rows(f"room of {size}, {shape}, one in five killed", killed)
            except BenchError as error:
                yield Row(
                    f"room of {size}, {shape}", FAILED, kind="arrived", table=TABLE, note=f"not measured: {error}"
                )


def _rows(figure: str, heard: Heard) -> Iterator[Row]:
    """Return the line of a room: a row for each column."""
    p50, p99 = (percentile(heard.delays, part) for part in (0.5, 0.99))
    values = {
        "arrived": heard.arrived,
        "copies": heard.copies,
        "bytes": heard.bytes_out,
        "cpu": heard.cpu,
        "p50": p50,
        "p99": p99,
        "last": max(heard.delays),
        "meshes": heard.meshes,
    }
    columns = {
        "arrived": f"{heard.arrived:.2%}",
        "copies": f"{heard.copies:.1f}",
        "bytes out": f"{heard.bytes_out:,.0f}",
        "CPU": f"{heard.cpu * 1e6:,.0f} µs",
        "p50 / p99": both(p50, p99),
        "last": milliseconds(max(heard.delays)),
    }
    for kind, measured in columns.items():
        if kind == "arrived":
            yield Row(figure, measured, "all", heard.arrived == 1, values, kind, TABLE)
        else:
            yield Row(figure, measured, kind=kind, table=TABLE)
