"""A room over each transport, by IPv4 and IPv6, with js-libp2p and among ours, whoever calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.network.peers import party
from tests.sisters.matrix import START, TRANSPORTS, Room, room_over

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT: Final = 100


@pytest.fixture(scope="module", params=TRANSPORTS)
def room(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    made = room_over(request.param, tmp_path_factory.mktemp(request.param))
    with party(*made.peers):
        yield made


@pytest.mark.timeout(2 * START)
def test_what_is_said_right_after_connecting_arrives(room: Room) -> None:
    room.first_words()


@pytest.mark.timeout(3 * START)
def test_a_hundred_texts_from_each_to_all(room: Room) -> None:
    room.talk(COUNT)


@pytest.mark.timeout(3 * START)
def test_who_is_killed_and_started_again_is_back_within_twenty_seconds_and_nobody_else_is_there(room: Room) -> None:
    room.kill_and_restart_others()
    assert room.hub.room() == {other.id for other in room.others}
    room.talk(3)


def test_all_are_there(room: Room) -> None:
    if room.lacking:
        pytest.skip(f"not in the room over this transport: {room.lacking}")
