"""Commits in the DHT, as the user asks for them: a repository's are put there, or given up; others' are looked for."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, final

import trio

from py_peer.core import limits, limits_git
from py_peer.core.cleaning import clean_line, clean_path
from py_peer.core.commits import CommitError, is_id
from py_peer.core.dht_events import LookupFailed
from py_peer.core.events import Answer
from py_peer.core.git_events import CommitsPublished, NotPublished, PublishProgress
from py_peer.core.git_records import OBJECT, PATCH, fit_tags, own_keys, parts, tag_key
from py_peer.core.records import RecordRefusedError
from py_peer.core.requests import ForgetCommits, PublishCommits, ShowPublished
from py_peer.service.data import NOBODY, OFF, why_none
from py_peer.service.published import find_published, shown_commit
from py_peer.service.repository import RepositoryError, in_thread, read_commits, read_tags
from py_peer.service.transfers import FAULT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from typing import Any, TypeAlias

    from py_peer.core.events import Event
    from py_peer.core.git_records import Part
    from py_peer.core.requests import Request
    from py_peer.core.settings import Settings
    from py_peer.net.kademlia import Kademlia
    from py_peer.net.node import Node
    from py_peer.service.repository import RepoCommit

    Ours: TypeAlias = PublishCommits | ForgetCommits

FAILED: Final = {PublishCommits: "Not published", ForgetCommits: "Not forgotten", ShowPublished: "Not shown"}
"""What the answer to a request that is refused begins with."""

PROGRESS_SECONDS: Final = 2.0
"""So often it is told how far publishing is."""


@final
class Publishing:
    """What one session does with commits in the DHT."""

    def __init__(self, settings: Settings, emit: Callable[[Event], None]) -> None:
        self._is_on = settings.has_dht
        self._emit = emit
        self._node: Node | None = None
        self._ours, self._next_of_ours = trio.open_memory_channel[PublishCommits | ForgetCommits](
            limits_git.PUBLISH_REQUESTS
        )
        self._asked, self._next_asked = trio.open_memory_channel[ShowPublished](limits.DHT_REQUESTS)
        self._held: tuple[PublishCommits | None, Sequence[RepoCommit]] = (None, ())
        """What the last request has read, if nobody was there to take it: it is asked for again until somebody is."""

        self.somebody_to_ask: Callable[[], Awaitable[Kademlia]]
        """Waits until somebody is in the table, or nobody is to be expected."""

        self.handlers: dict[type[Request], Callable[[Any], None]] = {
            PublishCommits: lambda request: self._accept(request, self._ours),
            ForgetCommits: lambda request: self._accept(request, self._ours),
            ShowPublished: lambda request: self._accept(request, self._asked),
        }

    async def run(self, node: Node) -> None:
        """Do what is asked, until cancelled. A fault with one request ends neither the others nor the chat."""
        self._node = node
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._work, self._next_of_ours, self._publish_or_forget)
            for _ in range(limits_git.SHOWS_AT_ONCE):
                nursery.start_soon(self._work, self._next_asked, self._show)

    def _accept(self, request: Any, queue: trio.MemorySendChannel[Any]) -> None:
        if not self._is_on:
            self._fail(request, OFF)
            return
        try:
            queue.send_nowait(request)
        except trio.WouldBlock:
            self._fail(request, "too many wait already")

    async def _work(self, requests: trio.MemoryReceiveChannel[Any], do: Callable[[Any], Awaitable[None]]) -> None:
        async for request in requests:
            try:
                await do(request)
            except RepositoryError as error:
                self._fail(request, str(error))
            except Exception as error:  # noqa: BLE001 - one request must not end the others
                if self._node is not None:
                    self._node.counters.caught("a request about a commit in the DHT", error)
                self._fail(request, FAULT)

    def _fail(self, request: Ours | ShowPublished, reason: str) -> None:
        about = request.what if isinstance(request, ShowPublished) else request.revs
        text = f"{FAILED[type(request)]}: {clean_path(about)}: {reason}"
        self._emit(Answer(request.ticket, clean_line(text, limits.MAX_ERROR_CHARS), failed=True))

    # --- Ours -------------------------------------------------------------------------------------

    async def _publish_or_forget(self, request: Ours) -> None:
        """Put all that there is of some commits into the DHT, or forget it. Raises RepositoryError."""
        if isinstance(request, ForgetCommits):
            await self._forget(request)
            return
        commits = await self._read(request)
        tags: dict[str, str] = {}
        if request.tags:
            tags = await in_thread(read_tags, request.path, {commit.id for commit in commits})
        fit, unfit = fit_tags(tags)
        of_all = [(one.id, one.raw, one.patch) for one in commits]
        putting = _Putting(request.ticket, parts(of_all, fit), self._emit)
        dht = await self.somebody_to_ask()
        if dht.table:
            for one in commits:
                if one.remark:
                    self._emit(NotPublished(request.ticket, one.id, PATCH, one.remark))
            for tag, reason in unfit.items():
                self._emit(NotPublished(request.ticket, tags[tag], _shown(tag), reason))
            await putting.run(dht)
        else:
            self._held = replace(request, ticket=0), commits
        self._emit(putting.outcome())

    async def _read(self, request: Ours) -> Sequence[RepoCommit]:
        """Return the commits, which are not read again when nobody was there to take them. Raises RepositoryError."""
        (wanted, commits), self._held = self._held, (None, ())
        if wanted == replace(request, ticket=0):
            return commits
        patches = isinstance(request, PublishCommits) and request.patches
        read = partial(read_commits, request.path, request.revs, limits_git.MAX_PUBLISHED, patches=patches)
        if not (commits := await in_thread(read, seconds=limits_git.READ_HISTORY_SECONDS)):
            raise RepositoryError("there is no commit in that range")
        return commits

    async def _forget(self, request: ForgetCommits) -> None:
        """Forget all of some commits, and whatever leads to them: tags may have been moved since, or deleted.

        A whole ID needs no repository, where the commit may be no more.
        """
        whole = request.revs.lower()
        ids = [whole] if is_id(whole) else [commit.id for commit in await self._read(request)]
        dht = await self.somebody_to_ask()
        keys = {key for one in ids for key in own_keys(one)} | set(await dht.keys_of({one.encode() for one in ids}))
        forgotten = [await dht.forget(key) for key in keys]
        if not any(forgotten):
            raise RepositoryError("you keep nothing of it that you have put")
        text = f"Forgotten: {sum(forgotten)} value(s), which are not put anew; others keep them for two days at most"
        self._emit(Answer(request.ticket, text))

    # --- Showing ----------------------------------------------------------------------------------

    async def _show(self, request: ShowPublished) -> None:
        """Find a commit, and tell what of it is verified."""
        dht = await self.somebody_to_ask()
        what = request.what.strip()
        commit_id, tag = what.lower(), ""
        if not is_id(commit_id):
            tag = what
            try:
                lookup = await dht.get_value(tag_key(tag))
            except RecordRefusedError as error:
                self._fail(request, str(error))
                return
            commit_id = lookup.record.value.decode("ascii", "replace").strip().lower() if lookup.record else ""
            if not is_id(commit_id):
                has = "has a tag of that name; a commit is found by all digits of its ID"
                why = "what stands there is the ID of no commit" if lookup.record else why_none(lookup, has)
                self._emit(LookupFailed(request.ticket, _shown(what), lookup.asked, why, lookup.unasked))
                return
        found = await find_published(dht, commit_id, patch=request.patch)
        try:
            shown = shown_commit(request.ticket, found, _shown(tag))
        except CommitError as error:
            self._fail(request, f"what stands there has that hash, but it is no commit: {error}")
            return
        why = why_none(found, "has it")
        self._emit(shown or LookupFailed(request.ticket, _shown(what), found.asked, why, found.unasked))


@final
class _Putting:
    """Puts the parts of some commits, several side by side, in their order."""

    def __init__(self, ticket: int, todo: Sequence[Part], emit: Callable[[Event], None]) -> None:
        self._ticket = ticket
        self._todo = todo
        self._emit = emit
        self._done = 0
        self._told_at = 0.0
        self._took: dict[bytes, int] = {}
        """How many have taken each value that is kept, by its key."""

        self._new: list[str] = []
        """Of whose objects it was not told yet that they are kept."""

        self._asked = 0

    async def run(self, dht: Kademlia) -> None:
        """Put everything; what is refused does not end the rest."""
        self._tell()
        left = iter(self._todo)
        async with trio.open_nursery() as nursery:
            for _ in range(limits_git.PUT_AT_ONCE):
                nursery.start_soon(self._put_in_turn, dht, left)

    def outcome(self) -> CommitsPublished:
        """Return what has come of it."""
        commits = tuple(part.commit_id for part in self._todo if part.name == OBJECT and part.key in self._took)
        fewest = min(self._took.values(), default=0)
        return CommitsPublished(self._ticket, commits, len(self._todo), len(self._took), fewest, self._asked)

    async def _put_in_turn(self, dht: Kademlia, left: Iterator[Part]) -> None:
        for part in left:
            if reason := await self._put(dht, part):
                self._emit(NotPublished(self._ticket, part.commit_id, _shown(part.name), reason))
            self._done += 1
            if trio.current_time() - self._told_at >= PROGRESS_SECONDS:
                self._tell()

    def _tell(self) -> None:
        """Say how far it is."""
        self._told_at = trio.current_time()
        self._emit(PublishProgress(self._ticket, self._done, len(self._todo), tuple(self._new)))
        self._new.clear()

    async def _put(self, dht: Kademlia, part: Part) -> str:
        """Put one; return why it is not kept by anybody, or ""."""
        try:
            told = await dht.put_value(part.key, part.value)
        except RecordRefusedError as error:
            return str(error)
        self._asked = max(self._asked, told.asked)
        if not told.took:
            return f"none of the {told.asked} peer(s) that were asked has taken it" if told.asked else NOBODY
        self._took[part.key] = told.took
        if part.name == OBJECT:
            self._new.append(part.commit_id)
        return ""


def _shown(text: str) -> str:
    return clean_line(text, limits.MAX_KAD_KEY)
