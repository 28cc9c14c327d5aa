"""What is measured side by side: py-peer, py-peer on the library's own classes, and js-libp2p.

They take turns within each figure, so that whatever else the machine does falls on all of them, and the median of the
rounds is shown. Behind a kind that stands beside ours, in brackets, is how many times ours its figure is.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, final

from benchmarks.processes import PY_PEER, BenchError
from benchmarks.table import FAILED, Row
from tests.sisters.sisters import JS as JS_FOLDER
from tests.sisters.sisters import missing_js

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager, ExitStack

T = TypeVar("T")
R = TypeVar("R")
SIDE_BY_SIDE: Final = "Side by side"
SLOW: Final = 10.0
"""Seconds. A round that takes longer is the last of its kind."""

WITH_JS: Final = "With js-libp2p"
NODE: Final = (sys.executable, "-m", "benchmarks.node_peer")
PROGRAM: Final = (*PY_PEER, "--headless", "--json")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of peer: how its bare node is started, and its chat."""

    name: str
    node: tuple[str, ...]
    """It takes what benchmarks/node_peer.py takes, and tells what that tells."""

    program: tuple[str, ...]
    """It takes `--port` and `--connect`, and tells what `py-peer --json` tells."""

    options: tuple[str, ...] = ()
    """What py-peer is given to be of this kind."""

    settings: dict[str, Any] = field(default_factory=dict, hash=False)
    """The same, as fields of Settings."""

    is_ours: bool = True
    """Whether it has a service and front-ends of ours."""


OURS: Final = Kind("ours", NODE, PROGRAM)
QUIC: Final = Kind("QUIC", (*NODE, "--quic"), PROGRAM)
STOCK: Final = Kind(
    "--stock-net", (*NODE, "--stock-net"), (*PROGRAM, "--stock-net"), ("--stock-net",), {"stock_net": True}
)
JS: Final = Kind(
    "js-libp2p",
    ("node", str(JS_FOLDER / "bench.mjs")),
    ("node", str(JS_FOLDER / "peer.mjs")),
    is_ours=False,
)


def present() -> tuple[tuple[Kind, ...], str]:
    """Return the kinds that can be measured here, and what of js-libp2p is there, or why nothing is."""
    if reason := missing_js():
        return (OURS, STOCK), f"js-libp2p is not measured: {reason}"
    node = subprocess.run((*JS.node[:1], "--version"), capture_output=True, check=True, text=True).stdout.strip()
    packages = json.loads((JS_FOLDER / "package.json").read_text())["dependencies"]
    return (OURS, STOCK, JS), f"Node {node.removeprefix('v')}, js-libp2p {packages['libp2p']}"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out about one kind."""

    numbers: tuple[float, ...] = ()
    """What the kinds are compared by; empty when it could not be measured."""

    values: dict[str, Any] | None = None
    remark: str = ""
    """Stands behind the numbers, in the table itself."""

    note: str = ""
    """Stands under the table."""

    whole: bool = True
    """Whether nothing was lost, without which no goal is met."""


def medians(rounds: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """Return the median of each number over the rounds."""
    return tuple(statistics.median(numbers) for numbers in zip(*rounds, strict=True))


@final
class Turns(Generic[T]):
    """Kinds that take turns. Who fails once is left out from then on, and its reason is kept."""

    def __init__(self, stack: ExitStack, openers: Mapping[str, Callable[[], AbstractContextManager[T]]]) -> None:
        self.open: dict[str, T] = {}
        self.failed: dict[str, Found] = {}
        for name, opener in openers.items():
            try:
                self.open[name] = stack.enter_context(opener())
            except BenchError as error:
                self._fail(name, error)

    def each(self, measure: Callable[[T], R], among: Collection[str] | None = None) -> dict[str, R]:
        """Measure each that has not failed, one after the other."""
        found: dict[str, R] = {}
        for name, opened in list(self.open.items()):
            if among is None or name in among:
                try:
                    found[name] = measure(opened)
                except BenchError as error:
                    self._fail(name, error)
        return found

    def rounds(self, count: int, measure: Callable[[T], R]) -> dict[str, list[R]]:
        """Measure each `count` times, in turns, who is very slow fewer times; who failed in one is not among it."""
        found: dict[str, list[R]] = {}
        swift = list(self.open)
        for _ in range(count):
            for name in tuple(swift):
                start = time.monotonic()
                for result in self.each(measure, (name,)).values():
                    found.setdefault(name, []).append(result)
                if time.monotonic() - start > SLOW:
                    swift.remove(name)
        return {name: results for name, results in found.items() if name in self.open}

    def _fail(self, name: str, error: BenchError) -> None:
        self.open.pop(name, None)
        self.failed[name] = Found(note=f"not measured: {error}")

    def rows(
        self,
        figure: str,
        found: Mapping[str, Found],
        show: Callable[..., str],
        goal: str = "",
        meets: Callable[..., bool] | None = None,
    ) -> Iterator[Row]:
        """Put what was found side by side; `show` and `meets` take the numbers. The goal is that of ours."""
        first = found.get(OURS.name, Found()).numbers
        for name, one in (dict(found) | self.failed).items():
            measured = " ".join(filter(None, (show(*one.numbers) if one.numbers else FAILED, one.remark)))
            if one.numbers and first and name != OURS.name:
                measured += f" ({times(one.numbers, first)})"
            judged = meets is not None and name == OURS.name
            met = bool(one.numbers) and one.whole and meets(*one.numbers) if judged and meets else None
            yield Row(figure, measured, goal if judged else "", met, one.values, name, self._table(name), one.note)

    @staticmethod
    def _table(name: str) -> str:
        return WITH_JS if " to " in name else SIDE_BY_SIDE


def times(numbers: tuple[float, ...], first: tuple[float, ...]) -> str:
    """Return how many times the first ones the numbers are, each where there is one to compare with."""
    shares = [one / other for one, other in zip(numbers, first, strict=True) if other]
    return " / ".join(f"{share:.1f}" if share < 10 else f"{share:,.0f}" for share in shares) + "x"
