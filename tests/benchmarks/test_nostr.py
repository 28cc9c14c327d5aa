"""What is measured of Nostr is done by everybody it is compared with."""

from __future__ import annotations

from benchmarks import nostr


def test_each_signs_and_checks_what_is_asked_for() -> None:
    rows = {(row.figure, row.kind): row for row in nostr.rates(2, 3)}
    assert {kind for figure, kind in rows if figure == nostr.CHECK} == {nostr.ALONE, nostr.OURS}
    for row in rows.values():
        assert row.measured.endswith("/s")
        assert row.values is not None
        assert len(row.values["seconds"]) == 3
    assert rows[nostr.CHECK, nostr.OURS].met is not None
