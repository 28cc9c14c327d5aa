"""What a message costs, how long it takes and how many a second are held, from any child to any other."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from benchmarks.kinds import OURS, SISTERS, Found, Kind, Turns, medians
from benchmarks.processes import BenchError
from benchmarks.runs import Pair, Run, Talker, send
from benchmarks.table import milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from benchmarks.processes import Workshop
    from benchmarks.table import Row

    Openers = dict[str, Callable[[], AbstractContextManager[Pair]]]

NODES: Final = "nodes"
SERVICES: Final = "services"
HIGHEST: Final = "highest rate without loss, {}"
RATES: Final = (50, 1_000)
LADDER: Final = (
    *(50, 100, 200, 500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500, 4_000, 5_000, 6_000, 8_000),
    *(10_000, 15_000, 20_000),
)
FEWEST: Final = 200
"""Messages of a step, of which a p99 can be told."""

WARM_UP: Final = 1_000
"""Messages, the same for each kind, so that each has kept as much when its memory is looked at."""

FIRST_FEW: Final = 20
"""Those of the warm-up that are said until all of them come: go-libp2p has no mesh in its first second."""

TRIES: Final = 5

COUNTED: Final = 200
"""Messages whose calls and steps are counted, one by one, so that none shares a write with another."""

COUNTED_RATE: Final = 100.0
GOAL_RATE: Final = 3_000
GOAL_NODE: Final = (0.0015, 0.004)
"""p50 and p99 at 50 a second, from node to node, in seconds."""

GOAL_STREAM: Final = 300
"""Megabytes a second."""

MEGABYTE: Final = 1_000_000


def nodes(shop: Workshop, kinds: tuple[Kind, ...], *, mixed: bool = False) -> Openers:
    """Return how pairs of bare nodes are opened: two of each kind; with `mixed` also ours and one other, either way."""
    openers: Openers = {kind.name: partial(node_pair, shop, kind, kind) for kind in kinds}
    for other in (kind for kind in kinds if mixed and kind in SISTERS):
        for one, two in ((OURS, other), (other, OURS)):
            openers[f"{one.name} to {two.name}"] = partial(node_pair, shop, one, two)
    return openers


@contextlib.contextmanager
def node_pair(shop: Workshop, first: Kind = OURS, second: Kind = OURS) -> Iterator[Pair]:
    """Run two nodes that see each other; the first sends."""
    with Talker(shop.start(*first.node)) as sender, Talker(shop.start(*second.node)) as receiver:
        for node in (sender, receiver):
            node.address = node.wait_for("ready")["address"]
        sender.do("dial", address=receiver.address)
        for node in (sender, receiver):
            node.wait_for("joined")
        yield sender, receiver


@contextlib.contextmanager
def _warm(openers: Openers) -> Iterator[Turns[Pair]]:
    """Open pairs of which each has sent some messages: the first also pay for code that runs for the first time."""
    with contextlib.ExitStack() as stack:
        turns = Turns(stack, openers)
        turns.each(warm_up)
        yield turns


def warm_up(pair: Pair) -> None:
    """Send `WARM_UP` messages: a few until they come, then the rest at once; JavaScript is compiled while it runs."""
    sent = 0
    while sent < TRIES * FIRST_FEW:
        sent += FIRST_FEW
        if send(pair, FIRST_FEW, 0).is_whole:
            break
    send(pair, WARM_UP - sent, 0)


def latency(
    openers: Openers, way: str, rounds: int, seconds: float, goal: tuple[float, float] | None = None
) -> Iterator[Row]:
    """Measure the way of a message: at 50 a second, for `seconds` altogether, and each round a second at 1,000.

    The goal is p50 and p99 at the first of them, in seconds.
    """
    slow, fast = RATES
    with _warm(openers) as turns:
        runs = turns.rounds(rounds, partial(send, count=max(FEWEST // 2, int(slow * seconds / rounds)), rate=slow))
        found = {name: _typical(of_kind) for name, of_kind in runs.items()}
        yield from latency_rows(turns, f"latency at {slow}/s, {way}", found, goal)
        costs = {name: _cost(of_kind) for name, of_kind in runs.items()}
        yield from turns.rows(f"CPU a message at {slow}/s, {way}", costs, _microseconds)
        runs = turns.rounds(rounds, partial(send, count=fast, rate=fast))
        found = {name: _typical(of_kind) for name, of_kind in runs.items()}
        yield from latency_rows(turns, f"latency at {fast:,}/s, {way}", found)


def latency_rows(
    turns: Turns[Any], figure: str, found: dict[str, Found], goal: tuple[float, float] | None = None
) -> Iterator[Row]:
    """Return the rows of a latency."""
    if goal is None:
        return turns.rows(figure, found, both)
    p50, p99 = goal
    return turns.rows(figure, found, both, (both(p50, p99), lambda one, other: one <= p50 and other <= p99))


def both(p50: float, p99: float) -> str:
    """Return two times."""
    return f"{milliseconds(p50).removesuffix(' ms')} / {milliseconds(p99)}"


def _microseconds(sender: float, receiver: float) -> str:
    return f"{sender * 1e6:,.0f} / {receiver * 1e6:,.0f} µs"


def _typical(runs: list[Run]) -> Found:
    """Return the medians of p50 and p99."""
    p50s, p99s = [run.p50 for run in runs], [run.p99 for run in runs]
    p50, p99 = medians(list(zip(p50s, p99s, strict=True)))
    values = {"rate": runs[0].rate, "p50": p50, "p99": p99, "p50s": p50s, "p99s": p99s}
    return Found((p50, p99), values, _fault(runs), whole=_are_whole(runs))


def _fault(runs: list[Run]) -> str:
    """Return what went wrong first."""
    return next((run.fault for run in runs if run.fault), "")


def _are_whole(runs: list[Run]) -> bool:
    return all(run.is_whole for run in runs)


def _cost(runs: list[Run]) -> Found:
    sender, receiver = medians([run.cpu for run in runs])
    values = {"sender": [run.cpu[0] for run in runs], "receiver": [run.cpu[1] for run in runs]}
    return Found((sender, receiver), values, whole=_are_whole(runs))


def highest_rate(openers: Openers, way: str, seconds: float) -> Iterator[Row]:
    """Go up in steps until messages are lost or late; a step may fail once, the machine is shared."""
    with _warm(openers) as turns:
        climbing = set(turns.open)
        runs: dict[str, list[Run]] = {}
        for rate in LADDER:
            count = int(max(rate * seconds, FEWEST))
            for name, run in turns.each(partial(_climb, count=count, rate=rate), climbing).items():
                runs.setdefault(name, []).append(run)
                if not run.is_held:
                    climbing.discard(name)
        found = {name: _highest(of_kind) for name, of_kind in runs.items() if name in turns.open}
        yield from turns.rows(
            HIGHEST.format(way),
            found,
            "{:,.0f}/s".format,
            (f"{GOAL_RATE:,}/s", lambda rate: rate >= GOAL_RATE),
            more_is_better=True,
        )


def _climb(pair: Pair, count: int, rate: float) -> Run:
    run = send(pair, count, rate)
    return run if run.is_held else send(pair, count, rate)


def _highest(runs: list[Run]) -> Found:
    held = [run for run in runs if run.is_held]
    best = max((run.rate for run in held), default=0.0)
    steps = [{"rate": run.rate, "p50": run.p50, "p99": run.p99, "held": run.is_held} for run in runs]
    unbeaten = runs[-1].is_held
    note = "the highest that was tried" if unbeaten else runs[-1].why_not_held()
    return Found((best,), {"rate": best, "steps": steps}, _fault(held), note, at_least=unbeaten)


def burst(openers: Openers, way: str, rounds: int, count: int) -> Iterator[Row]:
    """Send many messages as fast as they go: how many a second arrive, what each costs, and what is held then.

    Memory is that after the first round, as who is slow has no other.
    """
    with _warm(openers) as turns:
        bursts = turns.rounds(rounds, partial(_burst, count=count))
    runs = {name: [run for run, _ in of_kind] for name, of_kind in bursts.items()}
    memory = {name: of_kind[0][1] for name, of_kind in bursts.items()}
    found = {name: _pace(of_kind) for name, of_kind in runs.items()}
    figure = f"{count:,} at once, {way}"
    yield from turns.rows(figure, found, "{:,.0f}/s".format, ("whole", lambda _: True), more_is_better=True)
    costs = {name: _cost(of_kind) for name, of_kind in runs.items()}
    yield from turns.rows(f"CPU a message of {count:,} at once, {way}", costs, _microseconds)
    yield from turns.rows(f"memory after {WARM_UP + count:,} messages, {way}", memory, megabytes)


def _burst(pair: Pair, count: int) -> tuple[Run, Found]:
    """Return what became of messages, and the memory of both sides after them."""
    run = send(pair, count, 0)
    sender, receiver = (float(side.child.memory()) for side in pair)
    return run, Found((sender, receiver), {"sender": sender, "receiver": receiver}, whole=run.is_whole)


def megabytes(*sizes: float) -> str:
    """Return sizes in MB."""
    return f"{' / '.join(f'{size / MEGABYTE:.0f}' for size in sizes)} MB"


def _pace(runs: list[Run]) -> Found:
    paces = [(run.arrived - 1) / max(run.seconds, 1e-9) for run in runs]
    values = {"paces": paces, "faults": [run.fault for run in runs if run.fault]}
    return Found(medians([(pace,) for pace in paces]), values, _fault(runs), whole=_are_whole(runs))


def counted(openers: Openers) -> Iterator[Row]:
    """Count what a message is for Python and for trio, exactly."""
    with _warm(openers) as turns:
        for watch in ("calls", "steps"):
            found = turns.each(partial(count_watched, watch=watch))
            figure = f"{watch} a message, {NODES}"
            yield from turns.rows(figure, found, "{:,.0f} / {:,.0f}".format)


def count_watched(pair: Pair, watch: str) -> Found:
    """Count "calls" or "steps" of messages that come one by one."""
    sender, receiver = pair
    receiver.do("expect", count=COUNTED, watch=watch)
    receiver.wait_for("expecting")
    sender.do("send", count=COUNTED, rate=COUNTED_RATE, watch=watch)
    sent, received = (side.wait_for(event)["counted"] for side, event in ((sender, "sent"), (receiver, "received")))
    return Found((sent, received), {"sender": sent, "receiver": received})


def streams(openers: Openers, rounds: int, size: int, goal: int | None = None) -> Iterator[Row]:
    """Measure one stream with nothing on top. The goal is in megabytes a second."""
    with contextlib.ExitStack() as stack:
        turns = Turns(stack, openers)
        rates = turns.rounds(rounds, partial(fetch, count=size))
    found = {
        name: Found(medians([(rate,) for rate in each]), {"bytes_per_second": each}) for name, each in rates.items()
    }
    yield from turns.rows(
        f"one stream, {size // 1024 // 1024} MiB",
        found,
        lambda rate: f"{rate / MEGABYTE:,.0f} MB/s",
        (f"{goal} MB/s", lambda rate: rate >= goal * MEGABYTE) if goal else None,
        more_is_better=True,
    )


def fetch(pair: Pair, count: int) -> float:
    """Fetch `count` bytes over a stream; return how many came in a second. Raises BenchError."""
    serving, asking = pair
    asking.do("fetch", address=serving.address, count=count)
    seconds: float = asking.wait_for("fetched")["seconds"]
    if not seconds:
        msg = "nothing was fetched"
        raise BenchError(msg)
    return count / seconds
