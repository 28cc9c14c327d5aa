"""Figures of files and direct messages, between two real programs on loopback.

How to read them: everything is measured in turns, in the same run, and the median of the rounds is shown. A file that
is fetched is read off a disk, sent, verified piece by piece and written to a disk, so it is slower than one raw libp2p
stream of the same length between two of our nodes, which stands beside it: what is told is how much of that speed is
left. A file that is asked for by its name comes the same way, behind a look for its providers in Kademlia, which is
timed with it. The sister protocol is that of peers in other languages, whose files are neither verified nor gone on
with; and that of gnostr is /file-exchange/1, in which a bare node of ours asks a program for a file that looks random,
nearly as large as an answer may be. How fast a file is read before it is offered stands beside plain SHA-256 of the
same bytes. On a machine of few cores the two processes slow each other down, so that each figure shows the work of both
sides.

Memory is the largest resident set of each side while a file is sent, offered or by its name, beside what it held
before; it is flat when it does not grow with the file, of 1 GiB.

A direct message is timed from the moment at which it is handed to its author's service, to the moment at which the
other service tells it, and to its confirmation.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import statistics
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Self, final

from benchmarks import messages, services
from benchmarks.processes import PATIENCE, PY_PEER
from benchmarks.table import Row, milliseconds, percentile
from py_peer.core.limits import MAX_SISTER_FILE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.processes import Child, Workshop
    from benchmarks.runs import Talker

TABLE: Final = "Files"
GOAL_GROWTH: Final = 32
"""Megabytes that either side may hold more while a file is sent, however large it is."""

DIRECT_RATE: Final = 20.0
MEGABYTE: Final = 1_000_000
CHUNK: Final = 1024 * 1024
PLAIN: Final = 5 * CHUNK
"""Bytes of a file that looks random, which make 9.5 MiB in /file-exchange/1; 10 are the limit."""


@final
class Program:
    """A child that writes JSON lines."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.address = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.child.__exit__()

    def see(self, event: str, **fields: Any) -> dict[str, Any]:
        """Return the next event with that name and these fields, whatever else is told before it."""

        def wanted(line: str) -> bool:
            told = json.loads(line)
            return bool(told["event"] == event and fields.items() <= told.items())

        told: dict[str, Any] = json.loads(self.child.wait_for(wanted, 10 * PATIENCE)[1])
        return told

    def do(self, command: str, **arguments: Any) -> None:
        """Give a command."""
        self.child.write(json.dumps({"command": command, **arguments}) + "\n")

    def share(self, path: Path) -> tuple[str, float]:
        """Have it offer a file; return the file's ID, and the seconds that it took to read it."""
        start = time.monotonic()
        self.do("share", path=str(path))
        file_id: str = self.see("file_shared")["file"]["file_id"]
        return file_id, time.monotonic() - start

    def provide(self, path: Path, name: str) -> None:
        """Have it serve a file to who asks for `name`."""
        self.do("provide", path=str(path), name=name)
        self.see("file_provided", name=name)

    def get(self, file_id: str, path: Path) -> float:
        """Have it fetch a file; return the seconds that it took, by the clock of the one who waits."""
        return self._fetch(path, "get", file=file_id)

    def fetch(self, name: str, path: Path) -> float:
        """Have it find who provides a file, and fetch it; return the seconds, as `get` does."""
        return self._fetch(path, "fetch", name=name)

    def _fetch(self, path: Path, command: str, **what: str) -> float:
        start = time.monotonic()
        self.do(command, path=str(path), **what)
        self.see("transfer_done", path=str(path))
        seconds = time.monotonic() - start
        path.unlink()
        return seconds


def program(shop: Workshop, *options: str) -> Program:
    """Start py-peer as a script does."""
    folder = ("--downloads", str(shop.new_folder()))
    return Program(shop.start(*PY_PEER, "--headless", "--json", "--no-intro", "--dht", *folder, *options))


@contextlib.contextmanager
def couple(shop: Workshop, *connect: str) -> Iterator[tuple[Program, Program]]:
    """Run two programs that see each other in the room."""
    with program(shop) as first:
        first.address = _local(first.see("ready")["addresses"])
        known = [part for one in (first.address, *connect) for part in ("-c", one)]
        with program(shop, *known) as second:
            for _ in range(1 + len(connect)):
                second.see("peer_joined")
            first.see("peer_joined")
            yield first, second


def _local(addresses: list[str]) -> str:
    return next(one for one in addresses if one.startswith("/ip4/127.0.0.1/"))


def _random_file(folder: Path, size: int) -> Path:
    path = folder / f"{size}.bin"
    with path.open("wb") as file:
        for _ in range(size // CHUNK):
            file.write(os.urandom(CHUNK))
    return path


def files(shop: Workshop, rounds: int, size: int) -> Iterator[Row]:
    """Measure one raw stream, a fetch by our own protocol, by name, by the others' two, and reading, in turns."""
    path, plain = (_random_file(shop.new_folder(), bytes_) for bytes_ in (size, PLAIN))
    goal = path.with_name("fetched")
    small = min(size, MAX_SISTER_FILE_BYTES)
    rates: dict[str, list[float]] = {name: [] for name in ("raw", "get", "name", "sister", "plain", "share", "sha256")}
    sister_peer = shop.start(sys.executable, "-m", "benchmarks.sister_peer", str(small))
    with (
        Program(sister_peer) as sister,
        messages.node_pair(shop) as nodes,
        couple(shop, sister.see("ready")["address"]) as (ann, bob),
    ):
        ann.provide(path, "large")
        ann.provide(plain, "plain")
        for number in range(rounds):
            rates["raw"].append(messages.fetch(nodes, size))
            rates["sha256"].append(size / _hashed(path))
            file_id, seconds = ann.share(path)
            rates["share"].append(size / seconds)
            bob.see("file_offered")
            rates["get"].append(size / bob.get(file_id, goal))
            rates["name"].append(size / bob.fetch("large", goal))
            rates["plain"].append(PLAIN / _asked_plainly(nodes[1], ann))
            sister.child.write(f"sister-{number}\n")
            bob.see("file_offered")
            rates["sister"].append(small / bob.get(f"sister-{number}", goal))
            ann.do("unshare", file=file_id)
    names = {
        "raw": f"one stream, {size // CHUNK} MiB, in turns with what follows",
        "get": f"/get of a py-peer's file, {size // CHUNK} MiB",
        "name": f"/fetch of it by its name, {size // CHUNK} MiB",
        "plain": f"/file-exchange/1, {PLAIN // CHUNK} MiB",
        "sister": f"/get by the sister protocol, {small // CHUNK} MiB",
        "sha256": "SHA-256 of a file, one thread",
        "share": "/share: a file is read and hashed",
    }
    beside = {"get": "raw", "name": "raw", "plain": "raw", "sister": "raw", "share": "sha256"}
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, figure in names.items():
        measured = f"{medians[name] / MEGABYTE:,.0f} MB/s"
        if other := beside.get(name):
            measured += f", {medians[name] / medians[other]:.2f} of {names[other].split(',')[0]}"
        yield Row(figure, measured, values={"bytes_per_second": rates[name]}, table=TABLE)


def _asked_plainly(node: Talker, providing: Program) -> float:
    """Have a bare node ask a program for a file as gnostr does; return the seconds."""
    node.do("fetch-named", address=providing.address, name="plain")
    seconds: float = node.wait_for("fetched")["seconds"]
    return seconds


def _hashed(path: Path) -> float:
    start = time.monotonic()
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    return time.monotonic() - start


def memory(shop: Workshop, size: int) -> Iterator[Row]:
    """Measure what both sides hold at most while a file is sent, offered and by name, beside what they held before."""
    path = _random_file(shop.new_folder(), size)
    goal = path.with_name("fetched")
    with couple(shop) as (ann, bob):
        file_id, _ = ann.share(path)
        bob.see("file_offered")
        yield _memory(f"memory while {size // CHUNK:,} MiB are fetched", size, ann, bob, lambda: bob.get(file_id, goal))
    with couple(shop) as (ann, bob):
        ann.provide(path, "large")
        yield _memory(f"the same, of {size // CHUNK:,} MiB by name", size, ann, bob, lambda: bob.fetch("large", goal))
    path.unlink()


def _memory(figure: str, size: int, ann: Program, bob: Program, fetch: Callable[[], float]) -> Row:
    time.sleep(2)  # identify and the first pings
    before = [one.child.memory() for one in (ann, bob)]
    with _largest(ann.child, bob.child) as largest:
        seconds = fetch()
    sides = [
        f"{name} {most / MEGABYTE:.0f} MB (before: {idle / MEGABYTE:.0f} MB)"
        for name, most, idle in zip(("sender", "fetcher"), largest, before, strict=True)
    ]
    growth = max(most - idle for most, idle in zip(largest, before, strict=True))
    return Row(
        figure,
        f"{', '.join(sides)}; {size / seconds / MEGABYTE:,.0f} MB/s",
        f"{GOAL_GROWTH} MB more",
        growth <= GOAL_GROWTH * MEGABYTE,
        {"before": before, "largest": largest, "seconds": seconds},
        table=TABLE,
    )


@contextlib.contextmanager
def _largest(*children: Child) -> Iterator[list[int]]:
    """Watch the memory of children while the block runs; the list holds the largest of each."""
    largest = [0] * len(children)
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            largest[:] = [max(most, child.memory()) for most, child in zip(largest, children, strict=True)]

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield largest
    finally:
        over.set()
        thread.join()


def direct(shop: Workshop, seconds: float) -> Iterator[Row]:
    """Measure direct messages: until they are told, and until they are confirmed."""
    with services.pair(shop) as (author, other):
        _say_directly(author, other, 20)  # the first ones also pay for code that runs for the first time
        told, confirmed = _say_directly(author, other, int(seconds * DIRECT_RATE))
    for way, delays in (("until told", told), ("until confirmed", confirmed)):
        p50, p99 = percentile(delays, 0.5), percentile(delays, 0.99)
        yield Row(
            f"direct message at {DIRECT_RATE:.0f}/s, {way}",
            f"p50 {milliseconds(p50)}, p99 {milliseconds(p99)}",
            values={"p50": p50, "p99": p99, "count": len(delays)},
        )


def _say_directly(author: Talker, other: Talker, count: int) -> tuple[list[float], list[float]]:
    """Send direct messages; return the seconds until each was told, and until each was confirmed."""
    other.do("expect", count=count)
    other.wait_for("expecting")
    author.do("direct", peer=other.address.rpartition("/")[2], count=count, rate=DIRECT_RATE)
    confirmed = author.wait_for("confirmed", 3 * count / DIRECT_RATE + 10)["delays"]
    return other.wait_for("received")["delays"], confirmed
