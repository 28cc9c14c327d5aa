"""gnostr's own chat: one JSON object for each message, in chunks where one is too large. Pure: bytes in, messages out.

The rules, from gnostr's source (docs/wire.md has examples): `from` is what the author calls himself, and nobody has
checked it; who signed the message is the author. `content` has two texts, of which the second is empty but for Git's
kinds. Chunks share a `message_id`, are numbered from 0, and their texts are put one behind the other. Keys that are not
known are ignored, as gnostr does it.

What is read is untrusted: no function here raises anything but GnostrError, and nothing is cleaned yet.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Annotated, Final, final

import msgspec

from py_peer.core import limits_gnostr

CHAT: Final = "Chat"
JOIN: Final = "Join"
LEAVE: Final = "Leave"
NOSTR_EVENT: Final = "NostrEvent"
GIT_DIFF: Final = "GitDiff"
KINDS: Final = (
    *(CHAT, JOIN, LEAVE, "System", "Raw", "Command"),
    *("GitCommitId", "GitCommitParent", "GitCommitTree", "GitCommitAuthor", "GitCommitName", "GitCommitEmail"),
    *("GitCommitMessagePart", "GitCommitHeader", "GitCommitBody", "GitCommitTime"),
    *(NOSTR_EVENT, GIT_DIFF, "OneShot", "Debug"),
)
"""All that gnostr knows; those of the last line are newer."""

NO_COMMIT: Final = "0" * 40
_COMMIT_ID: Final = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_START: Final = b'{"from":'
"""What gnostr's messages begin with: serde writes the fields in their order, without blanks."""


class GnostrError(Exception):
    """What came is dropped. Its text is one of a few words of ours, and is counted."""


@final
class NotGnostrError(GnostrError):
    """It is not of this wire at all: a text, say, as peers say it who do without."""


@final
@dataclass(frozen=True, slots=True)
class GnostrMessage:
    """One message, or one chunk of one. Nothing in it is cleaned."""

    sender: str
    """`from`: what the author calls himself."""

    content: tuple[str, ...]
    kind: str = CHAT
    commit_id: str = NO_COMMIT
    nostr_event: bytes = b""
    """JSON, as it came; b"" without."""

    message_id: str = ""
    """What the chunks of one message share; with it the two numbers have a meaning."""

    number: int = 0
    total: int = 0
    """Of chunks; 0: it is none."""

    @property
    def text(self) -> str:
        """What it says: each element as a line, those of Git's kinds but a diff in one; what is empty is left out."""
        if self.kind == GIT_DIFF:  # where an empty line is one of the patch
            return "\n".join(self.content).rstrip("\n")
        return (" " if self.kind.startswith("Git") else "\n").join(filter(None, self.content))


# --- Out ------------------------------------------------------------------------------------------


def encode_message(message: GnostrMessage) -> bytes:
    """Return the JSON of a message, byte by byte as gnostr writes it; optional keys where they say something."""
    fields: dict[str, object] = {
        "from": message.sender,
        "content": message.content,
        "kind": message.kind,
        "commit_id": message.commit_id,
    }
    if message.total:
        fields |= {"message_id": message.message_id, "sequence_num": message.number, "total_chunks": message.total}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def encode_text(sender: str, text: str, message_id: str, kind: str = CHAT) -> list[bytes]:
    """Return what is sent for a text: one message, or chunks with this `message_id` where that is too large."""
    whole = GnostrMessage(sender, (text, ""), kind)
    if len(encoded := encode_message(whole)) <= limits_gnostr.MAX_PAYLOAD_OUT:
        return [encoded]
    most = limits_gnostr.MAX_CHUNKS
    pieces = _pieces(replace(whole, message_id=message_id, number=most, total=most), text)
    return [
        encode_message(replace(whole, content=(piece, ""), message_id=message_id, number=number, total=len(pieces)))
        for number, piece in enumerate(pieces)
    ]


def _pieces(chunk: GnostrMessage, text: str) -> list[str]:
    """Return a text in parts of which each fits; halves of halves, as an escaped character may take six bytes."""
    if len(encode_message(replace(chunk, content=(text, "")))) <= limits_gnostr.MAX_PAYLOAD_OUT:
        return [text]
    middle = len(text) // 2
    return [*_pieces(chunk, text[:middle]), *_pieces(chunk, text[middle:])]


# --- In -------------------------------------------------------------------------------------------

_Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class _Wire(msgspec.Struct):
    """What is on the wire. serde has a missing optional key, and null, for none."""

    sender: str = msgspec.field(name="from")
    content: Annotated[list[str], msgspec.Meta(max_length=limits_gnostr.MAX_CONTENT)]
    kind: str
    commit_id: str = NO_COMMIT
    nostr_event: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    message_id: str | None = None
    sequence_num: _Number | None = None
    total_chunks: _Number | None = None


_DECODER: Final = msgspec.json.Decoder(_Wire)


def looks_like_gnostr(data: bytes) -> bool:
    """Return whether a payload is surely one of gnostr's messages, as they are written by gnostr and by us."""
    if not data.startswith(_START):
        return False
    try:
        decode_message(data)
    except GnostrError:
        return False
    return True


def decode_message(data: bytes) -> GnostrMessage:
    """Return the message in a payload. Raises GnostrError."""
    if len(data) > limits_gnostr.MAX_PAYLOAD:
        raise GnostrError("messages that are too large")
    if not data.lstrip(b" \t\r\n").startswith(b"{"):
        raise NotGnostrError("texts that are not gnostr's JSON")
    try:
        read = _DECODER.decode(data)
    except (ValueError, RecursionError) as error:  # msgspec's own errors are ValueErrors
        raise NotGnostrError("JSON that is not gnostr's") from error
    if read.kind not in KINDS:
        raise GnostrError("messages of a kind that is not known")
    event = bytes(read.nostr_event)
    message = GnostrMessage(
        read.sender,
        tuple(read.content),
        read.kind,
        read.commit_id if _COMMIT_ID.fullmatch(read.commit_id) else NO_COMMIT,
        b"" if event == b"null" else event,
    )
    if read.message_id is None or read.sequence_num is None or read.total_chunks is None:
        return message
    return _chunk(message, read.message_id, read.sequence_num, read.total_chunks)


def _chunk(message: GnostrMessage, message_id: str, number: int, total: int) -> GnostrMessage:
    if total > limits_gnostr.MAX_CHUNKS:
        raise GnostrError("chunks of more than a message may have")
    if number >= total or len(message_id) > limits_gnostr.MAX_MESSAGE_ID_CHARS:
        raise GnostrError("chunks that are none")
    return replace(message, message_id=message_id, number=number, total=total)


# --- Chunks ---------------------------------------------------------------------------------------

_Key = tuple[str, str, str]
"""Topic, author, message ID: nobody can add to, or spoil, what another has begun."""


@final
@dataclass(slots=True, eq=False)
class _Half:
    """A message of which chunks are missing."""

    total: int
    began: float
    head: GnostrMessage | None = None
    """The chunk that is number 0, without its text."""

    texts: dict[int, str] = field(default_factory=dict)
    size: int = 0


@final
class Chunks:
    """Puts messages together from their chunks, in any order, within the limits. Times in seconds, of any clock."""

    def __init__(self) -> None:
        self._halves: OrderedDict[_Key, _Half] = OrderedDict()
        """The oldest first."""

        self._size = 0
        self.given_up = 0
        """Messages that were dropped before they were whole."""

    def __len__(self) -> int:
        return len(self._halves)

    @property
    def size(self) -> int:
        """What is kept, in bytes, overhead included."""
        return self._size

    def take(self, topic: str, author: str, chunk: GnostrMessage, now: float) -> GnostrMessage | None:
        """Take a chunk; return the message that is whole with it. Raises GnostrError for one that is of no use."""
        self.forget_old(now)
        if chunk.total == 1:
            return replace(chunk, message_id="", number=0, total=0)
        key = topic, author, chunk.message_id
        half = self._halves.get(key)
        if half is not None and half.total != chunk.total:
            self._drop(key)
            raise GnostrError("chunks that change how many they are")
        if half is None:
            self._make_room_for(author)
            half = self._halves[key] = _Half(chunk.total, now)
            self._grow(half, sum(map(len, key)) + limits_gnostr.CHUNK_OVERHEAD)
        if chunk.number in half.texts:
            raise GnostrError("chunks that came before")
        self._put(key, half, chunk)
        if key not in self._halves:
            raise GnostrError("chunks of messages that are too large")
        if len(half.texts) < half.total:
            return None
        self._take_out(key)
        return _whole(half)

    def forget_old(self, now: float) -> None:
        """Give up what has waited too long."""
        while self._halves:
            key, oldest = next(iter(self._halves.items()))
            if now - oldest.began < limits_gnostr.CHUNK_SECONDS:
                return
            self._drop(key)

    def forget_topic(self, topic: str) -> None:
        """Forget what was begun on a topic that is left."""
        for key in [key for key in self._halves if key[0] == topic]:
            self._take_out(key)

    def _put(self, key: _Key, half: _Half, chunk: GnostrMessage) -> None:
        text = "\n".join(chunk.content) if chunk.kind == GIT_DIFF else chunk.text
        half.texts[chunk.number] = text
        size = _size(text)
        if chunk.number == 0:
            half.head = replace(chunk, content=(), message_id="", number=0, total=0)
            size += len(chunk.nostr_event) + _size(chunk.sender)
        self._grow(half, size + limits_gnostr.CHUNK_OVERHEAD)
        if half.size > limits_gnostr.MAX_WHOLE + (len(half.texts) + 1) * limits_gnostr.CHUNK_OVERHEAD:
            self._drop(key)
            return
        while self._size > limits_gnostr.HALF_BYTES and self._halves:
            self._drop(self._least_missed())

    def _grow(self, half: _Half, size: int) -> None:
        half.size += size
        self._size += size

    def _make_room_for(self, author: str) -> None:
        own = [key for key in self._halves if key[1] == author]
        if len(own) >= limits_gnostr.HALF_PER_AUTHOR:
            self._drop(own[0])
        elif len(self._halves) >= limits_gnostr.HALF_MESSAGES:
            self._drop(self._least_missed())

    def _least_missed(self) -> _Key:
        """Return the oldest message of the author of whom most is kept."""
        sizes: dict[str, int] = {}
        for (_, author, _), half in self._halves.items():
            sizes[author] = sizes.get(author, 0) + half.size
        most = max(sizes, key=sizes.__getitem__)
        return next(key for key in self._halves if key[1] == most)

    def _drop(self, key: _Key) -> None:
        self._take_out(key)
        self.given_up += 1

    def _take_out(self, key: _Key) -> None:
        self._size -= self._halves.pop(key).size


def _whole(half: _Half) -> GnostrMessage:
    """Return the message; gnostr cuts a diff at the ends of its lines, and leaves those out."""
    head = half.head
    if head is None:  # number 0 is among them when none is missing
        raise GnostrError("chunks that are none")
    glue = "\n" if head.kind == GIT_DIFF else ""
    text = glue.join(half.texts[number].removesuffix(glue) for number in range(half.total))
    return replace(head, content=(text, ""))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
