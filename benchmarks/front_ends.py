"""Figures from front-end to front-end: `py-peer` as a user starts it, text typed into one and read off the other."""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from benchmarks.kinds import OURS, Found, Kind, Turns, medians
from benchmarks.messages import latency_rows, megabytes
from benchmarks.processes import PY_PEER, BenchError
from benchmarks.table import Row, milliseconds, percentile
from py_peer.core import limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.processes import Child, Workshop

IMPORT: Final = (sys.executable, "-c", "import libp2p, libp2p.pubsub.gossipsub; print('imported', flush=True)")
AT_ONCE: Final = 0.2
"""Seconds that a person takes for at once."""

GOAL_READY: Final = 0.75
GOAL_IDLE: Final = 0.5
GOAL_LATENCY: Final = (0.005, 0.015)
"""p50 and p99, in seconds."""

CHAT_RATE: Final = 50
COMPANY: Final = (0, 1, 10)
SETTLE: Final = 3.0
"""Seconds for identify and the first pings."""

BURST: Final = 500
TEXT_BYTES: Final = 100


def warm_up(shop: Workshop) -> None:
    """Have bytecode compiled for everything that the figures run, and the files read once."""
    with shop.start(*IMPORT) as child:
        child.wait_for(lambda line: line == "imported")
    with pair(shop) as (listener, dialler):
        dialler.write("0 0 \n")
        listener.wait_for(lambda line: "]: 0 0" in line)


def startup(shop: Workshop, kinds: tuple[Kind, ...], rounds: int) -> Iterator[Row]:
    """Measure start to first line and to ready beside the library's own import, in turns."""
    with contextlib.ExitStack() as stack:
        openers = {kind.name: partial(contextlib.nullcontext, kind) for kind in kinds}
        turns = Turns(stack, openers)
        imports: list[float] = []
        times: dict[str, list[tuple[float, float]]] = {}
        for _ in range(rounds):
            with shop.start(*IMPORT) as child:
                imports.append(child.wait_for(lambda line: line == "imported")[0] - child.started)
            for name, one in turns.each(partial(_start, shop)).items():
                times.setdefault(name, []).append(one)
    imported = statistics.median(imports)
    yield Row("the library's own import", milliseconds(imported), values={"seconds": imports})
    if OURS.name in turns.open:
        first, ready = medians(times[OURS.name])
        goal = milliseconds(AT_ONCE)
        yield Row("start to the first line", milliseconds(first), goal, first <= AT_ONCE, {"seconds": first})
        yield Row(
            "start to ready, beside that import", f"{ready / imported:.2f} times", values={"ratio": ready / imported}
        )
    found = {
        name: Found((medians(each)[1],), {"seconds": [ready for _, ready in each], "import": imported})
        for name, each in times.items()
        if name in turns.open
    }
    wanted = GOAL_READY * imported
    goal = f"{milliseconds(wanted)}: {GOAL_READY} of the import"
    yield from turns.rows("start to ready", found, milliseconds, (goal, lambda ready: ready <= wanted))


def _start(shop: Workshop, kind: Kind) -> tuple[float, float]:
    """Return the seconds from the start of a program to its first line, and until it is ready."""
    with shop.start(*kind.program, "--port", "0") as child:
        first, line = child.wait_for(bool)
        ready = first if _is(line, "ready") else child.wait_for(partial(_is, event="ready"))[0]
        return first - child.started, ready - child.started


def _is(line: str, event: str) -> bool:
    return bool(json.loads(line)["event"] == event)


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
def pair(shop: Workshop, kind: Kind = OURS) -> Iterator[tuple[Child, Child]]:
    """Run two interactive peers of which the second has heard the first: both are in the room."""
    listener, address = start_listener(shop, "--no-intro", *kind.options)
    with (
        listener,
        shop.start(*PY_PEER, "--nick", "dialler", "--no-intro", "-c", address, *kind.options) as dialler,
    ):
        listener.write("are you there?\n")
        dialler.wait_for(lambda line: line.endswith("]: are you there?"))
        dialler.write("yes\n")
        listener.wait_for(lambda line: line.endswith("]: yes"))
        yield listener, dialler


def latency(shop: Workshop, kinds: tuple[Kind, ...], rounds: int, seconds: float) -> Iterator[Row]:
    """Measure from a line written to one process's input to the line shown on the other's output."""
    with contextlib.ExitStack() as stack:
        turns = Turns(stack, {kind.name: partial(pair, shop, kind) for kind in kinds if kind.is_ours})
        turns.each(partial(_type_and_time, count=40))
        count = max(CHAT_RATE, int(CHAT_RATE * seconds / rounds))
        delays = turns.rounds(rounds, partial(_type_and_time, count=count))
    found: dict[str, Found] = {}
    for name, each in delays.items():
        p50, p99 = medians([(percentile(one, 0.5), percentile(one, 0.99)) for one in each])
        lost = rounds * count - sum(map(len, each))
        remark = f"{lost} LOST" if lost else ""
        found[name] = Found((p50, p99), {"p50": p50, "p99": p99, "lost": lost}, remark)
    figure = f"latency at {CHAT_RATE}/s, front-ends"
    yield from latency_rows(turns, figure, found, GOAL_LATENCY)


def _type_and_time(peers: tuple[Child, Child], count: int) -> list[float]:
    """Type `count` lines, evenly; return the seconds that each took to be shown. Raises BenchError when none was."""
    receiver, sender = peers
    start = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, start + number / CHAT_RATE - time.monotonic()))
        sender.write(f"{number} {time.monotonic():.6f} ".ljust(TEXT_BYTES, ".") + "\n")
    delays: list[float] = []
    deadline = time.monotonic() + 5
    with contextlib.suppress(BenchError):  # what has not come by then is lost
        while len(delays) < count:
            when, line = receiver.next_line(deadline)
            _, is_message, text = line.partition("]: ")
            if is_message:
                delays.append(when - float(text.split(" ")[1]))
    if not delays:
        msg = "nothing was shown"
        raise BenchError(msg)
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


@contextlib.contextmanager
def hub(shop: Workshop, kind: Kind) -> Iterator[Callable[[int], Child]]:
    """Run a program; what is given has as many others come as are asked for, and returns the program."""
    with contextlib.ExitStack() as stack:
        child = stack.enter_context(shop.start(*kind.program, "--port", "0"))
        told = json.loads(child.wait_for(partial(_is, event="ready"))[1])
        address = next(one for one in told["addresses"] if one.startswith("/ip4/127.0.0.1/"))
        guests: list[Child] = []

        def surround(count: int) -> Child:
            while len(guests) < count:
                guests.append(stack.enter_context(shop.start(*kind.program, "--port", "0", "--connect", address)))
                child.wait_for(partial(_is, event="peer_joined"))
            return child

        yield surround


def idle(shop: Workshop, kinds: tuple[Kind, ...], seconds: float) -> Iterator[Row]:
    """Measure what a program costs while nobody says anything, with 0, 1 and 10 others, all kinds at once."""
    with contextlib.ExitStack() as stack:
        turns = Turns(stack, {kind.name: partial(hub, shop, kind) for kind in kinds})
        for count in COMPANY:
            children = turns.each(lambda surround: surround(count))  # noqa: B023 - called at once
            time.sleep(SETTLE)
            before = {name: child.cpu_time() for name, child in children.items()}
            start = time.monotonic()
            time.sleep(seconds)
            elapsed = time.monotonic() - start
            shares = {name: 100 * (child.cpu_time() - before[name]) / elapsed for name, child in children.items()}
            found = {name: Found((share,), {"percent": share}) for name, share in shares.items()}
            yield from turns.rows(
                f"idle CPU with {count} peers" if count != 1 else "idle CPU with 1 peer",
                found,
                "{:.2f} %".format,
                (f"{GOAL_IDLE} %", lambda share: share < GOAL_IDLE),
            )
            held = {name: float(child.memory()) for name, child in children.items()}
            if count in (COMPANY[0], COMPANY[-1]):
                found = {name: Found((size,), {"rss": size}) for name, size in held.items()}
                yield from turns.rows(f"memory when idle with {count} peers", found, megabytes)
