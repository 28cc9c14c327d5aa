"""A node: host, GossipSub, ping and identify, started in order and stopped in time."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast, final

import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer.id import ID
from libp2p.tools.anyio_service import background_trio_service

from py_peer.core import limits
from py_peer.net import library, release
from py_peer.net.alive import probe
from py_peer.net.bans import Bans
from py_peer.net.closing import close_host, let_go
from py_peer.net.counters import Counters
from py_peer.net.dial import DialError, dial
from py_peer.net.following import follow, set_addresses
from py_peer.net.host import make_host
from py_peer.net.identify import PUSH, push_handler
from py_peer.net.interfaces import Interfaces, read_interfaces
from py_peer.net.listening import CannotListenError, listen, read_certificate, told_by_the_user
from py_peer.net.ping import ping
from py_peer.net.pubsub import RoomPubsub
from py_peer.net.quic import open_quic
from py_peer.net.relays import open_relays
from py_peer.net.watching import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from libp2p.crypto.keys import KeyPair
    from libp2p.custom_types import StreamHandlerFn, TProtocol
    from libp2p.host.basic_host import BasicHost
    from libp2p.network.swarm import Swarm
    from multiaddr import Multiaddr

    from py_peer.core.addresses import DialAddress
    from py_peer.core.listening import ListenAddress
    from py_peer.core.settings import Transports
    from py_peer.net.connections import ConnectedPeers
    from py_peer.net.pubsub import Board
    from py_peer.net.relay import RelayClient
    from py_peer.net.room import Room
    from py_peer.net.stock import StockPubsub
    from py_peer.net.watching import Observer
    from py_peer.net.web_certificate import WebCertificate


_STOCK_ALONE: Final = "with the network library's own classes this peer listens on TCP alone, without QUIC"

BY_THE_USER: Final = "announced"
"""Among those who say where we are reached: the user, with --announce."""


@final
@dataclass(slots=True)
class Node:
    """A running node."""

    host: BasicHost
    pubsub: Room
    peers: ConnectedPeers
    counters: Counters
    bans: Bans
    interfaces: Interfaces
    bound: tuple[ListenAddress, ...]
    """Where we listen, the place to tell first at the beginning."""

    remark: str = ""
    """What the user has to know about the classes that it runs on; "" when they are our own."""

    notice: str = ""
    """What the user has to know about where it listens."""

    certificate: WebCertificate | None = None
    """For WebSockets inside TLS."""

    addresses: tuple[str, ...] = ()
    """Full multiaddrs, the best to hand on first. They follow the interfaces, and what is known of the outside."""

    outside: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Multiaddrs, with our peer ID, under which we are reached besides our interfaces', by who says so."""

    moved: trio.Event = field(default_factory=trio.Event)
    """Set when our addresses are to be worked out anew, since it was put here."""

    relays: RelayClient | None = None
    """To be reached through relays, and to reach others; None with the library's own classes."""

    dialled: Callable[[DialAddress, ID | None], None] = lambda _address, _peer_id: None
    """Called after each dial with the address, and who has answered there; None is nobody that we take."""

    @property
    def port(self) -> int:
        """The TCP port that we listen on; 0 for none."""
        return next((one.port for one in self.bound if not one.is_udp), 0)

    def set_outside(self, source: str, addresses: Iterable[str]) -> None:
        """Take note of the addresses under which `source` says that we are reached; others are told at once."""
        if (told := tuple(addresses)) != self.outside.get(source, ()):
            self.outside[source] = told
            self.stir()

    def stir(self) -> None:
        """Have our addresses worked out anew."""
        moved, self.moved = self.moved, trio.Event()
        moved.set()

    @property
    def peer_id(self) -> str:
        """Our peer ID in base58."""
        return str(self.host.get_id())

    async def dial(
        self,
        address: DialAddress,
        *,
        forgive: bool = False,
        fresh: bool = False,
        timeout: float = limits.DIAL_TIMEOUT,  # noqa: ASYNC109
    ) -> ID:
        """Connect to an address and return who is there. Raises DialError. With `forgive` nobody is refused.

        With `fresh` it is a new connection, also to a peer who is connected.

        `timeout`, in seconds, is for the whole of it.
        """
        self.counters["dials"] += 1
        here = {str(one) for one in self.peers.records}
        was_there = not fresh and address.peer_id in here  # then the address is not tried
        try:
            refusal = self.bans.forgiven if forgive else self.bans.refusal
            peer_id = await dial(cast("Swarm", self.host.get_network()), address, refusal, timeout, fresh=fresh)
        except DialError:
            self.counters["dials failed"] += 1
            self.dialled(address, None)
            raise
        if not was_there:
            self.dialled(address, peer_id)
        return peer_id

    async def disconnect(self, peer_id: ID) -> None:
        """Close every connection to a peer, politely if it listens and within a second if it does not."""
        await let_go(self.host, peer_id)

    async def ping(self, peer_id: ID, patience: float) -> float:
        """Return the round-trip time to a connected peer, in seconds. Raises as `py_peer.net.ping.ping` does."""
        return await ping(self.host, peer_id, patience)

    def probe(self) -> None:
        """Have every connection prove at once that it is alive: time has passed without us, or the clock was moved."""
        for conn in self.host.get_network().get_connections():
            probe(conn, limits.PING_TIMEOUT)
        self.pubsub.router.back_off.clear()  # in it are times of the wall clock

    async def settle(self, patience: float) -> bool:
        """Say nothing more; wait up to `patience` seconds until all has been read, and return whether it was."""
        return await self.pubsub.finish(patience)


@asynccontextmanager
async def open_node(  # noqa: PLR0913 - each is a wish of its own, by name
    *,
    room_topic: str,
    observer: Observer,
    admit: Callable[[bytes], bool],
    transports: Transports,
    key_pair: KeyPair | None = None,
    boards: Mapping[str, Board] = MappingProxyType({}),
    streams: Mapping[TProtocol, StreamHandlerFn] = MappingProxyType({}),
) -> AsyncIterator[Node]:
    """Run a node that listens as `transports` says until the block ends.

    `streams` are the handlers of protocols beside its own; they are guarded, too. With `transports.stock`, and on a
    release of the library that ours were not checked against, the classes that it runs on are the library's own:
    `Node.remark` says so. That is a matter of the whole process (`library.disarm`).

    Listening comes last: a peer that arrives while Pubsub is constructed but does not run yet ends the host
    (py-libp2p 0.8.1). Raises CannotListenError, and RuntimeError while a node of the other kind runs.
    """
    remark = release.remark(stock=transports.stock)
    stock = bool(remark)
    counters = Counters()
    advertised: list[Multiaddr] = []
    failure: CannotListenError | None = None
    bans = Bans(counters)
    key_pair = key_pair or create_new_key_pair()
    told = told_by_the_user(transports, ID.from_pubkey(key_pair.public_key))
    certificate = await read_certificate(transports)
    with library.disarm(stock=stock):
        host = make_host(key_pair, lambda: advertised, counters, bans, stock=stock)
        swarm: Any = host.get_network()
        swarm.admission.certificate = certificate
        async with (
            host.run([]),
            open_quic(host.get_private_key(), swarm.admission, bans.refusal, counters) as quic,
            trio.open_nursery() as nursery,
        ):
            swarm.quic = None if stock else quic  # for who dials
            watch = Watch(host, counters, bans, observer, nursery)
            kind: type[RoomPubsub | StockPubsub] = RoomPubsub
            if stock:
                from py_peer.net.stock import StockPubsub  # noqa: PLC0415 - hardly ever

                kind = StockPubsub
            pubsub = watch.pubsub = kind(
                host,
                room_topic=room_topic,
                counters=counters,
                admit=admit,
                on_room_change=watch.room_changed,
                on_garbage=bans.strike,
                boards=boards,
            )
            swarm.register_notifee(watch.peers)
            host.set_stream_handler(PUSH, push_handler(watch.pushed))
            for protocol, handler in streams.items():
                host.set_stream_handler(protocol, handler)
            async with background_trio_service(pubsub), background_trio_service(pubsub.router):
                await pubsub.wait_until_ready()
                try:
                    bound, notice = await listen(swarm, transports, swarm.quic)
                except CannotListenError as error:
                    failure = error  # raised outside of the nurseries, which would wrap it
                else:
                    interfaces = Interfaces(tuple if transports.loopback else read_interfaces)
                    node = Node(host, pubsub, watch.peers, counters, bans, interfaces, bound, remark)
                    node.certificate, node.outside[BY_THE_USER] = certificate, told
                    node.notice = _STOCK_ALONE if stock and transports.quic and not transports.listen else notice
                    if not stock:
                        watch.puncher = open_relays(node, nursery, serve=transports.relay_server)
                    nursery.start_soon(follow, node, advertised, observer.addresses_changed, observer.remarked)
                    nursery.start_soon(interfaces.run)
                    set_addresses(node, advertised)
                    try:
                        yield node
                    finally:
                        with trio.CancelScope(shield=True):
                            await close_host(host)
                nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
