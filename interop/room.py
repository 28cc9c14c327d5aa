"""The room of all: one peer of each kind, in a line and in a mesh: `python -m interop room`, `make interop ARGS=room`.

They talk for five minutes; one is killed and started again, one leaves without goodbye, one is behind a relay. What
each saw out of what was said is printed, by reader and author, after the rule of interop/accounts.py, and put into
docs/interop.md; with other options than the usual it is only printed. The exit code is 1 when something that was owed
was lost, or shown twice or otherwise than it was said, when nothing was owed at all, or when somebody did not come into
the room, or not into it again, ended by itself, or lost a connection for no reason. It is 2 when there can be no such
room.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

from benchmarks.report import fill
from benchmarks.table import load, milliseconds, percentile
from interop import report
from interop.course import hold
from interop.plan import KINDS, SHAPES, Plan, missing_kind
from py_peer.core import limits

if TYPE_CHECKING:
    from interop.accounts import Cell
    from interop.course import Course

Result: TypeAlias = dict[str, Any]
"""What can be written as JSON."""

PLACE: Final = "room-of-all"
"""The marks in the document between which the result stands."""

INTERRUPTED: Final = 130
TIMES_SHOWN: Final = 5
"""Of what was lost, when so many were said; the JSON has all."""


def kinds_here() -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the kinds of which there are peers here, and why there are none of the others."""
    missing = {kind: reason for kind in KINDS if (reason := missing_kind(kind))}
    return tuple(name for name in KINDS if name not in missing), missing


def as_json(course: Course) -> Result:
    """Return all that a course has shown. Times are in seconds after the first text, delays in seconds."""
    account = course.account
    start = course.start
    return {
        "plan": asdict(course.plan),
        "names": course.plan.names,
        "clean": course.clean,
        "said": account.said,
        "lost": account.lost,
        "unsent": account.unsent,
        "strange": account.strange,
        "unmet": course.unmet,
        "unready": course.unready,
        "unmet_again": course.unmet_again,
        "died": course.died,
        "happened": course.happened,
        "broken": [(at - start, one, other) for at, one, other in account.broken],
        "cells": [
            {"reader": reader, "author": author, **_cell(cell, start)}
            for (reader, author), cell in account.cells.items()
        ],
    }


def _cell(cell: Cell, start: float) -> Result:
    found = asdict(cell) | {"lost": [at - start for at in cell.lost]}
    delays = found.pop("delays")
    return found | {f"p{share}": percentile(delays, share / 100) if delays else None for share in (50, 99)}


def markdown(result: Result) -> str:
    """Return what a course has shown, for the document: a table by reader and author, and what is to be said of it."""
    plan, cells = result["plan"], {(cell["reader"], cell["author"]): cell for cell in result["cells"]}
    names = result["names"]
    between = " to " if plan["shape"] == "line" else ", "
    rows = [["sees, of", *names], ["---"] * (len(names) + 1)]
    rows += [[reader, *(_shown(cells.get((reader, author))) for author in names)] for reader in names]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    remarks = "\n".join(f"- {remark}" for remark in _remarks(result))
    return f"#### In a {plan['shape']}: {between.join(names)}\n\n{_told(result)}\n\n{table}\n\n{remarks}\n"


def _shown(cell: Result | None) -> str:
    if cell is None:
        return ""
    times = f"<br>{milliseconds(cell['p50'])} / {milliseconds(cell['p99'])}" if cell["p50"] is not None else ""
    apart = f"<br>+ {cell['apart_shown']} of {cell['apart']}" if cell["apart"] else ""
    count = f"{cell['shown']} of {cell['owed']}"
    return f"{f'**{count}**' if cell['lost'] else count}{times}{apart}"


def _told(result: Result) -> str:
    plan = result["plan"]
    relayed = f" {plan['relayed']} is reached through a relay, ours, alone." if plan["relayed"] else ""
    happened = "; ".join(f"after {at:.0f} s {what}" for at, what in result["happened"])
    return (
        f"{result['said']:,} texts of {plan['size']} bytes in {plan['seconds']:g} s.{relayed}"
        f"{f' {happened[0].upper()}{happened[1:]}.' if happened else ''}"
    )


def _remarks(result: Result) -> list[str]:
    """Return what was not as it should be, a sentence for each, and whether anything was lost or shown twice."""
    whole = not any(cell["lost"] or cell["twice"] for cell in result["cells"])
    remarks = ["Nothing that was owed was lost, and nothing was shown twice."] if whole else []
    if not any(cell["owed"] for cell in result["cells"]):
        remarks = ["Nothing was owed to anybody: this shows nothing."]
    remarks += [f"{one} and {other} had not met when the talk began." for one, other in result["unmet"]]
    remarks += [f"{name} was started again, and did not get ready." for name in result["unready"]]
    remarks += [f"{one} and {other} did not meet again." for one, other in result["unmet_again"]]
    remarks += [f"{name} ended by itself." for name in result["died"]]
    remarks += [f"{_count(count, 'text')} not sent by {name}." for name, count in result["unsent"].items()]
    for cell in result["cells"]:
        who = f"{cell['reader']} of {cell['author']}"
        if cell["lost"]:
            times = ", ".join(f"{at:.1f}" for at in cell["lost"][:TIMES_SHOWN])
            more = ", …" if len(cell["lost"]) > TIMES_SHOWN else ""
            remarks.append(f"{who}: {len(cell['lost'])} lost, said after {times}{more} s.")
        if cell["twice"]:
            remarks.append(f"{who}: {cell['twice']} shown twice.")
        if cell["disordered"]:
            remarks.append(f"{who}: {_count(cell['disordered'], 'pair')} out of order.")
    remarks += [f"{strange}, who did not say it so." for strange in result["strange"][:TIMES_SHOWN]]
    remarks += [
        f"The link of {one} and {other} broke by itself after {at:.1f} s." for at, one, other in result["broken"]
    ]
    return remarks


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def document(head: Sequence[str], results: Sequence[Result], missing: Mapping[str, str]) -> str:
    """Return the whole section: under what it was measured, who was left out, and a table for each room."""
    left_out = [f"**Left out: {kind}: {reason}.**" for kind, reason in missing.items()]
    return "\n".join(["".join(f"- {line}\n" for line in [*head, *left_out]), *map(markdown, results)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return 1 when something was not as it should be."""
    parser = argparse.ArgumentParser(
        "python -m interop room", description="The room of all: each kind of peers in one."
    )
    usual = Plan(SHAPES[0])
    parser.add_argument("--shape", nargs="+", choices=SHAPES, default=list(SHAPES), help="one after the other (both)")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, help="who is there, one named twice twice (one of each)")
    parser.add_argument("--seconds", type=_positive, default=usual.seconds, help="how long they talk (%(default)g)")
    parser.add_argument(
        "--rate", type=_positive, default=usual.rate, help="texts a second, of all together (%(default)g)"
    )
    parser.add_argument("--size", type=int, default=usual.size, help="bytes of a text (%(default)d)")
    parser.add_argument("--at-once", action="store_true", help="in a mesh, two who dial each other do it at one moment")
    parser.add_argument("--calm", action="store_true", help="nobody is killed, and nobody is behind a relay")
    parser.add_argument("--ours-limits", type=_limits, default={}, metavar="JSON", help="of core.limits, for ours")
    parser.add_argument("--json", type=report.new_file, metavar="FILE", help="write every count there, too")
    parser.add_argument("--no-write", action="store_true", help=f"leave docs/{report.DOCUMENT.name} as it is")
    options = parser.parse_args(arguments)
    outputs = {"json", "no_write"}
    is_usual = all(parser.get_default(name) == value for name, value in vars(options).items() if name not in outputs)
    signal.signal(signal.SIGTERM, _interrupt)
    # Each is told whom to dial, and looks for nobody.
    os.environ |= dict.fromkeys(("PY_PEER_MDNS", "PY_PEER_DISCOVERY", "PY_PEER_REMEMBER", "PY_PEER_UPNP"), "0")
    here, missing = kinds_here()
    if options.kinds:
        missing = {kind: reason for kind, reason in missing.items() if kind in options.kinds}
    for kind, reason in missing.items():
        _progress(f"LEFT OUT: {kind}: {reason}")
    kinds = tuple(kind for kind in options.kinds or here if kind not in missing)
    plan = replace(usual, kinds=kinds, seconds=options.seconds, rate=options.rate, size=options.size)
    plan = replace(plan, at_once=options.at_once, ours_limits=options.ours_limits)
    plans = [replace(plan, shape=shape) for shape in options.shape]
    plans = [plan if options.calm else plan.with_parts() for plan in plans]
    try:
        for plan in plans:
            plan.dials()
    except ValueError as error:
        parser.error(str(error))
    head = [*report.head(), f"Load average at the start: {load()}"]
    try:
        results = [_held(plan) for plan in plans]
    except KeyboardInterrupt:
        print("Interrupted: nothing is written", file=sys.stderr)
        return INTERRUPTED
    section = document(head, results, missing)
    print(section.replace("<br>", ", "))
    if is_usual and not options.no_write:
        told = fill(report.DOCUMENT.read_text(encoding="utf-8"), {PLACE: section})
        report.DOCUMENT.write_text(told, encoding="utf-8")
    if options.json:
        found = {"head": head, "missing": missing, "rooms": results}
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if all(result["clean"] for result in results) else 1


def _positive(text: str) -> float:
    """Return a number that is more than nothing, and no more than can be waited for."""
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not more than 0")
    return number


def _limits(text: str) -> dict[str, float]:
    """Return limits of ours by their names, from JSON."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f'{text} is no JSON object, as {{"MAX_INBOUND": 40}}')
    for name, value in found.items():
        if type(getattr(limits, name, None)) not in (int, float):
            raise argparse.ArgumentTypeError(f"there is no limit {name} in py_peer/core/limits")
        if type(value) not in (int, float):
            raise argparse.ArgumentTypeError(f"{name} is to be a number, not {value!r}")
    return found


def _held(plan: Plan) -> Result:
    _progress(f"a {plan.shape} of {', '.join(plan.names)}")
    with tempfile.TemporaryDirectory(prefix="py-peer-room-", ignore_cleanup_errors=True) as folder:
        return as_json(hold(plan, Path(folder), _progress))


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _progress(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
