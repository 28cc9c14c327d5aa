"""The figures of commits are those of a network in which one reads what another has published."""

from __future__ import annotations

from benchmarks import git
from benchmarks.processes import workshop


def test_all_that_one_publishes_another_reads_and_verifies_with_and_without_the_pace() -> None:
    with workshop() as shop:
        rows = list(git.sizes(shop, (2,), 2))
    for figure in ("network of 2", "network of 2, without the pace"):
        measured = {row.kind: row for row in rows if row.figure == figure}
        assert (measured["stored"].measured, measured["verified"].measured) == ("8 of 8", "2 of 2")
        assert (measured["stored"].met, measured["verified"].met) == (True, True)
        values = measured["show"].values
        assert values is not None
        assert len(values["seconds"]) == 2
