"""Peers that the user named: dialled until they are reached, and again when they have gone."""

from __future__ import annotations

import itertools
import math
import random
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

PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds between tries, more or less; the last one repeats."""

LOOK_SECONDS: Final = 1.0
"""How often it is looked whether a peer that was reached is still there."""


@final
class Named:
    """Dials each address of a list, side by side."""

    def __init__(self, addresses: tuple[str, ...], emit: Callable[[Event], None], *, keep: bool = False) -> None:
        """With `keep` a peer that goes away, or was not reached in time, is dialled again and again."""
        self._addresses = tuple(dict.fromkeys(addresses))
        self._emit = emit
        self._keep = keep
        self._dialling = len(self._addresses)
        self._reached = 0
        self._told: dict[str, str] = {}
        self.on_reached: Callable[[ID], Awaitable[None]] | None = None

    def is_dialling(self) -> bool:
        """Return whether a named peer is still worth waiting for, the time before the first try included."""
        return self._dialling > 0

    async def run(self, node: Node) -> int:
        """Dial until every address has been reached or given up; return how many were reached."""
        async with trio.open_nursery() as nursery:
            for address in self._addresses:
                nursery.start_soon(self._reach, node, address)
        return self._reached

    async def _reach(self, node: Node, text: str) -> None:
        peer_id = await self._dial(node, text, limits.NAMED_PEER_WAIT)
        self._dialling -= 1
        if peer_id is not None:
            self._reached += 1
            if self.on_reached is not None:
                await self.on_reached(peer_id)
        while self._keep:
            while peer_id in node.peers.records:  # noqa: ASYNC110 - once a second will do, and needs no wiring
                await trio.sleep(LOOK_SECONDS)
            peer_id = await self._dial(node, text, math.inf)

    async def _dial(self, node: Node, text: str, patience: float) -> ID | None:
        """Dial one address for `patience` seconds; each new cause of failure is told once."""
        address = parse_dial_address(text)
        deadline = trio.current_time() + patience
        for tries in itertools.count():
            try:
                peer_id = await node.dial(address)
            except DialError as error:
                self._tell(text, clean_line(str(error), limits.MAX_ERROR_CHARS))
            else:
                self._told.pop(text, None)
                return peer_id
            pause = PAUSES[min(tries, len(PAUSES) - 1)] * random.uniform(0.8, 1.2)
            if trio.current_time() + pause > deadline:
                break
            await trio.sleep(pause)
        return None

    def _tell(self, text: str, cause: str) -> None:
        if self._told.get(text) != cause:
            self._told[text] = cause
            _log_system_message(f"ERROR: Failed to connect to {text}: {cause}")
            self._emit(DialFailed(clean_line(text, limits.MAX_ERROR_CHARS), cause))
