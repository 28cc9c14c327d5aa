"""The discovery topic: we announce ourselves, and who else does is told to the finder.

Each peer speaks for itself alone: an announcement of another peer than its signed author goes no further.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

import trio

from py_peer.chatroom import PUBSUB_DISCOVERY_TOPIC
from py_peer.core import limits
from py_peer.core.addresses import peer_id_text
from py_peer.core.announcement import repeat_after
from py_peer.core.findings import Finding, Source
from py_peer.core.hearsay import announced_addresses
from py_peer.core.rates import TokenBucket
from py_peer.net.connections import remote_ip
from py_peer.net.multiaddrs import dialable
from py_peer.net.peer_record import AnnouncedPeer, AnnouncedPeerError, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from libp2p.peer.id import ID
    from libp2p.pubsub.pb import rpc_pb2

    from py_peer.net.node import Node

LOOK_SECONDS: Final = 1.0
"""How often it is looked whether our addresses have changed."""


@final
@dataclass(slots=True)
class _Author:
    heard: float = 0.0
    bucket: TokenBucket = field(
        default_factory=lambda: TokenBucket(limits.PEER_ANNOUNCED_RATE, limits.PEER_ANNOUNCED_BURST)
    )


@final
class Announcements:
    """Announces us; the board of the discovery topic (`py_peer.net.pubsub.Board`)."""

    def __init__(self, found: Callable[[Finding], None], *, loopback: bool = False) -> None:
        """Tell `found` who announces himself. With `loopback` we are announced on this machine alone."""
        self._found = found
        self._loopback = loopback
        self._node: Node | None = None
        self._authors: dict[bytes, _Author] = {}  # in the order in which they were last heard
        self._latest: dict[bytes, tuple[float, rpc_pb2.Message]] = {}
        self._pace = TokenBucket(limits.PEERS_READ_RATE, limits.PEERS_READ_BURST)
        self._pause = limits.PEER_REPEAT
        self._unread = 0

    # --- Our own ----------------------------------------------------------------------------------

    async def run(self, node: Node) -> None:
        """Announce us: now, when our addresses have changed, and again and again, the rarer the more peers there are.

        Who comes in between is handed the latest one.
        """
        self._node = node
        while True:
            if addresses := announced_addresses(node.addresses, loopback=self._loopback):
                await node.pubsub.publish(PUBSUB_DISCOVERY_TOPIC, encode(node.host.get_public_key(), addresses))
            self._pause = min(limits.PEER_REPEAT_LONGEST, repeat_after(self.announcers(), limits.PEER_REPEAT))
            jitter = random.uniform(1 - limits.NICK_JITTER, 1 + limits.NICK_JITTER)
            with trio.move_on_after(self._pause * jitter):
                while announced_addresses(node.addresses, loopback=self._loopback) == addresses:  # noqa: ASYNC110
                    await trio.sleep(LOOK_SECONDS)

    def announcers(self) -> int:
        """Return how many others announce themselves: heard in the time in which each should be, and not gone since.

        Where they are many and we have just come, that is only a part of them, and more with each time.
        """
        since = self._since()
        return sum(author.heard > since for author in self._authors.values())

    def way(self) -> str:
        """Return what this way of finding has come to."""
        count = self.announcers()
        way = f"the discovery topic: {count} peer{'s' * (count != 1)} announced there"
        if not self._unread:
            return way
        many = f"{self._unread} announcement{'s' * (self._unread != 1)}"
        return f"{way}; {many} left unread, since more than {limits.PEERS_READ_RATE:g} a second came"

    # --- The board --------------------------------------------------------------------------------

    def take(self, message: rpc_pb2.Message, forwarder: ID) -> str:
        """Learn where its author is from a signed message; return "", or why it is dropped and not passed on.

        Addresses that only others can dial are passed on all the same.
        """
        if message.ByteSize() > limits.MAX_ANNOUNCED_PEER_FRAME:
            return "dropped: an announced peer, too large"
        author = self._hear(message.from_id)
        if not author.bucket.take(author.heard):
            return "dropped: an announced peer, too many of one author"
        try:
            peer = decode(message.data)
        except AnnouncedPeerError as error:
            return f"dropped: an announced peer, {error}"
        if peer.peer_id != message.from_id:
            return "dropped: an announced peer, not by itself"
        self._keep(message)
        if self._pace.take(author.heard):
            self._tell(peer, forwarder)
            return ""
        self._unread += 1
        if self._node is not None:
            self._node.counters["ignored: announced peers, more than we read"] += 1
        return ""

    def keep(self, message: rpc_pb2.Message) -> None:
        """Keep our own announcement for newcomers."""
        self._keep(message)

    def kept(self) -> Iterable[rpc_pb2.Message]:
        """Return what a newcomer is told: the latest announcements, and ours among them."""
        since = max(self._since(), trio.current_time() - limits.PEERS_HANDED_ON_SECONDS)
        return [message for taken, message in self._latest.values() if taken > since]

    def moved(self, peer_id: ID) -> None:
        """Take note that a peer has come or gone: of one that is not here newcomers are not told, until it is heard."""
        if self._node is None or peer_id in self._node.peers.records:
            return
        self._latest.pop(peer_id.to_bytes(), None)
        if author := self._authors.get(peer_id.to_bytes()):
            author.heard = -math.inf

    def _since(self) -> float:
        """Return since when everybody who is there should have been heard: two of our own pauses."""
        return trio.current_time() - 2 * self._pause

    def _hear(self, peer_id: bytes) -> _Author:
        author = self._authors.pop(peer_id, None) or _Author()
        self._authors[peer_id] = author
        author.heard = trio.current_time()
        if len(self._authors) > limits.KNOWN_ANNOUNCERS:
            del self._authors[next(iter(self._authors))]
        return author

    def _keep(self, message: rpc_pb2.Message) -> None:
        self._latest.pop(message.from_id, None)
        self._latest[message.from_id] = (trio.current_time(), message)
        if len(self._latest) > limits.PEERS_HANDED_ON:
            del self._latest[next(iter(self._latest))]

    def _tell(self, peer: AnnouncedPeer, forwarder: ID) -> None:
        peer_id = peer_id_text(peer.peer_id)
        read = peer.addresses[: limits.ANNOUNCED_ADDRESSES_READ]
        addresses = dialable(read, peer.peer_id, limits.BOOK_ADDRESSES)
        if addresses:
            record = self._node.peers.records.get(forwarder) if self._node is not None else None
            ip = remote_ip(record.address) if record is not None else ""
            self._found(Finding(peer_id, addresses, Source.TOPIC, teller=str(forwarder), teller_ip=ip))
