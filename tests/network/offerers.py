"""Strangers who offer files and send messages, well or badly: raw peers, whose every answer is the test's own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.identity.identify.pb.identify_pb2 import Identify

from py_peer.chatroom import CHAT_TOPIC
from py_peer.net.file_messages import FILE_EXCHANGE, Records, Request
from py_peer.service.offers import FILE_TOPIC
from tests.net.raw_peer import IDENTIFY_PROTOCOL, RawPeer, RawStream, raw_peer, signed
from tests.net.shelf import PIECE, leaves_of, record_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from libp2p.crypto.keys import KeyPair

    from tests.net.raw_peer import Handlers
    from tests.network.peers import Peer

    Handler = Callable[[RawStream], Awaitable[None]]

LISTENING: Final = b"\x04\x7f\x00\x00\x01\x06\x00\x01"
"""/ip4/127.0.0.1/tcp/1, where nobody answers."""


class Offerer:
    """A stranger in the room."""

    def __init__(self, peer: RawPeer, gossip: RawStream) -> None:
        self.id = str(peer.id)
        self.peer = peer
        self._gossip = gossip
        self._said = 0

    async def say(self, data: bytes, topic: str = CHAT_TOPIC) -> None:
        self._said += 1
        await self._gossip.send_rpc(publish=[signed(self.peer.key_pair, topic, data, self._said)])

    async def offer(self, *file_ids: str) -> None:
        for file_id in file_ids:
            await self.say(file_id.encode(), FILE_TOPIC)


@asynccontextmanager
async def offerer(
    host: Peer, answers: Mapping[str, Handler], key_pair: KeyPair | None = None
) -> AsyncIterator[Offerer]:
    """Come to a program as a peer who speaks these protocols and no other, and join its room."""

    async def identify(stream: RawStream) -> None:
        message = Identify(protocols=list(answers), listen_addrs=[LISTENING])
        await stream.write_frame(message.SerializeToString())
        await stream.finish()

    handlers: Handlers = {IDENTIFY_PROTOCOL: identify, **answers}
    async with raw_peer(host.port, key_pair or create_new_key_pair(), handlers) as peer:
        yield Offerer(peer, await peer.join(CHAT_TOPIC, FILE_TOPIC))


class Library:
    """Files of a stranger, served by our own protocol as they should be; the methods are for strangers to override."""

    def __init__(self, key_pair: KeyPair, files: Mapping[str, tuple[str, bytes]]) -> None:
        """`files` are names and bodies by ID."""
        self.bodies = {file_id: body for file_id, (_, body) in files.items()}
        self.records = {
            file_id: record_of(key_pair, body, file_id=file_id, name=name) for file_id, (name, body) in files.items()
        }

    @property
    def answers(self) -> dict[str, Handler]:
        return {FILE_EXCHANGE: self.serve}

    async def serve(self, stream: RawStream) -> None:
        while True:
            request: Any = Request.FromString(await stream.read_frame())
            if request.HasField("list"):
                await self.describe(stream, *self.records)
            elif request.HasField("describe"):
                await self.describe(stream, request.describe)
            elif request.HasField("leaves"):
                await self.leaves(stream, self.find(request.leaves))
            else:
                await self.pieces(stream, self.find(request.pieces.root), request.pieces)

    def find(self, root: bytes) -> bytes:
        return next(self.bodies[file_id] for file_id, record in self.records.items() if record.root == root)

    async def describe(self, stream: RawStream, *file_ids: str) -> None:
        envelopes = [self.records[file_id].envelope for file_id in file_ids]
        await stream.write_frame(Records(records=envelopes).SerializeToString())

    async def leaves(self, stream: RawStream, body: bytes) -> None:
        await stream.write_frame(leaves_of(body))

    async def pieces(self, stream: RawStream, body: bytes, asked: Any) -> None:
        for number in range(asked.first, asked.first + asked.count):
            await stream.write_frame(body[number * PIECE : (number + 1) * PIECE])
