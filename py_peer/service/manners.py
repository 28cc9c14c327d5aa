"""Who is heard: an author who floods the room is muted for a while, one whom the user ignores for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import trio

from py_peer.chatroom import _log_system_message
from py_peer.core import limits
from py_peer.core.addresses import peer_id_text
from py_peer.core.events import PeerMuted, PeerUnmuted
from py_peer.core.rates import FloodGuard, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.events import Event
    from py_peer.service.ignored import Ignored

UNMUTE_EVERY: Final = 5.0
"""How often it is looked whose mute is over, in seconds."""


@final
class Manners:
    """Judges the authors of messages."""

    def __init__(self, emit: Callable[[Event], None], ignored: Ignored, *, paced: bool) -> None:
        """Without `paced` nobody is muted, however fast he speaks."""
        self._emit = emit
        self._ignored = ignored
        self._paced = paced
        self._flood = FloodGuard(limits.FLOOD_BURST, limits.FLOOD_RATE, limits.MUTE_SECONDS, limits.MAX_TRACKED_AUTHORS)

    def admit(self, author: bytes) -> bool:
        """Say whether an author is heard, and passed on; the bytes of a peer ID."""
        if not self._paced:
            return True
        verdict = self._flood.hear(author, trio.current_time())
        if verdict is Verdict.MUTED_NOW:
            peer_id = peer_id_text(author)
            _log_system_message(f"Muted {peer_id}")
            self._emit(PeerMuted(peer_id, limits.MUTE_SECONDS))
        return verdict is Verdict.HEARD

    def is_ignored(self, peer_id: str) -> bool:
        """Whether the user wants to see nothing of a peer; what it says is passed on all the same."""
        return peer_id in self._ignored

    def muted(self) -> tuple[str, ...]:
        """Return who is muted now."""
        return tuple(map(peer_id_text, self._flood.muted()))

    async def run(self) -> None:
        """Say now and then who is heard again."""
        while True:
            for author, dropped in self._flood.due_unmutes(trio.current_time()):
                self._emit(PeerUnmuted(peer_id_text(author), dropped))
            await trio.sleep(UNMUTE_EVERY)
