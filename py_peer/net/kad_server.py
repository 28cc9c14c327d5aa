"""Kademlia for others: whom we know near a key, and who has told us that he provides it.

Not the library's handler (kad_dht/kad_dht.py, 0.8.1): twelve streams that say nothing lock everybody else out of it; it
puts whoever asks into its table, clients too; it drops a provider without addresses, as the Rust peer is one; and it
keeps as many keys as a stranger thinks up. Pinned by tests/net/test_kad_server.py.

Spec: https://github.com/libp2p/specs/blob/master/kad-dht/README.md#rpc-messages
"""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, final

import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStoreError
from multiaddr import Multiaddr

from py_peer.core import limits
from py_peer.core.addresses import without_zone
from py_peer.core.hearsay import announced_addresses
from py_peer.core.kademlia import Contact, K, Providers
from py_peer.core.ranges import Kind, kind_of
from py_peer.core.rates import Buckets
from py_peer.core.records import RecordRefusedError
from py_peer.net.connections import remote_ip
from py_peer.net.kad_messages import bounded, contact, entry, read_message, write_message
from py_peer.net.multiaddrs import without_peer
from py_peer.net.streams import OpenStreams, TooManyStreamsError

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
    from libp2p.abc import INetStream

    from py_peer.core.kademlia import RoutingTable
    from py_peer.net.kad_values import Values
    from py_peer.net.node import Node

_LOOPBACK: Final = (b"\x04\x7f", b"\x29" + bytes(15) + b"\x01")
"""What binary multiaddrs of 127.0.0.0/8 and ::1 begin with."""

ROOM_FOR_PROVIDERS: Final = limits.MAX_KAD_ANSWER_OUT // 2


class BadRequestError(Exception):
    """What is asked for is not given; the stream is reset, as the specification wants it."""


@final
class Server:
    """Answers requests, and keeps the records of providers; of values, by way of `Values`."""

    def __init__(self, node: Node, table: RoutingTable, values: Values) -> None:
        self._node = node
        self._table = table
        self._values = values
        self._own = node.host.get_id().to_bytes()
        self._open = OpenStreams()
        self._rates: Buckets[ID] = Buckets(
            limits.KAD_REQUESTS_PER_SECOND, limits.KAD_REQUEST_BURST, limits.MAX_TRACKED_PEERS
        )
        self.provided: frozenset[bytes] = frozenset()
        """The keys that we provide ourselves."""

        self.providers = Providers(
            per_key=limits.KAD_RECORDS_PER_KEY,
            per_peer=limits.KAD_RECORDS_PER_PEER,
            in_all=limits.KAD_RECORDS,
            seconds=limits.KAD_RECORD_SECONDS,
            address_seconds=limits.KAD_RECORD_ADDRESSES_SECONDS,
        )

    async def handle(self, stream: INetStream) -> None:
        """Answer the requests on one stream, one after the other. What else it raises is for `guarded`."""
        try:
            await self._serve(stream, stream.muxed_conn.peer_id)
        except (BadRequestError, TooManyStreamsError) as error:
            self._node.counters[f"ignored: Kademlia, {error}"] += 1
            await stream.reset()
        else:
            await stream.close()

    async def _serve(self, stream: INetStream, peer_id: ID) -> None:
        """Serve one stream to its end. Raises BadRequestError, TooManyStreamsError, or as `read_message` does."""
        with self._open.one_of(peer_id, limits.KAD_STREAMS_PER_PEER):
            while (request := await self._next(stream)) is not None:
                await self._wait_for_turn(peer_id)
                answer = self._answer(request, peer_id)
                if answer is not None:
                    with trio.fail_after(limits.KAD_ANSWER_TIMEOUT):
                        await write_message(stream, answer)

    async def _wait_for_turn(self, peer_id: ID) -> None:
        """Hold back one who asks too fast. Raises BadRequestError for one who would have to wait for long."""
        while not self._rates.take(peer_id, trio.current_time()):
            wait = self._rates.wait(peer_id, trio.current_time())
            if wait > limits.KAD_HELD_BACK:
                msg = "too many requests of one peer"
                raise BadRequestError(msg)
            await trio.sleep(wait)

    async def _next(self, stream: INetStream) -> Message | None:
        """Return the next request; None at the end of the stream, or when nothing comes."""
        with trio.move_on_after(limits.KAD_IDLE_SECONDS), suppress(StreamEOF):
            return await read_message(stream, limits.MAX_KAD_REQUEST)
        return None

    # --- What is asked ----------------------------------------------------------------------------

    def _answer(self, request: Message, asker: ID) -> Message | None:
        """Return the answer to a request, if it has one. Raises BadRequestError."""
        if request.type == Message.PING:
            return Message(type=Message.PING)
        if not 0 < len(request.key) <= limits.MAX_KAD_KEY:
            msg = "a key of no length or too long"
            raise BadRequestError(msg)
        if request.type == Message.ADD_PROVIDER:
            self._take_record(request, asker)
            return None  # Go and Rust write and go; an answer would stand before the next one on Go's stream
        if request.type == Message.PUT_VALUE:
            return self._take_value(request, asker)
        if request.type not in (Message.FIND_NODE, Message.GET_PROVIDERS, Message.GET_VALUE):
            msg = "a request of no known kind"
            raise BadRequestError(msg)
        answer = Message(type=request.type, key=request.key)
        if request.type == Message.GET_VALUE:
            self._values.add(answer)
        if request.type == Message.GET_PROVIDERS:
            self._add_providers(answer, request.key)
        closest = [near for near in self._table.closest(request.key, K + 1) if near.peer != asker.to_bytes()][:K]
        if request.type == Message.FIND_NODE and (target := self._find(request.key)):
            closest = [target, *(near for near in closest if near.peer != target.peer)]
        for near in closest:
            self._add(answer.closerPeers, near, answer, limits.MAX_KAD_ANSWER_OUT)
        return answer

    def _take_value(self, request: Message, sender: ID) -> Message:
        try:
            return self._values.take(request, sender)
        except RecordRefusedError as error:
            raise BadRequestError(error.kind) from None

    def _take_record(self, request: Message, sender: ID) -> None:
        """Keep that the sender provides a key. What one says of another is not taken."""
        said = [one for one in request.providerPeers if one.id == sender.to_bytes()]
        if not said:
            msg = "a provider record of somebody else"
            raise BadRequestError(msg)
        record = self._node.peers.records.get(sender)
        provider = replace(contact(said[0]), ip=remote_ip(record.address) if record else "")
        account = self._values.account(sender)
        forgotten = self.providers.add(bytes(request.key), provider, account, trio.current_time())
        if forgotten:
            self._node.counters["ignored: Kademlia, provider records that made room"] += forgotten

    def _add_providers(self, answer: Message, key: bytes) -> None:
        """Say who provides a key: ourselves first, of the others as many as there is room for, each time others."""
        found = self.providers.of(bytes(key), trio.current_time())
        random.shuffle(found)
        if key in self.provided:
            found.insert(0, self.ourselves())
        for one in found:
            full = one if one.addresses else self._find(one.peer) or one
            self._add(answer.providerPeers, full, answer, ROOM_FOR_PROVIDERS)

    def _add(
        self, entries: RepeatedCompositeFieldContainer[Message.Peer], found: Contact, answer: Message, most: int
    ) -> None:
        one = entry(found, connected=ID(found.peer) in self._node.peers.records)
        if answer.ByteSize() + one.ByteSize() < most - 8:  # for the lengths around it
            entries.append(one)

    # --- Who is where -----------------------------------------------------------------------------

    def ourselves(self) -> Contact:
        """Return us, with the addresses that others are told, without our ID in them: it stands beside them.

        Those that mean nothing elsewhere are told where there are no others: then those whom we reach are near, too.
        """
        told = announced_addresses(self._node.addresses, loopback=False) or self._node.addresses
        return Contact(self._own, bounded(without_peer(Multiaddr(one).to_bytes(), self._own) for one in told))

    def _find(self, peer: bytes) -> Contact | None:
        """Return a peer that somebody looks for, if we know where it is; it may be a client, or we."""
        return self.ourselves() if peer == self._own else self._table.get(peer) or self.known(peer)

    def known(self, peer: bytes) -> Contact | None:
        """Return a peer with the address at which it was reached and those that it told in identify.

        Loopback is among them only where the peer is on this machine.
        """
        peer_id = ID(peer)
        record = self._node.peers.records.get(peer_id)
        ip = remote_ip(record.address) if record else ""
        reached: list[bytes] = []
        if record and ip and not record.inbound and without_zone(record.address) == record.address:
            reached = [Multiaddr(record.address).to_bytes()]
        told: list[bytes] = []
        with suppress(PeerStoreError):
            told = [without_peer(one.to_bytes(), peer) for one in self._node.host.get_peerstore().addrs(peer_id)]
        if not (ip and kind_of(ip) is Kind.LOOPBACK):
            told = [one for one in told if not one.startswith(_LOOPBACK)]
        addresses = bounded(dict.fromkeys([*reached, *told]))
        return Contact(peer, addresses, ip) if addresses else None
