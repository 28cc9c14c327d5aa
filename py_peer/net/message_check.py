"""Whether a message of others is new, and by the one who it says has written it.

Replaces what py-libp2p 0.8.1's Pubsub does in `push_msg` (pubsub/pubsub.py:1729 to 1774), which looks at the message ID
alone: under the JavaScript peers' function that is the sequence number alone, and two authors share it. It looks before
a validator runs and notes after it, so that of 20 messages in a triangle 40 were heard; and it keeps what it has seen
for two minutes, at any rate. Here author and sequence number count, what was seen is noted as soon as its signature
holds, and both tables are bounded. A copy of what was heard costs 3 µs, and in a room there are four of them for each
message that is new. Given up is the library's choice of validators: there is one rule, StrictSign.

Spec: https://github.com/libp2p/specs/blob/master/pubsub/README.md, "Message Signing"
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, final

from py_peer.core import limits
from py_peer.net.message_cache import message_id
from py_peer.net.seen import SeenCache
from py_peer.net.signatures import Signatures

if TYPE_CHECKING:
    from libp2p.peer.id import ID
    from libp2p.pubsub.pb import rpc_pb2

MAX_ID_BYTES: Final = 64
"""The longest peer ID or sequence number that is looked at: 8 bytes of a number, and 34 to 42 of an ID, are usual."""

NUMBER_BYTES: Final = 8
"""Of everybody's sequence numbers."""

NO_AUTHOR: Final = "dropped: no proper author or sequence number"
NOT_SIGNED: Final = "dropped: not signed by its author"


@final
class MessageCheck:
    """What was seen, for the peer whose ID in bytes is `me`."""

    def __init__(self, me: bytes) -> None:
        self._ids = SeenCache(limits.SEEN_MESSAGES)
        self._me = me
        self._heard = SeenCache(limits.SEEN_MESSAGES)  # by author and sequence number
        self._signatures = Signatures()

    def take(self, msg: rpc_pb2.Message) -> str:
        """Return why a message is dropped, or "" for a new and signed one, which is then not new any more."""
        if len(msg.from_id) > MAX_ID_BYTES or not 0 < len(msg.seqno) <= MAX_ID_BYTES:
            return NO_AUTHOR
        if msg.from_id == self._me:
            return "dropped: own message came back"
        origin = _origin(msg)
        if self._heard.has(origin):
            return "duplicates"
        if not self._signatures.hold(msg):
            return NOT_SIGNED
        self._heard.add(origin)
        self._ids.add(message_id(msg))
        return ""

    def has(self, mid: bytes) -> bool:
        """Return whether a message was seen, by our ID for it or by the specification's: author and number, as in Go.

        Others tell us by their own IDs what they have, and each that is not known here is asked for, heard or not.
        """
        return self._ids.has(mid) or self._heard.has(_key(mid[:-NUMBER_BYTES], mid[-NUMBER_BYTES:]))

    def remember(self, msg: rpc_pb2.Message) -> None:
        """Note a message of our own."""
        self._heard.add(_origin(msg))
        self._ids.add(message_id(msg))


def _origin(msg: rpc_pb2.Message) -> bytes:
    """Return a short key for author and sequence number, which no other message shares."""
    return _key(msg.from_id, msg.seqno)


def _key(author: bytes, number: bytes) -> bytes:
    return hashlib.blake2b(len(author).to_bytes(1, "big") + author + number, digest_size=16).digest()


def is_forgery(msg: rpc_pb2.Message, forwarder: ID, reason: str) -> bool:
    """Say whether a message that is dropped for `reason` is one that no peer passes on in good faith.

    The Rust peer takes and passes on what has no signature at all, with an author or without (gossipsub's
    ValidationMode::Permissive), unless it is said to be its own. A signature that does not hold it refuses, as all do.
    There are kinds of keys that we cannot verify and others can; those that are in the peer ID are none of them.
    """
    if reason not in (NO_AUTHOR, NOT_SIGNED):
        return False
    if not msg.signature:
        return msg.from_id == forwarder.to_bytes()
    return not msg.from_id or (reason == NOT_SIGNED and msg.from_id[:1] == b"\0")
