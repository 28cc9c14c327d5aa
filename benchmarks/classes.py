"""What each of our classes in `net` is for: two nodes, with the library's own in the place of one class at a time.

`python -m benchmarks.classes [NAME...]`. It is no part of the benchmark: its figures stand in the docstrings of the
classes, and in a table of their own in docs/performance.md. Each is of both nodes together.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from benchmarks.without import WITHOUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def rows(names: Sequence[str]) -> Iterator[str]:
    """Give the rows of the table, of Markdown, one after the other."""
    yield "| without | calls a message | steps | CPU | CPU of 1,000 at once | CPU a MB on a stream |"
    yield "|---|---|---|---|---|---|"
    for name in names:
        command = (sys.executable, "-m", "benchmarks.without", name)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            yield f"| {name} | not measured: {done.stderr[-200:]!r} |"
        else:
            yield row(name, json.loads(done.stdout.splitlines()[-1]))


def row(name: str, found: dict[str, Any]) -> str:
    """Return a row of the table."""
    lost = f", {found['lost']} lost" if found["lost"] else "" if found["in_order"] else ", out of order"
    cost, burst, stream = (found["cost"] * 1e6, found["burst"] * 1e6, found["stream"] * 1e3)
    counted = f"{found['calls']:.0f} | {found['steps']:.0f}"
    return f"| {name} | {counted} | {cost:.0f} µs | {burst:.0f} µs{lost} | {stream:.2f} ms |"


if __name__ == "__main__":
    for line in rows(["nothing", *(sys.argv[1:] or list(WITHOUT)[1:])]):
        print(line, flush=True)
