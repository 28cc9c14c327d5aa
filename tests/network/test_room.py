"""A room whose network misbehaves and whose peers come and go: it is whole again in time, and nothing is lost unsaid.

These are the short forms; `make soak` runs the same scenes with the limits that users have, for as long as it takes.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest

from tests.network import scenes, strangers
from tests.network.namespaces import hosts, missing
from tests.network.scenes import QUICK, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def bad_network(folder: Path) -> Outcome:
    with hosts(3) as made:
        outcome = scenes.bad_network(folder, made, 3, QUICK)
        assert all(host.dropped() for host in made[:2])
        return outcome


SCENES: Final[dict[str, Callable[[Path], Outcome]]] = {
    "bad lines": lambda folder: scenes.bad_lines(folder, 4),
    "silent line": lambda folder: scenes.silent_line(folder, 3, QUICK),
    "killed": scenes.killed,
    "stopped": lambda folder: scenes.stopped(folder, 3, moved=True, limits=QUICK),
    "bad network": bad_network,
}
Plays: TypeAlias = dict[str, Future[Outcome]]


@pytest.fixture(scope="module")
def plays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plays]:
    """Have all scenes played at once: each is a room of its own, and waits for most of its time."""
    with ThreadPoolExecutor(len(SCENES)) as pool:
        yield {
            name: pool.submit(scene, tmp_path_factory.mktemp("room"))
            for name, scene in SCENES.items()
            if scene is not bad_network or not missing()
        }


def test_late_sliced_torn_and_mute_lines_lose_nothing(plays: Plays) -> None:
    outcome = plays["bad lines"].result()
    assert outcome.kept, outcome


def test_a_line_that_is_silent_for_good_is_given_up_and_what_was_said_into_it_comes_with_the_next(plays: Plays) -> None:
    outcome = plays["silent line"].result()
    assert outcome.kept, outcome


def test_a_peer_and_the_hub_of_five_are_killed_and_all_talk_again(plays: Plays) -> None:
    outcome = plays["killed"].result()
    assert outcome.kept, outcome


def test_a_stopped_process_is_let_go_and_is_back_when_it_goes_on_though_the_clock_has_moved(plays: Plays) -> None:
    outcome = plays["stopped"].result()
    assert outcome.kept, outcome


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_lost_packets_a_narrow_line_and_a_pulled_cable_lose_nothing(plays: Plays) -> None:
    outcome = plays["bad network"].result()
    assert outcome.kept, outcome


def test_a_hundred_strangers_who_come_and_go_leave_nothing_behind(tmp_path: Path) -> None:
    before, after = strangers.come_and_go(tmp_path, 100)
    assert after.tasks <= before.tasks
    assert after.descriptors <= before.descriptors


@pytest.mark.alone
def test_under_a_flood_every_honest_message_is_heard_at_once(tmp_path: Path) -> None:
    flooded = strangers.flood(tmp_path, 4)
    assert (flooded.said, flooded.heard, flooded.muted) == (4, 4, 1)
    assert flooded.account.clean, flooded
    assert flooded.slowest < 1
