"""Figures of the full screen: `py-peer --ui` on terminals, keys written to them and what they paint read back.

The flood comes over the network as from a real room: one peer relays the signed messages of twenty authors, so that
the program that is measured verifies, routes, cleans and paints all of them while it answers the keys.
"""

from __future__ import annotations

import contextlib
import json
import random
import statistics
import string
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from benchmarks.processes import BenchError
from benchmarks.table import Row, milliseconds, percentile
from benchmarks.terminals import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.processes import Child, Workshop

TITLES: Final = ("Room: universal-connectivity", "Peers", "System")
GOAL_PAINT: Final = 0.5
GOAL_P50: Final = 0.010
GOAL_P99: Final = 0.030
GOAL_KEY: Final = 0.100
AUTHORS: Final = 20
FLOOD: Final = 1_000
KEY_PAUSE: Final = 0.025
KEYS: Final = 60
"""Keys of a round: as many as stand in one line of the input."""

MEMORY_RATE: Final = 1_500

MEGABYTE: Final = 1_000_000
CLEAR_INPUT: Final = "\x15"
"""Ctrl-U"""


def paint(shop: Workshop, rounds: int) -> Row:
    """Measure from the command to the first frame with all its panels."""
    times: list[float] = []
    for round_number in range(rounds + 1):
        with Terminal(shop, "--nick", "bench") as screen:
            painted = screen.wait_for(*TITLES) - screen.started
        if round_number:  # the first has its bytecode compiled
            times.append(painted)
    median = statistics.median(times)
    return Row(
        "start of the full screen to its first frame",
        f"{milliseconds(median)} (slowest {milliseconds(max(times))})",
        milliseconds(GOAL_PAINT),
        median <= GOAL_PAINT,
        {"seconds": times},
    )


@contextlib.contextmanager
def pair(shop: Workshop) -> Iterator[tuple[Terminal, Terminal]]:
    """Run two full screens of which each has heard the other."""
    with Terminal(shop, "--nick", "listener", "--no-intro") as listener:
        address = f"/ip4/127.0.0.1/tcp/{listener.port()}"
        with Terminal(shop, "--nick", "dialler", "--no-intro", "-c", address) as dialler:
            dialler.wait_for(*TITLES)
            listener.write("hello-dialler\r")
            dialler.wait_for("hello-dialler")
            dialler.write("hello-listener\r")
            listener.wait_for("hello-listener")
            yield listener, dialler


def latency(shop: Workshop, rate: int, seconds: float) -> Row:
    """Measure from a text and Enter written to one terminal until the other has painted the text."""
    with pair(shop) as (listener, dialler):
        _type_and_time(dialler, listener, "w", 40, 20)
        count = int(rate * seconds)
        delays = _type_and_time(dialler, listener, "n", count, rate)
    lost = count - len(delays)
    p50, p99 = (percentile(delays or [float("inf")], share) for share in (0.5, 0.99))
    return Row(
        f"latency at {rate}/s, full screen to full screen",
        f"p50 {milliseconds(p50)}, p99 {milliseconds(p99)}{f', {lost} LOST' if lost else ''}",
        f"p50 {milliseconds(GOAL_P50)}, p99 {milliseconds(GOAL_P99)}",
        p50 <= GOAL_P50 and p99 <= GOAL_P99 and not lost,
        {"p50": p50, "p99": p99, "lost": lost},
    )


def _type_and_time(sender: Terminal, receiver: Terminal, prefix: str, count: int, rate: float) -> list[float]:
    """Type `count` texts at `rate` a second; return the seconds that each took to be painted."""
    texts = [f"{prefix}{number:06d}." for number in range(count)]
    typed: list[float] = []
    start = time.monotonic()
    for number, text in enumerate(texts):
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
        typed.append(time.monotonic())
        sender.write(f"{text}\r")
    with contextlib.suppress(BenchError):  # what has not come by then is lost
        receiver.wait_for(texts[-1], patience=5)
    seen = [receiver.painted(text) for text in texts]
    return [when - then for when, then in zip(seen, typed, strict=True) if when is not None]


@contextlib.contextmanager
def crowded(shop: Workshop) -> Iterator[tuple[Terminal, Child]]:
    """Run a full screen whose room a crowd has joined."""
    with (
        Terminal(shop, "--nick", "bench", "--no-intro") as screen,
        shop.start(sys.executable, "-m", "benchmarks.crowd", str(screen.port()), str(AUTHORS)) as crowd,
    ):
        _told(crowd, "joined")
        yield screen, crowd


def keys(shop: Workshop, rounds: int) -> Row:
    """Measure from a key to its echo while a thousand messages of twenty authors come within a second."""
    delays: list[float] = []
    behind: list[float] = []
    shuffled = random.Random(1)
    with crowded(shop) as (screen, crowd):
        for number in range(rounds + 1):
            line = "zq" + "".join(shuffled.choices(string.ascii_lowercase, k=KEYS))
            screen.forget()
            screen.write(line[:2])
            screen.wait_for(line[:2])
            _flood(crowd, f"{number}m", FLOOD, FLOOD)
            typed = _type(screen, line, crowd)
            last = f"{number}m{FLOOD - 1:06d}"
            painted = screen.wait_for(last, patience=10)
            screen.wait_for(line[: 2 + len(typed)], patience=5)
            if number:  # the first warms up
                echoes = [screen.painted(line[: 3 + index]) for index in range(len(typed))]
                delays += [echo - then for echo, then in zip(echoes, typed, strict=True) if echo is not None]
                behind.append(painted - _told(crowd, "sent")["at"])
            else:
                _told(crowd, "sent")
            screen.write(CLEAR_INPUT)
    p50, p99, slowest = percentile(delays, 0.5), percentile(delays, 0.99), max(delays)
    return Row(
        f"key to its echo while {FLOOD:,} messages come in a second",
        f"p50 {milliseconds(p50)}, p99 {milliseconds(p99)}, slowest {milliseconds(slowest)}; "
        f"last message painted {milliseconds(statistics.median(behind))} after it was sent",
        f"slowest {milliseconds(GOAL_KEY)}",
        slowest < GOAL_KEY,
        {"p50": p50, "p99": p99, "slowest": slowest, "keys": len(delays), "behind": behind},
    )


def _type(screen: Terminal, line: str, crowd: Child) -> list[float]:
    """Type the rest of `line`, a key every KEY_PAUSE, while the flood lasts; return when each was written."""
    _told(crowd, "signed")
    typed: list[float] = []
    start = time.monotonic()
    for number, key in enumerate(line[2:]):
        time.sleep(max(0.0, start + number * KEY_PAUSE - time.monotonic()))
        if time.monotonic() - start > 1:
            break
        typed.append(time.monotonic())
        screen.write(key)
    return typed


def memory(shop: Workshop, count: int) -> Row:
    """Measure what the full screen holds before and after many messages, each thousand sent once the last is shown."""
    with crowded(shop) as (screen, crowd):
        before = 0
        start = time.monotonic()
        for number in range(1 + count // FLOOD):
            screen.forget()
            _flood(crowd, f"{number}m", FLOOD, MEMORY_RATE)
            screen.wait_for(f"{number}m{FLOOD - 1:06d}")
            if not before:  # all code has run once
                before, start = screen.memory(), time.monotonic()
        pace = count / (time.monotonic() - start)
        after = screen.memory()
    return Row(
        f"memory of the full screen after {count:,} messages",
        f"{after / MEGABYTE:.0f} MB (before: {before / MEGABYTE:.0f} MB), at {pace:,.0f} messages a second",
        values={"before": before, "after": after, "count": count, "rate": pace},
    )


def _flood(crowd: Child, prefix: str, count: int, rate: float) -> None:
    crowd.write(json.dumps({"prefix": prefix, "count": count, "rate": rate}) + "\n")


def _told(crowd: Child, what: str) -> dict[str, Any]:
    told: dict[str, Any] = {}
    while told.get("event") != what:
        told = json.loads(crowd.wait_for(bool)[1])
    return told
