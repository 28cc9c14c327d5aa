"""What the rest of the program asks of a pubsub service, be it ours (`RoomPubsub`) or the library's (`StockPubsub`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sized
    from collections.abc import Set as AbstractSet

    import trio
    from libp2p.abc import INetStream, ISubscriptionAPI
    from libp2p.peer.id import ID
    from libp2p.pubsub.gossipsub import GossipSub


class Room(Protocol):
    """A pubsub service with a room in it, and other topics beside it."""

    @property
    def peers(self) -> Mapping[ID, INetStream]:
        """The peers to which we have a stream."""

    @property
    def peer_topics(self) -> Mapping[str, AbstractSet[ID]]:
        """Who subscribes to each topic."""

    @property
    def peer_queues(self) -> Mapping[ID, Sized]:
        """What waits to be written to each peer."""

    @property
    def subscribed_topics_send(self) -> Mapping[str, trio.MemorySendChannel[Any]]:
        """The channel into each of our subscriptions."""

    @property
    def router(self) -> GossipSub:
        """The router: its mesh, and who is not to be taken into it for a while."""

    def room(self, topic: str = "") -> frozenset[ID]:
        """Return the peers that a message said now is sent to, in the room or on another topic of ours."""

    def members(self, topic: str = "") -> frozenset[ID]:
        """Return the room, or who is on another topic, and whoever is about to be there again and misses nothing."""

    async def subscribe(self, topic_id: str) -> ISubscriptionAPI:
        """Subscribe to a topic."""

    async def join(self, topic: str) -> ISubscriptionAPI:
        """Subscribe to a topic on which people talk: what is said there counts as messages."""

    async def unsubscribe(self, topic_id: str) -> None:
        """Leave a topic."""

    async def publish(self, topic_id: str | list[str], data: bytes) -> None:
        """Say `data` on a topic. It is queued for everybody when this returns."""

    async def wait_for_room(self, patience: float) -> None:
        """Wait until every queue has room for a text; a peer that blocks for `patience` seconds is left behind."""

    async def finish(self, patience: float) -> bool:
        """Say nothing more; wait up to `patience` seconds until all has been read, and return whether it was."""
