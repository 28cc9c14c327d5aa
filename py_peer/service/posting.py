"""Commits of the user's repository are posted: said in a line, given to who asks, their patches offered as files."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import anyio.to_thread
import trio

from py_peer.core import limits, limits_git
from py_peer.core.cleaning import clean_line
from py_peer.core.commits import commit_line, patch_line
from py_peer.core.events import Answer
from py_peer.core.git_events import CommitPosted
from py_peer.core.requests import PostCommit, SendText
from py_peer.net.private_files import cause
from py_peer.service.repository import RepoCommit, RepositoryError, in_thread, read_commit
from py_peer.service.shared import ShareError
from py_peer.service.transfers import FAULT

if TYPE_CHECKING:
    from collections.abc import Callable

    from py_peer.core.events import Event
    from py_peer.core.file_events import SharedFile
    from py_peer.core.requests import Request
    from py_peer.service.files import Files
    from py_peer.service.posted import Posted

log = logging.getLogger(__name__)


class _NotPostedError(Exception):
    """A commit cannot be posted; the text says why."""


@final
class Posting:
    """Posts commits, one after the other, in the order in which that was asked for.

    `say` takes a text as typed ones are taken, and returns whether it did.
    """

    def __init__(
        self, emit: Callable[[Event], None], say: Callable[[SendText], bool], files: Files, posted: Posted
    ) -> None:
        self._emit = emit
        self._say = say
        self._files = files
        self._posted = posted
        self._to_post, self._next = trio.open_memory_channel[PostCommit](limits_git.POSTS_WAITING)
        self._patches: OrderedDict[str, SharedFile] = OrderedDict()
        """The patches that are offered, by the IDs of their commits."""

        self.handlers: dict[type[Request], Callable[[Any], None]] = {PostCommit: self._accept}

    async def run(self) -> None:
        """Post what is asked for, until cancelled. A fault with one commit ends neither the others nor the chat."""
        async for request in self._next:
            try:
                await self._post(request)
            except (_NotPostedError, RepositoryError) as error:
                self._fail(request, str(error))
            except Exception:
                log.exception("posting a commit has failed")
                self._fail(request, FAULT)

    def _accept(self, request: PostCommit) -> None:
        try:
            self._to_post.send_nowait(request)
        except trio.WouldBlock:
            self._fail(request, f"{limits_git.POSTS_WAITING} commits are to be posted already")

    async def _post(self, request: PostCommit) -> None:
        found = await in_thread(read_commit, request.folder, request.rev)
        file = await self._offer(found) if request.patch else ""
        left_out = found.left_out if file else 0
        line = patch_line(found.commit, found.stat, file, left_out) if file else commit_line(found.commit, found.stat)
        self._emit(CommitPosted(request.ticket, request.topic, line, found.id, file, left_out))
        if self._say(SendText(request.ticket, line, request.topic)):
            self._posted.add(found.id, found.raw, found.patch)

    async def _offer(self, found: RepoCommit) -> str:
        """Offer the patch of a commit as a file; return its name. Raises _NotPostedError."""
        short = found.commit.short_id
        if found.remark:
            raise _NotPostedError(f"the patch of {short}: {found.remark}")
        if not found.patch:
            raise _NotPostedError(f"the patch of {short}: it changes nothing")
        before = self._patches.pop(found.id, None)
        try:
            is_there = before is not None and self._files.offer_again(before)
            file = before if before and is_there else await self._offer_anew(f"{short}.patch", found.patch)
        except (OSError, ShareError) as error:
            reason = str(error) if isinstance(error, ShareError) else cause(error)
            raise _NotPostedError(f"the patch of {short} cannot be offered: {reason}") from error
        self._patches[found.id] = file
        if len(self._patches) > limits_git.PATCH_FILES:
            self._files.withdraw(self._patches.popitem(last=False)[1])
        return file.name

    async def _offer_anew(self, name: str, patch: bytes) -> SharedFile:
        """Offer a patch in a file that is opened and then has no name any more: so it goes with us, however we end."""
        folder = Path(await anyio.to_thread.run_sync(partial(tempfile.mkdtemp, prefix="py-peer-")))  # for us alone
        try:
            await anyio.to_thread.run_sync((folder / name).write_bytes, patch)
            return await self._files.offer(folder / name)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _fail(self, request: PostCommit, reason: str) -> None:
        self._emit(Answer(request.ticket, clean_line(f"Not posted: {reason}", limits.MAX_ERROR_CHARS), failed=True))
