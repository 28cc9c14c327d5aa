"""Who meets nobody is told what may be the matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.events import Notice
from py_peer.core.settings import Settings
from py_peer.service.discovery import Discovery
from tests.service.support import in_trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.events import Event

SOMEBODY = ID(b"somebody")


def told(meet: Callable[[Discovery], None] = lambda _: None) -> list[Event]:
    """Return what is told in the first minutes of one who may have met somebody after a while."""
    events: list[Event] = []

    async def scene() -> None:
        discovery = Discovery(Settings("ann", mdns=True), "us", events.append)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(discovery._tell_alone)
            await trio.sleep(limits.ALONE_SECONDS - 1)
            assert not events
            meet(discovery)
            await trio.sleep(10 * limits.ALONE_SECONDS)

    in_trio(scene)
    return events


def test_who_was_alone_for_half_a_minute_is_told_once_what_can_be_done() -> None:
    [notice] = told()
    assert isinstance(notice, Notice)
    assert notice.text.startswith("Nobody has been met for 30 s.")
    assert "py-peer doctor" in notice.text
    assert "--connect" in notice.text


def test_who_has_met_somebody_is_not_told() -> None:
    assert told(lambda discovery: discovery.moved(SOMEBODY)) == []
