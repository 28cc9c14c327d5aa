"""Measure py-peer against its goals and print one table.

Every process is started here, talks on 127.0.0.1 only, runs in a temporary directory and is ended by its id; nothing
is written but standard output, and the file named with --json. Takes some ten minutes, with --quick three.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import exchange, front_ends, messages, services, ui
from benchmarks.processes import BenchError, workshop
from benchmarks.table import Row, as_json, head, load, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.processes import Workshop

CHAT_RATES: Final = (20, 50)
MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured. Times in seconds, sizes in bytes."""

    rounds: int = 5
    latency: float = 20.0
    step: float = 5.0
    idle: float = 30.0
    messages: int = 10_000
    message_rate: float = 500.0
    ui_messages: int = 100_000
    file: int = 256 * MEBIBYTE
    large_file: int = 256 * MEBIBYTE
    direct: float = 30.0


QUICK: Final = Extent(
    rounds=3,
    latency=5.0,
    step=2.0,
    idle=10.0,
    messages=2_000,
    ui_messages=10_000,
    file=64 * MEBIBYTE,
    large_file=64 * MEBIBYTE,
    direct=5.0,
)


FIGURES: Final[dict[str, Callable[[Workshop, Extent], Iterable[Row]]]] = {
    "start": lambda shop, extent: front_ends.startup(shop, extent.rounds),
    "connect": lambda shop, extent: services.first_message(shop, extent.rounds),
    "latency": lambda shop, extent: front_ends.latency(shop, CHAT_RATES, extent.latency),
    "service-latency": lambda shop, extent: services.latency(shop, CHAT_RATES, extent.latency),
    "cost": lambda shop, extent: messages.cost(shop, extent.messages // 2),
    "node-latency": lambda shop, extent: messages.latency(shop, extent.latency),
    "rate": lambda shop, extent: [services.highest_rate(shop, extent.step)],
    "burst": lambda shop, _: [front_ends.burst(shop)],
    "idle": lambda shop, extent: front_ends.idle(shop, extent.idle),
    "memory": lambda shop, extent: [services.memory(shop, extent.messages, extent.message_rate)],
    "files": lambda shop, extent: exchange.files(shop, extent.rounds, extent.file),
    "file-memory": lambda shop, extent: [exchange.memory(shop, extent.large_file)],
    "direct": lambda shop, extent: exchange.direct(shop, extent.direct),
    "ui-paint": lambda shop, extent: [ui.paint(shop, extent.rounds)],
    "ui-latency": lambda shop, extent: [ui.latency(shop, CHAT_RATES[0], extent.latency)],
    "ui-keys": lambda shop, extent: [ui.keys(shop, extent.rounds)],
    "ui-memory": lambda shop, extent: [ui.memory(shop, extent.ui_messages)],
}
"""What can be measured, by name, in the order of the table."""


def main() -> int:
    """Run from the command line; return 1 when something could not be measured at all."""
    parser = argparse.ArgumentParser(description="Measure py-peer against its goals.")
    parser.add_argument("--quick", action="store_true", help="shorter runs")
    parser.add_argument("--large", action="store_true", help="the memory of files is measured with one of 1 GiB")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all numbers to FILE")
    parser.add_argument("figure", nargs="*", help=f"what to measure: {', '.join(FIGURES)}; all of it by default")
    options = parser.parse_args()
    if unknown := set(options.figure) - set(FIGURES):
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    lines = head("benchmark, quick" if options.quick else "benchmark")
    print("\n".join(lines), flush=True)
    extent = QUICK if options.quick else Extent()
    if options.large:
        extent = replace(extent, large_file=1024 * MEBIBYTE)
    with workshop() as shop:
        rows, complete = measure(shop, extent, options.figure or list(FIGURES))
    print(f"\n{render(rows)}\n\nLoad average at the end, with what was measured: {load()}")
    if options.json is not None:
        options.json.write_text(json.dumps(as_json(lines, rows, load()), indent=1) + "\n")
    return 0 if complete else 1


def measure(shop: Workshop, extent: Extent, names: list[str]) -> tuple[list[Row], bool]:
    """Measure what is named; return the rows, and whether nothing failed."""
    rows: list[Row] = []
    complete = True
    _progress("warm-up")
    front_ends.warm_up(shop)
    for name in names:
        _progress(name)
        try:
            for row in FIGURES[name](shop, extent):
                rows.append(row)  # noqa: PERF402 - what was measured before a failure is kept
        except BenchError as error:
            complete = False
            rows.append(Row(name, f"not measured: {error}"))
    _progress("")
    return rows, complete


def _progress(name: str) -> None:
    """Say on a terminal what is being measured, in a line that the table takes the place of."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{name and f'measuring: {name}'}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
