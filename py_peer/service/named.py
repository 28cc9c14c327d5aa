"""Peers that the user named: dialled until they are reached, or patience ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import trio

from py_peer.chatroom import _log_system_message
from py_peer.core import limits
from py_peer.core.addresses import parse_dial_address
from py_peer.core.cleaning import clean_line
from py_peer.core.events import DialFailed
from py_peer.net.dial import DialError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from libp2p.peer.id import ID

    from py_peer.core.events import Event
    from py_peer.net.node import Node

PAUSES: Final = (1.0, 2.0, 4.0, 8.0)
"""Seconds between tries; the last one repeats while NAMED_PEER_WAIT lasts."""


@final
class Named:
    """Dials each address of a list, side by side."""

    def __init__(self, addresses: tuple[str, ...], emit: Callable[[Event], None]) -> None:
        self._addresses = tuple(dict.fromkeys(addresses))
        self._emit = emit
        self._dialling = len(self._addresses)
        self._reached = 0
        self.on_reached: Callable[[ID], Awaitable[None]] | None = None

    def is_dialling(self) -> bool:
        """Return whether a named peer is still being reached, the time before the first try included."""
        return self._dialling > 0

    async def run(self, node: Node) -> int:
        """Dial until every address has been reached or given up; return how many were reached."""
        async with trio.open_nursery() as nursery:
            for address in self._addresses:
                nursery.start_soon(self._reach, node, address)
        return self._reached

    async def _reach(self, node: Node, text: str) -> None:
        """Dial one address; each new cause of failure is told once."""
        address = parse_dial_address(text)
        deadline = trio.current_time() + limits.NAMED_PEER_WAIT
        told = ""
        tries = 0
        peer_id = None
        while peer_id is None:
            try:
                peer_id = await node.dial(address)
                continue
            except DialError as error:
                cause = clean_line(str(error), limits.MAX_ERROR_CHARS)
            if cause != told:
                told = cause
                _log_system_message(f"ERROR: Failed to connect to {text}: {cause}")
                self._emit(DialFailed(clean_line(text, limits.MAX_ERROR_CHARS), cause))
            pause = PAUSES[min(tries, len(PAUSES) - 1)]
            tries += 1
            if trio.current_time() + pause > deadline:
                self._dialling -= 1
                return
            await trio.sleep(pause)
        self._dialling -= 1
        self._reached += 1
        if self.on_reached is not None:
            await self.on_reached(peer_id)
