"""The js-libp2p node of the benchmark does and tells what ours does, by the same clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import messages
from benchmarks.kinds import JS, OURS
from benchmarks.processes import Workshop
from benchmarks.runs import send
from tests.sisters.sisters import missing_js

if TYPE_CHECKING:
    from pathlib import Path

REASON = missing_js()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

COUNT = 40
BYTES = 1_000_000


def test_messages_and_a_stream_go_both_ways_whole(tmp_path: Path) -> None:
    with messages.node_pair(Workshop(tmp_path), OURS, JS) as (ours, theirs):
        for pair in ((ours, theirs), (theirs, ours)):
            for rate in (200.0, 0):
                run = send(pair, COUNT, rate)
                assert run.is_whole
                assert 0 < run.p50 <= run.p99 < 30  # two clocks would be hours apart
                assert min(run.cpu) > 0
            assert messages.fetch(pair, BYTES) > 0
