"""Walks to a key of Kademlia: every one of the 20 closest is asked, in turns of three, with deadlines.

The library's walk (0.8.1) ends at the first answer that brings nobody closer, asks whoever is connected, and dials whom
it is told of, at any address, by itself, and then not again for a minute (kad_dht/peer_routing.py:225, :305,
network/swarm.py:114). Here others are reached only through the one who dials for all ways of finding peers (`Reach`).

Spec: https://github.com/libp2p/specs/blob/master/kad-dht/README.md
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.peer.id import ID

from py_peer.core import limits
from py_peer.core.findings import Finding, Source
from py_peer.core.kademlia import Walk, is_multihash
from py_peer.net.connections import remote_ip
from py_peer.net.counters import is_garbage
from py_peer.net.dial import DialError, NotNowError
from py_peer.net.kad_messages import peers, read_message, where, write_message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    from libp2p.custom_types import TProtocol

    from py_peer.core.addresses import DialAddress
    from py_peer.core.kademlia import RoutingTable
    from py_peer.net.node import Node

    Reach = Callable[[Finding], Awaitable[object]]
    """Connects to a peer if the rules of dialling allow it. Raises DialError when it does not come about, and of those
    NotNowError when that says nothing of the peer."""

    Answered = Callable[["Answer"], Awaitable[None]]

_SILENCES: Final = 2
"""So often in a row a connected peer gives no answer; then it leaves the table, or, if what it was asked for are the
providers of a key that is no multihash, is not asked for such again. Once anybody may be late."""


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """What one of those whom a walk has asked says."""

    peer: bytes
    message: Message
    closer: Mapping[bytes, tuple[DialAddress, ...]]
    """Whom it knows closer to the key, and where those can be dialled."""

    teller_ip: str


@final
class Walker:
    """Asks those whom it hears of, and keeps those connections down."""

    def __init__(self, node: Node, table: RoutingTable, reach: Reach, protocol: TProtocol) -> None:
        self._node = node
        self._table = table
        self._reach = reach
        self._protocol = protocol
        self._own = node.host.get_id().to_bytes()
        self.stirred = trio.Event()
        """Set, and made anew, when the table changes, or a peer has said what it speaks."""

        self._silent: dict[ID, int] = {}
        self._mute: dict[ID, int] = {}
        """Who is connected and gives no answer, and how often in a row; apart from it, about keys that are no
        multihashes: js-libp2p (kad-dht 15.1) never does."""

        self._reached: dict[ID, None] = {}
        """Who is connected because a walk had to ask him; who was asked last stands last."""

        self._reaching: dict[ID, _Dialling] = {}
        """Who is being dialled for a walk."""

    def gone(self, peer_id: ID) -> None:
        """Take note that a peer has no connection any more."""
        self._reached.pop(peer_id, None)
        self._silent.pop(peer_id, None)
        self._mute.pop(peer_id, None)

    def is_here(self, peer: bytes) -> bool:
        """Say whether a peer is connected."""
        return ID(peer) in self._node.peers.records

    def stir(self) -> None:
        """Let those look who wait for something to change."""
        self.stirred.set()
        self.stirred = trio.Event()

    async def walk(
        self,
        kind: Message.MessageType,
        key: bytes,
        answered: Answered | None = None,
        seconds: float = limits.KAD_WALK_TIMEOUT,
        patient: Callable[[], bool] = lambda: False,
    ) -> Walk:
        """Ask those who are close to a key until all of the 20 closest have answered, for so many seconds at most.

        `answered` is told of each answer when it comes. When all others have answered, those who could not be dialled
        just then are tried again while it is `patient`, for limits.KAD_PATIENCE.
        """
        walking = _Walking(Walk(key, limits.KAD_WALK_PEERS), Message(type=kind, key=key), answered)
        # Each has told us himself where he is. Not all of them may be dialled just now, so more are at hand than count.
        for contact in self._table.closest(key, limits.KAD_WALK_PEERS):
            at = {contact.peer: where(contact.peer, contact.addresses)}
            walking.hear(at, filter(self.is_here, at), str(ID(contact.peer)), contact.ip)
        with trio.move_on_after(seconds):
            async with trio.open_nursery() as nursery:
                for _ in range(limits.KAD_AT_ONCE):
                    nursery.start_soon(self._ask_in_turn, walking, nursery.cancel_scope)
            until = trio.current_time() + limits.KAD_PATIENCE

            def goes_on() -> bool:
                return patient() and trio.current_time() < until

            while walking.walk.unasked and goes_on():
                await trio.sleep(limits.KAD_AGAIN_SECONDS)
                turns = itertools.takewhile(lambda _: goes_on(), range(walking.walk.unasked))
                async with trio.open_nursery() as nursery:
                    for _ in range(limits.KAD_AT_ONCE):
                        nursery.start_soon(self._ask_again, walking, turns)
        return walking.walk

    async def tell(self, message: Message, peers: Iterable[bytes]) -> list[tuple[bytes, Message]]:
        """Send a request to some peers, who are connected; return who has taken it, and what each has answered."""
        answers = list[tuple[bytes, Message]]()

        async def tell_one(peer: bytes) -> None:
            answer = await self.say(ID(peer), message)
            if answer is not None:
                answers.append((peer, answer))

        with trio.move_on_after(limits.KAD_TELL_TIMEOUT):
            async with trio.open_nursery() as nursery:
                for peer in peers:
                    nursery.start_soon(tell_one, peer)
        return answers

    async def _ask_in_turn(self, walking: _Walking, walk: trio.CancelScope) -> None:
        """Ask one after the other. Those who are dialled in vain when all others have answered do not hold it up."""
        while True:
            if (peer := walking.walk.next()) is not None:
                walking.asking.add(peer)
                try:
                    await self._ask(walking, peer)
                finally:
                    walking.asking.discard(peer)
                    walking.stir()
            elif walking.asking:
                with trio.move_on_after(limits.KAD_LAST_DIALS_SECONDS) as patience:
                    await walking.stirred.wait()
                if patience.cancelled_caught and walking.walk.answers and not any(map(self.is_here, walking.asking)):
                    for gone in walking.asking:
                        self._drop(gone)
                    walk.cancel()
            else:
                return

    async def _ask_again(self, walking: _Walking, turns: Iterator[int]) -> None:
        """Ask those who were put off, each once, and those of whom they tell."""
        for _ in turns:
            if (peer := walking.walk.again()) is None:
                break
            await self._ask(walking, peer)
        while (peer := walking.walk.next()) is not None:
            await self._ask(walking, peer)

    async def _ask(self, walking: _Walking, peer: bytes) -> None:
        peer_id = ID(peer)
        is_bare = walking.is_bare
        if is_bare and self._mute.get(peer_id, 0) >= _SILENCES:
            walking.walk.failed(peer)
            return
        try:
            answer = await self.say(peer_id, walking.request, walking.heard[peer])
        except NotNowError:
            walking.walk.put_off(peer)  # and it stays in the table
            return
        if answer is None:
            walking.walk.failed(peer)
            silences = self._mute if is_bare else self._silent
            if self.is_here(peer):
                silences[peer_id] = silences.get(peer_id, 0) + 1
            if not self.is_here(peer) or (not is_bare and silences[peer_id] >= _SILENCES):
                self._drop(peer)
            return
        (self._mute if is_bare else self._silent).pop(peer_id, None)
        walking.walk.answered(peer)
        record = self._node.peers.records.get(peer_id)
        teller_ip = remote_ip(record.address) if record else ""
        closer = {near: at async for near, at in peers(answer.closerPeers, limits.KAD_WALK_PEERS) if near != self._own}
        connected = [bytes(near.id) for near in answer.closerPeers if near.connection == Message.CONNECTED]
        walking.hear(closer, connected, str(peer_id), teller_ip)
        if walking.told is not None:
            await walking.told(Answer(peer, answer, closer, teller_ip))

    async def say(self, peer_id: ID, request: Message, finding: Finding | None = None) -> Message | None:
        """Send a request to a peer and return the answer; None if there is none. Who is told a provider gives none.

        One who is not connected is reached where `finding` says that he is. Raises NotNowError if that has to wait.
        """
        try:
            if finding is not None and peer_id not in self._node.peers.records:
                await self._be_connected(peer_id, finding)
            await self._make_room(peer_id)
            with trio.fail_after(limits.KAD_ANSWER_TIMEOUT):
                stream = await self._node.host.new_stream(peer_id, [self._protocol])
                try:
                    await write_message(stream, request)
                    if request.type == Message.ADD_PROVIDER:
                        return request
                    return await read_message(stream, limits.MAX_KAD_ANSWER)
                finally:
                    with trio.CancelScope(shield=True), trio.move_on_after(limits.CLOSE_TIMEOUT):
                        await stream.close()  # a reset could overtake what was written
        except NotNowError:
            raise
        except DialError:
            return None
        except Exception as error:  # noqa: BLE001 - whatever it was, there is no answer
            self._node.counters.caught(f"Kademlia with {peer_id}", error)
            if is_garbage(error):
                self._node.bans.strike(peer_id, "its answers to Kademlia requests cannot be read")
                self._drop(peer_id.to_bytes())
            return None

    def _drop(self, peer: bytes) -> None:
        self._table.drop(peer)
        self.stir()

    async def _be_connected(self, peer_id: ID, finding: Finding) -> None:
        """Reach a peer; of several walks that want it at one moment one does. Raises DialError, NotNowError.

        Else those that are begun together would be refused by the limit on how often an address is dialled, and what
        they put would be kept by whom we knew before alone.
        """
        if (other := self._reaching.get(peer_id)) is not None:
            await other.over.wait()
            if peer_id not in self._node.peers.records:
                raise (NotNowError if other.may_be_there else DialError)("it was dialled just now, in vain")
            return
        dialling = self._reaching[peer_id] = _Dialling()
        try:
            await self._reach(finding)
            self._reached[peer_id] = None
        except NotNowError:
            raise
        except DialError:
            dialling.may_be_there = False
            raise
        finally:
            del self._reaching[peer_id]
            dialling.over.set()

    async def _make_room(self, asked: ID) -> None:
        """Of those whom walks have reached, when they are too many, let go of the one who was not asked for longest.

        Members of the room stay.
        """
        if asked in self._reached:
            del self._reached[asked]
            self._reached[asked] = None
        if len(self._reached) > limits.KAD_CONNECTIONS:
            oldest = next(iter(self._reached))
            del self._reached[oldest]
            if oldest not in self._node.pubsub.room():
                await self._node.disconnect(oldest)


@final
class _Dialling:
    """A dial that several walks wait for."""

    def __init__(self) -> None:
        self.over = trio.Event()
        self.may_be_there = True
        """Whether it says nothing of the peer that it has failed, as in NotNowError."""


@final
class _Walking:
    """A walk under way."""

    def __init__(self, walk: Walk, request: Message, told: Answered | None) -> None:
        self.walk = walk
        self.request = request
        self.told = told
        self.is_bare = request.type == Message.GET_PROVIDERS and not is_multihash(request.key)
        self.heard: dict[bytes, Finding] = {}
        """Of whom we have heard, where he should be, and who says so first."""

        self.asking: set[bytes] = set()
        self.stirred = trio.Event()

    def hear(
        self,
        addresses: Mapping[bytes, tuple[DialAddress, ...]],
        connected: Iterable[bytes],
        teller: str,
        teller_ip: str,
    ) -> None:
        for peer in self.walk.hear(addresses, [peer for peer in connected if peer in addresses]):
            self.heard[peer] = Finding(str(ID(peer)), addresses[peer], Source.KADEMLIA, teller, teller_ip)
        self.stir()

    def stir(self) -> None:
        self.stirred.set()
        self.stirred = trio.Event()
