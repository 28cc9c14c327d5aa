"""Relays of Nostr watched by who runs no peer: nothing of libp2p is loaded for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from py_peer.core.nostr_events import NostrHeard
from py_peer.net.nostr_stream import pace_of_all
from py_peer.service.nostr import tell_refused
from py_peer.service.nostr_feed import Feed, Judge

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Sequence

    from py_peer.core.events import Event


def watch(
    urls: Sequence[str], show: Callable[[Event], bool], counters: Counter[str], *, everything: bool, count: int | None
) -> None:
    """Hand on what relays bring, and how they are, until `show` returns False or has had `count` events.

    `everything`: not only what is about Git. `counters` count what is not shown. It blocks, and has an event loop of
    its own.
    """
    trio.run(_watch, urls, show, counters, everything, count)


async def _watch(
    urls: Sequence[str],
    show: Callable[[Event], bool],
    counters: Counter[str],
    everything: bool,  # noqa: FBT001 - trio.run takes no keywords
    count: int | None,
) -> None:
    left = count

    async with trio.open_nursery() as nursery:

        def tell(event: Event) -> bool:
            nonlocal left
            if left == 0:
                return False
            if left is not None and isinstance(event, NostrHeard):
                left -= 1
            if not show(event) or left == 0:
                nursery.cancel_scope.cancel()
            return True

        judge = Judge(counters, tell, everything=everything)
        nursery.start_soon(tell_refused, counters, tell)
        pace = pace_of_all()
        for url in urls:
            nursery.start_soon(Feed(url, judge, counters, tell, pace).run)
