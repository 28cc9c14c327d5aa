"""Keys of Kademlia in a network of our nodes: how long it takes to put, get, provide and find them.

How to read it: all nodes of a network are on this machine, in up to five processes, so that what a walk makes the
others do takes its time as well; elsewhere the way there and back is on top, for each turn of three of those who are
asked. Everybody knows everybody, and of up to twenty each keeps whatever is put. One key is put, by one node, and when
that is done, the next, by another; then each is looked for by a node that has not put it. What is timed is the call of
`net/kademlia.py`, from its beginning to its end: all that are close have answered. The pace that one peer is held to,
by a service and by those whom it asks, is lifted.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, Final

from benchmarks.messages import both
from benchmarks.processes import BenchError
from benchmarks.rooms import wait_until_quiet
from benchmarks.runs import Talker
from benchmarks.table import FAILED, Row, milliseconds, percentile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.processes import Workshop

TABLE: Final = "Keys and values"
SIZES: Final = (5, 20)
PROCESSES: Final = 5
KINDS: Final = ("put", "get", "provide", "find")
VALUE: Final = 100
"""Bytes of a value."""

TO_THE_NEXT: Final = 3
"""Who looks for a key is so many behind who put it: in another process, and in a network of each size another one."""

PATIENCE: Final = 120.0
"""Seconds for everybody to meet everybody, and for what one is told to do."""


class Network:
    """Some nodes that know each other."""

    def __init__(self, parts: list[Talker], size: int) -> None:
        self.size = size
        self._parts = parts

    def open(self) -> None:
        """Start the nodes, and have all of them join the first."""
        addresses: dict[int, str] = {}
        for number, part in enumerate(self._parts):
            part.do("open", names=list(range(number, self.size, len(self._parts))))
            addresses |= {int(name): where for name, where in part.wait_for("open")["addresses"].items()}
        for who in range(self.size):
            self._part(who).do("join", who=who, address=addresses[0] if who else "", size=self.size - 1)
        for who in range(self.size):
            self._part(who).wait_for("joined", PATIENCE)
        wait_until_quiet(self._parts)

    def do(self, who: int, what: str, **values: str) -> dict[str, Any]:
        """Have one do something, and return what came of it."""
        part = self._part(who)
        part.do(what, who=who, **values)
        return part.wait_for(what, PATIENCE)

    def _part(self, who: int) -> Talker:
        return self._parts[who % len(self._parts)]

    def cpu(self) -> float:
        """Return the seconds of the processor that all have used."""
        return sum(part.child.cpu_time() for part in self._parts)


@contextlib.contextmanager
def network(shop: Workshop, size: int, *wishes: str) -> Iterator[Network]:
    """Run a network of `size` nodes, all of which know each other; `wishes` are those of `benchmarks.kad_peer`."""
    with contextlib.ExitStack() as stack:
        parts = [
            stack.enter_context(Talker(shop.start(sys.executable, "-m", "benchmarks.kad_peer", *wishes)))
            for _ in range(min(size, PROCESSES))
        ]
        one = Network(parts, size)
        one.open()
        yield one


def sizes(shop: Workshop, sizes: tuple[int, ...], count: int) -> Iterator[Row]:
    """Measure `count` keys in networks of these sizes."""
    for size in sizes:
        try:
            with network(shop, size) as one:
                yield from _rows(one, count)
        except BenchError as error:
            yield Row(f"network of {size}", FAILED, kind="put", table=TABLE, note=f"not measured: {error}")


def _rows(one: Network, count: int) -> Iterator[Row]:
    """Return the line of a network: a row for each column. Raises BenchError."""
    figure = f"network of {one.size}"
    for what in KINDS:
        _each(one, what, "warm-up", one.size)  # code that runs for the first time takes longer
    found = {what: _each(one, what, "key", count) for what in KINDS}
    for what, (told, cpu) in found.items():
        seconds = [one_["seconds"] for one_ in told]
        p50, p99 = (percentile(seconds, part) for part in (0.5, 0.99))
        values = {"seconds": seconds, "cpu": cpu, "asked": [one_["asked"] for one_ in told]}
        yield Row(figure, both(p50, p99), kind=what, table=TABLE, values=values)
    costs = (milliseconds(found[what][1]).removesuffix(" ms") for what in ("put", "get"))
    yield Row(figure, f"{' / '.join(costs)} ms", kind="CPU of a put / get", table=TABLE)
    taken = min(one_["took"] for one_ in found["put"][0])
    yield Row(figure, f"{taken} of {one.size - 1}", kind="taken by", table=TABLE)
    right = sum(one_["value"] == _value(number) for number, one_ in enumerate(found["get"][0]))
    right += sum(one_["peers"] == 1 for one_ in found["find"][0])
    yield Row(figure, f"{right} of {2 * count}", "all", right == 2 * count, kind="found", table=TABLE)


def _each(one: Network, what: str, name: str, count: int) -> tuple[list[dict[str, Any]], float]:
    """Do one thing with `count` keys; return what came of each, and the CPU seconds of all nodes for one."""
    is_reader = what in ("get", "find")
    told = []
    before = one.cpu()
    for number in range(count):
        who = (number + is_reader * TO_THE_NEXT) % one.size
        more = {"value": _value(number)} if what == "put" else {}
        told.append(one.do(who, what, key=f"{name} {number}", **more))
    return told, (one.cpu() - before) / count


def _value(number: int) -> str:
    return f"{number} ".ljust(VALUE, ".")
