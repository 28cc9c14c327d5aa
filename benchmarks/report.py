"""Fill docs/performance.md and its picture from what `make bench` has written: `python -m benchmarks.report`.

Each table stands in the document between two marks that are named after it, so that nobody writes a figure by hand.
What each class brings is measured by itself: `python -m benchmarks.classes | python -m benchmarks.report classes`.
`make figures` does all of it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.curve import curve, steps_of
from benchmarks.messages import HIGHEST, NODES
from benchmarks.processes import ROOT
from benchmarks.runs import LONGEST_P99
from benchmarks.table import FAILED, Row, tables

RESULTS: Final = ROOT / "docs" / "performance.json"
DOCUMENT: Final = ROOT / "docs" / "performance.md"
PICTURE: Final = ROOT / "docs" / "pictures" / "latency.svg"
ALONE: Final = "py-peer alone"
PLACES: Final = (
    *(
        "machine",
        "side-by-side",
        "with-others",
        "over-quic",
        "a-room-that-grows",
        "keys-and-values",
        "commits",
        "nostr",
    ),
    *("files", "py-peer-alone", "missed"),
)
"""The marks of the document that are filled from one run."""

CLASSES: Final = "classes"

STEPS_FROM: Final = HIGHEST.format(NODES)


class NoPlaceError(Exception):
    """The document has no place for a block."""


def blocks(results: dict[str, Any]) -> dict[str, str]:
    """Return what belongs between the marks of the document, by their names."""
    rows = [Row(**row) for row in results["rows"]]
    lines = [*results["head"], f"Load average at the end: {results['load_after']}", *results.get("later", [])]
    found = dict.fromkeys(PLACES, "Not measured in this run.\n")
    found["machine"] = "".join(f"- {line}\n" for line in lines)
    for table in tables(rows):
        found[slug(table.title or ALONE)] = table.markdown()
    missed = [f"- {row.figure}: {row.measured}, the goal is {row.goal}\n" for row in rows if row.met is False]
    found["missed"] = "".join(missed) or "None was missed.\n"
    return found


def slug(title: str) -> str:
    """Return a title as the name of marks."""
    return title.lower().replace(" ", "-")


def fill(document: str, parts: dict[str, str]) -> str:
    """Return the document with each part between its marks. Raises NoPlaceError."""
    for name, part in parts.items():
        before, after = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        pattern = re.compile(f"{re.escape(before)}.*?{re.escape(after)}", re.DOTALL)
        if not pattern.search(document):
            msg = f"the document has no marks named {name}"
            raise NoPlaceError(msg)
        document = pattern.sub(lambda _, text=f"{before}{part}{after}": text, document)  # type: ignore[misc]
    return document


def picture(results: dict[str, Any]) -> str:
    """Return latency against rate, as SVG, of each kind whose steps were measured."""
    rows = [Row(**row) for row in results["rows"]]
    steps = {row.kind: steps_of(row.values) for row in rows if row.figure == STEPS_FROM and row.values}
    return curve(steps, LONGEST_P99)


def main(arguments: list[str]) -> None:
    """Fill the document from the file that is named, or from the one beside it; "classes" from standard input."""
    parser = argparse.ArgumentParser("python -m benchmarks.report", description="Fill docs/performance.md.")
    told = f'what make bench has written, or "{CLASSES}" for what benchmarks.classes tells by standard input'
    parser.add_argument("results", nargs="?", default=str(RESULTS), help=f"{told}; docs/performance.json by default")
    source = parser.parse_args(arguments).results
    if source == CLASSES:
        if not (table := sys.stdin.read()):
            sys.exit("nothing was measured of the classes: their table stays as it was")
        DOCUMENT.write_text(fill(DOCUMENT.read_text(encoding="utf-8"), {CLASSES: table}), encoding="utf-8")
        return
    try:
        results = json.loads(Path(source).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        parser.error(f"argument results: {source} cannot be read: {error}")
    DOCUMENT.write_text(fill(DOCUMENT.read_text(encoding="utf-8"), blocks(results)), encoding="utf-8")
    PICTURE.write_text(picture(results), encoding="utf-8")
    failed = [f"{row['figure']}, {row['kind']}" for row in results["rows"] if row["measured"] == FAILED]
    if failed:
        print(f"{DOCUMENT.name} is written, and says why these could not be measured: {'; '.join(failed)}")


if __name__ == "__main__":
    main(sys.argv[1:])
