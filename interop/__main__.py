"""Every peer in another language with ours, point by point: `python -m interop`, run by `make interop`.

Prints the tables and puts them into docs/interop.md; a part of the matrix (--only, --transport, --quick, or what is
left when not all can be here) is printed and not written. 1 is a shortfall that nobody expected, or that nothing could
be measured. `python -m interop room` is the room of all: interop/room.py.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from typing import NoReturn

from interop import report, room, scenes
from interop.columns import COLUMNS, FINDING, LANGUAGES, Column, Pair
from interop.finding import FINDING_SCENES, Ground
from interop.progress import Progress, width
from interop.running import Part, run
from tests.sisters.matrix import TRANSPORTS
from tests.sisters.sisters import missing

INTERRUPTED = 130
NAMES = [language.name for language in LANGUAGES]


def main() -> int:
    """Run from the command line."""
    if sys.argv[1:2] == ["room"]:
        return room.main(sys.argv[2:])
    parser = argparse.ArgumentParser("python -m interop", description=__doc__)
    parser.add_argument("--only", metavar="LANGUAGES", default=",".join(NAMES), help="of go,rust,node,browser")
    parser.add_argument("--transport", choices=[name.lower() for name in TRANSPORTS], help="one of them")
    parser.add_argument("--quick", action="store_true", help="without the silence of 90 s")
    parser.add_argument("--json", metavar="FILE", type=report.new_file, help="write what was measured there, too")
    parser.add_argument("--no-write", action="store_true", help="leave docs/interop.md as it is")
    parser.add_argument("--missing", action="store_true", help="only say which of these peers are not here, and why")
    options = parser.parse_args()
    if options.missing:
        _say_missing()
        return 0
    columns = _columns(parser, options)
    parts = [
        Part(
            [column for column in columns if column.transport], scenes.QUICK if options.quick else scenes.SCENES, Pair
        ),
        Part([column for column in columns if not column.transport], FINDING_SCENES, Ground),
    ]
    signal.signal(signal.SIGTERM, _interrupt)
    lines = report.head()
    print("\n".join(lines), flush=True)
    try:
        with Progress(sum(part.size for part in parts)) as progress:
            cells = run(parts, progress)
    except KeyboardInterrupt:
        print("Interrupted: nothing is written", file=sys.stderr)
        return INTERRUPTED
    print(f"\n{report.text(parts, cells, width(sys.stdout))}\n")
    left_out = report.left_out(cells)
    for line in left_out:
        print(f"LEFT OUT: {line}")
    if not options.no_write:
        if len(columns) == len(COLUMNS) + len(FINDING) and not options.quick and not left_out:
            report.write(lines, parts, cells)
        else:
            print("A part of the matrix: docs/interop.md stays as it is.")
    if options.json:
        options.json.write_text(json.dumps(report.as_json(lines, cells), indent=1) + "\n", encoding="utf-8")
    failed = report.failures(cells)
    for line in failed:
        print(f"FAILED: {line}")
    measured = any(part.size for part in parts)
    if not measured:
        print("FAILED: nothing of it can be measured here")
    return 0 if measured and not failed else 1


def _columns(parser: argparse.ArgumentParser, options: argparse.Namespace) -> list[Column]:
    """Return the columns that are asked for. None at all is an error of usage."""
    only = [name.strip() for name in options.only.split(",") if name.strip()]
    if unknown := set(only) - set(NAMES):
        parser.error(f"no such language: {', '.join(sorted(unknown))}")
    columns = [
        column
        for column in (*COLUMNS, *FINDING)
        if column.language.name in only and options.transport in {None, column.transport.lower()}
    ]
    if not columns:
        parser.error("nothing of the matrix is left: name a language, and a transport that it has")
    return columns


def _say_missing() -> None:
    for language in LANGUAGES:
        if reason := missing(language.name):
            print(f"LEFT OUT: {language.title}: {reason}")


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
