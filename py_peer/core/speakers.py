"""The nicknames of those who have spoken, whether connected or heard through others."""

from __future__ import annotations

from collections import OrderedDict
from typing import final

from py_peer.core import limits


@final
class Speakers:
    """The latest nickname of each peer that has spoken; of `most` peers, the one longest silent is forgotten first."""

    def __init__(self, most: int = limits.KNOWN_SPEAKERS) -> None:
        self._most = most
        self._nicks: OrderedDict[str, str] = OrderedDict()

    def __len__(self) -> int:
        return len(self._nicks)

    def hear(self, peer_id: str, nick: str) -> None:
        """Note that a peer has spoken, under this nickname."""
        self._nicks[peer_id] = nick
        self._nicks.move_to_end(peer_id)
        if len(self._nicks) > self._most:
            self._nicks.popitem(last=False)

    def nick(self, peer_id: str) -> str:
        """Return the nickname of a peer, or "" if it has not spoken."""
        return self._nicks.get(peer_id, "")

    def latest(self) -> dict[str, str]:
        """Return nicknames by peer ID, whoever spoke last first."""
        return dict(reversed(self._nicks.items()))
