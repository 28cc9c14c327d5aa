"""What our own classes do is what the library's do: the same checks on both, its traps disarmed and nothing else."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio
from libp2p import new_swarm
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as new_x25519
from libp2p.custom_types import TProtocol
from libp2p.host.basic_host import BasicHost
from libp2p.network.config import ConnectionConfig, RetryConfig
from libp2p.network.stream.exceptions import StreamEOF, StreamReset
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V11, GossipSub
from libp2p.pubsub.pubsub import Pubsub
from libp2p.pubsub.rpc_queue import DefaultMaxMessageSize, RpcQueue
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport
from libp2p.tools.anyio_service import background_trio_service
from libp2p.transport.tcp.tcp import TCP
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.net import library
from py_peer.net.bans import Bans
from py_peer.net.counters import Counters
from py_peer.net.guard import guarded
from tests.net.raw_peer import raw_peer, signed
from tests.net.support import ROOM, member, trio_test, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from libp2p.pubsub.pb import rpc_pb2

OURS, STOCK = "ours", "the library's"
LARGE = bytes(range(250)) * 240
"""The largest text that we send."""


class One:
    """A node of one kind in the room, and what it has heard there."""

    def __init__(self, host: Any, pubsub: Pubsub, heard: list[rpc_pb2.Message]) -> None:
        self.host, self.pubsub, self.heard = host, pubsub, heard

    @property
    def port(self) -> int:
        return int(self.address.value_for_protocol("tcp"))

    @property
    def address(self) -> Multiaddr:
        (listener, *_) = self.host.get_network().listeners.values()
        return listener.get_addrs()[0].encapsulate(Multiaddr(f"/p2p/{self.host.get_id()}"))

    @property
    def connections(self) -> list[Any]:
        return list(self.host.get_network().get_connections())

    def texts(self) -> list[bytes]:
        return [message.data for message in self.heard]

    async def say(self, text: bytes) -> None:
        await self.pubsub.publish(ROOM, text)

    async def connect(self, other: One) -> None:
        """Connect, and wait until each can speak to the other."""
        info = info_from_p2p_addr(other.address)
        await self.host.get_network().dial_addr(info.addrs[0], info.peer_id)
        for here, there in ((self, other), (other, self)):
            peer_id = there.host.get_id()
            await until(lambda here=here, peer_id=peer_id: peer_id in here.pubsub.peers)
            await until(lambda here=here, peer_id=peer_id: peer_id in here.pubsub.peer_topics.get(ROOM, ()))
            await until(lambda here=here, peer_id=peer_id: peer_id in here.pubsub.router.mesh[ROOM])


@pytest.fixture(params=[OURS, STOCK])
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """Put our classes in their places, or the library's own."""
    with library.disarm(stock=request.param == STOCK):
        yield request.param


@asynccontextmanager
async def node(kind: str) -> AsyncIterator[One]:
    if kind == STOCK:
        async with stock_node() as one:
            yield one
    else:
        async with member() as ours:
            yield One(ours.node.host, ours.node.pubsub, ours.heard)


@asynccontextmanager
async def stock_node() -> AsyncIterator[One]:
    """Run a node of the library's classes: no limit that loses texts, and no stranger's fault that ends it."""
    key_pair = create_new_key_pair()
    config = ConnectionConfig(min_connections=0, low_watermark=0)
    noise = Transport(key_pair, noise_privkey=new_x25519().private_key)
    swarm: Any = new_swarm(
        key_pair=key_pair,
        sec_opt={NOISE: noise},
        transports=[TCP()],
        connection_config=config,
        retry_config=RetryConfig(max_retries=0),
    )
    host = BasicHost(swarm)
    counters = Counters()
    swarm.set_stream_handler(guarded(host._swarm_stream_handler, counters, Bans(counters)))
    router = GossipSub(
        [PROTOCOL_ID_V11],
        6,
        4,
        12,
        heartbeat_initial_delay=0.1,
        heartbeat_interval=1,
        adaptive_gossip_enabled=False,
        spam_protection_enabled=False,
    )
    pubsub = Pubsub(host, router, strict_signing=True)
    pubsub.counter = time.time_ns()
    heard: list[rpc_pb2.Message] = []
    async with host.run([]), background_trio_service(pubsub), background_trio_service(router):
        await pubsub.wait_until_ready()
        subscription = await pubsub.subscribe(ROOM)
        await swarm.listen(Multiaddr("/ip4/127.0.0.1/tcp/0"))
        async with trio.open_nursery() as nursery:

            async def listen() -> None:
                while True:
                    heard.append(await subscription.get())

            nursery.start_soon(listen)
            yield One(host, pubsub, heard)
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True), trio.move_on_after(2):
                await host.close()


@pytest.fixture(autouse=True)
def room_in_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the library's queues, which lose what does not fit, the room that ours have."""
    monkeypatch.setattr(RpcQueue.__init__, "__defaults__", (limits.PEER_QUEUE_RPCS, DefaultMaxMessageSize))


# --- Messages -------------------------------------------------------------------------------------


@trio_test
async def test_all_that_is_said_arrives_and_from_us_in_order(kind: str) -> None:
    """The library handles each message in a task of its own, which loses their order."""
    async with node(kind) as a, node(kind) as b:
        await a.connect(b)
        said = [b"%d" % number for number in range(300)] + [LARGE] + [b"%d" % number for number in range(300, 320)]
        for text in said:
            await a.say(text)
            await trio.lowlevel.checkpoint()
        await until(lambda: len(b.heard) == len(said))
        assert (b.texts() == said) or (kind == STOCK and sorted(b.texts()) == sorted(said))


@trio_test
async def test_forged_tampered_unsigned_and_repeated_messages_are_not_heard(kind: str) -> None:
    async with node(kind) as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"first", 1)])
        await until(lambda: one.texts() == [b"first"])  # from here on its key is known
        forged = signed(peer.key_pair, ROOM, b"forged", 2)
        forged.signature = bytes(64)
        tampered = signed(peer.key_pair, ROOM, b"true", 3)
        tampered.data = b"false"
        unsigned = signed(peer.key_pair, ROOM, b"unsigned", 4)
        unsigned.ClearField("signature")
        another = create_new_key_pair()
        foreign = signed(another, ROOM, b"of another", 5)
        foreign.from_id = peer.id.to_bytes()
        last = signed(peer.key_pair, ROOM, b"last", 6)
        for message in (forged, tampered, unsigned, foreign, last, last, signed(peer.key_pair, ROOM, b"first", 1)):
            await gossip.send_rpc(publish=[message])
        await until(lambda: b"last" in one.texts())
        await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"end", 7)])
        await until(lambda: b"end" in one.texts())
        assert sorted(one.texts()) == [b"end", b"first", b"last"]


# --- Streams --------------------------------------------------------------------------------------


async def stream_between(a: One, b: One, handler: Any) -> Any:
    b.host.set_stream_handler(TProtocol("/checked"), handler)
    return await a.host.new_stream(b.host.get_id(), [TProtocol("/checked")])


@trio_test
async def test_who_has_said_all_still_hears_the_answer(kind: str) -> None:
    async def count(stream: Any) -> None:
        got = 0
        while True:
            try:
                got += len(await stream.read(1_000))
            except StreamEOF:
                break
        await stream.write(got.to_bytes(4, "big"))
        await stream.close()

    async with node(kind) as a, node(kind) as b:
        await a.connect(b)
        stream = await stream_between(a, b, count)
        await stream.write(bytes(300_000))
        await stream.close_write()
        assert int.from_bytes(await stream.read(4), "big") == 300_000
        with pytest.raises(StreamEOF):
            await stream.read(1)


@trio_test
async def test_a_reset_ends_a_reader_that_waits(kind: str) -> None:
    """With our Yamux as a reset; with the library's it is an end like any other."""
    ended: list[BaseException] = []

    async def wait(stream: Any) -> None:
        try:
            await stream.read(10)
        except Exception as error:
            ended.append(error)
            raise

    async with node(kind) as a, node(kind) as b:
        await a.connect(b)
        stream = await stream_between(a, b, wait)
        await stream.reset()
        await until(lambda: ended)
        assert isinstance(ended[0], StreamReset if kind == OURS else (StreamReset, StreamEOF))


@trio_test
async def test_a_slow_reader_gets_all_of_it_and_holds_nobody_else_up(kind: str) -> None:
    awake = trio.Event()
    body = LARGE * 20

    async def sleep_and_read(stream: Any) -> None:
        await awake.wait()
        got = bytearray()
        while len(got) < len(body):
            got += await stream.read(65_536)
        await stream.write(b"1" if got == body else b"0")

    async with node(kind) as a, node(kind) as b, trio.open_nursery() as nursery:
        await a.connect(b)
        stream = await stream_between(a, b, sleep_and_read)
        written = trio.Event()

        async def write() -> None:
            await stream.write(body)
            written.set()

        nursery.start_soon(write)  # the library's window grows, ours does not
        await until(lambda: written.is_set() or not stream.muxed_stream.send_window)
        await a.say(b"meanwhile")
        await until(lambda: b.texts() == [b"meanwhile"])
        awake.set()
        assert await stream.read(1) == b"1"


@trio_test
async def test_a_connection_that_dies_is_noticed_by_both(kind: str) -> None:
    async with node(kind) as a, node(kind) as b:
        await a.connect(b)
        stream = await stream_between(a, b, lambda stream: stream.read(1))
        (connection,) = a.connections
        await connection.muxed_conn.secured_conn.close()
        await until(lambda: not a.connections and not b.connections, 5)
        with pytest.raises((StreamEOF, StreamReset)):
            await stream.read(1)
        await until(lambda: not b.pubsub.peers and not a.pubsub.peers)
