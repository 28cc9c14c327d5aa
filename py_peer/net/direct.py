"""Direct messages on the wire, as the JavaScript peers speak them: one stream for each, a request and its answer.

Each way it is one protobuf behind its length, and all of it has `limits.DIRECT_SECONDS`. Who takes a message says so
with the status 200. There is no number that a message could be known by: one that is sent again, because its answer was
lost, has the time and the text of the first.

A reason that begins with "not now: " is for this moment alone: a py-peer sends that message again, later. For the peers
in JavaScript it is a reason like any other.

The protocol: https://github.com/libp2p/universal-connectivity/blob/main/js-peer/src/lib/direct-message.ts
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import trio
from libp2p.custom_types import TProtocol

from py_peer import __version__
from py_peer.core import limits
from py_peer.core.cleaning import clean_line
from py_peer.net.protobufs import declare
from py_peer.net.streams import (
    EndedError,
    OpenStreams,
    SilentError,
    StreamFaultError,
    TooManyStreamsError,
    close,
    open_stream,
    read_exactly,
    read_frame,
    read_length,
    read_some,
    reset,
    write_frame,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from libp2p.abc import IHost, INetStream
    from libp2p.peer.id import ID

    from py_peer.net.counters import Counters

DIRECT: Final = TProtocol("/universal-connectivity/dm/1.0.0")

_CLIENT: Final = f"py-peer/{__version__}"
_TEXT: Final = "text/plain"
_OK, _ERROR = 200, 500
_ANY_LENGTH: Final = 2**64
_NOT_NOW: Final = "not now: "
_TOO_LARGE: Final = f"a message may have {limits.MAX_TEXT_BYTES:,} bytes"

_MESSAGES: Final = declare(
    "universal_connectivity.dm",
    Metadata=("string clientVersion = 1", "int64 timestamp = 2"),
    DirectMessageRequest=("Metadata metadata = 1", "string content = 2", "string type = 3"),
    DirectMessageResponse=("Metadata metadata = 1", "int32 status = 2", "optional string statusText = 3"),
)
Metadata, Request, Response = _MESSAGES.values()


class NotTakenError(StreamFaultError):
    """The peer has read the message, and does not take it; the text is what it says, cleaned."""


class NotNowError(NotTakenError):
    """The peer does not take the message at this moment, and may take the same one later."""


def not_now(reason: str) -> str:
    """Return how a reason that holds for this moment alone is said to the sender."""
    return _NOT_NOW + reason


@final
@dataclass(frozen=True, slots=True)
class DirectMessage:
    """A message as it came: not cleaned. `when` is its time by the sender's word, ms since 1970; 0 if it has none."""

    sender: ID
    text: str
    when: int


async def send(host: IHost, peer_id: ID, text: str, when: int) -> None:
    """Send a text to a connected peer, and see it confirmed. `when`: when it was written, in ms since 1970.

    Raises NotTakenError (of it NotNowError), NotSupportedError, SilentError, EndedError, or DecodeError for an answer
    that is none.
    """
    with trio.move_on_after(limits.DIRECT_SECONDS):
        stream = await open_stream(host, peer_id, DIRECT, limits.DIRECT_SECONDS)
        try:
            request = Request(metadata=Metadata(clientVersion=_CLIENT, timestamp=when), content=text, type=_TEXT)
            await write_frame(stream, request.SerializeToString(), limits.DIRECT_SECONDS)
            response = Response.FromString(await _read_answer(stream))
        except BaseException:
            await reset(stream)
            raise
        await close(stream)
        if response.status != _OK:
            said = clean_line(response.statusText, limits.MAX_ERROR_CHARS)
            if said.startswith(_NOT_NOW):
                raise NotNowError(f"it {said.removeprefix(_NOT_NOW)} just now")
            raise NotTakenError(said or f"it answers with the status {response.status}")
        return
    raise SilentError(f"it has not confirmed within {limits.DIRECT_SECONDS:.0f} seconds")


async def _read_answer(stream: INetStream) -> bytes:
    answer = await read_frame(stream, limits.MAX_DIRECT_ANSWER, limits.DIRECT_SECONDS)
    if answer is None:
        raise EndedError("it hung up without an answer")
    return answer


@final
class Receiver:
    """Answers those who send us a message."""

    def __init__(self, judge: Callable[[DirectMessage], str]) -> None:
        """`judge` takes a message and returns "", or why it does not, for the sender to read."""
        self._judge = judge
        self._open = OpenStreams()
        self.counters: Counters | None = None
        """Those of the node, when it is up."""

    async def handle(self, stream: INetStream) -> None:
        """Take the message of one stream, and answer. What else it raises is for `guarded`."""
        peer_id = stream.muxed_conn.peer_id
        try:
            with self._open.one_of(peer_id, limits.DIRECT_STREAMS):
                with trio.move_on_after(limits.DIRECT_SECONDS):
                    await self._take(stream, peer_id)
                    return
                raise SilentError("a message had not come whole in time")
        except TooManyStreamsError:
            self._count("too many of one peer at once")
            await reset(stream)

    async def _take(self, stream: INetStream, peer_id: ID) -> None:
        length = await read_length(stream, _ANY_LENGTH, limits.DIRECT_SECONDS)
        if length is None:
            raise EndedError("a stream without a message")
        if length > limits.MAX_DIRECT_FRAME:
            self._count("too large")
            await _answer(stream, _TOO_LARGE)
            with trio.move_on_after(limits.CLOSE_TIMEOUT):  # who is reset while he writes does not read the answer
                while await read_some(stream, limits.MAX_DIRECT_FRAME, limits.CLOSE_TIMEOUT):
                    pass
            await reset(stream)
            return
        request = Request.FromString(await read_exactly(stream, length, limits.DIRECT_SECONDS))
        if request.type not in ("", _TEXT):
            self._count("of a type that is not text/plain")
            reason = "takes text/plain alone"
        elif len(request.content.encode()) > limits.MAX_TEXT_BYTES:
            self._count("too large")
            reason = _TOO_LARGE
        else:
            reason = self._judge(DirectMessage(peer_id, request.content, request.metadata.timestamp))
        await _answer(stream, reason)

    def _count(self, why: str) -> None:
        if self.counters is not None:
            self.counters[f"dropped: direct messages, {why}"] += 1


async def _answer(stream: INetStream, reason: str) -> None:
    """Say that a message is taken, or for what `reason` it is not, and close our side."""
    metadata = Metadata(clientVersion=_CLIENT, timestamp=int(time.time() * 1000))
    response = Response(metadata=metadata, status=_ERROR if reason else _OK)
    if reason:
        response.statusText = reason
    await write_frame(stream, response.SerializeToString(), limits.DIRECT_SECONDS)
    await close(stream)
