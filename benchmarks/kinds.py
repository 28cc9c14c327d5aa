"""What is measured side by side: py-peer, the small peers in other languages, and py-peer on the library's own classes.

They take turns within each figure, so that whatever else the machine does falls on all of them, and the median of the
rounds is shown. How ours stands to the best of the other languages is told in a column of its own; behind what else
stands beside ours, in brackets, is how many times ours its figure is.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, final

from benchmarks.processes import PY_PEER, BenchError
from benchmarks.table import FAILED, NOTHING, Row
from interop import builds
from tests.sisters.sisters import JS as JS_FOLDER
from tests.sisters.sisters import missing_js

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager, ExitStack

T = TypeVar("T")
R = TypeVar("R")
SIDE_BY_SIDE: Final = "Side by side"
WITH_OTHERS: Final = "With others"
OVER_QUIC: Final = "Over QUIC"
TO_THE_BEST: Final = "ours to the best"
"""The column, beside ours, that compares it with the best of the other languages."""

LEVEL: Final = 1.05
"""What differs by less is neither ahead nor behind."""

SLOW: Final = 10.0
"""Seconds. A round that takes longer is the last of its kind."""

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
STOCK: Final = Kind(
    "--stock-net", (*NODE, "--stock-net"), (*PROGRAM, "--stock-net"), ("--stock-net",), {"stock_net": True}
)
TCP: Final = replace(OURS, name="TCP")
QUIC: Final = replace(OURS, name="QUIC", node=(*NODE, "--quic"))


def _sister(name: str, *program: str) -> Kind:
    return Kind(name, (*program, "bench"), program, is_ours=False)


GO: Final = _sister("Go", str(builds.GO.program))
RUST: Final = _sister("Rust", str(builds.RUST.program))
JS: Final = _sister("Node", "node", str(JS_FOLDER / "peer.mjs"))


@dataclass(frozen=True, slots=True)
class Library:
    """What a peer in another language is made of."""

    language: str
    """As interop.builds names it."""

    package: str
    missing: Callable[[], str]
    """Returns why there is no such peer here, or ""."""

    runs_on: str = ""
    """What runs it, when that is no part of the program; it takes `--version`."""

    def __str__(self) -> str:
        """Return its name and version."""
        version = builds.versions(self.language).get(self.package, "of a version that was not kept")
        said = f"{self.language}-libp2p {version}"
        if self.runs_on:
            told = subprocess.run((self.runs_on, "--version"), capture_output=True, check=True, text=True).stdout
            said += f" on {self.runs_on} {told.strip().removeprefix('v')}"
        return said


SISTERS: Final = {
    GO: Library("go", "github.com/libp2p/go-libp2p", builds.GO.missing),
    RUST: Library("rust", "libp2p", builds.RUST.missing),
    JS: Library("js", "libp2p", missing_js, "node"),
}


def present() -> tuple[tuple[Kind, ...], str]:
    """Return the kinds that can be measured here, and which other libraries these are, or why one is not."""
    absent = {kind: reason for kind, library in SISTERS.items() if (reason := library.missing())}
    kinds = tuple(kind for kind in SISTERS if kind not in absent)
    remarks = [str(SISTERS[kind]) for kind in kinds] + [f"no {kind.name}: {absent[kind]}" for kind in absent]
    return (OURS, *kinds, STOCK), "; ".join(remarks)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out about one kind."""

    numbers: tuple[float, ...] = ()
    """What the kinds are compared by; empty when it could not be measured."""

    values: dict[str, Any] | None = None
    remark: str = ""
    """What went wrong, said behind the numbers in the table itself. With it no goal is met."""

    note: str = ""
    """Stands under the table."""

    whole: bool = True
    """Whether nothing was lost, without which nobody is the best."""

    at_least: bool = False
    """Whether it may be more than the numbers say, which end where no more was tried."""


def medians(rounds: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """Return the median of each number over the rounds."""
    return tuple(statistics.median(numbers) for numbers in zip(*rounds, strict=True))


@final
class Turns(Generic[T]):
    """Kinds that take turns. Who fails once is left out from then on, and its reason is kept."""

    def __init__(self, stack: ExitStack, openers: Mapping[str, Callable[[], AbstractContextManager[T]]]) -> None:
        self._names = tuple(openers)
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
        goal: tuple[str, Callable[..., bool]] | None = None,
        *,
        more_is_better: bool = False,
    ) -> Iterator[Row]:
        """Put what was found side by side; `show` takes the numbers. The goal, and who meets it, is of the first."""
        every = dict(found) | self.failed
        first = found.get(self._names[0], Found()).numbers
        sisters = {kind.name: every[kind.name] for kind in SISTERS if kind.name in every}
        for name, one in ((name, every[name]) for name in self._names if name in every):
            measured = " ".join(filter(None, (show(*one.numbers) if one.numbers else FAILED, one.remark)))
            is_first = name == self._names[0]
            if not is_first and name not in sisters and (shares := times(one.numbers, first)):
                measured += f" ({shares})"
            asked, met = "", None
            if goal and is_first:
                asked, meets = goal
                met = bool(one.numbers) and not one.remark and meets(*one.numbers)
            yield Row(figure, measured, asked, met, one.values, name, table_of(name), one.note)
            if is_first and sisters:
                compared = to_the_best(one, sisters, more_is_better=more_is_better) or NOTHING
                yield Row(figure, compared, kind=TO_THE_BEST, table=table_of(name))


def table_of(name: str) -> str:
    """Return the title of the table that a kind, or a pair of two kinds, stands in."""
    if " to " in name:
        return WITH_OTHERS
    return OVER_QUIC if name in (TCP.name, QUIC.name) else SIDE_BY_SIDE


def to_the_best(ours: Found, others: Mapping[str, Found], *, more_is_better: bool) -> str:
    """Return how many times ours is behind the best of the others, or ahead of it, in each of the numbers.

    Who has lost something is not the best. "" where there is nothing to compare.
    """
    whole = {name: one.numbers for name, one in others.items() if one.whole and one.numbers}
    told: dict[str, list[str]] = {}
    for place, number in enumerate(ours.numbers if ours.whole and whole else ()):
        best = (max if more_is_better else min)(whole, key=lambda name: whole[name][place])
        theirs = whole[best][place]
        less, more = sorted((number, theirs))
        how = f"{'ahead of' if (number > theirs) == more_is_better else 'behind'} {best}"
        if more <= less * LEVEL:
            told.setdefault(f"level with {best}", [])
        elif not less:
            told.setdefault(f"far {how}", [])
        else:
            least = "at least " if ours.at_least or others[best].at_least else ""
            told.setdefault(how, []).append(f"{least}{_share(more / less)}")
    return ", ".join(f"{' / '.join(shares)}x {how}" if shares else how for how, shares in told.items())


def times(numbers: tuple[float, ...], first: tuple[float, ...]) -> str:
    """Return how many times the first ones the numbers are, each where there is one to compare with."""
    shares = [_share(one / other) for one, other in zip(numbers, first, strict=False) if other]
    return f"{' / '.join(shares)}x" if shares else ""


def _share(share: float) -> str:
    return f"{share:.1f}" if share < 10 else f"{share:,.0f}"
