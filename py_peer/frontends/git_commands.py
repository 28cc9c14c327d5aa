"""The commands about commits, as every chat does them, and what of them is not answered yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from py_peer.core.exit_codes import ExitCode
from py_peer.core.git_events import CommitNotShown, CommitShown
from py_peer.core.requests import ShowCommit

if TYPE_CHECKING:
    from py_peer.core.events import Event
    from py_peer.core.requests import Request
    from py_peer.frontends.interactive import Chat, Handler


@final
class GitCommands:
    """Does the commands for a front-end, and remembers what has become of them."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self.asked: set[int] = set()
        """Tickets of commits that are asked for; each is answered within some minutes."""

        self.not_shown = 0
        self.wrong = 0
        """Of those: commits of which somebody has given something else than their IDs stand for."""

        self.handlers: dict[str, Handler] = {"show": self._show}

    def note(self, event: Event) -> None:
        """Remember what an event says."""
        match event:
            case CommitShown():
                self.asked.discard(event.ticket)
            case CommitNotShown():
                self.asked.discard(event.ticket)
                self.not_shown += 1
                self.wrong += event.wrong_hash

    def last_lines(self) -> list[str]:
        """Return what is said at the end of a script."""
        return [f"⚠️  Not shown: {self.not_shown} commit(s)"] if self.not_shown else []

    def exit_code(self) -> ExitCode:
        """Return what a script ends with of which all else went well."""
        if self.wrong:
            return ExitCode.BAD_SIGNATURE
        return ExitCode.NOT_FOUND if self.not_shown or self.asked else ExitCode.OK

    # --- Commands ---------------------------------------------------------------------------------

    async def _show(self, commit: str, peer: str = "") -> None:
        def make(ticket: int, peer_id: str = "") -> Request:
            self.asked.add(ticket)
            return ShowCommit(ticket, commit.lower(), peer_id)

        if not peer:
            await self._chat.ask(make(self._chat.service.new_ticket()))
        elif not await self._chat.ask_about(peer, make):
            self.not_shown += 1
