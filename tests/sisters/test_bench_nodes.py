"""The bare nodes of the benchmark in other languages do and tell what ours does, by the same clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import messages
from benchmarks.kinds import OURS, SISTERS, Kind, present
from benchmarks.processes import Workshop
from benchmarks.runs import send

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 40
BYTES = 1_000_000


@pytest.mark.parametrize("kind", SISTERS, ids=lambda kind: kind.name)
def test_messages_and_a_stream_go_both_ways_whole(kind: Kind, tmp_path: Path) -> None:
    if reason := SISTERS[kind].missing():
        pytest.skip(reason)
    kinds, remark = present()
    assert kind in kinds
    assert str(SISTERS[kind]) in remark
    with messages.node_pair(Workshop(tmp_path), OURS, kind) as (ours, theirs):
        for pair in ((ours, theirs), (theirs, ours)):
            for rate in (200.0, 0):
                run = send(pair, COUNT, rate)
                assert run.is_whole  # go-libp2p checks several at a time, so that some change places
                assert 0 < run.p50 <= run.p99 < 30  # two clocks would be hours apart
                assert min(run.cpu) > 0
            assert messages.fetch(pair, BYTES) > 0
