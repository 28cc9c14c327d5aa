"""The command about relays of Nostr, as every chat does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from py_peer.core.requests import RequestNostr, WatchNostr

if TYPE_CHECKING:
    from py_peer.frontends.front_end import FrontEnd
    from py_peer.frontends.interactive import Handler


@final
class NostrCommands:
    """Does the command for a front-end."""

    def __init__(self, chat: FrontEnd) -> None:
        self._chat = chat
        self.handlers: dict[str, Handler] = {"nostr": self._nostr}

    async def _nostr(self, argument: str) -> None:
        ticket = self._chat.service.new_ticket()
        await self._chat.ask(WatchNostr(ticket, argument.lower() == "on") if argument else RequestNostr(ticket))
