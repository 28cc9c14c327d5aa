"""Follows a relay of Nostr: what it has had since a time, and what comes, for as long as the connection lasts.

A relay gives the latest of what it has, and no more than it likes at once. So when it was away it is asked for what is
older, until nothing older comes. What is known already says nothing about the rest: another relay may have brought it.

Pinned by tests/service/test_nostr.py.
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
    RequestClosed,
    StoredEnd,
    close_message,
    request_message,
)
from py_peer.net.nostr_relay import RelayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.nostr_messages import Filter, RelayMessage
    from py_peer.net.nostr_relay import Relay


async def follow(
    relay: Relay,
    wanted: Filter,
    pages: int,
    heard: Callable[[dict[str, Any]], int | None],
    caught_up: Callable[[], None],
) -> None:
    """Hand on events that pass a filter, until cancelled. Raises RelayError, at the latest when the relay goes.

    `pages`: how often the relay may be asked for what is older than what it has sent. `heard` gets the fields of each
    event, and returns of when it is, or None if that cannot be believed. `caught_up` is called when all has come that
    the relay had, or as much of it as it may be asked for.
    """
    stored = _Stored(heard)
    try:
        await _follow(relay, wanted, pages, stored, caught_up)
    except RelayError:
        await stored.let_go()
        raise


async def _follow(relay: Relay, wanted: Filter, pages: int, stored: _Stored, caught_up: Callable[[], None]) -> None:
    live = secrets.token_hex(8)
    asked: str | None = live
    await relay.send(request_message(live, wanted))
    until = math.inf
    while True:
        match await stored.next_message(relay):
            case EventHeard(of, fields) if of == asked:
                await stored.put(fields)
            case EventHeard(of, fields) if of == live:
                stored.heard(fields)
            case EventHeard():
                relay.refuse("not asked for")
            case RequestClosed(of, reason) if of == live:
                raise RelayError(f"it does not answer: {reason or 'and says no reason'}")
            case RequestClosed(of) if of == asked:  # what is older it may give at another time
                await stored.end()
                asked = None
            case StoredEnd(of) if of == asked:
                if of != live:
                    await relay.send(close_message(of))
                asked, oldest = None, await stored.end()
                if not pages or oldest >= until:
                    caught_up()
                    continue
                pages, until = pages - 1, oldest
                asked = secrets.token_hex(8)
                await relay.send(request_message(asked, replace(wanted, until=int(oldest))))


@final
class _Stored:
    """What a relay had, which it sends with the latest first: it is handed on with the oldest first."""

    def __init__(self, heard: Callable[[dict[str, Any]], int | None]) -> None:
        self.heard = heard
        self._held: list[dict[str, Any]] = []
        self._oldest = math.inf
        self.until = math.inf
        """When what is held is handed on, though there may be more."""

    async def next_message(self, relay: Relay) -> RelayMessage:
        """Return what the relay says next; meanwhile nothing is held for too long."""
        while True:
            with trio.move_on_at(self.until):
                return await relay.receive()
            await self.let_go()

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
            when = self.heard(fields)
            if when is not None:
                self._oldest = min(self._oldest, when)
            await trio.lowlevel.checkpoint()  # checking takes 0.1 ms, and others want their turns

    async def end(self) -> float:
        """Hand on what is held; return of when the oldest is that has come since the last end, infinity for none."""
        await self.let_go()
        oldest, self._oldest = self._oldest, math.inf
        return oldest


def _when(fields: dict[str, Any]) -> int:
    when = fields.get("created_at")
    return when if isinstance(when, int) else 0
