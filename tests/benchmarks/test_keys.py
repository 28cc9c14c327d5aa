"""The figures of keys are those of a network whose nodes hold what the others have put."""

from __future__ import annotations

from benchmarks import keys
from benchmarks.processes import workshop


def test_all_that_two_nodes_put_and_provide_is_found_by_the_other() -> None:
    with workshop() as shop:
        rows = {row.kind: row for row in keys.sizes(shop, (2,), 2)}
    assert rows["found"].measured == "4 of 4"
    assert rows["found"].met
    assert rows["taken by"].measured == "1 of 1"
    for what in keys.KINDS:
        values = rows[what].values
        assert values is not None
        assert len(values["seconds"]) == 2
        assert values["asked"] == [1, 1]
