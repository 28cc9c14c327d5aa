"""Follows a relay of Nostr: what it has had since a time, and what comes, for as long as the connection lasts.

A relay gives the latest of what it has, and no more than it likes at once. So when it was away, and some of what comes
then is new to us, it is asked for what is older, until nothing is new any more.

Pinned by tests/net/test_nostr_follow.py.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

import trio

from py_peer.core import limits_nostr
from py_peer.core.nostr_messages import (
    EventHeard,
    Filter,
    RequestClosed,
    StoredEnd,
    close_message,
    request_message,
)
from py_peer.net.nostr_relay import RelayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.net.nostr_relay import Relay


async def follow(
    relay: Relay, kinds: tuple[int, ...], since: int, pages: int, heard: Callable[[dict[str, Any]], int | None]
) -> None:
    """Hand on events of some kinds, until cancelled. Raises RelayError, at the latest when the relay goes.

    `since`: seconds since 1970. `pages`: how often the relay may be asked for what is older than what it has sent.
    `heard` gets the fields of each event, and returns of when it is if it was new, else None.
    """
    wanted = Filter(kinds=kinds, since=since, limit=limits_nostr.WATCH_LIMIT)
    asked = live = secrets.token_hex(8)
    await relay.send(request_message(live, wanted))
    stored = _Stored(heard)
    while True:
        with trio.move_on_at(stored.until) as waiting:
            message = await relay.receive()
        if waiting.cancelled_caught:
            await stored.let_go()
            continue
        match message:
            case EventHeard(of, fields) if of in (live, asked):
                if asked:
                    await stored.put(fields)
                else:
                    heard(fields)
            case EventHeard():
                relay.refuse("not asked for")
            case RequestClosed(of, reason) if of == live:
                raise RelayError(f"it does not answer: {reason or 'and says no reason'}")
            case StoredEnd(of) | RequestClosed(of) if of == asked and asked:
                if asked != live:
                    await relay.send(close_message(asked))
                asked, oldest = "", await stored.end()
                if pages and oldest is not None and isinstance(message, StoredEnd):
                    pages -= 1
                    asked = secrets.token_hex(8)
                    await relay.send(request_message(asked, replace(wanted, until=oldest)))


@final
class _Stored:
    """What a relay had, which it sends with the latest first: it is handed on with the oldest first."""

    def __init__(self, heard: Callable[[dict[str, Any]], int | None]) -> None:
        self._heard = heard
        self._held: list[dict[str, Any]] = []
        self._oldest: int | None = None
        self.until = math.inf
        """When what is held is handed on, though there may be more."""

    async def put(self, fields: dict[str, Any]) -> None:
        """Take an event."""
        if not self._held:
            self.until = trio.current_time() + limits_nostr.STORED_TIMEOUT
        self._held.append(fields)
        if len(self._held) >= limits_nostr.STORED_HELD:
            await self.let_go()

    async def let_go(self) -> None:
        """Hand on what is held."""
        held, self._held, self.until = self._held, [], math.inf
        for fields in sorted(held, key=_when):
            when = self._heard(fields)
            if when is not None and (self._oldest is None or when < self._oldest):
                self._oldest = when
            await trio.lowlevel.checkpoint()  # checking takes 0.1 ms, and others want their turns

    async def end(self) -> int | None:
        """Hand on what is held; return of when the oldest is that was new since the last end, or None."""
        await self.let_go()
        oldest, self._oldest = self._oldest, None
        return oldest


def _when(fields: dict[str, Any]) -> int:
    when = fields.get("created_at")
    return when if isinstance(when, int) else 0
