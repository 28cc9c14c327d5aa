"""At the end of a session the peers are given time to read what was said, and who has not is counted."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from py_peer.core.events import MessageSent, PeerJoined, Stopped
from py_peer.core.requests import Stop
from tests.loops import run
from tests.service.support import LEAVE_WITHIN, person

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.frontends.programs import Piped


def test_a_peer_that_has_not_read_is_counted_and_one_that_has_is_not(piped: Callable[..., Piped]) -> None:
    bob = piped("--headless", "--no-intro")
    address = bob.address()

    async def scene(*, hung: bool) -> Stopped:
        async with person("Ann", connect=(address,), intro=False) as ann:
            await ann.see(PeerJoined)
            if hung:
                bob.signal(signal.SIGSTOP)
            ann.say("hello")
            await ann.see(MessageSent)
            ann.ask(lambda ticket: Stop(ticket, settle=0.2 if hung else LEAVE_WITHIN))
            return await ann.see(Stopped)

    assert run(scene(hung=False)) == Stopped(unsent=0, reached=True, unread=0)
    assert run(scene(hung=True)) == Stopped(unsent=0, reached=True, unread=1)
