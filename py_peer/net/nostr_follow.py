"""Follows a relay of Nostr: what it has had since a time, and what comes, for as long as the connection lasts.

A relay gives the latest of what it has, and no more than it likes at once. So when it was away, and some of what comes
then is new to us, it is asked for what is older, until nothing is new any more.

Pinned by tests/net/test_nostr_follow.py.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

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
    oldest: int | None = None
    while True:
        match await relay.receive():
            case EventHeard(of, fields) if of in (live, asked):
                when = heard(fields)
                if when is not None and (oldest is None or when < oldest):
                    oldest = when
            case EventHeard():
                relay.refuse("not asked for")
            case StoredEnd(of) if of == asked and asked:
                if asked != live:
                    await relay.send(close_message(asked))
                asked = ""
                if pages and oldest is not None:
                    pages -= 1
                    asked = secrets.token_hex(8)
                    await relay.send(request_message(asked, replace(wanted, until=oldest)))
                    oldest = None
            case RequestClosed(of, reason) if of == live:
                raise RelayError(f"it does not answer: {reason or 'and says no reason'}")
