"""Who watches over the connected peers: identify, ping, who is in the room; and who is told of what happens."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, final

import trio
from libp2p.identity.update import update_peerstore_from_identify
from libp2p.peer.peerstore import PeerStoreError

from py_peer.core import limits
from py_peer.core.rates import Buckets
from py_peer.net.alive import SILENT, is_late
from py_peer.net.closing import bottom_of, let_go
from py_peer.net.connections import ConnectedPeers, PeerRecord
from py_peer.net.counters import is_garbage
from py_peer.net.dcutr import DCUTR
from py_peer.net.direct_first import close_relayed
from py_peer.net.identify import ask_identify
from py_peer.net.ping import PING, ping
from py_peer.net.pubsub import RoomPubsub
from py_peer.net.streams import NotSupportedError

if TYPE_CHECKING:
    from libp2p.host.basic_host import BasicHost
    from libp2p.identity.identify.pb.identify_pb2 import Identify
    from libp2p.peer.id import ID

    from py_peer.net.alive import LiveConn
    from py_peer.net.bans import Bans
    from py_peer.net.counters import Counters
    from py_peer.net.dcutr import HolePuncher
    from py_peer.net.room import Room

_PING_AGAIN: Final = 0.2
"""A ping that failed is tried again after this many seconds: one of several connections may have ended under it."""


class Observer(Protocol):
    """Who is told what happens in the network. No method may block or raise."""

    def peer_up(self, record: PeerRecord) -> None:
        """Tell of the first connection to a peer."""

    def peer_moved(self, record: PeerRecord) -> None:
        """Tell that a peer is reached directly now, and was through a relay before, or the other way round."""

    def peer_down(self, record: PeerRecord) -> None:
        """Tell that the last connection to a peer is gone."""

    def identified(self, record: PeerRecord) -> None:
        """Tell that a peer said who it is."""

    def pinged(self, record: PeerRecord) -> None:
        """Tell that a ping came back; the time is in the record."""

    def room_changed(self, joined: frozenset[ID], left: frozenset[ID]) -> None:
        """Tell who has joined, and who has left; both may be empty when only who can be spoken to now is another."""

    def topics_changed(self) -> None:
        """Tell that somebody may have come to another topic of ours, or left it."""

    def silent(self, peer_id: ID, seconds: float) -> None:
        """Tell that nothing came from a peer for so long, so that its last connection was cut."""

    def banned(self, peer_id: ID, reason: str) -> None:
        """Tell that a peer is let go and refused for a while, because of what `reason` says."""

    def addresses_changed(self, addresses: tuple[str, ...]) -> None:
        """Tell that we can be dialled at other addresses than before."""

    def remarked(self, text: str) -> None:
        """Tell the user what he has to know about how we are reached."""


@final
class Watch:
    """Watches over each peer from its first connection to its last: identify, ping, the room."""

    def __init__(
        self, host: BasicHost, counters: Counters, bans: Bans, observer: Observer, nursery: trio.Nursery
    ) -> None:
        self.peers = ConnectedPeers(self._up, self._down, self._ended, self._both, observer.peer_moved)
        self.pubsub: Room | None = None
        self.puncher: HolePuncher | None = None
        self._host = host
        self._counters = counters
        self._bans = bans
        self._observer = observer
        self._nursery = nursery
        self._scopes: dict[ID, trio.CancelScope] = {}
        self._room: frozenset[ID] = frozenset()
        self._reached: frozenset[ID] = frozenset()
        self._former: dict[ID, None] = {}
        self._pushes: Buckets[ID] = Buckets(limits.PUSH_RATE, limits.PUSH_BURST, limits.MAX_TRACKED_PEERS)
        bans.on_banned = self._banned

    def _up(self, record: PeerRecord) -> None:
        self._former.pop(record.peer_id, None)
        self._observer.peer_up(record)
        self.room_changed()  # its streams may have been there before
        scope = self._scopes[record.peer_id] = trio.CancelScope()
        self._nursery.start_soon(self._attend, record, scope)

    def _down(self, record: PeerRecord) -> None:
        if scope := self._scopes.pop(record.peer_id, None):
            scope.cancel()
        self.room_changed()  # its streams may be there still: who goes has left the room before
        self._observer.peer_down(record)
        self._former[record.peer_id] = None
        if len(self._former) > limits.MAX_FORMER_PEERS:
            self._forget(next(iter(self._former)))

    def _both(self, peer_id: ID) -> None:
        """Speak to a peer over the direct connection, now that there is one beside the relayed one."""
        if isinstance(self.pubsub, RoomPubsub):
            self.pubsub.move(peer_id)
            lasting = frozenset(map(str, (*self.pubsub.protocols, PING, DCUTR)))
            self._nursery.start_soon(close_relayed, self._host.get_network(), peer_id, lasting)

    def _ended(self, peer_id: ID, conn: LiveConn) -> None:
        """Note why we have ended a connection."""
        if conn.ended == SILENT:
            self._counters["peers let go: no sign of life"] += 1
            # Of several that end together the first is the one for which the peer is still in the books.
            if peer_id in self.peers.records and not self._host.get_network().get_connections(peer_id):
                self._observer.silent(peer_id, trio.current_time() - conn.heard)
        else:
            self._bans.strike(peer_id, "it broke the rules of the connection")

    def _banned(self, peer_id: ID, reason: str) -> None:
        self._observer.banned(peer_id, reason)
        self._nursery.start_soon(let_go, self._host, peer_id)

    def _forget(self, peer_id: ID) -> None:
        """Take a peer that went out of the peerstore, which the library lets grow (0.8.1)."""
        del self._former[peer_id]
        with suppress(PeerStoreError):
            self._host.get_peerstore().clear_peerdata(peer_id)

    def room_changed(self) -> None:
        """Tell the observer what is new since the last time: of who is connected, and of who can be spoken to.

        The first can come before the second, and go before it: what waits for the second would wait for ever.
        """
        now = self.pubsub.members() & self.peers.records.keys() if self.pubsub else frozenset()
        reached = self.pubsub.room() if self.pubsub else frozenset()
        joined, left = now - self._room, self._room - now
        moved = reached != self._reached
        self._room, self._reached = now, reached
        if joined or left or moved:
            self._observer.room_changed(joined, left)
        self._observer.topics_changed()

    def identified(self, peer_id: ID, message: Identify) -> None:
        """Note who a peer says it is, if it is not what it has said before."""
        if record := self.peers.records.get(peer_id):
            said = message.SerializeToString(deterministic=True)
            if said == record.said:
                return
            record.said = said
            record.protocol_version = message.protocol_version
            record.agent_version = message.agent_version
            record.protocols = tuple(message.protocols)[: limits.MAX_PROTOCOLS_SHOWN]
            record.listen = tuple(message.listen_addrs)
            record.observed = message.observed_addr[: limits.MAX_ADDRESS_BYTES]
            self._observer.identified(record)
            if self.puncher is not None:
                self.puncher.consider(record)

    async def pushed(self, peer_id: ID, message: Identify) -> None:
        """Note who a peer says it is now; if it says so too often, the newest of it, when its turn comes."""
        if (record := self.peers.records.get(peer_id)) is None:
            return
        if record.pushed is not None:
            record.pushed = message
            self._counters["ignored: identify pushes beyond the rate"] += 1
        elif self._pushes.take(peer_id, trio.current_time()):
            await self._take_in(peer_id, message)
        else:
            record.pushed = message
            self._nursery.start_soon(self._take_in_later, record)

    async def _take_in_later(self, record: PeerRecord) -> None:
        while not self._pushes.take(record.peer_id, trio.current_time()):
            await trio.sleep(self._pushes.wait(record.peer_id, trio.current_time()))
            if self.peers.records.get(record.peer_id) is not record:
                return
        message, record.pushed = record.pushed, None
        try:
            if message is not None:
                await self._take_in(record.peer_id, message)
        except Exception as error:  # noqa: BLE001 - as one that is not late: nobody else suffers
            self._counters.caught(f"a late identify push of {record.peer_id}", error)

    async def _take_in(self, peer_id: ID, message: Identify) -> None:
        await update_peerstore_from_identify(self._host.get_peerstore(), peer_id, message)
        self.identified(peer_id, message)

    async def _attend(self, record: PeerRecord, scope: trio.CancelScope) -> None:
        with scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._identify, record)
                while await self._ping(record):  # noqa: ASYNC110 - nothing tells that a peer hangs
                    await trio.sleep(limits.PING_INTERVAL)
                nursery.cancel_scope.cancel()
        if not scope.cancelled_caught:
            self._counters["peers let go: no answer to pings"] += 1
            await let_go(self._host, record.peer_id)

    async def _identify(self, record: PeerRecord) -> None:
        try:
            self.identified(record.peer_id, await ask_identify(self._host, record.peer_id))
        except Exception as error:  # noqa: BLE001 - a peer without identify is still a peer
            self._counters.caught(f"identify with {record.peer_id}", error)
            if is_garbage(error):
                self._bans.strike(record.peer_id, "what it said of itself cannot be read")

    async def _ping(self, record: PeerRecord) -> bool:
        """Ping a peer; False when it does not answer any more."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._cut_stuck, record.peer_id)
            answers = await self._try_ping(record)
            nursery.cancel_scope.cancel()
        return answers

    async def _cut_stuck(self, peer_id: ID) -> None:
        """Cut the sockets of a peer when a ping is over and does not return.

        A stream that cannot be opened is reset by the library without a deadline, and shielded from ours
        (host/basic_host.py:1065, 0.8.1): it would wait for ever for a peer that takes nothing off its socket, though
        it gives signs of life.
        """
        patience = limits.PING_PATIENCE + 2 * limits.CLOSE_TIMEOUT
        late = True
        while late:
            deadline = trio.current_time() + patience
            await trio.sleep(patience)
            late = is_late(deadline)
        for conn in self._host.get_network().get_connections(peer_id):
            await trio.aclose_forcefully(bottom_of(conn.muxed_conn))

    async def _try_ping(self, record: PeerRecord) -> bool:
        deadline = trio.current_time() + limits.PING_PATIENCE
        while True:
            try:
                record.rtt = await ping(self._host, record.peer_id, max(0.0, deadline - trio.current_time()))
            except NotSupportedError:
                return True
            except Exception as error:  # noqa: BLE001
                self._counters.caught(f"ping of {record.peer_id}", error)
                if is_garbage(error):
                    self._bans.strike(record.peer_id, "it answers pings with something else")
                if trio.current_time() >= deadline:
                    if not is_late(deadline):
                        return False
                    deadline = trio.current_time() + limits.PING_PATIENCE
                await trio.sleep(_PING_AGAIN)
            else:
                self._observer.pinged(record)
                return True
