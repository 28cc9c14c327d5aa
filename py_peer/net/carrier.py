"""What a connection with Noise and Yamux stands on: a TCP connection, or a stream of another connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from libp2p.connection_types import ConnectionType

if TYPE_CHECKING:
    from collections.abc import Callable


class Carrier:
    """The layer that all others stand on. One reads from it and one writes to it at a time."""

    connection_type: ConnectionType = ConnectionType.DIRECT
    """Whether it leads to the other end directly, or through a relay."""

    on_life: Callable[[], None]
    """Called when anything has come."""

    async def write(self, data: bytes) -> None:
        """Write `data` behind what is still unsent. Raises ConnectionClosedError."""
        raise NotImplementedError

    @property
    def unsent(self) -> int:
        """How many bytes are left of who was cancelled while he wrote; `write(b"")` sends them."""
        return 0

    @property
    def where(self) -> str:
        """The other end as a multiaddr, without the ID of who is there; "" when it is gone already."""
        raise NotImplementedError
