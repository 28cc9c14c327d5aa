"""Who is ignored, by peer ID, in this run and the next ones: a text file, one ID a line, that a person can edit.

Two programs may share the file: a change is made to what stands in it at that moment, under a lock. Who is ignored
from elsewhere is heard of with the next start.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, final

import trio

from py_peer.core import limits
from py_peer.core.addresses import id_with_nick, parse_peer_id, short_id
from py_peer.core.cleaning import clean_line, clean_path
from py_peer.core.events import Answer, IgnoreList
from py_peer.core.requests import Ignore, Unignore
from py_peer.net.kept_file import KeptFileError, change_kept, read_kept

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from py_peer.core.events import Event

FILE: Final = "ignored.txt"
HEAD: Final = "# Peers whose messages py-peer does not show, a peer ID a line. /unignore takes one out.\n"
MOST_CHANGES: Final = 64
"""Changes that wait to be written."""


def parse_ignored(text: str) -> tuple[str, ...]:
    """Return the peer IDs of a file, in its order, each once. Raises KeptFileError."""
    found: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not (peer_id := _without_remark(line)):
            continue
        if parse_peer_id(peer_id) != peer_id:
            raise KeptFileError(f"holds no peer ID in line {number}")
        found[peer_id] = None
    return tuple(found)


def load_ignored(file: Path) -> tuple[str, ...]:
    """Return the peer IDs of a file, none where there is no file. Raises KeptFileError."""
    return parse_ignored(_text(read_kept(file, limits.MAX_IGNORED_BYTES)))


def change_ignored(file: Path, peer_id: str, *, ignore: bool) -> None:
    """Put a peer into a file, or take it out; the rest stays. Raises KeptFileError; may wait for another process."""

    def change(data: bytes | None) -> bytes | None:
        text = _text(data)
        if (peer_id in parse_ignored(text)) == ignore:
            return None
        lines = [line for line in text.splitlines() if _without_remark(line) != peer_id]
        text = "".join(f"{line}\n" for line in (*lines, *(peer_id,) * ignore))
        if len(parse_ignored(text)) > limits.MAX_IGNORED:
            raise KeptFileError("has no room left")
        return text.encode()

    change_kept(file, limits.MAX_IGNORED_BYTES, change)


def _text(data: bytes | None) -> str:
    try:
        return HEAD if data is None else data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise KeptFileError("is no text") from None


def _without_remark(line: str) -> str:
    return line.partition("#")[0].strip()


@final
class Ignored:
    """The peers who are ignored. What is asked for holds at once; the file follows in a thread."""

    def __init__(self, folder: Path | None, own_id: str, emit: Callable[[Event], None]) -> None:
        """Keep the list in `folder`; None keeps it for this session alone."""
        self._file = None if folder is None else folder / FILE
        self._own_id = own_id
        self._emit = emit
        self.nick_of: Callable[[str], str] = short_id
        """Returns what a peer is called."""

        self.fault = ""
        """Why it is not known who was ignored before."""

        self._peers: dict[str, None] = {}
        self._later, self._changes = trio.open_memory_channel[tuple[Ignore | Unignore, bool]](MOST_CHANGES)

    def __contains__(self, peer_id: str) -> bool:
        """Whether a peer is ignored."""
        return peer_id in self._peers

    def peers(self) -> tuple[str, ...]:
        """Return who is ignored."""
        return tuple(self._peers)

    def load(self) -> None:
        """Read the file, and tell who is ignored, or keep why that is not known: the file is left as it is then."""
        if self._file is None:
            return
        try:
            self._peers = dict.fromkeys(load_ignored(self._file))
        except KeptFileError as error:
            self.fault = f"{clean_path(self._file)} {error}; nobody in it is ignored until it is mended or moved away"
        if self._peers:
            self._emit(IgnoreList(self.peers()))

    def accept(self, request: Ignore | Unignore) -> None:
        """Do what is asked, at once; what became of it is told when it has been written."""
        if reason := self._objection(request):
            self._emit(Answer(request.ticket, reason, failed=True))
            return
        changes = (request.peer_id in self._peers) != isinstance(request, Ignore)
        try:
            self._later.send_nowait((request, changes))
        except trio.WouldBlock:
            self._emit(Answer(request.ticket, "Too many changes at once; try again in a moment", failed=True))
            return
        if isinstance(request, Ignore):
            self._peers[request.peer_id] = None
        else:
            self._peers.pop(request.peer_id, None)
        if changes:
            self._emit(IgnoreList(self.peers()))

    async def run(self) -> None:
        """Write what is asked for, to the end: what was asked for just before the user left is written, too."""
        try:
            async for request, changes in self._changes:
                await self._keep(request, changes=changes)
        finally:
            with suppress(trio.WouldBlock):
                while True:
                    request, changes = self._changes.receive_nowait()
                    await self._keep(request, changes=changes)

    def _objection(self, request: Ignore | Unignore) -> str:
        if parse_peer_id(request.peer_id) != request.peer_id:
            return f"'{clean_line(request.peer_id, limits.MAX_ERROR_CHARS // 2)}' is not a peer ID"
        if request.peer_id == self._own_id:
            return "That is you; what you say yourself is always shown"
        full = len(self._peers) >= limits.MAX_IGNORED and request.peer_id not in self._peers
        if isinstance(request, Ignore) and full:
            return f"{limits.MAX_IGNORED:,} peers are ignored already; /unignore one first"
        return ""

    async def _keep(self, request: Ignore | Unignore, *, changes: bool) -> None:
        """Put into the file what holds already, too: another program may have changed it, or it was mended."""
        ignore = isinstance(request, Ignore)
        who = id_with_nick(request.peer_id, self.nick_of(request.peer_id))
        if changes:
            text = f"{'Ignored from now on' if ignore else 'Shown again'}: {who}"
        else:
            text = f"{who} is {'ignored already' if ignore else 'not ignored'}"
        if self._file is not None:
            change = partial(change_ignored, self._file, request.peer_id, ignore=ignore)
            try:
                with trio.CancelScope(shield=True):
                    await trio.to_thread.run_sync(change)
            except KeptFileError as error:
                text += f"; in this session only: {clean_path(self._file)} {error}"
        self._emit(Answer(request.ticket, text))
