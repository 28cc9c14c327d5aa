"""Measure py-peer against its goals, beside go-, rust- and js-libp2p and the library's own classes, and print tables.

Every process is started here, talks on 127.0.0.1 only, runs in a temporary directory and is ended by its id; nothing
is written but standard output, and the file named with --json. Takes half an hour, with --quick some fifteen minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import exchange, front_ends, git, keys, messages, nostr, rooms, services, ui
from benchmarks.kinds import OURS, QUIC, TCP, Kind, present
from benchmarks.processes import BenchError, workshop
from benchmarks.table import FAILED, Row, as_json, head, load, merged, render
from py_peer.core.limits import PING_INTERVAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.processes import Workshop

INTERRUPTED: Final = 130
"""What a shell calls the end of a program by Ctrl-C."""

UI_RATE: Final = 20
MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured. Times in seconds, sizes in bytes."""

    kinds: tuple[Kind, ...] = (OURS,)
    rounds: int = 3
    latency: float = 12.0
    step: float = 3.0
    burst: int = 5_000
    idle: float = 3 * PING_INTERVAL
    messages: int = 100_000
    message_rate: float = 1_500.0
    ui_messages: int = 100_000
    file: int = 256 * MEBIBYTE
    large_file: int = 1024 * MEBIBYTE
    direct: float = 30.0
    rooms: tuple[int, ...] = rooms.SIZES
    talk: float = 12.0
    networks: tuple[int, ...] = keys.SIZES
    keys: int = 60
    commits: int = 50
    events: int = 5_000


QUICK: Final = Extent(
    rounds=2,
    latency=4.0,
    step=1.0,
    burst=2_000,
    idle=2 * PING_INTERVAL,  # neither more nor fewer pings than in any other such time
    ui_messages=10_000,
    file=64 * MEBIBYTE,
    direct=5.0,
    talk=4.0,
    keys=20,
    commits=20,
    events=1_000,
)


def _node_rows(shop: Workshop, extent: Extent) -> Iterable[Row]:
    openers = messages.nodes(shop, extent.kinds, mixed=True)
    return messages.latency(openers, messages.NODES, extent.rounds, extent.latency, messages.GOAL_NODE)


def _quic_rows(shop: Workshop, extent: Extent) -> Iterable[Row]:
    openers = messages.nodes(shop, (TCP, QUIC))
    yield from messages.latency(openers, messages.NODES, extent.rounds, extent.latency)
    yield from messages.streams(openers, extent.rounds, extent.file // 8)


FIGURES: Final[dict[str, Callable[[Workshop, Extent], Iterable[Row]]]] = {
    "node-latency": _node_rows,
    "node-rate": lambda shop, extent: messages.highest_rate(
        messages.nodes(shop, extent.kinds), messages.NODES, extent.step
    ),
    "node-burst": lambda shop, extent: messages.burst(
        messages.nodes(shop, extent.kinds, mixed=True), messages.NODES, extent.rounds, extent.burst
    ),
    "cost": lambda shop, extent: messages.counted(
        messages.nodes(shop, tuple(kind for kind in extent.kinds if kind.is_ours))
    ),
    "stream": lambda shop, extent: messages.streams(
        messages.nodes(shop, extent.kinds, mixed=True), extent.rounds, extent.file, messages.GOAL_STREAM
    ),
    "quic": _quic_rows,
    "service-latency": lambda shop, extent: messages.latency(
        services.pairs(shop, extent.kinds), messages.SERVICES, extent.rounds, extent.latency
    ),
    "service-rate": lambda shop, extent: messages.highest_rate(
        services.pairs(shop, extent.kinds), messages.SERVICES, extent.step
    ),
    "service-burst": lambda shop, extent: messages.burst(
        services.pairs(shop, extent.kinds), messages.SERVICES, extent.rounds, extent.burst
    ),
    "latency": lambda shop, extent: front_ends.latency(shop, extent.kinds, extent.rounds, extent.latency),
    "start": lambda shop, extent: front_ends.startup(shop, extent.kinds, extent.rounds),
    "idle": lambda shop, extent: front_ends.idle(shop, extent.kinds, extent.idle),
    "rooms": lambda shop, extent: rooms.sizes(shop, extent.rooms, extent.talk),
    "keys": lambda shop, extent: keys.sizes(shop, extent.networks, extent.keys),
    "git": lambda shop, extent: git.sizes(shop, extent.networks, extent.commits),
    "nostr": lambda _, extent: nostr.rates(extent.events, extent.rounds),
    "memory": lambda shop, extent: [services.memory(shop, extent.messages, extent.message_rate)],
    "connect": lambda shop, extent: services.first_message(shop, extent.rounds),
    "burst": lambda shop, _: [front_ends.burst(shop)],
    "files": lambda shop, extent: exchange.files(shop, extent.rounds, extent.file),
    "file-memory": lambda shop, extent: exchange.memory(shop, extent.large_file),
    "direct": lambda shop, extent: exchange.direct(shop, extent.direct),
    "ui-paint": lambda shop, extent: [ui.paint(shop, extent.rounds)],
    "ui-latency": lambda shop, extent: [ui.latency(shop, UI_RATE, extent.latency)],
    "ui-keys": lambda shop, extent: [ui.keys(shop, extent.rounds)],
    "ui-memory": lambda shop, extent: [ui.memory(shop, extent.ui_messages)],
}
"""What can be measured, by name, in the order in which it is."""


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line; return 1 when something could not be measured at all, 130 after a Ctrl-C."""
    parser = argparse.ArgumentParser(description="Measure py-peer against its goals.")
    parser.add_argument("--quick", action="store_true", help="shorter runs")
    parser.add_argument("--alone", action="store_true", help="py-peer alone, with nothing beside it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers to FILE")
    parser.add_argument("--add", action="store_true", help="what else is in FILE stays: it is of an earlier run")
    parser.add_argument("figure", nargs="*", help=f"what to measure: {', '.join(FIGURES)}; all of it by default")
    options = parser.parse_args(words)
    if unknown := set(options.figure) - set(FIGURES):
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    earlier: dict[str, Any] | None = None
    if options.json is not None:
        try:  # rather than half an hour later
            earlier = _earlier(options.json) if options.add else None
            options.json.open("a").close()
        except (OSError, ValueError) as error:
            how = "read" if isinstance(error, ValueError) else f"written: {error.strerror}"
            parser.error(f"argument --json: {options.json} cannot be {how}")
    elif options.add:
        parser.error("argument --add: to what? It needs --json FILE")
    lines = head("benchmark, quick" if options.quick else "benchmark")
    extent = QUICK if options.quick else Extent()
    if not options.alone:
        kinds, remark = present()
        extent = replace(extent, kinds=kinds)
        lines.insert(3, remark)
        lines.append("Latencies are p50 / p99, CPU and memory of sender / receiver; in brackets: how many times ours.")
    print("\n".join(lines), flush=True)
    rows: list[Row] = []
    interrupted = False
    try:
        with workshop() as shop:
            measure(
                shop, extent, options.figure or list(FIGURES), rows, lambda: _write(options.json, lines, rows, earlier)
            )
    except KeyboardInterrupt:
        interrupted = True
        _write(options.json, lines, rows, earlier)
    _progress("")
    if rows:
        print(f"\n{render(rows)}\n\nLoad average at the end, with what was measured: {load()}")
    if interrupted:
        print("Interrupted: the rest was not measured", file=sys.stderr)
        return INTERRUPTED
    return 1 if any(row.measured == FAILED for row in rows) else 0


def _earlier(path: Path) -> dict[str, Any]:
    """Return the results of an earlier run. Raises OSError and ValueError."""
    results = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(results, dict) or "rows" not in results:
        raise ValueError
    return results


def _write(path: Path | None, lines: list[str], rows: list[Row], earlier: dict[str, Any] | None) -> None:
    if path is not None and rows:
        results = as_json(lines, rows, load())
        results = merged(earlier, results) if earlier else results
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def measure(shop: Workshop, extent: Extent, names: list[str], rows: list[Row], keep: Callable[[], None]) -> None:
    """Measure what is named, and add the rows to those there are. `keep` is called after each figure."""
    _progress("warm-up")
    front_ends.warm_up(shop)
    for name in names:
        _progress(name)
        try:
            for row in FIGURES[name](shop, extent):
                rows.append(row)  # noqa: PERF402 - what was measured before a failure is kept
        except BenchError as error:
            rows.append(Row(name, FAILED, note=f"not measured: {error}"))
        keep()


def _progress(name: str) -> None:
    """Say on a terminal what is being measured, in a line that the table takes the place of."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{name and f'measuring: {name}'}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
