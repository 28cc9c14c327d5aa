"""What a relay of Nostr sends, read no faster than it can be judged, and no further than a message may be long.

trio-websocket (0.12.2) has a limit for a message with something in it. It has none for the body of a refusal, for
frames of no length and for pings. So bytes are counted here, below it. Pinned by tests/net/test_nostr_relay.py.
"""

from __future__ import annotations

import math
import time
from typing import final

import trio
from trio.abc import Stream

from py_peer.core import limits_nostr


@final
class Pace:
    """How fast is read, of one relay or of several together. Who sends more has to wait, and nothing is lost by it."""

    def __init__(self, rate: float, burst: float) -> None:
        """Allow `rate` bytes a second, and `burst` bytes at once."""
        self._rate = rate
        self._ahead = burst / rate
        self._until = -math.inf
        """When all that was read would have come at that rate."""

    async def turn(self) -> None:
        """Wait until something may be read."""
        await trio.sleep(max(0.0, self._until - trio.current_time() - self._ahead))

    def count(self, size: int) -> None:
        """Note that so many bytes were read."""
        self._until = max(self._until, trio.current_time()) + size / self._rate


def pace_of_all() -> Pace:
    """Return the pace of all relays that are watched."""
    return Pace(limits_nostr.RELAYS_BYTES_PER_SECOND, limits_nostr.RELAYS_BURST_BYTES)


@final
class PacedStream(Stream):
    """A connection to a relay. Who reads has to say so with `taken` whenever a message has come to its end."""

    def __init__(self, below: Stream, *together: Pace) -> None:
        """Read `below` at the pace of a relay, and no faster than others let it with whom it has a pace `together`."""
        self._below = below
        self._paces = (Pace(limits_nostr.RELAY_BYTES_PER_SECOND, limits_nostr.RELAY_BURST_BYTES), *together)
        self._untaken = 0
        self.heard = trio.current_time()
        """When something has come, by trio's clock, which stands still while the computer sleeps."""

        self.heard_at = time.time()
        """The same in seconds since 1970."""

        self.fault = ""
        """Why it was ended from here."""

    def taken(self) -> None:
        """Note that a message was whole."""
        self._untaken = 0

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what has come, when it is its turn. Raises BrokenResourceError, also where no message ends."""
        for pace in self._paces:
            await pace.turn()
        data = bytes(await self._below.receive_some(max_bytes))
        if data:  # that there is an end is no word of the relay's: it may have gone long ago
            self.heard, self.heard_at = trio.current_time(), time.time()
        for pace in self._paces:
            pace.count(len(data))
        self._untaken += len(data)
        if self._untaken > limits_nostr.RELAY_SILENT_BYTES:
            self.fault = "it sends and sends, and no message comes to an end"
            raise trio.BrokenResourceError(self.fault)
        return data

    async def send_all(self, data: bytes | memoryview) -> None:
        """Send bytes. Raises BrokenResourceError."""
        await self._below.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until something can be sent."""
        await self._below.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._below.aclose()
