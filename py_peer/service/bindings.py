"""Nostr keys that are bound to peers: ours is announced, and those of others are checked, at a pace.

Checking costs a hundred times what reading costs, so it does not happen in the read loop: the newest announcement of
each peer waits, one for each, and has its turn. A key that was bound stays so until the newer word is checked.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, final

import trio

from py_peer.core import limits, limits_nostr
from py_peer.core.nostr_events import NostrBound
from py_peer.core.rates import Buckets, TokenBucket
from py_peer.net.pace import keep_pace

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from py_peer.core.announcement import Announcement
    from py_peer.core.events import Event
    from py_peer.core.names import Names

TRY_AGAIN: Final = 1.0
"""Seconds until it is looked again whose turn it is, of those who announced too fast."""


@final
class Bindings:
    """Checks which Nostr keys are whose, and has `names` know it."""

    def __init__(self, names: Callable[[], Names[Any]], emit: Callable[[Event], None]) -> None:
        self._names = names
        self._emit = emit
        self._waiting: dict[str, Announcement] = {}
        self._come = trio.Event()
        self._buckets = Buckets[str](limits_nostr.BINDING_RATE, limits_nostr.BINDING_BURST, limits.KNOWN_NAMES)
        self._pace = TokenBucket(limits_nostr.BINDINGS_RATE, limits_nostr.BINDINGS_BURST)

    def __len__(self) -> int:
        """Return how many peers wait to be checked."""
        return len(self._waiting)

    def take(self, peer_id: str, announcement: Announcement) -> None:
        """Take what the newest announcement of a peer says of a Nostr key."""
        if announcement.nostr is None:
            self._waiting.pop(peer_id, None)
            self._set(peer_id, "")
            return
        self._waiting[peer_id] = announcement  # at the place in the row that the one before it had
        if len(self._waiting) > 2 * limits.KNOWN_NAMES:  # as strangers are forgotten, and their names with them
            self._waiting = {one: said for one, said in self._waiting.items() if one in self._names()}
        self._come.set()

    async def run(self, counters: MutableMapping[str, int]) -> None:
        """Check what waits, as time allows."""
        while True:
            await self._come.wait()
            self._come = trio.Event()
            while self._waiting:
                for peer_id in list(self._waiting):
                    if self._buckets.take(peer_id, trio.current_time()):
                        await self._check(peer_id, counters)
                if self._waiting:
                    await trio.sleep(TRY_AGAIN)

    async def _check(self, peer_id: str, counters: MutableMapping[str, int]) -> None:
        if peer_id not in self._names():  # forgotten meanwhile
            self._waiting.pop(peer_id, None)
            return
        await keep_pace(self._pace)
        if (announcement := self._waiting.get(peer_id)) is None:
            return  # a newer one has none
        npub, fault = await trio.to_thread.run_sync(partial(_checked, announcement, peer_id))
        if self._waiting.get(peer_id) is not announcement:
            return  # a newer one came meanwhile
        del self._waiting[peer_id]
        if fault:
            counters[f"dropped: an announced Nostr key, {fault}"] += 1
        self._set(peer_id, npub)

    def _set(self, peer_id: str, npub: str) -> None:
        if self._names().bind(peer_id, npub):
            self._emit(NostrBound(peer_id, npub))


def _checked(announcement: Announcement, peer_id: str) -> tuple[str, str]:
    """Return the key that is bound, or why there is none."""
    # Here, in a thread: who meets nobody with such a key does not load the library.
    from py_peer.core.nip19 import npub  # noqa: PLC0415
    from py_peer.core.nostr import NostrError  # noqa: PLC0415
    from py_peer.core.nostr_binding import check_claim  # noqa: PLC0415

    try:
        return npub(check_claim(announcement.nostr, peer_id, announcement.at)), ""
    except NostrError as error:
        return "", str(error)
