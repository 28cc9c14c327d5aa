"""What relays of Nostr bring, judged: each event once, those that are wanted, and of them none that does not hold.

`Judge` takes events of all relays; `Feed` follows one relay, and comes back to it when it has gone.
"""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING, Any, Final, final

import trio

from py_peer.core import limits, limits_nostr
from py_peer.core.cleaning import clean_text
from py_peer.core.nostr import (
    COMMIT_KIND,
    NostrError,
    Standing,
    badge_of,
    commit_of,
    event_id,
    is_about_git,
    read_event,
)
from py_peer.core.nostr_events import NostrHeard, NostrRelayDown, NostrRelayInfo, NostrRelayUp
from py_peer.core.nostr_messages import Filter, parse_relay_url
from py_peer.net.nostr_follow import follow
from py_peer.net.nostr_relay import REFUSED, RelayError, open_relay

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from py_peer.core.events import Event
    from py_peer.core.nostr import NostrEvent
    from py_peer.net.nostr_stream import Pace

log = logging.getLogger(__name__)

KINDS: Final = (COMMIT_KIND,)
"""What relays are asked for. A filter of NIP-01 looks at tags of one letter alone, so `gnostr` is looked for here."""


@final
class Judge:
    """Takes the events of all relays, and hands on those that are wanted, with their badges."""

    def __init__(self, counters: Counter[str], emit: Callable[[NostrHeard], bool], *, everything: bool = False) -> None:
        """`emit` returns whether the event was shown. With `everything` not only what is about Git is wanted."""
        self._counters = counters
        self._emit = emit
        self._everything = everything
        self.is_ignored: Callable[[str], bool] = lambda _npub: False
        """Says whether the user ignores who has a key."""

        self._seen: dict[str, int] = {}  # and of when each is

    def hear(self, relay: str, fields: dict[str, Any]) -> int | None:
        """Judge one event; return of when it is if it is what its ID says, else None."""
        try:
            event = read_event(fields)
        except NostrError:
            self._refuse("not an event")
            return None
        if event.id in self._seen:
            self._counters["nostr duplicates"] += 1
            return self._seen[event.id]
        if event.kind not in KINDS:
            self._refuse("not asked for")
            return None
        if event.created_at > time.time() + limits_nostr.MAX_AHEAD:
            self._refuse("from the future")
            return None
        return self._judge(relay, event)

    def _judge(self, relay: str, event: NostrEvent) -> int | None:
        if not (self._everything or is_about_git(event)):
            if event_id(event) != event.id:  # it may be the ID of one that is wanted
                self._refuse("the ID is not its hash")
                return None
            self._counters["nostr passed over"] += 1
            return self._remember(event)
        badge = badge_of(event)
        if badge.standing is Standing.BAD:  # not remembered: the true one may be still to come
            wrong_id = event_id(event) != event.id
            self._refuse("the ID is not its hash" if wrong_id else "the signature does not hold")
            return None
        if badge.standing is Standing.VERIFIED and self.is_ignored(badge.npub):
            self._counters["dropped: the author is ignored"] += 1
            return self._remember(event)
        heard = NostrHeard(
            relay=relay,
            event_id=event.id,
            npub=badge.npub,
            kind=event.kind,
            created_at=event.created_at,
            text=clean_text(event.content, limits.MAX_SHOWN_TEXT_BYTES),
            standing=badge.standing.value,
            badge=badge.sentence,
            commit=commit_of(event),
        )
        if self._emit(heard):
            self._counters["nostr heard"] += 1
        else:
            self._refuse("too many at once")
        return self._remember(event)

    def _remember(self, event: NostrEvent) -> int:
        self._seen[event.id] = event.created_at
        if len(self._seen) > limits_nostr.SEEN_EVENTS:
            del self._seen[next(iter(self._seen))]
        return event.created_at

    def _refuse(self, why: str) -> None:
        self._counters[REFUSED + why] += 1


@final
class Feed:
    """Follows one relay, and comes back to it with growing pauses when it has gone."""

    def __init__(
        self, url: str, judge: Judge, counters: Counter[str], emit: Callable[[Event], object], pace: Pace
    ) -> None:
        """`pace`: that of all relays together."""
        self._url = parse_relay_url(url)
        self._pace = pace
        self._judge = judge
        self._counters = counters
        self._emit = emit
        self._since = time.time() - limits_nostr.WATCH_BACK
        self._was_up = False
        self._is_down = False
        self._heard = 0
        self.connected = False
        self._cause = ""

    def info(self) -> NostrRelayInfo:
        """Return how it is doing."""
        return NostrRelayInfo(str(self._url), self.connected, self._heard, self._cause)

    async def run(self) -> None:
        """Follow the relay until cancelled."""
        pause = limits_nostr.RECONNECT_FIRST
        while True:
            begun = trio.current_time()
            try:
                await self._follow()
            except RelayError as error:
                self._cause = str(error)
            except Exception as error:  # one relay must end neither the others nor the chat
                log.error("a relay of Nostr", exc_info=error)
                self._counters["unexpected faults"] += 1
                self._cause = f"a fault of py-peer's own: {type(error).__name__}"
            finally:
                was_connected, self.connected = self.connected, False
            if was_connected and trio.current_time() - begun >= limits_nostr.RECONNECT_STAYED:
                pause = limits_nostr.RECONNECT_FIRST
            wait = pause * random.uniform(0.75, 1.25)  # a relay that was away has all of its users back at once
            if not self._is_down:
                self._is_down = True
                self._emit(NostrRelayDown(str(self._url), self._cause, round(wait, 1)))
            await trio.sleep(wait)
            pause = min(2 * pause, limits_nostr.RECONNECT_MOST)

    async def _follow(self) -> None:
        async with open_relay(self._url, self._counters, self._pace) as relay:
            self.connected, self._cause, self._is_down = True, "", False
            self._emit(NostrRelayUp(str(self._url), self._was_up))
            pages = limits_nostr.WATCH_PAGES if self._was_up else 0
            self._was_up = True
            wanted = Filter(kinds=KINDS, since=int(self._since), limit=limits_nostr.WATCH_LIMIT)
            caught_up = trio.Event()
            try:
                await follow(relay, wanted, pages, self._hear, caught_up.set)
            finally:
                if caught_up.is_set():  # what has come is known until when something came at all
                    self._since = max(self._since, relay.heard_at - limits_nostr.WATCH_OVERLAP)

    def _hear(self, fields: dict[str, Any]) -> int | None:
        before = self._counters["nostr heard"]
        when = self._judge.hear(str(self._url), fields)
        self._heard += self._counters["nostr heard"] - before
        return when
