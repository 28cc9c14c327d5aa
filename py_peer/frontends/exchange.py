"""Files and direct messages, as every chat deals with them: the commands, and what of them is not finished yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, final

from py_peer.core.addresses import parse_peer_id
from py_peer.core.dht_events import LookupFailed
from py_peer.core.direct_events import DirectRefused, DirectSent, DirectWaiting
from py_peer.core.events import Answer
from py_peer.core.file_events import FileProvided, FileShared, TransferDone, TransferFailed, TransferStarted
from py_peer.core.files_known import FilesKnown
from py_peer.core.limits import MAX_NICK_CHARS
from py_peer.core.requests import (
    CancelTransfer,
    FetchFile,
    GetFile,
    ProvideFile,
    RequestFiles,
    SendDirect,
    ShareFile,
    TakeStrangers,
    UnshareFile,
)
from py_peer.core.sizes import without_surrogates
from py_peer.core.typed_lines import Command
from py_peer.frontends.paths import whole_path

if TYPE_CHECKING:
    from collections.abc import Collection

    from py_peer.core.events import Event
    from py_peer.core.requests import Request
    from py_peer.core.typed_lines import Line
    from py_peer.frontends.interactive import Chat, Handler

LONGEST_WHO = MAX_NICK_CHARS + len("@(12345678)")
"""Characters of a nickname with its short ID beside it."""


@final
class Exchange:
    """Does the commands about files and direct messages for a chat, and remembers what has become of them."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self.files = FilesKnown()
        self.on_their_way: set[int] = set()
        """Tickets of direct messages of which nothing has been heard yet."""

        self.away: set[int] = set()
        """Tickets of those that wait until their peer is back."""

        self.refused = 0
        """Direct messages that will not be delivered."""

        self.not_fetched = 0
        """Files that were asked for and will not come, but for those that the user has cancelled."""

        self.alone = 0
        """Files of which nobody was there to ask who provides them."""

        self.not_shared = 0
        """Files that were to be offered and are not."""

        self._sharing: set[int] = set()
        """Tickets of files that are to be offered, and of which nothing has been heard yet."""

        self._asked: set[int] = set()
        """Tickets of files of which nothing has been heard yet."""

        self._fetching: set[int] = set()
        """Numbers of the transfers that the user has asked for."""

        self.handlers: dict[str, Handler] = {
            "msg": self.msg,
            "strangers": self._strangers,
            "share": self._share,
            "unshare": self._unshare,
            "files": lambda _: chat.ask_when_ready(RequestFiles(chat.service.new_ticket())),
            "get": self._get,
            "cancel": self._cancel,
            "provide": self._provide,
            "fetch": self._fetch,
        }

    # --- What has happened ------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """How many direct messages have not been confirmed yet."""
        return len(self.on_their_way) + len(self.away)

    @property
    def unfinished(self) -> int:
        """How many files that the user has asked for are still being fetched."""
        return len(self._asked) + len(self._fetching)

    @property
    def is_busy(self) -> bool:
        """Whether anything is under way that ends by itself."""
        return bool(self.on_their_way or self._asked or self._fetching)

    def note(self, event: Event) -> None:
        """Remember what an event says."""
        self.files.tell(event)
        match event:
            case DirectSent():
                self._forget(event.ticket)
            case DirectWaiting() if event.ticket in self.on_their_way:
                self.on_their_way.discard(event.ticket)
                self.away.add(event.ticket)
            case DirectRefused():
                self.refused += self._forget(event.ticket)
            case FileShared() | FileProvided():
                self._sharing.discard(event.ticket)
            case TransferStarted() if event.ticket in self._asked:
                self._asked.discard(event.ticket)
                self._fetching.add(event.transfer.number)
            case TransferDone():
                self._fetching.discard(event.number)
            case TransferFailed():
                is_ours = event.number in self._fetching or event.ticket in self._asked
                self.not_fetched += is_ours and not event.cancelled
                self._fetching.discard(event.number)
                self._asked.discard(event.ticket)
            case LookupFailed() if event.ticket in self._asked:
                self.not_fetched += event.asked > 0
                self.alone += event.asked == 0
                self._asked.discard(event.ticket)
            case Answer(failed=True):
                self.refused += self._forget(event.ticket)
                self.not_fetched += event.ticket in self._asked
                self._asked.discard(event.ticket)
                self.not_shared += event.ticket in self._sharing
                self._sharing.discard(event.ticket)

    def _forget(self, ticket: int) -> bool:
        """Forget a direct message; return whether it was one of this run."""
        known = ticket in self.on_their_way or ticket in self.away
        self.on_their_way.discard(ticket)
        self.away.discard(ticket)
        return known

    def is_unheard_of(self, line: Line) -> bool:
        """Say whether a line is about a peer or a file of which nothing has been heard yet."""
        match line:
            case Command(name="msg", argument=peer) | Command(name="show", more=(peer,)):
                roster = self._chat.roster
                return not (parse_peer_id(peer) or roster.find_again(peer) or roster.is_self(peer))
            case Command(name="get", argument=file):
                return not self.files.find_offers(file)
            case _:
                return False

    def meant(self, key: str, words: str) -> Collection[str]:
        """Return the IDs of all that a "peer" or a "file" may mean; for `parse_line`."""
        if key == "peer":
            return self._chat.roster.find_again(words) if len(words) <= LONGEST_WHO else ()
        return self.files.find_offers(words)

    def words(self, typed: str) -> list[str]:
        """Return all that the files may be called which a typed command is about, for completion."""
        known = {
            "/get": self.files.offer_words,
            "/unshare": self.files.shared_words,
            "/cancel": self.files.transfer_words,
        }
        words = known.get(typed.partition(" ")[0].lower())
        return words() if words is not None else []

    # --- Commands ---------------------------------------------------------------------------------

    async def msg(self, peer: str, text: str) -> None:
        """Say `text` to one peer."""

        def make(ticket: int, peer_id: str) -> Request:
            self.on_their_way.add(ticket)
            return SendDirect(ticket, peer_id, without_surrogates(text))

        if not await self._chat.ask_about(peer, make):
            self.refused += 1

    async def _strangers(self, argument: str) -> None:
        await self._chat.ask(TakeStrangers(self._chat.service.new_ticket(), argument.lower() == "on"))

    async def _share(self, path: str) -> None:
        ticket = self._chat.service.new_ticket()
        self._sharing.add(ticket)
        await self._chat.ask(ShareFile(ticket, whole_path(path)))

    async def _unshare(self, file: str) -> None:
        await self._chat.ask(UnshareFile(self._chat.service.new_ticket(), without_surrogates(file)))

    async def _get(self, file: str, path: str = "") -> None:
        ticket = self._chat.service.new_ticket()
        self._asked.add(ticket)
        await self._chat.ask(GetFile(ticket, without_surrogates(file), whole_path(path) if path else ""))

    async def _provide(self, path: str, name: str = "") -> None:
        ticket = self._chat.service.new_ticket()
        self._sharing.add(ticket)
        path = whole_path(path)
        await self._chat.ask(ProvideFile(ticket, path, without_surrogates(name or Path(path).name)))

    async def _fetch(self, name: str, path: str = "", root: str = "") -> None:
        ticket = self._chat.service.new_ticket()
        self._asked.add(ticket)
        await self._chat.ask(FetchFile(ticket, without_surrogates(name), whole_path(path) if path else "", root))

    async def _cancel(self, transfer: str) -> None:
        await self._chat.ask(CancelTransfer(self._chat.service.new_ticket(), without_surrogates(transfer)))
