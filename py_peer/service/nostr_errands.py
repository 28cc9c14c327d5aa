"""What is asked of relays of Nostr in one go, for those who run no peer: an event is published, events are fetched.

Both functions block, as they have an event loop of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

import trio

from py_peer.core.nostr import Badge, NostrError, NostrEvent, Standing, badge_of, read_event
from py_peer.core.nostr_messages import Filter, parse_relay_url
from py_peer.net.nostr_relay import RelayError, fetch, open_relay, publish

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from py_peer.net.nostr_relay import Relay


@final
@dataclass(frozen=True, slots=True)
class Answered:
    """What one relay has answered."""

    relay: str
    reached: bool
    done: bool
    """Whether it has taken the event, or sent all that it has."""

    words: str = ""
    """What it says of that, or why there is no answer; cleaned."""


@final
class Fetched:
    """The events that were asked for, by their IDs, each with what its signature is worth."""

    def __init__(self, wanted: Collection[str]) -> None:
        self._wanted = frozenset(wanted)
        self.events: dict[str, tuple[NostrEvent, Badge]] = {}
        self.answers: list[Answered] = []

    def take(self, fields: dict[str, Any]) -> None:
        """Take an event, if it was asked for and no other relay has sent one of that ID that holds."""
        wanted = fields.get("id")
        if not isinstance(wanted, str) or wanted not in self._wanted:
            return
        known = self.events.get(wanted)
        if known is not None and known[1].standing is not Standing.BAD:
            return
        try:
            event = read_event(fields)
        except NostrError:  # it is as if the relay had none
            return
        self.events[wanted] = event, badge_of(event)


def publish_to(urls: Sequence[str], event: NostrEvent, timeout: float) -> list[Answered]:
    """Have relays take an event; return what each has said. `timeout`: seconds for all of them."""

    async def ask(relay: Relay) -> str:
        return await publish(relay, event)

    return trio.run(_at_once, urls, timeout, ask)


def fetch_from(urls: Sequence[str], ids: Collection[str], timeout: float) -> Fetched:
    """Ask relays for events by their IDs. `timeout`: seconds for all of them."""
    fetched = Fetched(ids)

    async def ask(relay: Relay) -> str:
        await fetch(relay, [Filter(ids=tuple(ids))], fetched.take)
        return ""

    fetched.answers = trio.run(_at_once, urls, timeout, ask)
    return fetched


async def _at_once(
    urls: Sequence[str],
    timeout: float,  # noqa: ASYNC109 - of the user's
    ask: Callable[[Relay], Awaitable[str]],
) -> list[Answered]:
    answers = {url: Answered(url, reached=False, done=False, words=f"no answer within {timeout:g} s") for url in urls}

    async def one(url: str) -> None:
        try:
            async with open_relay(parse_relay_url(url)) as relay:
                answers[url] = replace(answers[url], reached=True)
                answers[url] = Answered(url, reached=True, done=True, words=await ask(relay))
        except RelayError as error:
            answers[url] = replace(answers[url], words=str(error))

    with trio.move_on_after(timeout):
        async with trio.open_nursery() as nursery:
            for url in urls:
                nursery.start_soon(one, url)
    return list(answers.values())
