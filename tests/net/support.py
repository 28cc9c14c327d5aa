"""What the tests of the network share: a deadline for each test, an observer that remembers, a node with ears."""

from __future__ import annotations

import functools
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import trio

from py_peer.core.addresses import DialAddress
from py_peer.core.settings import Transports
from py_peer.net.node import open_node
from tests.net.raw_peer import raw_peer, signed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

    from libp2p.crypto.keys import KeyPair
    from libp2p.peer.id import ID
    from libp2p.pubsub.pb import rpc_pb2

    from py_peer.net.connections import PeerRecord
    from py_peer.net.node import Node
    from py_peer.net.pubsub import Board

ROOM = "room"
DISCOVERY = "discovery"
DEADLINE = 20.0


def trio_test(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test in trio, under a deadline."""

    @functools.wraps(test)
    def run(**arguments: Any) -> None:
        async def limited() -> None:
            with trio.fail_after(DEADLINE):
                await test(**arguments)

        try:
            trio.run(limited)
        except BaseExceptionGroup as group:
            # What failed, without the nurseries around it.
            failures = [leaf for leaf in leaves(group) if not isinstance(leaf, trio.Cancelled)]
            raise failures[0] from None

    return run


@contextmanager
def naming(scene: str) -> Iterator[None]:
    """Say in which of several scenes on one node a test failed."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"in the scene: {scene}")
        raise


def leaves(group: BaseException) -> list[BaseException]:
    """Return the exceptions of a group and of the groups in it."""
    if isinstance(group, BaseExceptionGroup):
        return [leaf for inner in group.exceptions for leaf in leaves(inner)]
    return [group]


async def until(condition: Callable[..., object], patience: float = 15.0) -> None:
    """Wait until `condition()` holds. Raises trio.TooSlowError after `patience` seconds."""
    with trio.fail_after(patience):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await trio.sleep(0.005)


@dataclass
class Recorder:
    """An observer that writes down what it is told, in order."""

    told: list[tuple[str, Any]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    """Why peers were banned."""

    silences: list[float] = field(default_factory=list)
    moved: Callable[[ID], None] = lambda _: None
    """Told who has come or gone."""

    def peer_up(self, record: PeerRecord) -> None:
        self.told.append(("up", record.peer_id))
        self.moved(record.peer_id)

    def peer_moved(self, record: PeerRecord) -> None:
        self.told.append(("moved", record.address))

    def peer_down(self, record: PeerRecord) -> None:
        self.told.append(("down", record.peer_id))
        self.moved(record.peer_id)

    def identified(self, record: PeerRecord) -> None:
        self.told.append(("identified", record))

    def pinged(self, record: PeerRecord) -> None:
        self.told.append(("pinged", record.peer_id))

    def room_changed(self, joined: frozenset[ID], left: frozenset[ID]) -> None:
        self.told.extend(("joined", peer_id) for peer_id in joined)
        self.told.extend(("left", peer_id) for peer_id in left)

    def topics_changed(self) -> None:
        pass

    def silent(self, peer_id: ID, seconds: float) -> None:
        self.told.append(("silent", peer_id))
        self.silences.append(seconds)

    def banned(self, peer_id: ID, reason: str) -> None:
        self.told.append(("banned", peer_id))
        self.reasons.append(reason)

    def addresses_changed(self, addresses: tuple[str, ...]) -> None:
        self.told.append(("addresses", addresses))

    def remarked(self, text: str) -> None:
        self.told.append(("remarked", text))

    def names(self, peer_id: ID) -> list[str]:
        """What happened to one peer, without pings and identify."""
        moves = ("up", "down", "joined", "left", "banned")
        return [what for what, who in self.told if who == peer_id and what in moves]

    def count(self, what: str) -> int:
        return sum(1 for name, _ in self.told if name == what)


@dataclass
class Member:
    """A node in the room, and what it has heard there."""

    node: Node
    seen: Recorder
    heard: list[rpc_pb2.Message] = field(default_factory=list)
    listening: trio.Event = field(default_factory=trio.Event)
    """Set from the start; a test that puts one in its place that is not set makes the reader fall behind."""

    @property
    def id(self) -> ID:
        return self.node.host.get_id()

    @property
    def port(self) -> int:
        return self.node.port

    @property
    def address(self) -> DialAddress:
        return self.address_at("127.0.0.1")

    def address_at(self, host: str) -> DialAddress:
        return dial_address(host, self.port, str(self.id))

    def texts(self) -> list[bytes]:
        return [message.data for message in self.heard]

    async def say(self, text: bytes) -> None:
        await self.node.pubsub.publish(ROOM, text)

    async def dial(self, other: Member) -> None:
        """Connect, and wait until each can speak to the other."""
        await self.node.dial(other.address)
        await together(self, other)

    def counts(self, *names: str) -> list[int]:
        return [self.node.counters[name] for name in names]


def dial_address(host: str, port: int, peer_id: str | None = None, kind: str = "") -> DialAddress:
    kind = kind or ("ip6" if ":" in host else "ip4")
    return DialAddress(f"/{kind}/{host}/tcp/{port}", kind, host, port, peer_id)


async def together(*members: Member) -> None:
    """Wait until every member can speak to every other."""
    ids = {member.id for member in members}
    await until(lambda: all(member.node.pubsub.room() >= ids - {member.id} for member in members))


@asynccontextmanager
async def member(
    *,
    key_pair: KeyPair | None = None,
    port: int = 0,
    loopback: bool = False,
    admit: Callable[[bytes], bool] = lambda _: True,
    boards: Mapping[str, Board] = MappingProxyType({}),
    stock: bool = False,
    transports: Transports | None = None,
) -> AsyncIterator[Member]:
    """Run a node that has joined the room and listens."""
    seen = Recorder()
    async with open_node(
        room_topic=ROOM,
        observer=seen,
        admit=admit,
        transports=Transports(port=port, loopback=loopback, stock=stock) if transports is None else transports,
        key_pair=key_pair,
        boards=boards,
    ) as node:
        subscription = await node.pubsub.subscribe(ROOM)
        await node.pubsub.subscribe(DISCOVERY)
        one = Member(node, seen)
        async with trio.open_nursery() as nursery:
            one.listening.set()
            nursery.start_soon(_listen, subscription, one)
            yield one
            nursery.cancel_scope.cancel()


async def _listen(subscription: Any, one: Member) -> None:
    while True:
        await one.listening.wait()
        one.heard.append(await subscription.get())


async def still_hears(one: Member) -> None:
    """Prove that a node lives: an honest stranger comes, joins the room, and is heard."""
    before = len(one.heard)
    async with raw_peer(one.port) as honest:
        gossip = await honest.join(ROOM)
        await gossip.send_rpc(publish=[signed(honest.key_pair, ROOM, b"are you there?", 1)])
        await until(lambda: b"are you there?" in one.texts()[before:])
