"""The commands about commits, as every chat does them, and what of them is not answered yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from py_peer.core import limits_git
from py_peer.core.commits import posted_id
from py_peer.core.events import Answer, MessageReceived
from py_peer.core.exit_codes import ExitCode
from py_peer.core.git_events import CommitNotShown, CommitPosted, CommitShown
from py_peer.core.requests import PostCommit, ShowCommit
from py_peer.core.sizes import without_surrogates
from py_peer.frontends.lines import broken
from py_peer.frontends.paths import here

if TYPE_CHECKING:
    from py_peer.core.events import Event
    from py_peer.core.requests import Request
    from py_peer.frontends.interactive import Chat, Handler

COMPLETED: Final = 50
"""Commits that Tab completes the ID of, the latest."""


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

        self.reading: set[int] = set()
        """Tickets of commits that are to be posted, and of which nothing has been heard yet."""

        self.not_posted = 0
        self._heard: dict[str, None] = {}
        """Short IDs of commits that somebody has posted, the latest last."""

        self.handlers: dict[str, Handler] = {
            "commit": self._post,
            "diff": lambda rev: self._post(rev, patch=True),
            "show": self._show,
        }

    @property
    def is_busy(self) -> bool:
        """Whether anything is under way that ends by itself."""
        return bool(self.asked or self.reading)

    @property
    def is_full(self) -> bool:
        """Whether as much is under way as the service takes at once."""
        return len(self.asked) >= limits_git.SHOWS_WAITING or len(self.reading) >= limits_git.POSTS_WAITING

    def note(self, event: Event) -> None:
        """Remember what an event says."""
        match event:
            case MessageReceived(text=text) | CommitPosted(text=text) if short_id := posted_id(text):
                self._heard.pop(short_id, None)
                self._heard[short_id] = None
                if len(self._heard) > COMPLETED:
                    del self._heard[next(iter(self._heard))]
        match event:
            case CommitShown():
                self.asked.discard(event.ticket)
            case CommitNotShown():
                self.asked.discard(event.ticket)
                self.not_shown += 1
                self.wrong += event.wrong_hash
            case CommitPosted():
                self.reading.discard(event.ticket)
            case Answer(failed=True) if event.ticket in self.reading:
                self.reading.discard(event.ticket)
                self._chat.outstanding.pop(event.ticket, None)
                self.not_posted += 1

    def words(self, typed: str) -> list[str]:
        """Return the commits that a typed command may be about, for completion; the latest first."""
        return list(reversed(self._heard)) if typed.partition(" ")[0].lower() == "/show" else []

    def last_lines(self) -> list[str]:
        """Return what is said at the end of a script."""
        return [f"⚠️  Not shown: {self.not_shown} commit(s)"] if self.not_shown else []

    def exit_code(self) -> ExitCode:
        """Return what a script ends with of which all else went well."""
        if self.wrong:
            return ExitCode.BAD_SIGNATURE
        return ExitCode.NOT_FOUND if self.not_shown or self.asked else ExitCode.OK

    # --- Commands ---------------------------------------------------------------------------------

    async def _post(self, rev: str, *, patch: bool = False) -> None:
        """Say a line about a commit where the user talks; it is as much a text on its way as a typed one."""
        if reason := self._chat.why_nowhere():
            self.not_posted += 1
            await self._chat.print_lines(broken(f"❌ Not posted: {reason}", self._chat.columns()))
            return
        ticket, topic = self._chat.service.new_ticket(), self._chat.talk.topics.current
        self.reading.add(ticket)
        self._chat.outstanding[ticket] = topic
        await self._chat.ask(PostCommit(ticket, here(), without_surrogates(rev), topic, patch))

    async def _show(self, commit: str, peer: str = "") -> None:
        def make(ticket: int, peer_id: str = "") -> Request:
            self.asked.add(ticket)
            return ShowCommit(ticket, commit.lower(), peer_id)

        if not peer:
            await self._chat.ask(make(self._chat.service.new_ticket()))
        elif not await self._chat.ask_about(peer, make):
            self.not_shown += 1
