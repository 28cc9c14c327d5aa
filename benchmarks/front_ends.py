"""Figures from front-end to front-end: `py-peer` as a user starts it, text typed into one and read off the other."""

from __future__ import annotations

import contextlib
import statistics
import sys
import time
from typing import TYPE_CHECKING, Final

from benchmarks.processes import PY_PEER, BenchError
from benchmarks.services import latency_row
from benchmarks.table import Row, milliseconds, percentile
from py_peer.core import limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.processes import Child, Workshop

IMPORT: Final = (sys.executable, "-c", "import libp2p, libp2p.pubsub.gossipsub; print('imported', flush=True)")
LISTENING: Final = "Listening on: /ip4/127.0.0.1/"
AT_ONCE: Final = 0.2
"""Seconds that a person takes for at once."""

GOAL_READY: Final = 1.2
GOAL_IDLE: Final = 0.5
BURST: Final = 500
TEXT_BYTES: Final = 100


def warm_up(shop: Workshop) -> None:
    """Have bytecode compiled for everything that the figures run, and the files read once."""
    with shop.start(*IMPORT) as child:
        child.wait_for(lambda line: line == "imported")
    with pair(shop) as (listener, dialler):
        dialler.write("0 0 \n")
        listener.wait_for(lambda line: "]: 0 0" in line)


def startup(shop: Workshop, rounds: int) -> Iterator[Row]:
    """Measure start to first line and to ready beside the library's own import, in turns."""
    imports: list[float] = []
    firsts: list[float] = []
    readies: list[float] = []
    for _ in range(rounds):
        with shop.start(*IMPORT) as child:
            imports.append(child.wait_for(lambda line: line == "imported")[0] - child.started)
        with shop.start(*PY_PEER, "--headless") as child:
            firsts.append(child.wait_for(bool)[0] - child.started)
            readies.append(child.wait_for(lambda line: line.startswith("Listening on:"))[0] - child.started)
    imported, first, ready = (statistics.median(times) for times in (imports, firsts, readies))
    yield Row("the library's own import", milliseconds(imported), values={"seconds": imports})
    yield Row("start to the first line", milliseconds(first), "at once", first <= AT_ONCE, {"seconds": firsts})
    yield Row(
        "start to ready",
        f"{milliseconds(ready)}, {ready / imported:.2f} times the import",
        f"{GOAL_READY} times the import",
        ready <= GOAL_READY * imported,
        {"seconds": readies},
    )


def start_listener(shop: Workshop, *options: str) -> tuple[Child, str]:
    """Start an interactive peer and return it with an address on loopback under which it listens."""
    child = shop.start(*PY_PEER, "--nick", "listener", *options)
    try:
        _, line = child.wait_for(lambda line: line.startswith("Multiaddr: "))
    except BaseException:
        child.__exit__()
        raise
    _, _, _, port, *rest = line.removeprefix("Multiaddr: ").strip("/").split("/")
    return child, "/".join(("/ip4/127.0.0.1/tcp", port, *rest))


@contextlib.contextmanager
def pair(shop: Workshop) -> Iterator[tuple[Child, Child]]:
    """Run two interactive peers of which the second has heard the first: both are in the room."""
    listener, address = start_listener(shop, "--no-intro")
    with listener, shop.start(*PY_PEER, "--nick", "dialler", "--no-intro", "-c", address) as dialler:
        listener.write("are you there?\n")
        dialler.wait_for(lambda line: line.endswith("]: are you there?"))
        dialler.write("yes\n")
        listener.wait_for(lambda line: line.endswith("]: yes"))
        yield listener, dialler


def latency(shop: Workshop, rates: tuple[int, ...], seconds: float) -> Iterator[Row]:
    """Measure from a line written to one process's input to the line shown on the other's output."""
    with pair(shop) as (listener, dialler):
        _type_and_time(dialler, listener, 40, 40.0)
        for rate in rates:
            count = int(rate * seconds)
            delays = _type_and_time(dialler, listener, count, float(rate))
            p50, p99 = percentile(delays, 0.5), percentile(delays, 0.99)
            yield latency_row(f"latency at {rate}/s, front-end to front-end", p50, p99, count - len(delays))


def _type_and_time(sender: Child, receiver: Child, count: int, rate: float) -> list[float]:
    """Type `count` lines at `rate` a second; return the seconds that each took to be shown."""
    start = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
        sender.write(f"{number} {time.monotonic():.6f} ".ljust(TEXT_BYTES, ".") + "\n")
    delays: list[float] = []
    deadline = time.monotonic() + 5
    with contextlib.suppress(BenchError):  # what has not come by then is lost
        while len(delays) < count:
            when, line = receiver.next_line(deadline)
            _, is_message, text = line.partition("]: ")
            if is_message:
                delays.append(when - float(text.split(" ")[1]))
    return delays


def burst(shop: Workshop) -> Row:
    """Pipe many lines in at once, then end of input: all are to be shown, in order, and the sender to leave with 0."""
    lines = [f"line {number}" for number in range(BURST)]
    listener, address = start_listener(shop, "--no-intro")
    shown: list[str] = []
    with listener, shop.start(*PY_PEER, "--nick", "burst", "--no-intro", "-c", address) as sender:
        sender.write("\n".join(lines) + "\n")
        sender.end_input()
        first = last = 0.0
        deadline = time.monotonic() + 60
        with contextlib.suppress(BenchError):
            while len(shown) < BURST:
                when, line = listener.next_line(deadline)
                if "]: line " in line:
                    shown.append(line.partition("]: ")[2])
                    first, last = first or when, when
        code = sender.wait(40)
    whole = shown == lines
    order = (
        "all shown, in order" if whole else f"{len(set(shown))} of {BURST} shown, in order: {shown == sorted(shown)}"
    )
    pace = (BURST - limits.SEND_BURST) / limits.SEND_RATE
    return Row(
        f"{BURST} lines piped in at once",
        f"{order}, exit {code}; first to last {last - first:.1f} s, from start {last - sender.started:.1f} s",
        f"all, in order, exit 0 (the pace alone takes {pace:.0f} s)",
        whole and code == 0,
        {"shown": len(shown), "in_order": whole, "exit": code, "seconds": last - first},
    )


def idle(shop: Workshop, seconds: float) -> Iterator[Row]:
    """Measure what two connected peers cost while nobody says anything, and what memory they start with."""
    with pair(shop) as peers:
        time.sleep(2)  # identify and the first pings
        before = [child.cpu_time() for child in peers]
        start = time.monotonic()
        time.sleep(seconds)
        elapsed = time.monotonic() - start
        shares = [100 * (child.cpu_time() - used) / elapsed for child, used in zip(peers, before, strict=True)]
        memory = max(child.memory() for child in peers)
    yield Row(
        f"idle CPU of a connected pair over {seconds:.0f} s",
        " and ".join(f"{share:.2f} %" for share in shares),
        f"{GOAL_IDLE} %",
        max(shares) < GOAL_IDLE,
        {"percent": shares},
    )
    yield Row("memory of an idle front-end", f"{memory / 1e6:.0f} MB", values={"rss": memory})
