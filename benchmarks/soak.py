"""Hold a room to its promises for as long as they take: `python -m benchmarks.soak`, run by `make soak`.

The scenes are those of tests/network, of which `make test` runs short forms. Every process is started here, talks on
127.0.0.1 or in network namespaces that are made here, and is ended by its id. A broken promise makes the exit code 1.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.endurance import MEGABYTE, RATE, endure
from benchmarks.table import Row, head, load, render
from tests.network import scenes, strangers
from tests.network.namespaces import hosts, missing
from tests.network.peers import party
from tests.sisters import matrix

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.endurance import Slope
    from tests.network.scenes import Outcome

MINUTES: Final = 10.0
VISITS: Final = 1_000
FLOOD_SECONDS: Final = 60
SILENCES: Final = (25, 75)
QUIET: Final = 90
ALLOWED_MEGABYTES: Final = 5.0
ALLOWED_COUNT: Final = 6.0
"""Tasks or descriptors an hour: one in ten minutes."""

PROMISED: Final = "nothing lost without a word; let go 20 s, whole again 30 s"


def killed(folder: Path) -> list[Row]:
    """Kill a peer of a room of five, then the one that all others call; each starts again at once."""
    return [_row("a peer, then the hub of five killed and back", scenes.killed(folder))]


def stopped(folder: Path) -> list[Row]:
    """Stop a process for a minute and move its wall clock by an hour."""
    return [_row("stopped for a minute, clock moved", scenes.stopped(folder, 60, moved=True))]


def lines(folder: Path) -> list[Row]:
    """Talk over lines that are late, in single bytes, reset, and silent for a time."""
    return [_row("lines of 500 ms ± 200 ms; single bytes; resets; silence of 15 s", scenes.bad_lines(folder, 60))]


def silence(folder: Path) -> list[Row]:
    """Have a line take everything and pass nothing, for as long as what was said is kept, and for longer."""
    return [
        _row(f"a line silent for {seconds} s", scenes.silent_line(folder / str(seconds), seconds))
        for seconds in SILENCES
    ]


def network(folder: Path) -> list[Row]:
    """Lose packets, narrow a line and pull a cable, in namespaces."""
    name = "5 % of packets lost at 256 kbit/s; a cable pulled for 25 s"
    if reason := missing():
        return [Row(name, f"not run: {reason}")]
    with hosts(3) as made:
        return [_row(name, scenes.bad_network(folder, made, 25))]


def quiet(folder: Path) -> list[Row]:
    """Have nobody say anything in a room over each transport, of ours and js-libp2p, and then everybody."""
    rooms = [matrix.room_over(transport, folder / transport) for transport in matrix.TRANSPORTS]
    with contextlib.ExitStack() as stack:
        for room in rooms:
            stack.enter_context(party(*room.peers))
            room.first_words()
        before = [room.left() for room in rooms]
        time.sleep(QUIET)
        left = [room.left() - count for room, count in zip(rooms, before, strict=True)]
        for room in rooms:
            room.talk(1)
    return [
        Row(
            f"{len(room.peers)} peers over {room.transport}, {QUIET} s without a word, then one from each",
            f"all heard by all; let go meanwhile: {count}" + (f"; not there: {room.lacking}" if room.lacking else ""),
            "all heard by all, nobody let go",
            count == 0,
        )
        for room, count in zip(rooms, left, strict=True)
    ]


def visits(folder: Path) -> list[Row]:
    """Have many strangers come and go."""
    before, after = strangers.come_and_go(folder, VISITS)
    return [
        Row(
            f"{VISITS:,} connects and disconnects",
            f"tasks {before.tasks} to {after.tasks}, descriptors {before.descriptors} to {after.descriptors}, "
            f"memory {before.memory / MEGABYTE:.1f} to {after.memory / MEGABYTE:.1f} MB",
            "tasks and descriptors where they were",
            after.tasks <= before.tasks and after.descriptors <= before.descriptors,
        )
    ]


def flood(folder: Path) -> list[Row]:
    """Have one author flood a peer to whom an honest one speaks."""
    flooded = strangers.flood(folder, FLOOD_SECONDS)
    return [
        Row(
            f"a flood of 1,000/s for {FLOOD_SECONDS} s beside an honest message a second",
            f"{flooded.heard} of {flooded.said} heard, slowest {flooded.slowest * 1000:.0f} ms; "
            f"of the flood {flooded.flood:,} shown, muted {flooded.muted} time(s)",
            f"{flooded.said} of {flooded.said}",
            flooded.heard == flooded.said and flooded.account.clean,
        )
    ]


def endurance(folder: Path, minutes: float) -> list[Row]:
    """Have a room talk for a long time."""
    account, grown = endure(folder, 60 * minutes, _progress)
    rows = [Row(f"{RATE:g} messages/s for {minutes:g} min", str(account), "nothing lost without a word", account.clean)]
    for peer in grown:
        rows += [
            _slope(f"memory of {peer.name}, MB/h", peer.memory, ALLOWED_MEGABYTES, peer.last.memory, MEGABYTE),
            _slope(f"tasks of {peer.name}, per hour", peer.tasks, ALLOWED_COUNT, peer.last.tasks),
            _slope(f"descriptors of {peer.name}, per hour", peer.descriptors, ALLOWED_COUNT, peer.last.descriptors),
        ]
    return rows


SCENES: Final[dict[str, tuple[float, Callable[[Path], list[Row]]]]] = {
    "killed": (0.2, killed),
    "stopped": (1.3, stopped),
    "lines": (1.3, lines),
    "silence": (1.9, silence),
    "network": (0.6, network),
    "quiet": (2.0, quiet),
    "visits": (0.8, visits),
    "flood": (1.2, flood),
}
"""What can be run beside `endurance`, by name, with the minutes that it takes."""

ENDURANCE: Final = "endurance"


def main() -> int:
    """Run from the command line; return 1 when a promise was broken."""
    names = [*SCENES, ENDURANCE]
    total = 2 + MINUTES + sum(minutes for minutes, _ in SCENES.values())
    parser = argparse.ArgumentParser(description=f"Hold a room to its promises; all of it takes {total:.0f} minutes.")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"how long {ENDURANCE} lasts (%(default)g)")
    parser.add_argument("scene", nargs="*", help=f"what to run: {', '.join(names)}; all of it by default")
    options = parser.parse_args()
    if unknown := set(options.scene) - set(names):
        parser.error(f"no such scene: {', '.join(sorted(unknown))}")
    os.environ |= dict.fromkeys(
        ("PY_PEER_MDNS", "PY_PEER_DISCOVERY", "PY_PEER_REMEMBER", "PY_PEER_UPNP"), "0"
    )  # each knows whom to call
    print("\n".join(head("soak")), flush=True)
    start = time.monotonic()
    rows: list[Row] = []
    for name in options.scene or names:
        _progress(name)
        with tempfile.TemporaryDirectory(prefix="py-peer-soak-", ignore_cleanup_errors=True) as folder:
            try:
                rows += endurance(Path(folder), options.minutes) if name == ENDURANCE else SCENES[name][1](Path(folder))
            except AssertionError as error:
                _progress(str(error))
                rows.append(Row(name, str(error).splitlines()[0], PROMISED, met=False))
    print(f"\n{render(rows)}\n\n{(time.monotonic() - start) / 60:.1f} minutes. Load average at the end: {load()}")
    return 1 if any(row.met is False for row in rows) else 0


def _row(figure: str, outcome: Outcome) -> Row:
    if not outcome.kept:
        _progress("; ".join(outcome.account.missing))
    return Row(figure, str(outcome), PROMISED, outcome.kept)


def _slope(figure: str, slope: Slope, allowed: float, last: float, unit: float = 1.0) -> Row:
    return Row(
        figure,
        f"{slope.growth / unit:+.2f} ± {slope.error / unit:.2f} (at the end {last / unit:.4g})",
        f"no growth above {allowed:g}",
        not slope.exceeds(allowed * unit),
    )


def _progress(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
