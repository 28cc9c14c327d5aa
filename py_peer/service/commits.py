"""Commits: what the user has posted is given to who asks for it, and what others have posted is asked of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, final

import anyio.to_thread
import trio
from libp2p.peer.id import ID

from py_peer.core import limits, limits_git
from py_peer.core.addresses import parse_peer_id
from py_peer.core.cleaning import clean_line
from py_peer.core.commits import CommitError, is_id
from py_peer.core.events import Notice
from py_peer.core.git_events import CommitNotShown, CommitShown, CommitSource
from py_peer.core.posters import Posters
from py_peer.core.requests import ShowCommit
from py_peer.core.shown_commits import WrongHashError, show_object
from py_peer.net.commit_exchange import COMMIT, CommitServer, ask_for_commit, is_part_of_id
from py_peer.net.dial import DialError
from py_peer.net.streams import GarbageError, StreamFaultError
from py_peer.service.data import why_none
from py_peer.service.posted import Posted
from py_peer.service.published import find_published, shown_commit
from py_peer.service.transfers import FAULT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from libp2p.custom_types import StreamHandlerFn, TProtocol

    from py_peer.core.events import Event
    from py_peer.core.requests import Request
    from py_peer.core.settings import Settings
    from py_peer.core.speakers import Name
    from py_peer.net.kademlia import Kademlia
    from py_peer.net.node import Node

TELL_AFTER: Final = 1.0
"""Seconds after which it is said who is asked and has not answered yet."""

NOBODY: Final = "nobody who was heard here has posted it; /show COMMIT PEER asks one peer"
TOO_SHORT: Final = "the DHT, which may have it, knows whole IDs alone"


class _NotShownError(Exception):
    """A commit was not got; the text says why."""

    def __init__(self, text: str, *, wrong_hash: bool = False) -> None:
        super().__init__(text)
        self.wrong_hash = wrong_hash


@final
class Commits:
    """Gets and gives commits in one session."""

    def __init__(
        self,
        settings: Settings,
        emit: Callable[[Event], None],
        called: Callable[[str], Name],
        call: Callable[[str], Awaitable[object]],
    ) -> None:
        """Learn what a peer is `called`, and how to `call` it where it is known to be, which raises DialError."""
        self._has_dht = settings.has_dht
        self._emit = emit
        self._called = called
        self._call = call
        self.posted = Posted()
        """What the user has posted; nothing else is given."""

        self._posters = Posters(limits_git.POSTED_HEARD)
        self._server = CommitServer(self.posted.find)
        self._waiting, self._next = trio.open_memory_channel[ShowCommit](limits_git.SHOWS_WAITING)
        self.somebody_to_ask: Callable[[], Awaitable[Kademlia]]
        """Waits until somebody is in the DHT's table, or nobody is to be expected."""

        self.streams: dict[TProtocol, StreamHandlerFn] = {COMMIT: self._server.handle}
        """What answers the streams of others, by protocol; there before the first peer is."""

        self.handlers: dict[type[Request], Callable[[Any], None]] = {ShowCommit: self._accept}

    async def run(self, node: Node) -> None:
        """Get what is asked for, until cancelled. A fault with one commit ends neither the others nor the chat."""
        node.counters.update(self._server.counters)
        self._server.counters = node.counters
        async with trio.open_nursery() as nursery:
            for _ in range(limits_git.SHOWS_AT_ONCE):
                nursery.start_soon(self._work, node)

    def hear(self, peer_id: str, text: str) -> None:
        """Take note of what a peer has said: who has posted a commit is asked for it."""
        self._posters.hear(peer_id, text)

    # --- What the user asks for -------------------------------------------------------------------

    def _accept(self, request: ShowCommit) -> None:
        try:
            self._waiting.send_nowait(request)
        except trio.WouldBlock:
            reason = f"{limits_git.SHOWS_WAITING} commits are being asked for already"
            self._emit(CommitNotShown(request.ticket, _asked(request), reason))

    async def _work(self, node: Node) -> None:
        async for request in self._next:
            try:
                self._emit(await self._show(node, request))
                node.counters["commits: shown"] += 1
            except _NotShownError as error:
                self._emit(CommitNotShown(request.ticket, _asked(request), str(error), error.wrong_hash))
            except Exception as error:  # noqa: BLE001 - one commit must not end the others
                node.counters.caught("showing a commit", error)
                self._emit(CommitNotShown(request.ticket, _asked(request), FAULT))

    async def _show(self, node: Node, request: ShowCommit) -> CommitShown:
        """Return what is asked for: of the user's own, from a peer, or from the DHT. Raises _NotShownError."""
        asked = request.commit
        if not is_part_of_id(asked):
            raise _NotShownError("that is no ID of a commit, nor the beginning of one")
        if request.peer_id and parse_peer_id(request.peer_id) != request.peer_id:
            raise _NotShownError("there is no such peer ID")
        if request.peer_id:
            return await self._ask_all(node, request, asked, [request.peer_id])
        own = self.posted.find(asked)
        if len(own) > 1:
            raise _NotShownError(_several(one.id[: limits_git.SHORT_ID_CHARS] for one in own))
        if own:
            return await _show(request.ticket, own[0].id, own[0].raw, own[0].patch, CommitSource.OWN)
        found = self._posters.find(asked)
        if len(found) > 1:
            raise _NotShownError(_several(found))
        digits, peer_ids = next(iter(found.items()), ("", []))
        longer = max(asked, digits, key=len)  # so that nobody can give another one that begins as it was typed
        try:
            return await self._ask_all(node, request, longer, peer_ids)
        except _NotShownError as failure:
            if not self._has_dht:
                raise
            return await self._look_up(request, failure)

    async def _ask_all(self, node: Node, request: ShowCommit, asked: str, peer_ids: list[str]) -> CommitShown:
        """Return what the first gives of several, who are asked one after the other, those first who are connected.

        Each is asked COMMIT_LEAD seconds after the one before at the latest, POSTERS_ASKED of them at most. Raises
        _NotShownError.
        """
        called = sorted(peer_ids, key=lambda one: ID.from_string(one) not in node.peers.records)
        given: list[CommitShown] = []
        failures: list[str] = []
        wrong_hash = False

        async def ask(peer_id: str, answered: trio.Event) -> None:
            nonlocal wrong_hash
            try:
                given.append(await self._ask(node, request.ticket, asked, peer_id))
                nursery.cancel_scope.cancel()
            except (DialError, StreamFaultError, CommitError) as error:
                self._blame(node, peer_id, error)
                wrong_hash |= isinstance(error, WrongHashError)
                is_here = ID.from_string(peer_id) in node.peers.records
                gone = "" if is_here else "is not connected to you, and may have gone: "
                failures.append(f"{self._called(peer_id).of(peer_id)}: {gone}{error}")
                answered.set()

        async with trio.open_nursery() as nursery:
            for peer_id in called[: limits_git.POSTERS_ASKED]:
                answered = trio.Event()
                nursery.start_soon(ask, peer_id, answered)
                await self._wait_for(answered, peer_id, asked)
        if given:
            return given[0]
        told = failures[: limits_git.POSTERS_TOLD]
        if more := len(failures) - len(told):
            told.append(f"{more} more have not given it either")
        if more := len(called) - len(failures):
            told.append(f"{more} more who have posted it were not asked")
        raise _NotShownError("; ".join(told) or NOBODY, wrong_hash=wrong_hash)

    async def _wait_for(self, answered: trio.Event, peer_id: str, asked: str) -> None:
        """Wait COMMIT_LEAD seconds at most, and say so when it takes longer than a moment."""
        with trio.move_on_after(limits_git.COMMIT_LEAD):
            with trio.move_on_after(TELL_AFTER):
                await answered.wait()
                return
            short = asked[: limits_git.SHORT_ID_CHARS]
            self._emit(Notice(f"Waiting for {self._called(peer_id).of(peer_id)}, who was asked for commit {short}"))
            await answered.wait()

    async def _ask(self, node: Node, ticket: int, asked: str, peer_id: str) -> CommitShown:
        """Get a commit from a peer. Raises DialError, StreamFaultError, or CommitError for what is not that commit."""
        wanted = ID.from_string(peer_id)
        if wanted not in node.peers.records:
            await self._call(peer_id)
        given = await ask_for_commit(node.host, wanted, asked)
        return await _show(ticket, given.id, given.raw, given.patch, CommitSource.PEER, peer_id=peer_id)

    def _blame(self, node: Node, peer_id: str, error: Exception) -> None:
        """Count what went wrong with a peer, and hold it against one who lies or breaks the protocol."""
        node.counters[f"commits: not got, {type(error).__name__}"] += 1
        if isinstance(error, GarbageError):
            node.bans.strike(ID.from_string(peer_id), "it broke the protocol for commits")
        elif isinstance(error, WrongHashError):
            node.bans.strike(ID.from_string(peer_id), "it gave a commit that its ID does not stand for")

    async def _look_up(self, request: ShowCommit, failure: _NotShownError) -> CommitShown:
        """Look for a commit in the DHT, where nobody else gives it because of a `failure`. Raises _NotShownError."""
        if not is_id(request.commit):
            raise _NotShownError(f"{failure}; {TOO_SHORT}", wrong_hash=failure.wrong_hash)
        published = await find_published(await self.somebody_to_ask(), request.commit)
        try:
            shown = shown_commit(request.ticket, published)
        except CommitError as error:
            raise _NotShownError(f"{failure}; in the DHT is what hashes to it, but {error}") from error
        if shown is None:
            why = why_none(published, "has it")
            raise _NotShownError(f"{failure}; in the DHT {why}", wrong_hash=failure.wrong_hash)
        return shown


async def _show(  # noqa: PLR0913 - what is shown of a commit
    ticket: int, commit_id: str, raw: bytes, patch: bytes, source: CommitSource, *, peer_id: str = ""
) -> CommitShown:
    work = partial(show_object, ticket, commit_id, raw, patch, source, peer_id)
    return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)


def _several(short_ids: Any) -> str:
    return f"several commits begin so: {', '.join(sorted(short_ids))}"


def _asked(request: ShowCommit) -> str:
    return clean_line(request.commit, limits.MAX_ERROR_CHARS)
