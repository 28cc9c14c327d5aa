"""Examples of docs/wire.md that are said to somebody: what our code writes on a stream, or queues for a peer.

There is nothing under the streams: they have what the other side says, and note what ours does.
"""

from __future__ import annotations

import random
from collections import Counter
from contextlib import ExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast
from unittest.mock import patch

import trio
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.peer import peer_record as library_record
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V12
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.utils import encode_varint_prefixed
from multiaddr import Multiaddr

from py_peer import __version__
from py_peer.chatroom import CHAT_TOPIC, PUBSUB_DISCOVERY_TOPIC
from py_peer.core.announcement import NICK_TOPIC
from py_peer.core.commits import commit_id
from py_peer.net import commit_exchange, direct, identify
from py_peer.net.author import Author
from py_peer.net.counters import Counters
from py_peer.net.file_exchange import Source
from py_peer.net.gossip import LARGE, Router
from py_peer.net.gossip_streams import _frames
from py_peer.net.mesh import DEGREE_HIGH
from py_peer.net.message_cache import message_id
from py_peer.net.named_files import NameServer, open_named
from py_peer.net.peer_queue import PeerQueue
from py_peer.net.pubsub import RoomPubsub
from py_peer.net.seen import SeenCache
from py_peer.net.served import Pace, Turns
from py_peer.net.sister_files import SisterServer, open_fetch
from py_peer.service.offers import FILE_TOPIC

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from libp2p.abc import INetStream

TOPICS: Final = frozenset({CHAT_TOPIC, PUBSUB_DISCOVERY_TOPIC, NICK_TOPIC, FILE_TOPIC})
"""What every peer of ours that is in the room subscribes to."""

KEYS: Final = create_new_key_pair(bytes(range(32)))
PEER: Final = ID.from_pubkey(KEYS.public_key)
OTHER_KEYS: Final = create_new_key_pair(bytes(range(32, 64)))
OTHER: Final = ID.from_pubkey(OTHER_KEYS.public_key)
NUMBER: Final = 0x18_9A_BC_DE_F0_12_34_56
"""The sequence number of the message."""

WHEN: Final = 1_700_000_000_000
FILE_ID: Final = "0b6c2c5e-7b1d-4a2f-9a39-4f2d4c7f7e10"
NAME: Final = "a.txt"
ADDRESS: Final = "/ip4/192.0.2.7/tcp/4001"
SEEN: Final = "/ip4/198.51.100.9/tcp/50000"
PROTOCOLS: Final = ("/ipfs/id/1.0.0", "/meshsub/1.2.0")


class Stream:
    """A stream on which the other side has said `heard`; what is written on it is in `said`."""

    def __init__(self, heard: bytes = b"") -> None:
        self.muxed_conn = SimpleNamespace(peer_id=OTHER, where=SEEN, is_closed=False)
        self.muxed_stream = None
        self.said = b""
        self.was_reset = False
        self._heard = heard

    async def write(self, data: bytes) -> None:
        self.said += data

    async def read(self, most: int) -> bytes:
        data, self._heard = self._heard[:most], self._heard[most:]
        return data

    async def close(self) -> None:
        """Nothing is to be closed."""

    async def close_write(self) -> None:
        """Nothing is to be closed."""

    async def reset(self) -> None:
        self.was_reset = True


def _host(stream: Stream) -> Any:
    store = PeerStore()

    async def new_stream(*_: object) -> Stream:
        return stream

    return SimpleNamespace(
        get_private_key=lambda: KEYS.private_key,
        get_public_key=lambda: KEYS.public_key,
        get_id=lambda: PEER,
        get_addrs=lambda: [Multiaddr(ADDRESS)],
        get_peerstore=lambda: store,
        get_mux=lambda: SimpleNamespace(get_protocols=lambda: PROTOCOLS),
        new_stream=new_stream,
    )


def _said(talk: Callable[[Any, Stream], Awaitable[object]], heard: bytes = b"") -> bytes:
    """Return what we say on a stream, in version 0.1.0 at the moment WHEN."""
    stream = Stream(heard)
    with ExitStack() as stack:
        for module, name in ((identify, "AGENT_VERSION"), (direct, "_CLIENT")):
            stack.enter_context(patch.object(module, name, getattr(module, name).replace(__version__, "0.1.0")))
        stack.enter_context(patch("time.time", lambda: WHEN / 1_000))
        stack.enter_context(patch.object(library_record, "timestamp_seq", lambda: WHEN * 1_000_000))
        trio.run(talk, _host(stream), stream)
    assert not stream.was_reset
    return stream.said


def identified() -> bytes:
    return _said(lambda host, stream: identify.identify_handler(host)(cast("INetStream", stream)))


def subscribed() -> bytes:
    """Return the first RPC on a stream of ours."""

    async def opened(host: Any, stream: Stream) -> None:
        del stream
        pubsub: Any = SimpleNamespace(host=host, protocols=[PROTOCOL_ID_V12], topic_ids=sorted(TOPICS))
        pubsub.get_hello_packet = lambda: Pubsub.get_hello_packet(pubsub)  # which ours asks when there are topics
        await RoomPubsub._open(pubsub, OTHER)

    return _said(opened)


def file_asked_for() -> bytes:
    async def asked(host: Any, stream: Stream) -> None:
        del stream
        assert (await open_fetch(host, OTHER, FILE_ID)).size == len(b"hello")

    return _said(asked, b"\x05")


def _file_of(body: bytes) -> Any:
    """Return a file that has these bytes, as the servers see it."""

    async def is_fit() -> bool:
        return True

    async def read(places: Any) -> None:
        for start, view in places:
            view[:] = body[start : start + len(view)]

    return SimpleNamespace(
        offered=True, fault="", is_fit=is_fit, read=read, record=SimpleNamespace(size=len(body), file_id=FILE_ID)
    )


def _shelf(file: Any) -> Any:
    return SimpleNamespace(
        counters=Counters(),
        turns=Turns(),
        pace=Pace(),
        find=lambda asked: [file] if asked == FILE_ID else [],
        by_name=lambda asked: file if asked == NAME else None,
        served=lambda *_: None,
    )


def file_sent(body: bytes) -> bytes:
    """Return what is answered to who asks for a file that has these bytes."""

    async def served(host: Any, stream: Any) -> None:
        del host
        await SisterServer(_shelf(_file_of(body))).handle(stream)

    return _said(served, encode_varint_prefixed(FILE_ID.encode()))


def named_asked_for() -> bytes:
    async def asked(host: Any, stream: Stream) -> None:
        del stream
        assert (await open_named(host, OTHER, NAME)).size == len(b"hello")

    return _said(asked, b"\x45hello")


def named_sent(body: bytes) -> bytes:
    """Return what is answered to who asks by name for a file that has these bytes."""

    async def served(host: Any, stream: Any) -> None:
        del host
        await NameServer(_shelf(_file_of(body))).handle(stream)

    return _said(served, named_asked_for())


def described() -> bytes:
    """Return what is asked of a py-peer that has no such file."""
    return _said(lambda _, stream: Source(cast("INetStream", stream), OTHER).describe(FILE_ID), b"\x00")


def direct_message(heard: bytes) -> bytes:
    """Return what is sent as a direct message to who answers with `heard`."""
    return _said(lambda host, _: direct.send(host, OTHER, "hello", WHEN), heard)


def direct_answer(heard: bytes) -> bytes:
    """Return the answer to a direct message that is taken."""
    receiver = direct.Receiver(lambda message: "" if message.text == "hello" else "it is another")
    return _said(lambda _, stream: receiver.handle(cast("INetStream", stream)), heard)


# --- Commits --------------------------------------------------------------------------------------

COMMIT: Final = b"""\
tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904
author Ada <ada@example.org> 1700000000 +0000
committer Ada <ada@example.org> 1700000000 +0000

Empty
"""
COMMIT_ID: Final = commit_id(COMMIT, "sha1")


def commit_asked_for() -> bytes:
    """Return what is sent to ask for a commit."""
    answer = commit_exchange.Answer(status=commit_exchange.GIVEN, id=COMMIT_ID).SerializeToString()
    asked = COMMIT_ID[:12]
    return _said(lambda host, _: commit_exchange.ask_for_commit(host, OTHER, asked), encode_varint_prefixed(answer))


def commit_given() -> bytes:
    """Return the answer to who asks for it."""
    server = commit_exchange.CommitServer(lambda _: [commit_exchange.GivenCommit(COMMIT_ID, COMMIT, b"")])
    return _said(lambda _, stream: server.handle(cast("INetStream", stream)), commit_asked_for())


# --- Gossip ---------------------------------------------------------------------------------------


def author(keys: Any = KEYS) -> Author:
    """Return one whose next message has the number of the examples."""
    host: Any = SimpleNamespace(
        get_private_key=lambda: keys.private_key,
        get_public_key=lambda: keys.public_key,
        get_id=lambda: ID.from_pubkey(keys.public_key),
    )
    made = Author(host)
    made.counter = NUMBER - 1
    return made


def message() -> rpc_pb2.Message:
    return author().message(CHAT_TOPIC, b"hello")


def _queued(others: int, act: Callable[[Any], Awaitable[object]]) -> bytes:
    """Have a router whose topic so many others have joined do something; return the first RPC to the first of them."""

    async def scene() -> bytes:
        router: Any = Router(Counters())
        there = [OTHER, *(ID.from_pubkey(create_new_key_pair().public_key) for _ in range(others - 1))]
        router.attach(
            SimpleNamespace(
                my_id=PEER,
                peer_topics={CHAT_TOPIC: set(there)},
                peer_queues={one: PeerQueue(Counters()) for one in there},
                seen_messages=SeenCache(10),
            )
        )
        router.mesh[CHAT_TOPIC] = set()
        for one in there:
            router.add_peer(one, PROTOCOL_ID_V12)
        await act(router)
        return _frames(router.pubsub.peer_queues[OTHER].pop_waiting(), PeerQueue(Counters()))

    return trio.run(scene)


def published() -> bytes:
    return _queued(1, lambda router: router.publish(PEER, message()))


def grafted() -> bytes:
    async def act(router: Any) -> None:
        router.mcache.put(message())
        router.mesh_heartbeat()

    return _queued(1, act)


def asked_for() -> bytes:
    gossip = rpc_pb2.ControlIHave(topicID=CHAT_TOPIC, messageIDs=[message_id(message())])
    return _queued(1, lambda router: router.handle_ihave(gossip, OTHER))


def pruned() -> bytes:
    async def act(router: Any) -> None:
        router.mesh[CHAT_TOPIC] = set(router.pubsub.peer_queues)
        with patch.object(random, "sample", lambda peers, count: [OTHER, *peers][:count]):
            router.mesh_heartbeat()
        assert Counter(map(len, router.pubsub.peer_queues.values())) == {0: DEGREE_HIGH, 1: 1}

    return _queued(DEGREE_HIGH + 1, act)


def unwanted() -> bytes:
    """Return what is said of a large message, when it comes from somebody else, to another in the mesh."""

    async def act(router: Any) -> None:
        router.mesh[CHAT_TOPIC] = {OTHER}
        sender = create_new_key_pair()
        large = author(sender).message(CHAT_TOPIC, bytes(LARGE))
        await router.publish(ID.from_pubkey(sender.public_key), large)

    return _queued(1, act)
