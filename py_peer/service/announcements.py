"""The discovery topic: we announce ourselves, and who else does is told to the finder.

Each peer speaks for itself alone: an announcement of another peer than its signed author goes no further.
"""

from __future__ import annotations

import math
import random
from collections import Counter
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
    heard: float = -math.inf
    forwarder: bytes = b""
    bucket: TokenBucket = field(
        default_factory=lambda: TokenBucket(limits.PEER_ANNOUNCED_RATE, limits.PEER_ANNOUNCED_BURST)
    )


@final
class _Pace:
    """How fast announcements are read that one connected peer passes on.

    While they come too fast, chance drops half of the rest, too. Else who is passed on by a relay of a flood, which
    lets through just as many as we read, would always find the flood to have been faster.
    """

    def __init__(self) -> None:
        self._bucket = TokenBucket(limits.PEERS_READ_RATE_OF_ONE, limits.PEERS_READ_BURST_OF_ONE)
        self._flooded = -math.inf

    def take(self, now: float) -> bool:
        if now - self._flooded < limits.PEERS_FLOODED_SECONDS and random.random() < 0.5:
            return False
        if self._bucket.take(now):
            return True
        self._flooded = now
        return False


@final
@dataclass(frozen=True, slots=True)
class _Kept:
    at: float
    forwarder: bytes
    message: rpc_pb2.Message


@final
class Announcements:
    """Announces us; the board of the discovery topic (`py_peer.net.pubsub.Board`)."""

    def __init__(self, found: Callable[[Finding], None], *, loopback: bool = False) -> None:
        """Tell `found` who announces himself. With `loopback` we are announced on this machine alone."""
        self._found = found
        self._loopback = loopback
        self._node: Node | None = None
        self._authors: dict[bytes, _Author] = {}  # in the order in which they were last heard
        self._latest: dict[bytes, _Kept] = {}
        self._paces: dict[bytes, _Pace] = {}  # of those who are connected
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
            self._pause = min(limits.PEER_REPEAT_LONGEST, repeat_after(self._crowd(), limits.PEER_REPEAT))
            jitter = random.uniform(1 - limits.NICK_JITTER, 1 + limits.NICK_JITTER)
            with trio.move_on_after(self._pause * jitter):
                while announced_addresses(node.addresses, loopback=self._loopback) == addresses:  # noqa: ASYNC110
                    await trio.sleep(LOOK_SECONDS)

    def announcers(self) -> int:
        """Return how many others announce themselves: heard in the time in which each should be, and not gone since.

        Where they are many and we have just come, that is only a part of them, and more with each time.
        """
        return self._forwarded().total()

    def way(self) -> str:
        """Return what this way of finding has come to."""
        count = self.announcers()
        way = f"the discovery topic: {count} peer{'s' * (count != 1)} announced there"
        if not self._unread:
            return way
        many = f"{self._unread} announcement{'s' * (self._unread != 1)}"
        return f"{way}; {many} left unread, since more came than we read"

    # --- The board --------------------------------------------------------------------------------

    def take(self, message: rpc_pb2.Message, forwarder: ID) -> str:
        """Learn where its author is from a signed message; return "", or why it is dropped and not passed on.

        Addresses that only others can dial are passed on all the same.
        """
        if message.ByteSize() > limits.MAX_ANNOUNCED_PEER_FRAME:
            return "dropped: an announced peer, too large"
        now = trio.current_time()
        teller = forwarder.to_bytes()
        if message.from_id != teller and not (self._pace_of(teller).take(now) and self._pace.take(now)):
            self._unread += 1
            return "dropped: announced peers, more than we read"
        author = self._author(message.from_id)
        if not author.bucket.take(now):
            return "dropped: an announced peer, too many of one author"
        try:
            peer = decode(message.data)
        except AnnouncedPeerError as error:
            return f"dropped: an announced peer, {error}"
        if peer.peer_id != message.from_id:
            return "dropped: an announced peer, not by itself"
        author.heard, author.forwarder = now, teller
        self._keep(message, teller)
        self._tell(peer, forwarder)
        return ""

    def keep(self, message: rpc_pb2.Message) -> None:
        """Keep our own announcement for newcomers."""
        self._keep(message, message.from_id)

    def kept(self) -> Iterable[rpc_pb2.Message]:
        """Return what a newcomer is told: the latest announcements, and ours among them."""
        since = max(self._since(), trio.current_time() - limits.PEERS_HANDED_ON_SECONDS)
        return [one.message for one in self._latest.values() if one.at > since]

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

    def _forwarded(self) -> Counter[bytes]:
        """Return how many announcers each connected peer has passed on, itself among them."""
        since = self._since()
        return Counter(author.forwarder for author in self._authors.values() if author.heard > since)

    def _crowd(self) -> int:
        """Return for how many announcers our own pause grows: nobody makes it long with names that he made up."""
        return sum(min(count, limits.ANNOUNCERS_OF_ONE) for count in self._forwarded().values())

    def _pace_of(self, forwarder: bytes) -> _Pace:
        if forwarder not in self._paces:
            here = {peer_id.to_bytes() for peer_id in self._node.peers.records} if self._node is not None else set()
            self._paces = {peer_id: pace for peer_id, pace in self._paces.items() if peer_id in here}
            self._paces[forwarder] = _Pace()
        return self._paces[forwarder]

    def _author(self, peer_id: bytes) -> _Author:
        author = self._authors.pop(peer_id, None) or _Author()
        self._authors[peer_id] = author
        if len(self._authors) > limits.KNOWN_ANNOUNCERS:
            del self._authors[next(iter(self._authors))]
        return author

    def _keep(self, message: rpc_pb2.Message, forwarder: bytes) -> None:
        self._latest.pop(message.from_id, None)
        self._latest[message.from_id] = _Kept(trio.current_time(), forwarder, message)
        his = [author for author, one in self._latest.items() if one.forwarder == forwarder]
        if len(his) > limits.PEERS_HANDED_ON_OF_ONE:
            del self._latest[his[0]]
        elif len(self._latest) > limits.PEERS_HANDED_ON:
            del self._latest[next(iter(self._latest))]

    def _tell(self, peer: AnnouncedPeer, forwarder: ID) -> None:
        peer_id = peer_id_text(peer.peer_id)
        read = peer.addresses[: limits.ANNOUNCED_ADDRESSES_READ]
        addresses = dialable(read, peer.peer_id, limits.BOOK_ADDRESSES)
        if addresses:
            record = self._node.peers.records.get(forwarder) if self._node is not None else None
            ip = remote_ip(record.address) if record is not None else ""
            self._found(Finding(peer_id, addresses, Source.TOPIC, teller=str(forwarder), teller_ip=ip))
