"""What we say, made and signed: the sequence number, the signature and the key of each message of ours.

The library (pubsub/pubsub.py:1567, 0.8.1) asks the peerstore for our key and writes it out anew for each message.
Both ends of one take 720 calls with this, and 743 without (`python -m benchmarks.classes`). Its first number is the
second in which it was started, which others have, too, and which is lower after a quick restart. Given up is nothing.

Spec: https://github.com/libp2p/specs/blob/master/pubsub/README.md, "Message Signing" (policy StrictSign).
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, final

from libp2p.pubsub.pb import rpc_pb2

from py_peer.net.signatures import PREFIX

if TYPE_CHECKING:
    from libp2p.abc import IHost


@final
class Author:
    """The author of our messages."""

    def __init__(self, host: IHost) -> None:
        self._private_key = host.get_private_key()
        self._public_key = host.get_public_key().serialize()
        self.id = host.get_id().to_bytes()
        """Our peer ID, as it stands in messages."""

        # int(time.time()) collides between peers, and after a quick restart is lower than before (pubsub.py:478).
        self.counter = (time.time_ns() & ~0xFFFF) | secrets.randbelow(1 << 16)
        """The sequence number of the last message."""

    def message(self, topic: str, data: bytes) -> rpc_pb2.Message:
        """Return a message, signed, and newer than all that came before it."""
        self.counter += 1
        message = rpc_pb2.Message(data=data, topicIDs=[topic], from_id=self.id, seqno=self.counter.to_bytes(8))
        message.signature = self._private_key.sign(PREFIX + message.SerializeToString())
        message.key = self._public_key
        return message
