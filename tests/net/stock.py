"""py-libp2p as it comes, in the scenes for which py_peer.net has workarounds. A program: it prints what happened.

Each scene shows the fault that a workaround is for; the tests assert that it is still there, so that a release that
mends it is noticed and the workaround can go. It runs by itself, because some scenes end the event loop, and because
nothing in it may be changed by `py_peer.net.library`.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import trio
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.kad_dht.kad_dht import DHTMode, KadDHT
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.peer.peerinfo import PeerInfo, info_from_p2p_addr
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V11, GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.tools.anyio_service import background_trio_service
from libp2p.utils.varint import encode_uvarint
from multiaddr import Multiaddr

from tests.net.raw_peer import DATA, MESHSUB, WINDOW, GoneError, echo, raw_peer, signed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.net.raw_peer import RawPeer

LOOPBACK = "/ip4/127.0.0.1/tcp/0"
ROOM = "room"


class Stock:
    """A host of the library with GossipSub, in the room."""

    def __init__(self, host: Any, pubsub: Pubsub, router: GossipSub) -> None:
        self.host, self.pubsub, self.router = host, pubsub, router
        self.swarm = host.get_network()
        self.heard: list[rpc_pb2.Message] = []

    @property
    def port(self) -> int:
        return int(self.host.get_addrs()[0].value_for_protocol("tcp"))

    async def connect(self, other: Stock) -> None:
        await self.host.connect(info_from_p2p_addr(other.host.get_addrs()[0]))
        await self.pubsub.wait_for_mesh(other.host.get_id(), ROOM)
        await other.pubsub.wait_for_mesh(self.host.get_id(), ROOM)


@asynccontextmanager
async def stock(key_pair: Any = None, **wishes: Any) -> AsyncIterator[Stock]:
    host = new_host(key_pair=key_pair or create_new_key_pair())
    router = GossipSub([PROTOCOL_ID_V11], 6, 4, 12, heartbeat_interval=1, adaptive_gossip_enabled=False)
    pubsub = Pubsub(host, router, strict_signing=True, **wishes)
    one = Stock(host, pubsub, router)
    async with host.run([Multiaddr(LOOPBACK)]), background_trio_service(pubsub), background_trio_service(router):
        await pubsub.wait_until_ready()
        subscription = await pubsub.subscribe(ROOM)
        async with trio.open_nursery() as nursery:

            async def listen() -> None:
                while True:
                    one.heard.append(await subscription.get())

            nursery.start_soon(listen)
            yield one
            nursery.cancel_scope.cancel()


async def until(condition: Callable[..., object], patience: float = 3.0) -> bool:
    with trio.move_on_after(patience):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await trio.sleep(0.005)
    return bool(condition())


async def silent(_: Any) -> None:
    """Take a stream and never read it."""
    await trio.sleep_forever()


async def quiet(rounds: int = 30) -> None:
    """Give what must not happen a moment to happen."""
    for _ in range(rounds):
        await trio.sleep(0.01)


# --- What ends the host ---------------------------------------------------------------------------


async def malformed_frame() -> str:
    async with stock() as one, raw_peer(one.port) as peer:
        await (await peer.open(MESHSUB)).write_frame(b"\xff\xff\xff\xff\xff")
        await quiet()
    return "lived"


async def garbage_key() -> str:
    async with stock() as one, raw_peer(one.port) as peer:
        message = rpc_pb2.Message(
            data=b"x", topicIDs=[ROOM], from_id=b"\x12\x20" + bytes(32), seqno=b"1", signature=b"s", key=b"\xff\xfe"
        )
        await (await peer.open(MESHSUB)).send_rpc(publish=[message])
        await quiet()
    return "lived"


async def raising_handler() -> str:
    async def raises(_: Any) -> None:
        msg = "a handler's fault"
        raise RuntimeError(msg)

    async with stock() as one:
        one.host.set_stream_handler("/raises", raises)
        async with raw_peer(one.port) as peer:
            await peer.open("/raises")
            await quiet()
    return "lived"


async def early_peer() -> str:
    host = new_host(key_pair=create_new_key_pair())
    async with host.run([Multiaddr(LOOPBACK)]):
        Pubsub(host, GossipSub([PROTOCOL_ID_V11], 6, 4, 12), strict_signing=True)
        async with raw_peer(int(host.get_addrs()[0].value_for_protocol("tcp"))) as peer:
            await (await peer.open(MESHSUB)).send_rpc()
            await quiet()
    return "lived"


# --- What is lost ---------------------------------------------------------------------------------


async def burst() -> int:
    async with stock() as a, stock() as b:
        await a.connect(b)
        for number in range(300):
            await a.pubsub.publish(ROOM, b"%d" % number)
        await quiet(50)
        return len(b.heard)


async def order() -> bool:
    async with stock() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        for batch in range(0, 100, 5):  # each is handled forwards or backwards, as it falls out
            numbers = range(batch, batch + 5)
            await gossip.send_rpc(publish=[signed(peer.key_pair, ROOM, b"%d" % n, n + 1) for n in numbers])
            await until(lambda wanted=batch + 5: len(one.heard) == wanted)
        heard = [int(message.data) for message in one.heard]
        return heard == sorted(heard)


async def same_number() -> int:
    async with (
        stock(msg_id_constructor=lambda message: bytes(message.seqno)) as one,
        raw_peer(one.port) as first,
        raw_peer(one.port) as second,
    ):
        for peer in (first, second):
            await (await peer.join(ROOM)).send_rpc(publish=[signed(peer.key_pair, ROOM, b"mine", 7)])
        await quiet()
        return len(one.heard)


async def restart() -> int:
    key_pair = create_new_key_pair()
    async with stock() as one:
        for round_ in range(2):
            async with stock(key_pair) as other:
                await other.host.connect(info_from_p2p_addr(one.host.get_addrs()[0]))
                await until(lambda: other.host.get_id() in one.pubsub.peers and other.router.mesh[ROOM])
                for number in range(5):
                    await other.pubsub.publish(ROOM, b"%d %d" % (round_, number))
                await until(lambda: len(one.heard) >= 5)
                await quiet(10)
        return sum(1 for message in one.heard if message.data.startswith(b"1"))


async def own_echo() -> int:
    async with stock() as one:
        await one.pubsub.publish(ROOM, b"mine")
        await quiet(5)
        return len(one.heard)


async def closed_stream_noticed() -> bool:
    async with stock() as one, raw_peer(one.port) as peer:
        await peer.join(ROOM)
        await until(lambda: peer.gossip_streams and peer.id in one.pubsub.peers)
        await peer.gossip_streams[0].finish()
        return await until(lambda: len(peer.gossip_streams) > 1, 0.5)


# --- What a stranger can make it do ---------------------------------------------------------------


async def slots_leak() -> int:
    async with stock() as one:
        for _ in range(5):
            async with raw_peer(one.port):
                await until(one.swarm.get_connections)
            await until(lambda: not one.swarm.get_connections())
        return int(one.swarm._inbound_limiter.borrowed_tokens)


async def plaintext_accepted() -> bool:
    async with stock() as one:
        stream = await trio.open_tcp_stream("127.0.0.1", one.port)
        await stream.send_all(b"\x13/multistream/1.0.0\n\x11/plaintext/2.0.0\n")
        answer = b""
        with trio.move_on_after(2):
            while answer.count(b"\n") < 2:
                answer += await stream.receive_some()
        return b"/plaintext/2.0.0" in answer


async def endless_line_refused() -> bool:
    async with stock() as one:
        stream = await trio.open_tcp_stream("127.0.0.1", one.port)
        await stream.send_all(b"\x13/multistream/1.0.0\n" + encode_uvarint(2**30) + b"x" * 65_536)
        with trio.move_on_after(0.5):
            while await stream.receive_some():
                pass
            return True
        return False


async def window_kept() -> bool:
    async with stock() as one:
        one.host.set_stream_handler("/sink", silent)
        async with raw_peer(one.port) as peer:
            stream = await peer.open("/sink")
            for _ in range(5):
                await peer.send(DATA, 0, stream.id, bytes(WINDOW // 4))
            await quiet()
            return peer.closed.is_set()


async def hundred_streams() -> int:
    async with stock() as one:
        one.host.set_stream_handler("/sink", silent)
        async with raw_peer(one.port) as peer:
            streams = [await peer.open("/sink") for _ in range(100)]
            return sum(1 for stream in streams if not stream.ended)


async def window_updates() -> int:
    async with stock() as one:

        async def read(stream: Any) -> None:
            for _ in range(100):
                await stream.read(1)
            await stream.write(b".")

        one.host.set_stream_handler("/read", read)
        async with raw_peer(one.port) as peer:
            stream = await peer.open("/read")
            await stream.write(bytes(100))
            await stream.read(1)
            return stream.updates


async def iwant_answers() -> int:
    async with stock() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        await until(lambda: peer.id in one.router.mesh[ROOM])
        await one.pubsub.publish(ROOM, b"x" * 100)
        await until(peer.texts)
        message = one.pubsub._msg_id_constructor(one.heard[0])
        before = len(peer.texts())
        want = rpc_pb2.ControlIWant(messageIDs=[message] * 100)
        await gossip.send_rpc(control=rpc_pb2.ControlMessage(iwant=[want]))
        await until(lambda: len(peer.texts()) > before)
        return len(peer.texts()) - before


async def strange_ids_asked_for() -> list[str]:
    async with stock() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        await until(lambda: peer.id in one.pubsub.peers)
        have = rpc_pb2.ControlIHave(topicID=ROOM, messageIDs=[b"12345678901234567", b"123"])
        await gossip.send_rpc(control=rpc_pb2.ControlMessage(ihave=[have]))
        await quiet()
        return [mid.decode("latin-1") for rpc in peer.rpcs for want in rpc.control.iwant for mid in want.messageIDs]


async def prunes_remembered() -> int:
    async with stock() as one, raw_peer(one.port) as peer:
        gossip = await peer.join(ROOM)
        prunes = [rpc_pb2.ControlPrune(topicID=f"nobody's {number}") for number in range(100)]
        await gossip.send_rpc(control=rpc_pb2.ControlMessage(prune=prunes))
        await until(lambda: len(one.router.back_off) >= 100, 1)
        return len(one.router.back_off)


async def largest_rpc() -> int:
    async with stock() as one, raw_peer(one.port) as peer:
        await peer.join(ROOM)
        await until(lambda: peer.id in one.router.mesh[ROOM])
        await one.pubsub.publish(ROOM, b"x" * 70_000)
        await until(peer.texts)
        return max(peer.rpc_sizes)


async def pings_by_itself() -> int:
    pings = []

    async def count(stream: Any) -> None:
        pings.append(stream)
        await echo(stream)

    async with stock() as one, raw_peer(one.port, handlers={"/ipfs/ping/1.0.0": count}):
        await quiet()
    return len(pings)


async def ghost_in_mesh() -> bool:
    async with stock() as one:
        async with raw_peer(one.port, handlers={}) as peer:
            del peer.handlers[MESHSUB]
            gossip = await peer.open(MESHSUB)
            graft = rpc_pb2.ControlGraft(topicID=ROOM)
            await gossip.send_rpc(control=rpc_pb2.ControlMessage(graft=[graft]))
            await until(lambda: peer.id in one.router.mesh[ROOM])
        await until(lambda: not one.swarm.get_connections())
        await quiet()
        return peer.id in one.router.mesh[ROOM]


# --- Dialling, listening, leaving -----------------------------------------------------------------


async def dial_seconds() -> float:
    async with stock() as a, stock() as b:
        start = time.monotonic()
        await a.host.connect(info_from_p2p_addr(b.host.get_addrs()[0]))
        return time.monotonic() - start


async def dial_without_id() -> str:
    try:
        info_from_p2p_addr(Multiaddr("/ip4/127.0.0.1/tcp/1"))
    except Exception as error:  # noqa: BLE001
        return type(error).__name__
    return "taken"


async def taken_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        host = new_host(key_pair=create_new_key_pair())
        async with host.run([Multiaddr(f"/ip4/127.0.0.1/tcp/{taken.getsockname()[1]}")]):
            return f"no error, {len(host.get_network().listeners)} listeners"


async def shared_port() -> int:
    async with stock() as one:
        host = new_host(key_pair=create_new_key_pair())
        async with host.run([Multiaddr(f"/ip4/127.0.0.1/tcp/{one.port}")]):
            return len(host.get_network().listeners)


async def advertises_any() -> bool:
    host = new_host(key_pair=create_new_key_pair())
    async with host.run([Multiaddr("/ip4/0.0.0.0/tcp/0")]):
        return any("0.0.0.0" in str(address) for address in host.get_addrs())  # noqa: S104


# --- Kademlia -------------------------------------------------------------------------------------

KAD = "/ipfs/kad/1.0.0"


async def answers(peer: RawPeer, request: Message) -> bool:
    stream = await peer.open(KAD)
    with trio.move_on_after(1):
        await stream.write_frame(request.SerializeToString())
        try:
            await stream.read_frame()
        except GoneError:
            return False
        return True
    return False


async def silence_locks_out() -> bool:
    async with stock() as one, raw_peer(one.port) as silent, raw_peer(one.port) as honest:
        KadDHT(one.host, DHTMode.SERVER)
        for _ in range(12):
            await silent.open(KAD)
        await quiet()
        return not await answers(honest, Message(type=Message.FIND_NODE, key=honest.id.to_bytes()))


async def client_in_table() -> int:
    async with stock() as one, raw_peer(one.port) as client:
        dht = KadDHT(one.host, DHTMode.SERVER)
        one.host.get_peerstore().add_addrs(client.id, [Multiaddr("/ip4/127.0.0.1/tcp/1")], 100)
        await answers(client, Message(type=Message.FIND_NODE, key=client.id.to_bytes()))
        return dht.get_routing_table_size()


async def provider_without_address_kept() -> bool:
    async with stock() as one, raw_peer(one.port) as rust:
        dht = KadDHT(one.host, DHTMode.SERVER)
        provider = Message.Peer(id=rust.id.to_bytes())
        await answers(rust, Message(type=Message.ADD_PROVIDER, key=b"key", providerPeers=[provider]))
        return bool(dht.provider_store.get_providers(b"key"))


async def others_found_beside_oneself() -> int:
    async with stock() as one, stock() as other:
        here, there = KadDHT(one.host, DHTMode.SERVER), KadDHT(other.host, DHTMode.SERVER)
        there.provider_store.add_provider(b"key", PeerInfo(other.host.get_id(), other.host.get_addrs()))
        await one.connect(other)
        await here.provider_store.provide(b"key")
        found = await here.provider_store.find_providers(b"key")
        return sum(1 for info in found if info.peer_id != one.host.get_id())


async def root_handlers() -> list[str]:
    async with stock() as one, raw_peer(one.port):
        await until(one.swarm.get_connections)
    return [type(handler).__name__ for handler in logging.getLogger().handlers]


SCENES: list[Callable[[], Awaitable[Any]]] = [
    root_handlers,  # first: whoever connects installs it
    malformed_frame,
    garbage_key,
    raising_handler,
    early_peer,
    burst,
    order,
    same_number,
    restart,
    own_echo,
    closed_stream_noticed,
    slots_leak,
    plaintext_accepted,
    endless_line_refused,
    window_kept,
    hundred_streams,
    window_updates,
    iwant_answers,
    strange_ids_asked_for,
    prunes_remembered,
    largest_rpc,
    pings_by_itself,
    ghost_in_mesh,
    dial_seconds,
    dial_without_id,
    taken_port,
    shared_port,
    advertises_any,
    silence_locks_out,
    client_in_table,
    provider_without_address_kept,
    others_found_beside_oneself,
]


def run(scene: Callable[[], Awaitable[Any]]) -> Any:
    """Return what a scene returns, or the name of the exception that ended the loop."""

    async def limited() -> Any:
        with trio.fail_after(10):
            return await scene()

    try:
        return trio.run(limited)
    except Exception as error:  # noqa: BLE001
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        return f"ended by {type(error).__name__}"


if __name__ == "__main__":
    outcomes = {}
    for scene in SCENES:
        start = time.monotonic()
        outcomes[scene.__name__] = run(scene)
        if "-v" in sys.argv:
            sys.stderr.write(f"{time.monotonic() - start:.2f} {scene.__name__}: {outcomes[scene.__name__]}\n")
    sys.stdout.write(json.dumps(outcomes))
    sys.stdout.flush()
    os._exit(0)  # some of the library's threads would hold the end up
