"""The messages that are kept for who asks: our message ID, a limit in memory, and the oldest go first.

Replaces py-libp2p 0.8.1's MessageCache (pubsub/mcache.py), which has no limit but five heartbeats, at any rate and
size, and whose ID is not the configured one (pubsub/mcache.py:73), so that what js peers asked for was not found.
Given up are 10 of the 720 calls that a message costs both its ends (`python -m benchmarks.classes`), for the limit.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from libp2p.pubsub.mcache import MessageCache

from py_peer.core import limits

if TYPE_CHECKING:
    from libp2p.pubsub.pb import rpc_pb2


def message_id(message: rpc_pb2.Message) -> bytes:
    """Return the ID that the JavaScript peers compute; they score us by it, Go and Rust do not mind."""
    return hashlib.sha256(str(int.from_bytes(message.seqno, "big")).encode()).digest()


@final
@dataclass(frozen=True, slots=True)
class _Kept:
    message: rpc_pb2.Message
    topic: str
    size: int
    beat: int
    since: float


@final
class BoundedCache(MessageCache):
    """The message cache with our message ID and a limit in memory: the oldest messages make room for new ones.

    It keeps them for many heartbeats, for peers that were cut off and come back; of the last few alone is gossiped.
    """

    def __init__(self, window_size: int, history_size: int, max_bytes: int) -> None:
        super().__init__(window_size, 0)
        self.history_size = history_size
        self._max_bytes = max_bytes
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()  # to find its oldest costs a dict 9 µs
        self._bytes = 0
        self._beat = 0

    def put(self, msg: rpc_pb2.Message) -> None:
        """Keep `msg` for IWANT, for newcomers and for those who come back, if there can be room for it."""
        mid = message_id(msg)
        size = msg.ByteSize() + limits.KEPT_MESSAGE_BYTES
        if mid in self._kept or size > self._max_bytes:
            return
        while self._bytes + size > self._max_bytes:
            self._drop_oldest()
        self._kept[mid] = _Kept(msg, msg.topicIDs[0], size, self._beat, time.time())
        self._bytes += size

    def get(self, mid: bytes) -> rpc_pb2.Message | None:
        """Return a message that is still kept."""
        kept = self._kept.get(mid)
        return None if kept is None else kept.message

    def window(self, topic: str) -> list[bytes]:
        """Return the IDs of what is gossiped about, oldest first."""
        return self.recent(topic, self.window_size)

    def recent(self, topic: str, beats: int) -> list[bytes]:
        """Return the IDs of the messages of the last `beats` heartbeats, oldest first.

        Heartbeats stand still while the machine sleeps: none is older than what is kept by the wall clock, either.
        """
        found = []
        now, last = time.time(), self._beat - beats
        for mid, kept in reversed(self._kept.items()):  # thousands, each heartbeat, for each topic
            if kept.beat <= last:
                break
            if kept.topic == topic and abs(now - kept.since) <= self.history_size:
                found.append(mid)
        found.reverse()
        return found

    def shift(self) -> None:
        """Begin a heartbeat; what is too old is forgotten."""
        self._beat += 1
        while self._kept and next(iter(self._kept.values())).beat <= self._beat - self.history_size:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        self._bytes -= self._kept.popitem(last=False)[1].size
