"""Commits that somebody has posted, from that peer: our own protocol, one request and its answer on each stream.

Each way it is one protobuf behind its length. Who asks names a commit by its ID or the beginning of it, and gets the
commit object, which is what the ID is the hash of, and the patch, which nothing holds to the ID. Nothing here is
verified. `docs/wire.md` describes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import trio
from google.protobuf.message import DecodeError
from libp2p.custom_types import TProtocol

from py_peer.core import limits, limits_git
from py_peer.core.cleaning import clean_line
from py_peer.core.commits import is_id
from py_peer.core.rates import Buckets
from py_peer.net.counters import Counters
from py_peer.net.protobufs import declare
from py_peer.net.served import BusyError, FileStreams, Turns
from py_peer.net.streams import (
    EndedError,
    GarbageError,
    SilentError,
    StreamFaultError,
    close,
    open_stream,
    read_exactly,
    read_frame,
    read_length,
    reset,
    widen,
    write_frame,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from libp2p.abc import IHost, INetStream
    from libp2p.peer.id import ID

COMMIT: Final = TProtocol("/py-peer/commit/1.0.0")

GIVEN, UNKNOWN, SEVERAL, NOT_NOW = 200, 404, 409, 503
"""What an answer may say."""

_MESSAGES: Final = declare(
    "py_peer.commits",
    Request=("string id = 1",),
    Answer=(
        "uint32 status = 1",
        "string reason = 2",
        "string id = 3",
        "bytes object = 4",
        "bytes patch = 5",
    ),
)
Request: Final[Any] = _MESSAGES["Request"]
Answer: Final[Any] = _MESSAGES["Answer"]

_PART_OF_ID: Final = re.compile(f"[0-9a-f]{{{limits_git.MIN_ID_PREFIX},64}}")


class NotGivenError(StreamFaultError):
    """The peer does not give the commit; the text is what it says, cleaned."""


@final
@dataclass(frozen=True, slots=True)
class GivenCommit:
    """What is given for a commit: by a peer, which nothing here verifies, or by us."""

    id: str
    """In lower-case hex digits, all of them."""

    raw: bytes
    """The commit object, without Git's header."""

    patch: bytes
    """Of MAX_PATCH bytes at most."""


def is_part_of_id(text: str) -> bool:
    """Say whether a text can be the ID of a commit, or the beginning of one that is long enough to be asked for."""
    return _PART_OF_ID.fullmatch(text) is not None


# --- Asking ---------------------------------------------------------------------------------------


async def ask_for_commit(host: IHost, peer_id: ID, asked: str) -> GivenCommit:
    """Ask a connected peer for the commit whose ID is `asked`, or begins so; what it gives is not verified.

    Raises NotSupportedError, NotGivenError, SilentError, EndedError, and GarbageError for what breaks the protocol: an
    answer that is none or too large, or about another commit.
    """
    with trio.move_on_after(limits_git.COMMIT_SECONDS):
        stream = await open_stream(host, peer_id, COMMIT, limits_git.COMMIT_SILENCE)
        try:
            await write_frame(stream, Request(id=asked).SerializeToString(), limits_git.COMMIT_SILENCE)
            await widen(stream)
            answer = await _read_answer(stream)
        except BaseException:
            await reset(stream)
            raise
        await close(stream)
        return _judged(answer, asked)
    raise SilentError(f"not all of it came within {limits_git.COMMIT_SECONDS:.0f} seconds")


async def _read_answer(stream: INetStream) -> Any:
    length = await read_length(stream, limits_git.MAX_COMMIT_ANSWER, limits_git.COMMIT_SILENCE)
    if length is None:
        raise EndedError("it hung up without an answer")
    try:
        return Answer.FromString(await read_exactly(stream, length, limits_git.COMMIT_SILENCE))
    except DecodeError as error:
        raise GarbageError("what it answers cannot be read") from error


def _judged(answer: Any, asked: str) -> GivenCommit:
    if answer.status != GIVEN:
        reason = clean_line(answer.reason, limits.MAX_ERROR_CHARS)
        raise NotGivenError(reason or f"it answers with the status {answer.status}")
    if not (is_id(answer.id) and answer.id.startswith(asked)):
        raise GarbageError("it answered about another commit than it was asked for")
    if len(answer.object) > limits_git.MAX_COMMIT or len(answer.patch) > limits_git.MAX_PATCH:
        raise GarbageError("it sent a larger commit than may be sent")
    return GivenCommit(answer.id, answer.object, answer.patch)


# --- Answering ------------------------------------------------------------------------------------


@final
class CommitServer:
    """Gives what the user has posted to whoever asks for it, and nothing else."""

    def __init__(self, find: Callable[[str], Sequence[GivenCommit]]) -> None:
        """`find` takes the beginning of an ID, in lower-case hex digits, and returns those that were posted."""
        self._find = find
        self._streams = FileStreams("commits: ")
        self._turns = Turns()
        self._budgets: Buckets[ID] = Buckets(
            limits_git.COMMIT_REQUESTS_PER_SECOND, limits_git.COMMIT_REQUEST_BURST, limits.MAX_TRACKED_PEERS
        )
        self.counters = Counters()
        """Those of the node, when it is up."""

    async def handle(self, stream: INetStream) -> None:
        """Answer one stream. Raises GarbageError and DecodeError, for `guarded`."""
        await self._streams.serve(stream, self.counters, self._serve)

    async def _serve(self, stream: INetStream, peer_id: ID) -> None:
        frame = await read_frame(stream, limits_git.MAX_COMMIT_REQUEST, limits_git.COMMIT_SILENCE)
        if frame is None:
            raise EndedError("the stream ended without a request")
        asked = Request.FromString(frame).id
        if not is_part_of_id(asked):
            raise GarbageError("it asked for what is no ID of a commit")
        try:
            self._charge(peer_id)
            async with self._turns.turn(peer_id):
                with trio.move_on_after(limits_git.COMMIT_SECONDS):
                    await self._answer(stream, asked)
                    return
                raise SilentError("it took too little")
        except BusyError:
            await self._refuse(stream, NOT_NOW, "it is asked for too much at the moment")

    def _charge(self, peer_id: ID) -> None:
        if not self._budgets.take(peer_id, trio.current_time()):
            raise BusyError

    async def _answer(self, stream: INetStream, asked: str) -> None:
        found = self._find(asked)
        if not found:
            await self._refuse(stream, UNKNOWN, "it has posted no such commit, or a while ago")
        elif len(found) > 1:
            await self._refuse(stream, SEVERAL, f"it has posted {len(found)} commits whose IDs begin so")
        else:
            (one,) = found
            answer = Answer(status=GIVEN, id=one.id, object=one.raw, patch=one.patch)
            await write_frame(stream, answer.SerializeToString(), limits_git.COMMIT_SILENCE)
            self.counters["commits: given"] += 1

    async def _refuse(self, stream: INetStream, status: int, reason: str) -> None:
        self.counters[f"commits: not given, {_WORDS[status]}"] += 1
        answer = Answer(status=status, reason=reason)
        await write_frame(stream, answer.SerializeToString(), limits_git.COMMIT_SILENCE)


_WORDS: Final = {UNKNOWN: "unknown", SEVERAL: "several", NOT_NOW: "too many at once"}
