"""A room whose network misbehaves and whose peers come and go: it is whole again in time, and nothing is lost unsaid.

These are the short forms; `make soak` runs the same scenes with the limits that users have, for as long as it takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.network import scenes, strangers
from tests.network.namespaces import hosts, missing
from tests.network.scenes import QUICK

if TYPE_CHECKING:
    from pathlib import Path


def test_late_sliced_torn_and_mute_lines_lose_nothing(tmp_path: Path) -> None:
    outcome = scenes.bad_lines(tmp_path, 4)
    assert outcome.kept, outcome


def test_a_line_that_is_silent_for_good_is_given_up_and_what_was_said_into_it_comes_with_the_next(
    tmp_path: Path,
) -> None:
    outcome = scenes.silent_line(tmp_path, 3, QUICK)
    assert outcome.kept, outcome


def test_a_peer_and_the_hub_of_five_are_killed_and_all_talk_again(tmp_path: Path) -> None:
    outcome = scenes.killed(tmp_path)
    assert outcome.kept, outcome


def test_a_stopped_process_is_let_go_and_is_back_when_it_goes_on_though_the_clock_has_moved(tmp_path: Path) -> None:
    outcome = scenes.stopped(tmp_path, 3, moved=True, limits=QUICK)
    assert outcome.kept, outcome


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_lost_packets_a_narrow_line_and_a_pulled_cable_lose_nothing(tmp_path: Path) -> None:
    with hosts(3) as made:
        outcome = scenes.bad_network(tmp_path, made, 3, QUICK)
        assert outcome.kept, outcome
        assert all(host.dropped() for host in made[:2])


def test_a_hundred_strangers_who_come_and_go_leave_nothing_behind(tmp_path: Path) -> None:
    before, after = strangers.come_and_go(tmp_path, 100)
    assert after.tasks <= before.tasks
    assert after.descriptors <= before.descriptors


def test_under_a_flood_every_honest_message_is_heard_at_once(tmp_path: Path) -> None:
    flooded = strangers.flood(tmp_path, 4)
    assert (flooded.said, flooded.heard, flooded.muted) == (4, 4, 1)
    assert flooded.account.clean, flooded
    assert flooded.slowest < 1
