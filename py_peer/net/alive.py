"""Whether a connection is alive: what each of ours keeps of it, whatever it runs over.

Any byte is a sign of life: an answer to a ping may wait behind a flood. Each connection is asked, not each peer: who
has come back on a new one has a dead old one. Pinned by tests/net/test_alive.py.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import trio

from py_peer.core import limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.abc import INetConn

SILENT: Final = "silent"


class LiveConn:
    """A multiplexed connection that asks the other side for signs of life."""

    def __init__(self) -> None:
        self.ended = ""
        """Why we ended the connection: SILENT, BROKE_THE_PROTOCOL, or "" if we did not."""

        self.sign_of_life = trio.Event()
        """Set when anything has come since it was put here."""

        self.heard = trio.current_time()
        """When anything came for the last time."""

        self._hurry = trio.Event()
        self._waiting = trio.CancelScope()
        self._patience = math.inf

    def note_life(self) -> None:
        """Take note that something has come."""
        self.heard = trio.current_time()
        self.sign_of_life.set()

    def probe(self, patience: float) -> None:
        """Ask for a sign of life now; without one within `patience` seconds the connection is cut."""
        self._patience = patience
        self._waiting.deadline = min(self._waiting.deadline, trio.current_time() + patience)
        self._hurry.set()

    async def keep_alive(self, ask: Callable[[], None]) -> None:
        """Have `ask` ask for a sign of life now and then; return, with `ended` set, when there was none."""
        while await self._is_alive(ask):
            with trio.move_on_after(limits.PING_INTERVAL):
                await self._hurry.wait()
            self._hurry = trio.Event()
        self.ended = SILENT

    async def _is_alive(self, ask: Callable[[], None]) -> bool:
        self.sign_of_life = trio.Event()
        ask()
        patience, self._patience = min(self._patience, limits.PING_TIMEOUT), math.inf
        while not self.sign_of_life.is_set():
            with trio.move_on_after(patience) as self._waiting:
                await self.sign_of_life.wait()
            if self._waiting.cancelled_caught and not is_late(self._waiting.deadline):
                return False
        return True


def probe(conn: INetConn, patience: float) -> None:
    """Ask the other end of a connection for a sign of life, as `LiveConn.probe` does; the library's own is not."""
    if isinstance(conn.muxed_conn, LiveConn):
        conn.muxed_conn.probe(patience)


def is_late(deadline: float) -> bool:
    """Say whether a deadline is noticed so late that we were stopped, so that nobody else is to blame."""
    return trio.current_time() > deadline + limits.LATE_SECONDS
