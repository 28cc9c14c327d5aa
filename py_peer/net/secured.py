"""A connection after its handshake, however it is encrypted: what both kinds of it have in common."""

from __future__ import annotations

from abc import abstractmethod

from libp2p.io.exceptions import ConnectionClosedError, IncompleteReadError
from libp2p.security.secure_session import SecureSession


class Secured(SecureSession):
    """A connection of which one reads and one writes at a time."""

    _plain = b""  # what is left of the last message that was read

    async def read(self, n: int | None = None) -> bytes:
        """Return the next `n` bytes; without `n` what has come. At the end of the connection there may be fewer.

        Raises ConnectionClosedError or IncompleteReadError where it ended and there are none, and what the cipher
        raises for what was forged; nothing can be read after that.
        """
        if n is None:
            data, self._plain = self._plain or await self._next(), b""
            return data
        while len(self._plain) < n:
            try:
                self._plain += await self._next()  # kept at once: who reads may be cancelled before the rest has come
            except (ConnectionClosedError, IncompleteReadError):
                if not self._plain:
                    raise
                break
        data, self._plain = self._plain[:n], self._plain[n:]
        return data

    @abstractmethod
    async def _next(self) -> bytes:
        """Return what comes next, at most one message of the cipher's and not nothing. Raises as `read` does."""
